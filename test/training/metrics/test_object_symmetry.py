"""The symmetry that the contact map's F1 grants an object is one that the object really has."""

import pytest
import torch

from training.data.object_families import FAMILIES
from training.metrics.contact_map_f1 import symmetry_angles


def turned_difference(family, angle_rad):
    """Largest change of the distance and share of changed part labels when the points turn about z."""
    generator = torch.Generator().manual_seed(3)
    parameters = family.sample_parameters(4, generator)
    points = (torch.rand(4, 500, 3, generator=generator) - 0.5) * 0.2
    cos, sin = torch.cos(torch.tensor(angle_rad)), torch.sin(torch.tensor(angle_rad))
    turned = torch.stack(
        [cos * points[..., 0] - sin * points[..., 1], sin * points[..., 0] + cos * points[..., 1], points[..., 2]], -1
    )
    difference = family.signed_distance(turned, parameters) - family.signed_distance(points, parameters)
    labels = family.part_labels(turned, parameters) != family.part_labels(points, parameters)
    return float(difference.abs().max()), float(labels.float().mean())


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_distances_and_parts_do_not_change_under_the_stated_turns(family):
    for angle in symmetry_angles(family.symmetry_order):
        distance, labels = turned_difference(family, float(angle))
        assert distance < 1e-5
        assert labels < 0.01


@pytest.mark.parametrize("category", ["mug", "hammer"])
def test_an_object_without_symmetry_differs_when_turned(category):
    assert FAMILIES[category].symmetry_order == 1
    assert turned_difference(FAMILIES[category], torch.pi)[0] > 0.002
