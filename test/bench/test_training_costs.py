"""The cost tables of docs/training.md are those that the code makes, and what they are made of hangs together."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.known_gpus import KNOWN_GPUS, known_gpu
from bench.qwen_shapes import QWEN_3B
from bench.step_costs import FULL_TUNING, OURS, PLAIN_RECIPE, StepCosts
from bench.training_costs import all_tables, available_bytes, days, main, step_seconds, with_tables

DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"
COSTS = StepCosts.of(QWEN_3B)


def test_the_document_has_the_tables_as_they_are_made():
    text = DOCUMENT.read_text()
    assert with_tables(text, all_tables()) == text


def test_a_table_without_a_place_is_refused():
    with pytest.raises(ValueError, match="0 places for the table 'costs of a step'"):
        with_tables("nothing", all_tables())


def test_the_command_renews_a_document(tmp_path, capsys):
    document = tmp_path / "costs.md"
    document.write_text(
        "".join(f"<!-- {name}: made by bench/training_costs.py -->\n<!-- end -->\n" for name in all_tables())
    )
    main(["--write", str(document)])
    assert "| H200 141 GB |" in document.read_text()
    assert "| H200 141 GB |" in capsys.readouterr().out


def test_operations_of_a_step_are_the_known_ones():
    """Six pictures and 460 tokens: 2.0 and 2.6 TFLOP forward; a whole step of LoRA with cached views about 167."""
    assert 6 * COSTS.vision.picture_flop() == pytest.approx(2.0e12, rel=0.02)
    assert COSTS.language.linear_flop(460) == pytest.approx(2.6e12, rel=0.02)
    assert sum(COSTS.flop(OURS).values()) == pytest.approx(167e12, rel=0.02)
    assert COSTS.executed_flop(OURS) == sum(COSTS.flop(OURS).values())


def test_recomputing_costs_a_forward_pass_and_saves_most_activations():
    recomputing = replace(OURS, recomputes_layers=True)
    assert COSTS.flop(recomputing) == COSTS.flop(OURS)
    language = COSTS.flop(OURS)["language model"]
    assert COSTS.executed_flop(recomputing) - COSTS.executed_flop(OURS) == pytest.approx(language / 2, rel=0.05)
    kept = [COSTS.memory_bytes(plan)["activations"] for plan in (OURS, recomputing)]
    assert kept[1] < 0.1 * kept[0]


def test_the_first_recipe_runs_vision_and_output_layer_too():
    ours, plain = COSTS.flop(OURS), COSTS.flop(PLAIN_RECIPE)
    assert (ours["vision tower"], ours["output layer"]) == (0, 0)
    assert plain["vision tower"] == pytest.approx(32 * 2.0e12, rel=0.02)
    assert plain["output layer"] == 2.0 * 32 * 440 * 2048 * 151936
    assert plain["language model"] == ours["language model"]


def test_full_tuning_holds_gradients_and_two_states_of_every_weight():
    memory = COSTS.memory_bytes(FULL_TUNING)
    weights = 2 * 3_754_622_976 + 4 * COSTS.grasp.num_parameters
    assert (memory["weights"], memory["gradients"], memory["optimiser"]) == (weights, weights, 2 * weights)


def test_the_largest_batch_fits_and_twice_as_much_does_not():
    gpu = next(gpu for gpu in KNOWN_GPUS if gpu.name == "RTX 4090 24 GB")
    size = COSTS.largest_batch(OURS, available_bytes(gpu))
    assert COSTS.total_bytes(OURS.with_batch(size)) <= available_bytes(gpu)
    assert COSTS.total_bytes(OURS.with_batch(2 * size)) > available_bytes(gpu)
    assert COSTS.largest_batch(FULL_TUNING, available_bytes(gpu)) == 0


def test_days_follow_from_seconds():
    gpu = KNOWN_GPUS[-1]
    assert step_seconds(COSTS, OURS, gpu, 2, 0.5) == COSTS.executed_flop(OURS) / (gpu.bf16_tflops * 1e12)
    assert days(COSTS, OURS, gpu, 1, 0.4) == 121_700 * step_seconds(COSTS, OURS, gpu, 1, 0.4) / 86400


@pytest.mark.parametrize(
    ("device_name", "name"),
    [
        ("NVIDIA GeForce RTX 4090", "RTX 4090 24 GB"),
        ("NVIDIA A100-SXM4-40GB", "A100 40 GB"),
        ("NVIDIA A100-SXM4-80GB", "A100 80 GB"),
        ("NVIDIA H100 80GB HBM3", "H100 80 GB"),
        ("NVIDIA H200", "H200 141 GB"),
    ],
)
def test_gpus_are_known_by_the_names_that_torch_gives(device_name, name):
    gpu = known_gpu(device_name)
    assert gpu is not None
    assert gpu.name == name


def test_other_gpus_are_unknown():
    assert known_gpu("NVIDIA GeForce GTX 1080") is None
