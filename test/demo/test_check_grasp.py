import numpy as np
import pytest
import torch

from demo.check_grasp import check_grasp, read_exact_object
from funcgrasp_core.assets import DEMO_RECORDING, asset_path
from training.data.object_families import distance_and_gradient, sample_surface


@pytest.fixture(scope="module")
def exact_object():
    return read_exact_object(asset_path(DEMO_RECORDING))


def surface_points(exact_object, part: str, distance_m: float) -> np.ndarray:
    """Points of one part in the table's frame, moved outwards by `distance_m`."""
    family, parameters = exact_object.family, exact_object.parameters
    points = sample_surface(family, parameters, 2000, torch.Generator().manual_seed(0))
    _, gradient = distance_and_gradient(family, points, parameters)
    chosen = family.part_labels(points, parameters)[0] == family.part_names.index(part)
    in_object = (points + distance_m * gradient)[0][chosen].numpy()
    matrix = exact_object.table_from_object
    return in_object @ matrix[:3, :3].T + matrix[:3, 3]


def test_points_on_the_handle_count_for_the_handle(exact_object):
    check = check_grasp(surface_points(exact_object, "handle", 0.001), exact_object)
    assert check.part_shares["handle"] > 0.95
    assert check.penetration_m < 1e-4
    assert not check.failures("handle")
    assert "only" in check.failures("body")[0]


def test_points_far_away_touch_nothing(exact_object):
    check = check_grasp(surface_points(exact_object, "body", distance_m=1.0), exact_object)
    assert check.num_contact_vertices == 0
    assert check.failures("body")


def test_depth_inside_is_measured_and_refused(exact_object):
    points = surface_points(exact_object, "handle", -0.003)
    distances = exact_object.family.signed_distance(exact_object.in_object_frame(points), exact_object.parameters)
    check = check_grasp(points, exact_object)
    assert check.penetration_m == pytest.approx(-float(distances.min()), abs=1e-6)
    assert 0.002 < check.penetration_m < 0.006
    deep = type(check)(check.part_shares, check.num_contact_vertices, 0.0123)
    assert any("12.3 mm inside" in failure for failure in deep.failures("body"))
