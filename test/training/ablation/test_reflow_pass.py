import copy

import pytest
import torch
from small_ablation import small_store

from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.ablation.base_experiment import DEBUG_ABLATION_EXPERIMENT
from training.ablation.reflow_pass import ReflowPass
from training.data.augmentation import OFF
from training.losses.grasp_objective import GraspObjective
from training.run.grasp_trainer import make_accelerator
from training.run.step_gradients import TrainingPass

NUM_GRASPS = 2


@pytest.fixture(scope="module")
def store():
    return small_store("val", ManoLayer(), objects_per_category=1)


@pytest.fixture(scope="module")
def teacher(store):
    torch.manual_seed(0)
    model = build_grasp_model(DEBUG_ABLATION_EXPERIMENT.model)
    model.fit_targets(store.vectors)
    return model.eval()


def draw(store):
    return store.draw([0, 1, 4], NUM_GRASPS, 128, 64, OFF, lambda *_: ("hold it",), SampleRandom([5, 6, 7]))


def test_flows_learn_the_teachers_pairs_and_contact_the_known_grasps(store, teacher):
    plain = TrainingPass(make_accelerator(), GraspObjective(), bfloat16=False)
    student = copy.deepcopy(teacher)
    reflow = ReflowPass.of(plain, teacher, NUM_GRASPS)
    prediction = reflow.predict(student, draw(store))
    batch = draw(store)
    pairs = teacher.flow_pairs(batch.points, batch.views, batch.texts, NUM_GRASPS, batch.random)
    draws = teacher.config.flow.time_draws
    assert torch.allclose(prediction.velocity_target, (pairs.data - pairs.noise).repeat(1, draws, 1))
    known = plain.predict(student, draw(store))
    assert not torch.allclose(known.velocity_target, prediction.velocity_target)
    assert prediction.contact_logits.shape == known.contact_logits.shape
    objective = GraspObjective()
    terms = objective(prediction, objective.targets(batch.contact_distances, batch.points))
    terms["total"].backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert any(parameter.grad is not None for parameter in student.flow.parameters())
