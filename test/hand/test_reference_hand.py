from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from triangle_crossings import count_self_crossings

from funcgrasp_core.hand.joint_limits import axis_angle_from_joint_angles, joint_bases
from funcgrasp_core.hand.mano_assets import ARRAY_SHAPES, FINGER_CHAINS
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.hand.reference_hand_correctives import bent_transforms
from funcgrasp_core.hand.reference_hand_shapes import SHAPE_DIRECTIONS
from funcgrasp_core.hand.reference_hand_skin import WRIST_RING
from funcgrasp_core.hand.reference_hand_solid import (
    REST_JOINTS_M,
    TIP_CENTRES_M,
    fingertip_apex,
    signed_distance,
)

FLEXION = 2


@pytest.fixture(scope="module")
def layer() -> ManoLayer:
    return ManoLayer()


def enclosed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def shaped_hand(layer: ManoLayer, direction_name: str, amount: float):
    index = [direction.name for direction in SHAPE_DIRECTIONS].index(direction_name)
    shape = torch.zeros(1, 10, dtype=torch.float64)
    shape[0, index] = amount
    return layer(torch.zeros(1, 48, dtype=torch.float64), shape)


def bent_hand(layer: ManoLayer, joint: int, flexion_deg: float) -> np.ndarray:
    angles = torch.zeros(1, 15, 3, dtype=torch.float64)
    angles[0, joint - 1, FLEXION] = np.radians(flexion_deg)
    fingers = axis_angle_from_joint_angles(angles, joint_bases(layer.assets))
    pose = torch.cat([torch.zeros(1, 3, dtype=torch.float64), fingers], dim=1)
    return layer(pose, torch.zeros(1, 10, dtype=torch.float64)).vertices[0].numpy()


def test_shipped_file_is_what_the_generator_makes(reference_assets):
    pytest.importorskip("skimage", reason="scikit-image generates the hand")
    from funcgrasp_core.hand.reference_hand import generate_reference_hand

    generated = generate_reference_hand()
    for name in ARRAY_SHAPES:
        np.testing.assert_allclose(
            getattr(reference_assets, name), getattr(generated, name), atol=1e-6, rtol=0, err_msg=name
        )


def test_mesh_is_one_sound_surface(layer):
    assets = layer.assets
    faces = layer.closed_faces.numpy()
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    directed = {tuple(edge) for edge in edges.tolist()}
    assert len(directed) == len(edges)
    assert all((end, start) in directed for start, end in directed)
    assert len(np.unique(assets.f)) == 778
    assert 778 - len(edges) // 2 + len(faces) == 2
    # An adult's hand with wrist has 300 to 500 cm3; a positive sign means outward normals.
    assert 300e-6 < enclosed_volume(assets.v_template, faces) < 500e-6


def test_wrist_opens_at_mano_vertices(layer):
    lid = layer.closed_faces[1538:].unique().tolist()
    assert sorted(WRIST_RING) == lid
    # The triangles with which tools close MANO's wrist face outward here too: away from the fingers, along +x.
    vertices = layer.assets.v_template
    normal = np.cross(vertices[38] - vertices[92], vertices[122] - vertices[92])
    assert normal[0] > 0


@pytest.mark.parametrize("amount", [0.0, -2.0, 2.0])
def test_resting_hand_does_not_cross_itself(layer, amount):
    shape = torch.zeros(1, 10)
    shape[0, 2] = amount  # finger thickness
    vertices = layer(torch.zeros(1, 48), shape).vertices[0].numpy()
    assert count_self_crossings(vertices, layer.closed_faces.numpy()) == 0


def test_crossing_triangles_are_counted():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.2, 0.2, -1], [0.2, 0.2, 1], [5, 5, 1]], dtype=float)
    # The second's upright edge pierces the first, and the first's slanted edge pierces the second.
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    assert count_self_crossings(vertices, faces) == 2
    vertices[3:] += (0, 0, 9)
    assert count_self_crossings(vertices, faces) == 0


def test_skin_weights_are_shares(reference_assets):
    weights = reference_assets.weights
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert (weights.max(axis=0) > 0.8).all()


