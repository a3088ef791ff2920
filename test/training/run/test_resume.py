import csv
import dataclasses

import pytest
import torch
from small_runs import QUICK, make_trainer, small_funcgrasp_v2

from funcgrasp_core.errors import CheckpointFormatError
from training.data.observation_store import ObservationStore
from training.experiments import with_items, with_optimisation
from training.run import run_progress
from training.run.batches_ahead import BatchesAhead
from training.run.grasp_trainer import GraspTrainer

# 6 groups in steps of 2: an epoch has 3 steps. Word dropout draws from the process's own generator.
RUNS = {
    "twice within an epoch": (with_optimisation(QUICK, num_steps=3), (1, 2)),
    "after epoch 1": (QUICK, (3,)),
    "within epoch 2": (QUICK, (4, 5)),
    "without average": (with_optimisation(QUICK, ema_decay=0.0), (2,)),
    "two passes a step": (with_optimisation(QUICK, accumulation=2), (2, 5)),
    "bfloat16": (with_optimisation(QUICK, bfloat16=True), (2,)),
    "funcgrasp_v2, single grasps": (small_funcgrasp_v2(), (3, 5)),
}


def assert_equal_bits(one: GraspTrainer, other: GraspTrainer) -> None:
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, other.model.state_dict()[name]), name
    assert (one.average is None) == (other.average is None)
    if one.average is not None and other.average is not None:
        for name, tensor in one.average.weights.items():
            assert torch.equal(tensor, other.average.weights[name]), f"average of {name}"
    for mine, theirs in zip(one.optimiser.state.values(), other.optimiser.state.values(), strict=True):
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def resumed_run(folder, experiment, stops) -> GraspTrainer:
    for stop in stops:
        make_trainer(folder, experiment).run(last_step=stop)
        torch.manual_seed(99)
    trainer = make_trainer(folder, experiment)
    trainer.run()
    return trainer


@pytest.mark.parametrize("case", RUNS)
def test_a_stopped_run_goes_on_to_equal_bits(tmp_path, case):
    experiment, stops = RUNS[case]
    whole = make_trainer(tmp_path / "whole", experiment)
    whole.run()
    resumed = resumed_run(tmp_path / "resumed", experiment, stops)
    assert resumed.step == whole.step == experiment.optimisation.num_steps
    assert_equal_bits(whole, resumed)
    assert resumed.progress.means == whole.progress.means
    assert resumed.progress.guard.state() == whole.progress.guard.state()
    assert resumed.progress.best_value == whole.progress.best_value


def test_a_run_goes_on_from_the_state_before_a_damaged_one(tmp_path):
    whole = make_trainer(tmp_path / "whole")
    whole.run()
    first = make_trainer(tmp_path / "damaged")
    first.run(last_step=4)
    newest = tmp_path / "damaged" / "states" / "state_00000004.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    resumed = make_trainer(tmp_path / "damaged")
    resumed.run()
    assert_equal_bits(whole, resumed)
    log = (tmp_path / "damaged" / "logs" / "run.log").read_text()
    assert "state_00000004.pt' is damaged" in log
    assert "going on from step 3" in log


def recorded(folder) -> list[tuple[str, ...]]:
    with (folder / "metrics.csv").open() as file:
        return [tuple(row) for row in csv.reader(file) if row[2] != "cpu_seconds"]


