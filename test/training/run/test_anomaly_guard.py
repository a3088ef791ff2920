import dataclasses

import pytest
import torch
from small_runs import QUICK, make_trainer

from funcgrasp_core.errors import ConfigurationError, FuncGraspError
from training.experiments import GuardConfig
from training.run.anomaly_guard import AnomalyGuard
from training.run.training_errors import TrainingDivergedError

TERMS = {"total": 1.0, "flow": 0.5}


def guard_after(norms, config=GuardConfig(factor=10, patience=3, window=50)) -> tuple[AnomalyGuard, list[str | None]]:  # noqa: B008 - frozen
    guard = AnomalyGuard(config)
    return guard, [guard.complaint(TERMS, norm) for norm in norms]


def test_ordinary_steps_raise_no_complaint():
    guard, complaints = guard_after([1.0, 5.0, 0.2] * 20)
    assert complaints == [None] * 60
    assert not guard.is_suspicious


def test_gradients_that_stay_large_are_complained_about_after_some_steps():
    guard, complaints = guard_after([1.0] * 30 + [11.0, 12.0, 13.0])
    assert complaints[:-1] == [None] * 32
    assert "exploded: norm 13 against a median of 1, the 3th step" in str(complaints[-1])
    assert "flow 0.5" in str(complaints[-1])
    assert guard.is_suspicious


def test_a_single_large_step_is_suspicious_until_the_next():
    guard, complaints = guard_after([1.0] * 30 + [1000.0])
    assert guard.is_suspicious
    assert complaints[-1] is None
    assert guard.complaint(TERMS, 1.0) is None
    assert not guard.is_suspicious


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_complained_about_at_once(value):
    guard = AnomalyGuard(GuardConfig())
    assert "the loss is not finite (total nan" in str(guard.complaint({"total": float("nan")}, 1.0))
    assert "the gradients are not finite" in str(guard.complaint(TERMS, value))


def test_its_memory_goes_on_with_the_run():
    guard, _ = guard_after([1.0] * 30 + [11.0])
    other = AnomalyGuard(guard.config)
    other.restore(guard.state())
    assert other.complaint(TERMS, 11.0) is None
    assert "3th step" in str(other.complaint(TERMS, 11.0))


def test_refused_settings():
    with pytest.raises(ConfigurationError, match="factor must exceed 1"):
        GuardConfig(factor=1.0)


def poison(trainer, step: int, value: float) -> None:
    """From this step on one weight's gradient is multiplied by a value, in a real backward pass."""
    weight = next(trainer.model.parameters())
    weight.register_hook(lambda gradient: gradient * value if trainer.step >= step else gradient)


def test_a_nan_stops_the_run_and_nothing_of_it_is_saved(tmp_path):
    trainer = make_trainer(tmp_path)
    poison(trainer, 4, float("nan"))
    with pytest.raises(TrainingDivergedError, match=r"stopped at step 5: the gradients are not finite.*flow") as info:
        trainer.run()
    assert isinstance(info.value, FuncGraspError)
    newest = tmp_path / "states" / "state_00000004.pt"
    assert f"the last good state is '{newest}'" in str(info.value)
    state = torch.load(newest, weights_only=True)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in state["weights"].values())
    again = make_trainer(tmp_path)
    again.run()
    whole = make_trainer(tmp_path / "whole")
    whole.run()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name]), name


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    trainer = make_trainer(tmp_path)
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(float("inf"))
    with pytest.raises(TrainingDivergedError, match=r"step 1: the loss is not finite.*there is no state before it"):
        trainer.run()
    assert not (tmp_path / "states").exists()


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    trainer = make_trainer(tmp_path)
    trainer.run(last_step=1)
    with torch.no_grad():
        next(trainer.model.parameters()).view(-1)[0] = float("nan")
    with pytest.raises(TrainingDivergedError, match="weights that are not finite"):
        trainer.states.save("", False)
    assert torch.load(tmp_path / "states" / "state_00000001.pt", weights_only=True)["progress"]["step"] == 1


def test_exploding_gradients_stop_the_run_and_their_states_are_not_kept(tmp_path):
    guard = GuardConfig(factor=100, patience=4)
    long = dataclasses.replace(QUICK.optimisation, num_steps=40)
    experiment = dataclasses.replace(QUICK, guard=guard, optimisation=long)
    trainer = make_trainer(tmp_path, experiment)
    poison(trainer, 25, 1e6)
    with pytest.raises(TrainingDivergedError, match="stopped at step 29: the gradients have exploded"):
        trainer.run()
    assert max(path.name for path in (tmp_path / "states").glob("state*")) == "state_00000024.pt"
    assert "no state is kept at step 26" in (tmp_path / "logs" / "run.log").read_text()