def test_regressor_gives_the_joints_and_follows_the_size(reference_assets):
    np.testing.assert_allclose(reference_assets.rest_joints, REST_JOINTS_M, atol=1e-6)
    np.testing.assert_allclose(reference_assets.J_regressor.sum(axis=1), 1, atol=1e-6)
    assert ((reference_assets.J_regressor != 0).sum(axis=1) <= 64).all()
    moved = reference_assets.J_regressor @ reference_assets.shapedirs[:, :, 0]
    np.testing.assert_allclose(moved, 0.06 * (REST_JOINTS_M - REST_JOINTS_M[0]), atol=1e-5)


def test_tip_vertices_are_the_foremost_points_and_round(layer):
    vertices = layer.assets.v_template
    for (finger, chain), tip in zip(FINGER_CHAINS.items(), layer.assets.tip_vertices, strict=True):
        np.testing.assert_allclose(vertices[tip], fingertip_apex(finger), atol=1e-6)
        axis = TIP_CENTRES_M[finger] - REST_JOINTS_M[chain[-1]]
        along = (vertices - TIP_CENTRES_M[finger]) @ (axis / np.linalg.norm(axis))
        owned = layer.assets.weights[:, chain[-1]] > 0.5
        assert along[owned].max() == pytest.approx(along[tip], abs=1e-6)
    # Every vertex lies on the solid's surface: no fingertip was flattened by smoothing.
    assert np.abs(signed_distance(vertices)).max() < 0.0005


@pytest.mark.parametrize("direction", [direction.name for direction in SHAPE_DIRECTIONS])
def test_each_shape_direction_keeps_a_hand(layer, direction):
    for amount in (-2.5, 2.5):
        geometry = shaped_hand(layer, direction, amount)
        vertices = geometry.vertices[0].numpy()
        assert 200e-6 < enclosed_volume(vertices, layer.closed_faces.numpy()) < 800e-6
        length = np.linalg.norm(geometry.joints[0, 12] - geometry.joints[0, 0])
        assert 0.15 < length < 0.23


def test_shape_directions_mean_what_they_say(layer):
    rest = layer(torch.zeros(1, 48, dtype=torch.float64), torch.zeros(1, 10, dtype=torch.float64))

    def growth(name: str, first: int, second: int) -> float:
        grown = shaped_hand(layer, name, 1.0).joints[0]
        before = torch.linalg.norm(rest.joints[0, first] - rest.joints[0, second])
        return float(torch.linalg.norm(grown[first] - grown[second]) / before - 1)

    assert growth("hand size", 0, 12) == pytest.approx(0.06, abs=1e-3)
    assert growth("finger length", 9, 11) == pytest.approx(0.05, abs=0.01)
    assert growth("finger length", 0, 9) == pytest.approx(0, abs=0.005)
    assert growth("palm width", 5, 17) == pytest.approx(0.05, abs=0.01)
    assert growth("palm length", 0, 9) == pytest.approx(0.045, abs=0.01)
    assert growth("thumb length", 1, 3) == pytest.approx(0.06, abs=0.02)
    assert growth("index longer than ring finger", 5, 7) > 0.02
    assert growth("index longer than ring finger", 13, 15) < -0.02
    assert growth("little finger length", 17, 19) == pytest.approx(0.06, abs=0.015)


@pytest.mark.parametrize("joint", [1, 4, 7, 10, 2, 13, 14])
def test_pose_correctives_restore_bent_joints(layer, joint):
    """At 85 degrees the corrected skin lies nearer to the bent solid than the skin without correctives."""
    bare_layer = ManoLayer(replace(layer.assets, posedirs=np.zeros_like(layer.assets.posedirs)))
    axis = joint_bases(layer.assets)[joint - 1, :, FLEXION].numpy()
    transforms = bent_transforms(joint, Rotation.from_rotvec(np.radians(85) * axis).as_matrix())
    moved = layer.assets.weights[:, joint]
    near = (moved > 0.1) & (moved < 0.9)
    misfit = {}
    for name, either in (("corrected", layer), ("bare", bare_layer)):
        vertices = bent_hand(either, joint, 85) + REST_JOINTS_M[0]
        misfit[name] = np.abs(signed_distance(vertices[near], transforms)).mean()
    assert misfit["corrected"] < 0.75 * misfit["bare"]


def test_pose_components_are_orthonormal(reference_assets):
    components = reference_assets.hands_components
    np.testing.assert_allclose(components @ components.T, np.eye(45), atol=1e-5)
