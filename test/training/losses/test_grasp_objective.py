import math

import pytest
import torch

from funcgrasp_core.grasp_model.grasp_model import TrainingPrediction
from training.losses.contact_loss import ContactLoss
from training.losses.grasp_objective import GraspObjective

OBJECTIVE = GraspObjective(ContactLoss(), contact_weight=1.5, flow_weight=2.0, mode_weight=0.5)


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
    terms = OBJECTIVE(TrainingPrediction(logits, velocity, velocity), targets)
    first = -(0.6065 * math.log(0.75) + 0.3935 * math.log(0.25)) / 6 + 5 * math.log(2) / 6
    expected = (first * 0.64585 + math.log(2) * 0.1) / 0.74585
    assert float(terms["contact"]) == pytest.approx(expected, rel=1e-4)
    assert float(terms["total"]) == pytest.approx(1.5 * expected, rel=1e-4)
    assert "mode" not in terms


def test_flow_terms_are_means_over_grasps_and_draws():
    predicted, targets = prediction(4, 0), torch.rand(4, 3, 20, 6)
    terms = OBJECTIVE(predicted, targets)
    assert predicted.mode_velocity is not None
    assert predicted.mode_velocity_target is not None
    flow = (predicted.velocity - predicted.velocity_target).square().mean()
    mode = (predicted.mode_velocity - predicted.mode_velocity_target).square().mean()
    assert torch.allclose(terms["flow"], flow)
    assert torch.allclose(terms["mode"], mode)
    assert torch.allclose(terms["total"], 1.5 * terms["contact"] + 2.0 * flow + 0.5 * mode)


def test_parts_of_a_batch_add_up_to_the_whole():
    halves, targets = (
        (prediction(2, 1), prediction(3, 2, logit_scale=4.0)),
        (torch.rand(2, 3, 20, 6), 0.1 * torch.rand(3, 3, 20, 6)),
    )
    whole = TrainingPrediction(
        *(torch.cat(tensors) for tensors in zip(*(tuple(vars(half).values()) for half in halves), strict=True))
    )
    expected = OBJECTIVE(whole, torch.cat(targets))
    sums = [OBJECTIVE.sums(half, target) for half, target in zip(halves, targets, strict=True)]
    weights = [OBJECTIVE.weights(target) for target in targets]
    terms = OBJECTIVE.terms(
        {name: sums[0][name] + sums[1][name] for name in sums[0]},
        {name: weights[0][name] + weights[1][name] for name in weights[0]},
    )
    for name, value in expected.items():
        assert torch.allclose(terms[name], value), name
    averaged = [OBJECTIVE(half, target)["contact"] for half, target in zip(halves, targets, strict=True)]
    assert not torch.allclose(torch.stack(averaged).mean(), expected["contact"], rtol=1e-3)
