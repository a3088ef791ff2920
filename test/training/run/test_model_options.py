"""Trainings with every option of the model and the objective at once, and of a student by its teacher (reflow)."""

import dataclasses

import pytest
import torch
from small_runs import QUICK, make_trainer

from funcgrasp_core.checkpoints import save_checkpoint
from funcgrasp_core.errors import CheckpointFormatError, ConfigurationError
from funcgrasp_core.grasp_model.config import AttentionPoolingConfig, GuidanceConfig
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from training.losses.loss_config import LossConfig, SpatialConsistencyConfig, TauAnnealing
from training.run.reflow_teacher import ReflowTeacher

OPTIONS = {
    "fusion": dataclasses.replace(QUICK.model.fusion, over="levels"),
    "conditioning": "separate",
    "attention_pooling": AttentionPoolingConfig(4),
    "guidance": GuidanceConfig(condition_dropout=0.5, scale=2.0),
    "flow": dataclasses.replace(QUICK.model.flow, integrator="rk4"),
}
LOSSES = LossConfig(tau_annealing=TauAnnealing(), focal_gamma=2.0, spatial=SpatialConsistencyConfig())


def with_options(mode: bool):
    model = dataclasses.replace(QUICK.model, **OPTIONS)
    return dataclasses.replace(QUICK, model=model if mode else dataclasses.replace(model, mode=None), losses=LOSSES)


def weights(trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}


@pytest.mark.parametrize("mode", [True, False], ids=["mode", "single"])
def test_every_option_at_once_is_trained_and_resumed_to_equal_bits(tmp_path, mode):
    experiment = with_options(mode)
    whole = make_trainer(tmp_path / "whole", experiment)
    before = weights(whole)
    whole.run()
    make_trainer(tmp_path / "stopped", experiment).run(last_step=4)
    torch.manual_seed(99)
    resumed = make_trainer(tmp_path / "stopped", experiment)
    resumed.run()
    after = weights(whole)
    assert all(torch.equal(tensor, after[name]) for name, tensor in weights(resumed).items())
    assert not torch.equal(before["null_semantic"], after["null_semantic"])
    assert "spatial" in (tmp_path / "whole" / "metrics.csv").read_text()


@pytest.fixture(scope="module")
def teacher_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    trainer = make_trainer(folder / "run")
    trainer.run()
    save_checkpoint(folder / "teacher.safetensors", trainer.model, {"step": "6"})
    return folder / "teacher.safetensors"


def test_a_student_starts_from_its_teacher_and_resumes_to_equal_bits(tmp_path, teacher_file):
    taught = ReflowTeacher.of_checkpoint(teacher_file).model.state_dict()
    whole = make_trainer(tmp_path / "whole", teacher=ReflowTeacher.of_checkpoint(teacher_file))
    assert all(torch.equal(tensor, taught[name]) for name, tensor in weights(whole).items())
    whole.run()
    make_trainer(tmp_path / "stopped", teacher=ReflowTeacher.of_checkpoint(teacher_file)).run(last_step=3)
    resumed = make_trainer(tmp_path / "stopped", teacher=ReflowTeacher.of_checkpoint(teacher_file))
    resumed.run()
    assert all(torch.equal(tensor, weights(whole)[name]) for name, tensor in weights(resumed).items())
    assert not all(torch.equal(tensor, taught[name]) for name, tensor in weights(whole).items())
    with pytest.raises(CheckpointFormatError):
        make_trainer(tmp_path / "stopped").run()


def test_pairs_take_the_place_of_known_grasps_in_training_only(tmp_path, teacher_file):
    trainer = make_trainer(tmp_path, teacher=ReflowTeacher.of_checkpoint(teacher_file))
    training_pass, order = trainer.training_pass, trainer.order

    def predicted(taught: bool):
        one = training_pass if taught else dataclasses.replace(training_pass, teacher=None)
        return one.predict(trainer.model, trainer.source.draw(order.items(0)))

    trainer.model.train()
    assert not torch.allclose(predicted(True).velocity_target, predicted(False).velocity_target)
    trainer.model.eval()
    assert torch.equal(predicted(True).velocity_target, predicted(False).velocity_target)


def test_a_guided_teacher_may_have_a_plain_student(teacher_file):
    guided = build_grasp_model(dataclasses.replace(QUICK.model, guidance=GuidanceConfig(scale=2.0)))
    student = build_grasp_model(QUICK.model)
    ReflowTeacher.of_model(guided).start(student)
    given = guided.state_dict()
    assert all(torch.equal(tensor, given[name]) for name, tensor in student.state_dict().items())


def test_a_teacher_of_another_shape_is_refused(tmp_path, teacher_file):
    experiment = dataclasses.replace(QUICK, model=dataclasses.replace(QUICK.model, contact_hidden=16))
    with pytest.raises(ConfigurationError, match="does not fit the model 'debug' \\(contact_head"):
        make_trainer(tmp_path, experiment, teacher=ReflowTeacher.of_checkpoint(teacher_file))
