import math

import pytest
import torch

from funcgrasp_core.grasp_model.model_outputs import TrainingPrediction
from training.losses.contact_targets import ContactTargets
from training.losses.grasp_objective import GraspObjective
from training.losses.loss_config import LossConfig, SpatialConsistencyConfig, TauAnnealing

OBJECTIVE = GraspObjective(LossConfig(contact_weight=1.5, flow_weight=2.0, mode_weight=0.5))
SPATIAL = GraspObjective(LossConfig(spatial=SpatialConsistencyConfig(weight=0.3, num_neighbours=4)))


def prediction(num_observations: int, seed: int, logit_scale: float = 1.0) -> TrainingPrediction:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(num_observations, *shape, generator=generator)

    return TrainingPrediction(logit_scale * normal(3, 20, 7), normal(12, 5), normal(12, 5), normal(6, 9), normal(6, 9))


def test_contact_is_the_weighted_mean_worked_by_hand():
    logits = torch.zeros(1, 1, 2, 7)
    logits[..., 0, 1] = math.log(3)  # sigmoid 0.75
    targets = torch.zeros(1, 1, 2, 6)
    targets[..., 0, 0] = 0.6065
    velocity = torch.zeros(1, 1, 5)
    terms = OBJECTIVE(TrainingPrediction(logits, velocity, velocity), ContactTargets(targets))
    first = -(0.6065 * math.log(0.75) + 0.3935 * math.log(0.25)) / 6 + 5 * math.log(2) / 6
    expected = (first * 0.64585 + math.log(2) * 0.1) / 0.74585
    assert float(terms["contact"]) == pytest.approx(expected, rel=1e-4)
    assert float(terms["total"]) == pytest.approx(1.5 * expected, rel=1e-4)
    assert "mode" not in terms


def test_flow_terms_are_means_over_grasps_and_draws():
    predicted, targets = prediction(4, 0), torch.rand(4, 3, 20, 6)
    terms = OBJECTIVE(predicted, ContactTargets(targets))
    assert predicted.mode_velocity is not None
    assert predicted.mode_velocity_target is not None
    flow = (predicted.velocity - predicted.velocity_target).square().mean()
    mode = (predicted.mode_velocity - predicted.mode_velocity_target).square().mean()
    assert torch.allclose(terms["flow"], flow)
    assert torch.allclose(terms["mode"], mode)
    assert torch.allclose(terms["total"], 1.5 * terms["contact"] + 2.0 * flow + 0.5 * mode)


@pytest.mark.parametrize("objective", [OBJECTIVE, SPATIAL], ids=["plain", "spatial"])
def test_parts_of_a_batch_add_up_to_the_whole(objective):
    halves = (prediction(2, 1), prediction(3, 2, logit_scale=4.0))
    distances, points = (torch.rand(2, 3, 20, 6) * 0.02, 0.05 + torch.rand(3, 3, 20, 6)), torch.rand(5, 20, 3)
    targets = [objective.targets(distances[0], points[:2]), objective.targets(distances[1], points[2:])]
    whole = TrainingPrediction(
        *(torch.cat(tensors) for tensors in zip(*(tuple(vars(half).values()) for half in halves), strict=True))
    )
    expected = objective(whole, objective.targets(torch.cat(distances), points))
    sums = [objective.sums(half, target) for half, target in zip(halves, targets, strict=True)]
    weights = [objective.weights(target) for target in targets]
    terms = objective.terms(
        {name: sums[0][name] + sums[1][name] for name in sums[0]},
        {name: weights[0][name] + weights[1][name] for name in weights[0]},
    )
    for name, value in expected.items():
        assert torch.allclose(terms[name], value), name
    averaged = [objective(half, target)["contact"] for half, target in zip(halves, targets, strict=True)]
    assert not torch.allclose(torch.stack(averaged).mean(), expected["contact"], rtol=1e-3)


def test_targets_follow_training_and_are_final_in_validation():
    objective = GraspObjective(LossConfig(tau_annealing=TauAnnealing(0.04, 0.5)))
    distances, points = torch.full((1, 2, 4, 6), 0.02), torch.rand(1, 9, 3)
    first, halfway, final = (objective.targets(distances, points, progress).soft for progress in (0.0, 0.25, 1.0))
    assert float(first[0, 0, 0, 0]) == pytest.approx(math.exp(-0.5))
    assert float(halfway[0, 0, 0, 0]) == pytest.approx(math.exp(-1.0))
    assert float(final[0, 0, 0, 0]) == pytest.approx(math.exp(-2.0))
    assert torch.equal(final, objective.targets(distances, points).soft)
    assert objective.targets(distances, points).neighbours is None


def test_consistency_is_a_term_of_its_own_with_its_weight():
    distances, points = 0.02 * torch.rand(4, 3, 20, 6), torch.rand(4, 33, 3)
    targets = SPATIAL.targets(distances, points)
    assert targets.neighbours is not None
    assert targets.neighbours.shape == (4, 20, 4)
    assert int(targets.neighbours.max()) < 20
    terms = SPATIAL(prediction(4, 0), targets)
    assert list(terms) == ["total", "contact", "spatial", "flow", "mode"]
    expected = 1.5 * terms["contact"] + 0.3 * terms["spatial"] + terms["flow"] + terms["mode"]
    assert torch.allclose(terms["total"], expected)


def test_denominators_depend_on_the_data_alone():
    targets = SPATIAL.targets(0.02 * torch.rand(4, 3, 20, 6), torch.rand(4, 20, 3))
    weights = SPATIAL.weights(targets)
    assert not any(weight.requires_grad for weight in weights.values())
    assert set(SPATIAL.sums(prediction(4, 0), targets)) == set(weights)


def test_teacher_pairs_may_be_more_than_the_known_grasps():
    predicted = prediction(2, 0)
    more = TrainingPrediction(predicted.contact_logits, torch.ones(2, 14, 5), torch.zeros(2, 14, 5))
    terms = OBJECTIVE(more, ContactTargets(torch.rand(2, 3, 20, 6)))
    assert float(terms["flow"]) == pytest.approx(1.0)
