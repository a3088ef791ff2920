import numpy as np
import pytest
import torch

from demo.check_grasp import MAX_PENETRATION_M, GraspCheck, check_grasp, read_exact_object
from funcgrasp_core.assets import DEMO_RECORDING, asset_path
from funcgrasp_core.hand.mano_layer import ManoLayer
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


def hand_at(exact_object, offset_m: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices in the table's frame and closed faces of a flat hand, its wrist `offset_m` from the object's centre."""
    vector = torch.zeros(1, 61)
    vector[0, 58:] = torch.from_numpy(exact_object.table_from_object[:3, 3] + np.array(offset_m))
    hand = ManoLayer()
    with torch.no_grad():
        return hand.from_vector(vector).vertices[0].numpy(), hand.closed_faces.numpy()


def small_tetrahedra(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A closed mesh that stands for a hand near the given points [n, 3]: a tetrahedron of 0.2 mm at each."""
    shape = 1e-4 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    faces = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])
    starts = 4 * np.arange(len(corners))[:, None, None]
    return (corners[:, None] + shape).reshape(-1, 3), (starts + faces).reshape(-1, 3)


def test_points_on_the_handle_count_for_the_handle(exact_object):
    check = check_grasp(*small_tetrahedra(surface_points(exact_object, "handle", 0.001)), exact_object)
    assert check.part_shares["handle"] > 0.95
    assert check.penetration_m < 1e-4
    assert not check.failures("handle")
    assert "only" in check.failures("body")[0]


def test_a_hand_far_away_touches_nothing(exact_object):
    check = check_grasp(*hand_at(exact_object, (0.0, 0.0, 0.5)), exact_object)
    assert check.num_contact_vertices == 0
    assert check.depth_in_hand_m == 0.0
    assert check.failures("body")


def test_depth_inside_the_object_is_measured_and_refused(exact_object):
    vertices, faces = small_tetrahedra(surface_points(exact_object, "handle", -0.003))
    distances = exact_object.family.signed_distance(exact_object.in_object_frame(vertices), exact_object.parameters)
    check = check_grasp(vertices, faces, exact_object)
    assert check.penetration_m == pytest.approx(-float(distances.min()), abs=1e-6)
    assert 0.002 < check.penetration_m < 0.006
    deep = GraspCheck(check.part_shares, check.num_contact_vertices, 0.0123, 0.0)
    assert any("12.3 mm inside the object" in failure for failure in deep.failures("body"))


def test_a_hand_pushed_through_the_wall_is_refused(exact_object):
    """No vertex is deeper in the thin wall than half of it; the wall is deep in the hand."""
    check = check_grasp(*hand_at(exact_object, (0.0, 0.0, 0.0)), exact_object)
    assert check.part_shares["body"] > 0.6
    assert check.penetration_m < 0.003
    assert check.depth_in_hand_m > MAX_PENETRATION_M
    (failure,) = check.failures("body")
    assert "mm inside the hand, 10 mm are allowed" in failure
    assert "mm in the hand" in check.summary()
