"""The planner with Qwen2.5-VL on a GPU against the same planner on the CPU."""

import copy

import pytest
import torch

from bench.planner_stages import CASES, Requests, equality, make_model, planner_on, results_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.gpu
def test_candidates_are_those_of_the_cpu_within_bfloat16(tmp_path):
    model = make_model("tiny", torch.device("cpu"), tmp_path / "tokenizer")
    requests = Requests(128, 16)
    expected = results_of(planner_on(copy.deepcopy(model), torch.device("cpu")), requests)
    planner = planner_on(model, torch.device("cuda"))
    figures = equality(results_of(planner, requests), expected)
    assert all(value > 0.999 for name, value in figures.items() if name.startswith("cosine"))
    assert figures["vertices_mean_mm"] < 1.0 < figures["candidates_spread_mm"]
    plans = [planner.plan(*requests.make(CASES[1], 0)) for _ in range(2)]
    assert [len(plan.grasps) for plan in plans] == [16, 16]
    assert plans[0].timings["encode_views"] > 0
