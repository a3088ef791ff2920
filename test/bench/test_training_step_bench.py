"""Both recipes make the same step, differ where they should, and are reported with what they need."""

import json

import pytest
import torch

from bench.training_recipes import TrainingRecipes, without_dropout
from bench.training_step import Agreement, StepBench, fitting_row, main

BATCH_SIZE = 2


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("step") / "tokenizer"


@pytest.fixture(scope="module")
def recipes(tokenizer_folder):
    return TrainingRecipes("tiny", BATCH_SIZE, torch.device("cpu"), tokenizer_folder)


def num_calls(recipes, function):
    calls = []
    layers = [*recipes.qwen.generator.model.language_model.layers, *recipes.qwen.generator.model.visual.blocks]
    hooks = [layer.mlp.register_forward_pre_hook(lambda module, _: calls.append(module)) for layer in layers]
    function()
    for hook in hooks:
        hook.remove()
    recipes.drop_gradients()
    return [calls.count(layer.mlp) for layer in layers]


def test_both_recipes_give_the_same_loss_and_gradients_in_float32(recipes):
    with without_dropout(recipes.ours), recipes.in_float32():
        losses, gradients = [], []
        for function in (recipes.our_gradients, recipes.plain_gradients):
            losses.append(function())
            gradients.append(recipes.adapter_gradients())
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-6)


def test_weights_are_bfloat16_again_after_a_comparison_in_float32(recipes):
    before = {name: p.detach().clone() for name, p in recipes.ours.named_parameters()}
    with recipes.in_float32():
        assert {p.dtype for p in recipes.ours.parameters()} == {torch.float32}
    after = dict(recipes.ours.named_parameters())
    assert {p.dtype for p in after.values()} == {torch.bfloat16, torch.float32}
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_only_the_plain_recipe_runs_the_vision_tower_and_recomputes(recipes):
    num_layers, num_blocks = (
        len(part)
        for part in (recipes.qwen.generator.model.language_model.layers, recipes.qwen.generator.model.visual.blocks)
    )
    assert num_calls(recipes, recipes.our_gradients) == [1] * num_layers + [0] * num_blocks
    assert num_calls(recipes, lambda: recipes.our_gradients(True)) == [2] * num_layers + [0] * num_blocks
    assert num_calls(recipes, recipes.plain_gradients) == [2] * num_layers + [1] * num_blocks


@pytest.mark.parametrize("step", ["our_step", "plain_step"])
def test_steps_move_the_shared_weights_and_leave_no_gradients(recipes, step):
    name = "geometric_encoder.first.conv.local_nn.0.weight"
    before = recipes.plain.get_parameter(name).detach().clone()
    getattr(recipes, step)()
    assert not torch.equal(before, recipes.ours.get_parameter(name))
    assert all(parameter.grad is None for parameter in recipes.ours.parameters())


def test_a_difference_of_the_gradients_is_seen(recipes):
    bench = StepBench(recipes, 1)

    def other_gradients():
        loss = recipes.our_gradients()
        for name, parameter in recipes.ours.named_parameters():
            if name.endswith("layers.0.mlp.gate_proj.lora_A.default.weight"):
                parameter.grad.neg_()
        return loss

    assert bench._agreement(recipes.our_gradients, recipes.our_gradients).is_the_same
    assert not bench._agreement(other_gradients, recipes.our_gradients).is_the_same


@pytest.mark.parametrize(
    ("agreement", "is_the_same"),
    [
        (Agreement(1e-3, 0.9995), True),
        (Agreement(1e-3, 0.998), False),
        (Agreement(2e-2, 0.9995), False),
        (Agreement(1e-3, 0.998, 1e-6, 0.99999), True),
        (Agreement(1e-3, 0.998, 1e-6, 0.999), False),
        (Agreement(1e-3, 0.9995, 1e-3, 0.99999), False),
    ],
)
def test_agreement_is_by_bfloat16_or_better_by_float32(agreement, is_the_same):
    assert agreement.is_the_same is is_the_same


def test_what_does_not_fit_is_tried_with_recomputing_and_then_with_half_a_batch(tokenizer_folder):
    recipes = TrainingRecipes("tiny", 4, torch.device("cpu"), tokenizer_folder)
    bench, tried = StepBench(recipes, 1), []

    def main_row():
        tried.append((bench.batch_size, bench.recomputes))
        if len(tried) < 4:
            raise torch.OutOfMemoryError
        return "row"

    bench.main_row = main_row
    assert fitting_row(bench) == "row"
    assert tried == [(4, False), (4, True), (2, False), (2, True)]


def test_the_command_writes_a_row_for_the_recipe_and_each_lever(tmp_path, capsys):
    file = tmp_path / "results" / "step.json"
    main(["--shape", "tiny", "--batch", "2", "--steps", "2", "--json", str(file)])
    written = json.loads(file.read_text())
    assert written["machine"]["torch"] == torch.__version__
    names = [row["timing"]["name"] for row in written["rows"]]
    assert names == ["training step B=2"] + [
        f"training step B=2, ours with {lever} / ours"
        for lever in ("recompute", "no-autocast", "uncast-adapters", "time-draws")
    ]
    assert [row["timing"]["outputs_agree"] for row in written["rows"]] == [True, True, True, True, False]
    first = written["rows"][0]
    assert first["agreement"]["float32_adapter_cosine"] > 0.9999
    assert first["straightforward"]["useful_tflop"] > first["ours"]["useful_tflop"] > 0
    assert first["ours"]["mfu"] is None  # no published rate of a CPU
    assert capsys.readouterr().out.count("OUTPUTS DIFFER") == 1


@pytest.mark.slow
def test_compiled_layers_make_the_same_step(tmp_path):
    file = tmp_path / "step.json"
    main(["--shape", "tiny", "--batch", "2", "--steps", "1", "--levers", "compile", "--json", str(file)])
    row = json.loads(file.read_text())["rows"][1]
    assert row["timing"]["name"] == "training step B=2, ours with compile / ours"
    assert row["timing"]["outputs_agree"]
