"""Every field of the objective's configuration does something: changed, it changes a term of a small objective."""

from typing import Any

import pytest
import torch
from config_fields import field_paths, with_value

from funcgrasp_core.grasp_model.model_outputs import TrainingPrediction
from training.losses.grasp_objective import GraspObjective
from training.losses.loss_config import LossConfig, SpatialConsistencyConfig, TauAnnealing

EVERYTHING = LossConfig(tau_annealing=TauAnnealing(), focal_gamma=2.0, spatial=SpatialConsistencyConfig())

CHANGES: dict[str, Any] = {
    "soft_target_tau_m": 0.005,
    "tau_annealing": None,
    "tau_annealing.initial_tau_m": 0.05,
    "tau_annealing.share": 0.8,
    "no_contact_weight": 0.3,
    "clamp_strength": False,
    "focal_gamma": 1.0,
    "spatial": None,
    "spatial.weight": 0.9,
    "spatial.num_neighbours": 3,
    "spatial.agreement": 0.3,
    "contact_weight": 1.0,
    "flow_weight": 2.0,
    "mode_weight": 2.0,
}


def terms(config: LossConfig) -> dict[str, float]:
    """All terms in the first half of training."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    prediction = TrainingPrediction(normal(2, 3, 20, 7), *(normal(2, 6, 5) for _ in range(4)))
    distances, points = 0.3 * torch.rand(2, 3, 20, 6, generator=generator), torch.rand(2, 20, 3, generator=generator)
    objective = GraspObjective(config)
    return {
        name: float(term) for name, term in objective(prediction, objective.targets(distances, points, 0.2)).items()
    }


def test_every_field_has_a_changed_value():
    assert set(field_paths(LossConfig)) == set(CHANGES)


def test_the_comparison_itself_is_repeatable():
    assert terms(EVERYTHING) == terms(EVERYTHING)


@pytest.mark.parametrize("path", CHANGES)
def test_a_changed_field_changes_a_term(path):
    assert terms(with_value(EVERYTHING, path, CHANGES[path])) != terms(EVERYTHING)
