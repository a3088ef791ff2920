from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.hand.palm_frame import palm_frame

BALL_RADIUS_M = 0.03


@pytest.fixture(scope="session")
def hand_layer():
    return ManoLayer()


@pytest.fixture(scope="session")
def ball_points():
    """[512, 3] float32, a ball around the origin."""
    directions = np.random.default_rng(0).normal(size=(512, 3))
    return (BALL_RADIUS_M * directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def palm_at_height(hand_layer):
    """Makes the vector [61] of a flat hand whose palm lies `gap_m` off the ball, moved sideways by `offset` [3]."""
    centre, axes = palm_frame(hand_layer.assets)

    def vector(gap_m: float = 0.001, offset=(0.0, 0.0, 0.0)) -> torch.Tensor:
        vector = torch.zeros(61)
        vector[58:] = -(centre + (BALL_RADIUS_M + gap_m) * axes[:, 2]).float() + torch.tensor(offset)
        return vector

    return vector


@dataclass
class FixedSampler:
    """Stands for a trained model: gives the candidates that a test wants, whatever it is shown."""

    vectors: torch.Tensor
    probabilities: float = 0.3
    num_points: int = 256

    def __post_init__(self):
        self.config = SimpleNamespace(num_points=self.num_points)
        self.semantic_encoder = SimpleNamespace(view_size=16)
        self.seen: dict = {}
        self.num_encoded = 0

    def encode_views(self, views):
        self.num_encoded += 1
        return ViewFeatures(views.images.mean(dim=(-2, -1)), views.mask)

    def sample(self, points, views, texts, num_candidates, random):
        self.seen = {"points": points, "features": views.features, "mask": views.mask, "texts": texts}
        shape = (1, num_candidates, points.shape[1], 6)
        return SimpleNamespace(
            vectors=self.vectors[None, :num_candidates].clone(),
            contact_probabilities=torch.full(shape, self.probabilities),
        )


@pytest.fixture
def fixed_sampler():
    return FixedSampler
