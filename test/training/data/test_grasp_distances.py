"""Distances against a plain double loop, from vertices and from joints."""

import pytest
import torch

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.hand.hand_parts import JOINT_PART_LABELS, vertex_part_labels
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.grasp_distances import GraspDistances


@pytest.mark.parametrize("source", ["vertices", "joints"])
def test_distances_are_those_of_a_double_loop(source):
    generator = torch.Generator().manual_seed(1)
    points = 0.2 * torch.rand(2, 5, 3, generator=generator) - 0.1
    vectors = 0.2 * torch.randn(2, 61, generator=generator)
    layer = ManoLayer()
    found = GraspDistances(layer, source)(points, vectors)
    hands = layer.from_vector(vectors)
    hand_points = getattr(hands, source)
    labels = vertex_part_labels(layer.assets) if source == "vertices" else JOINT_PART_LABELS
    assert found.shape == (2, 5, len(PART_NAMES))
    for hand in range(2):
        for number, point in enumerate(points[hand].tolist()):
            for part in range(len(PART_NAMES)):
                nearest = float("inf")
                for place, label in zip(hand_points[hand].tolist(), labels.tolist(), strict=True):
                    if label == part:
                        nearest = min(nearest, sum((a - b) ** 2 for a, b in zip(point, place, strict=True)) ** 0.5)
                assert float(found[hand, number, part]) == pytest.approx(nearest, abs=1e-6)


def test_more_grasps_than_fit_at_once_give_the_same():
    vectors, points = 0.2 * torch.randn(70, 61), 0.1 * torch.randn(70, 4, 3)
    distances_of = GraspDistances(ManoLayer())
    parts = torch.cat([distances_of(points[i : i + 1], vectors[i : i + 1]) for i in range(70)])
    assert torch.allclose(distances_of(points, vectors), parts, atol=1e-6)


def test_joints_are_rarely_in_contact_and_an_unknown_source_is_refused():
    layer = ManoLayer()
    vectors = torch.zeros(1, 61)
    on_skin = layer.from_vector(vectors).vertices[:, ::20]
    assert float(GraspDistances(layer, "vertices")(on_skin, vectors).amin(-1).max()) < 1e-6
    assert float((GraspDistances(layer, "joints")(on_skin, vectors).amin(-1) < 0.010).float().mean()) < 0.5
    with pytest.raises(ConfigurationError, match="vertices"):
        GraspDistances(layer, "bones")  # type: ignore[arg-type]