def test_numbers_are_recorded_once_however_often_a_run_stops(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    make_trainer(tmp_path / "whole").run()
    # Without its newest state, the next run records step 4 again.
    make_trainer(tmp_path / "stopped").run(last_step=4)
    (tmp_path / "stopped" / "states" / "state_00000004.pt").unlink()
    make_trainer(tmp_path / "stopped").run(last_step=5)
    make_trainer(tmp_path / "stopped").run()
    assert recorded(tmp_path / "stopped") == recorded(tmp_path / "whole")
    events = EventAccumulator(str(tmp_path / "stopped" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("train/total")] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events.Scalars("val/total")] == [3, 6]


def test_a_finished_run_does_nothing_more(tmp_path):
    make_trainer(tmp_path).run()
    again = make_trainer(tmp_path)
    before = recorded(tmp_path)
    again.run()
    assert again.step == 6
    assert recorded(tmp_path) == before


def test_states_of_another_experiment_are_refused(tmp_path):
    make_trainer(tmp_path).run(last_step=1)
    other = with_items(QUICK, batch_size=4)
    with pytest.raises(CheckpointFormatError, match="other settings"):
        make_trainer(tmp_path, other).run()


def test_what_is_only_looked_at_may_change_between_two_runs(tmp_path):
    make_trainer(tmp_path).run(last_step=1)
    report = dataclasses.replace(QUICK.report, log_interval=5, sampled_items=0, qualitative_samples=0)
    make_trainer(tmp_path, dataclasses.replace(QUICK, report=report)).run(last_step=2)


def test_a_run_by_epochs_may_be_made_longer(tmp_path):
    """Its learning rate does not depend on its length, unlike that of a run with warm-up and cosine."""
    experiment = small_funcgrasp_v2()
    make_trainer(tmp_path, with_optimisation(experiment, num_steps=2)).run()
    longer = make_trainer(tmp_path, with_optimisation(experiment, num_steps=4))
    longer.run()
    assert longer.step == 4
    make_trainer(tmp_path / "compact", with_optimisation(QUICK, num_steps=2)).run()
    other = make_trainer(tmp_path / "compact", with_optimisation(QUICK, num_steps=4))
    with pytest.raises(CheckpointFormatError, match="other settings"):
        other.run()


def test_frozen_weights_are_neither_changed_nor_stored(tmp_path):
    frozen = "semantic_encoder."
    trainer = make_trainer(tmp_path, frozen=frozen)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters() if name.startswith(frozen)}
    trainer.run(last_step=2)
    for name, parameter in trainer.model.named_parameters():
        assert name not in before or torch.equal(parameter, before[name]), name
    state = torch.load(tmp_path / "states" / "state_00000002.pt", weights_only=True)
    for part in (state["weights"], state["average"], state["optimiser"]["state"]):
        assert any(name.startswith("fusion.") for name in part)
        assert not any(name.startswith(frozen) for name in part)
    resumed = make_trainer(tmp_path, frozen=frozen)
    resumed.run()
    whole = make_trainer(tmp_path / "whole", frozen=frozen)
    whole.run()
    assert_equal_bits(whole, resumed)


def test_a_run_does_not_go_on_with_as_many_other_grasps(tmp_path):
    make_trainer(tmp_path).run(last_step=2)
    trainer = make_trainer(tmp_path)
    store = trainer.source.store
    assert isinstance(store, ObservationStore)
    moved = dataclasses.replace(store, vectors=store.vectors + 1e-3)
    assert moved.digest() != store.digest() == dataclasses.replace(store).digest()
    other = GraspTrainer(
        trainer.experiment,
        trainer.model,
        {"train": moved, "val": moved},
        dict.fromkeys(("train", "val"), trainer.source.phrasing),
        trainer.states.store,
        trainer.log,
    )
    with pytest.raises(CheckpointFormatError, match="other settings or other data"):
        other.run()


def test_a_state_that_a_machine_cannot_see_is_named(tmp_path, monkeypatch):
    make_trainer(tmp_path).run(last_step=2)
    trainer = make_trainer(tmp_path)
    monkeypatch.setattr(run_progress, "broadcast_object_list", lambda found: [f"/another/machine/{found[0]}"])
    with pytest.raises(CheckpointFormatError, match="on a disk that all of them share"):
        trainer.run()


def test_batches_drawn_ahead_are_the_same(tmp_path):
    plain = make_trainer(tmp_path / "plain")
    plain.run()
    ahead = make_trainer(tmp_path / "ahead")
    ahead._batches = BatchesAhead(ahead._draw_batches, ahead.num_steps)  # as on a GPU
    ahead.run()
    assert_equal_bits(plain, ahead)
