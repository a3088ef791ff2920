"""The planner's benchmark measures every stage of a plan, and tells results apart."""

import json

import pytest
import torch

from bench.planner_stages import CASES, Requests, equality, main, make_model, planner_on, results_of

CPU = torch.device("cpu")
STAGES = {"preprocess", "views", "language", "geometry", "fusion", "flow", "other", "rank"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_model("tiny", CPU, tmp_path_factory.mktemp("planner") / "tokenizer")


def test_cases_differ_in_what_their_names_say():
    requests = Requests(64, 4)
    pictures = {
        case: [requests.make(case, number)[0].views["front"].tobytes() for number in range(3)] for case in CASES
    }
    texts = {case: {requests.make(case, number)[1].instruction for number in range(4)} for case in CASES}
    assert [len(set(pictures[case])) for case in CASES] == [3, 1, 1]
    assert [len(texts[case]) for case in CASES] == [1, 4, 1]


def test_results_are_those_of_the_planner_and_differ_with_the_model(model):
    requests = Requests(128, 4)
    found = results_of(planner_on(model, CPU), requests)
    same = equality(results_of(planner_on(model, CPU), requests), found)
    assert same["cosine of semantic vector"] == pytest.approx(1.0)
    assert (same["vertices_mean_mm"], same["vertices_largest_mm"]) == (0, 0)
    assert same["candidates_spread_mm"] > 5
    other = {name: values + 0.001 * (name == "vertices") for name, values in found.items()}
    assert equality(other, found)["vertices_mean_mm"] == pytest.approx(1e3 * 0.001 * 3**0.5, rel=1e-4)
    turned = {name: -values if name == "fused features" else values for name, values in found.items()}
    assert equality(turned, found)["cosine of fused features"] == pytest.approx(-1.0)


def test_the_command_writes_every_case_and_stage(tmp_path):
    file = tmp_path / "results" / "stages.json"
    main(["--shape", "tiny", "--calls", "2", "--candidates", "4", "--json", str(file)])
    written = json.loads(file.read_text())
    assert list(written["cases"]) == list(CASES)
    for case in written["cases"].values():
        assert set(case["stages_ms"]) == STAGES
        for times in (case["total_ms"], *case["stages_ms"].values()):
            assert 0 < times["p50"] <= times["p95"] <= times["p99"]
    assert written["against_cpu"]["vertices_largest_mm"] == 0
    assert written["machine"]["torch"] == torch.__version__
