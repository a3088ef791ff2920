import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import CheckpointFormatError
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from training.data.observation_store import GraspGroup, ObservationStore
from training.experiments import DEBUG_EXPERIMENT
from training.run.checkpoint_store import CheckpointStore
from training.run.grasp_trainer import GraspTrainer
from training.run.learning_rate import warmup_cosine
from training.run.run_log import RunLog


def small_store(seed: int) -> ObservationStore:
    generator = torch.Generator().manual_seed(seed)
    clouds = (torch.rand(2, 256, 3, generator=generator) - 0.5) * 0.1
    return ObservationStore(
        clouds,
        torch.stack([torch.randperm(256, generator=generator) for _ in range(4)]).view(2, 2, 256),
        torch.randint(256, (2, 3, len(VIEW_SLOTS), 16, 16, 3), generator=generator, dtype=torch.uint8),
        torch.ones(2, 3, len(VIEW_SLOTS), dtype=torch.bool),
        torch.tensor([0.0, 0.5, 1.0]),
        0.1 * torch.randn(6, 61, generator=generator),
        (torch.rand(6, 256, 6, generator=generator) * 0.1).half(),
        (
            GraspGroup(0, "mug", "use", torch.tensor([0, 1, 2])),
            GraspGroup(1, "bowl", "liftup", torch.tensor([3, 4, 5])),
        ),
    )


def make_trainer(folder, experiment=DEBUG_EXPERIMENT) -> GraspTrainer:
    stores = {"train": small_store(0), "val": small_store(1)}
    torch.manual_seed(0)
    model = build_grasp_model(experiment.model)
    model.fit_targets(stores["train"].vectors)
    phrasings = {split: lambda category, intent: (f"{intent} the {category}", f"{intent} it") for split in stores}
    return GraspTrainer(DEBUG_EXPERIMENT, model, stores, phrasings, CheckpointStore(folder / "states"), RunLog(folder))


def test_stopped_training_resumes_to_equal_bits(tmp_path):
    whole = make_trainer(tmp_path / "whole")
    whole.run()
    first = make_trainer(tmp_path / "stopped")
    first.run(last_step=3)
    torch.manual_seed(99)
    resumed = make_trainer(tmp_path / "stopped")
    resumed.run()
    assert resumed.step == whole.step == DEBUG_EXPERIMENT.optimisation.num_steps
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name
    for name, tensor in whole.average.model.state_dict().items():
        assert torch.equal(tensor, resumed.average.model.state_dict()[name]), name


def test_killed_training_resumes_to_equal_bits(tmp_path):
    process = subprocess.Popen(
        [sys.executable, __file__, str(tmp_path / "killed")], env=os.environ | {"PYTHONPATH": "."}
    )
    deadline = time.monotonic() + 100
    while not list((tmp_path / "killed").glob("states/*.pt")):
        assert process.poll() is None, "the training ended by itself"
        assert time.monotonic() < deadline, "no state was written"
        time.sleep(0.005)
    process.kill()
    process.wait()
    resumed, whole = make_trainer(tmp_path / "killed"), make_trainer(tmp_path / "whole")
    whole.run()
    torch.manual_seed(99)
    resumed.run()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name


def test_training_moves_every_trainable_weight_and_logs(tmp_path):
    without_decay = dataclasses.replace(DEBUG_EXPERIMENT.optimisation, weight_decay=0.0)
    trainer = make_trainer(tmp_path, dataclasses.replace(DEBUG_EXPERIMENT, optimisation=without_decay))
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    trainer.run()
    still = [name for name, p in trainer.model.named_parameters() if torch.equal(p, before[name])]
    assert still == []
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    assert lines[0] == "step,split,name,value"
    assert {line.split(",")[2] for line in lines[1:]} >= {"total", "contact", "flow", "mode", "f1", "acc_palm"}
    assert (tmp_path / "logs" / "run.log").is_symlink()


def test_validation_repeats_itself(tmp_path):
    trainer = make_trainer(tmp_path)
    assert trainer.validate() == trainer.validate()


def test_state_of_another_experiment_is_refused(tmp_path):
    trainer = make_trainer(tmp_path)
    state = trainer.state()
    state["experiment"] = "{}"
    trainer.checkpoints.save(1, state)
    with pytest.raises(CheckpointFormatError, match="other settings"):
        trainer.run()


def test_store_keeps_the_last_states_and_names_a_damaged_one(tmp_path):
    store = CheckpointStore(tmp_path, num_kept=2)
    for step in (1, 2, 3):
        store.save(step, {"step": step})
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["state_00000002.pt", "state_00000003.pt"]
    assert store.load_latest() == {"step": 3}
    (tmp_path / "state_00000003.pt").write_bytes(b"damaged")
    with pytest.raises(CheckpointFormatError, match=r"state_00000003\.pt"):
        store.load_latest()


def test_empty_store_has_no_state(tmp_path):
    assert CheckpointStore(tmp_path / "none").load_latest() is None


def test_learning_rate_by_hand():
    def rate(step):
        return warmup_cosine(step, num_steps=110, warmup_steps=10, highest=1.0, lowest=0.1)

    assert rate(0) == pytest.approx(0.1)
    assert rate(9) == pytest.approx(1.0)
    assert rate(60) == pytest.approx(0.55)
    assert rate(110) == pytest.approx(0.1)


def test_log_forgets_what_is_trained_again(tmp_path):
    log = RunLog(tmp_path)
    for step in (1, 2, 3):
        log.record(step, "train", {"total": float(step)})
    log.forget_after(2)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        "step,split,name,value",
        "1,train,total,1",
        "2,train,total,2",
    ]


if __name__ == "__main__":
    make_trainer(Path(sys.argv[1])).run()
