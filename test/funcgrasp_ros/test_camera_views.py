import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.visualisation.mesh_renderer import look_at
from funcgrasp_ros.camera_views import (
    SLOT_DIRECTIONS,
    SLOT_IMAGE_UP,
    CameraGeometry,
    CameraImage,
    crop_to_object,
    nearest_slot,
    num_quarter_turns_to_upright,
    views_from_cameras,
)
from funcgrasp_ros.lens_models import Lens

OBJECT_CENTRE = np.array([0.4, -0.2, 0.1])
MATRIX = np.array([[400.0, 0.0, 159.5], [0.0, 400.0, 119.5], [0.0, 0.0, 1.0]])
BOX = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.04 + OBJECT_CENTRE
BEHIND = np.array([0.0, 0.5, 0.0])


def slot_pose(slot: str, distance: float = 0.6, num_rolls: int = 0) -> np.ndarray:
    """Pose of a camera in a slot, rolled counter-clockwise by quarter turns about its optical axis."""
    index = VIEW_SLOTS.index(slot)
    pose = look_at(OBJECT_CENTRE + distance * SLOT_DIRECTIONS[index], OBJECT_CENTRE, SLOT_IMAGE_UP[index])
    angle = -np.pi / 2 * num_rolls
    roll = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    pose[:3, :3] = pose[:3, :3] @ roll
    return pose


def camera(name: str, pose: np.ndarray, pixels: np.ndarray | None = None) -> CameraImage:
    pixels = np.zeros((240, 320, 3), dtype=np.uint8) if pixels is None else pixels
    return CameraImage(name, pixels, geometry=CameraGeometry(MATRIX, pose))


@pytest.mark.parametrize("slot", VIEW_SLOTS)
@given(offset=st.tuples(*[st.floats(-0.2, 0.2)] * 3))
def test_a_camera_near_a_slot_is_given_it(slot, offset):
    pose = slot_pose(slot)
    pose[:3, 3] += offset
    index, agreement = nearest_slot(pose, OBJECT_CENTRE)
    assert VIEW_SLOTS[index] == slot
    assert 0.7 < agreement <= 1.0 + 1e-9


@pytest.mark.parametrize("slot", VIEW_SLOTS)
@pytest.mark.parametrize("num_rolls", range(4))
def test_a_rolled_image_is_turned_upright(slot, num_rolls):
    # The picture of a rolled camera, in which one pixel marks where the slot's up direction is.
    pose = slot_pose(slot, num_rolls=num_rolls)
    mark = OBJECT_CENTRE + 0.03 * SLOT_IMAGE_UP[VIEW_SLOTS.index(slot)]
    in_camera = np.linalg.inv(pose) @ np.append(mark, 1.0)
    column, row = np.round((MATRIX @ in_camera[:3])[:2] / in_camera[2]).astype(int)
    pixels = np.zeros((240, 320, 3), dtype=np.uint8)
    pixels[row - 1 : row + 2, column - 1 : column + 2] = 255
    views, notes = views_from_cameras([camera("one", pose, pixels)], BOX, crop_margin=1.16)
    assert not notes
    assert num_quarter_turns_to_upright(pose, VIEW_SLOTS.index(slot)) == num_rolls
    rows, columns = np.nonzero(views[slot][..., 0])
    size = views[slot].shape[0]
    assert rows.mean() < 0.35 * size
    assert abs(columns.mean() - size / 2) < 0.05 * size


def test_the_crop_is_square_and_holds_the_object_with_its_margin():
    pose = slot_pose("front")
    crop = crop_to_object(
        np.zeros((240, 320, 3), dtype=np.uint8), CameraGeometry(MATRIX, pose), BOX, OBJECT_CENTRE, 1.16
    )
    # The nearest corners are 0.56 m away: 400 * 0.04 / 0.56 pixels from the middle.
    assert crop is not None
    assert crop.shape == (2 * 34, 2 * 34, 3)


def test_the_crop_follows_the_lens():
    # A barrel lens pulls the object, which is seen at the picture's edge, towards the middle.
    pose = slot_pose("front")
    pose[0, 3] += 0.15
    lens = Lens("plumb_bob", (-0.5, 0.0, 0.0, 0.0, 0.0))
    points = OBJECT_CENTRE + np.zeros((1, 3))
    (straight,), (is_in_front,) = CameraGeometry(MATRIX, pose).project(points)
    (bent,), _ = CameraGeometry(MATRIX, pose, lens).project(points)
    assert is_in_front
    ray = -0.15 / 0.6
    assert straight[0] == pytest.approx(159.5 + 400 * ray)
    assert bent[0] == pytest.approx(159.5 + 400 * ray * (1 - 0.5 * ray**2))
    pixels = np.zeros((240, 320, 3), dtype=np.uint8)
    pixels[round(bent[1]), round(bent[0])] = 255
    crop = crop_to_object(pixels, CameraGeometry(MATRIX, pose, lens), BOX, OBJECT_CENTRE, 1.16)
    assert crop is not None
    middle = crop.shape[0] // 2
    assert crop[middle, middle].tolist() == [255] * 3


def test_beyond_the_image_edge_pixels_are_repeated():
    pixels = np.zeros((240, 320, 3), dtype=np.uint8)
    pixels[:, 0] = 200
    matrix = MATRIX.copy()
    matrix[0, 2] = 5.0
    crop = crop_to_object(pixels, CameraGeometry(matrix, slot_pose("front")), BOX, OBJECT_CENTRE, 1.16)
    assert crop is not None
    assert (crop[:, :20] == 200).all()
    assert (crop[:, 40:] == 0).all()


def test_a_point_at_the_end_of_the_world_does_not_break_the_crop():
    points = np.vstack([BOX, [[1e37, -0.2, 0.1], [0.4, 3e38, 0.1]]]).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        crop = crop_to_object(
            np.zeros((24, 32, 3), dtype=np.uint8), CameraGeometry(MATRIX, slot_pose("front")), points, OBJECT_CENTRE, 2
        )
    assert crop is None or crop.shape == (64, 64, 3)


def test_the_better_placed_of_two_cameras_has_the_slot():
    tilted = look_at(OBJECT_CENTRE + np.array([0.2, -0.5, 0.2]), OBJECT_CENTRE, (0, 0, 1))
    views, notes = views_from_cameras([camera("tilted", tilted), camera("straight", slot_pose("front"))], BOX, 1.2)
    assert list(views) == ["front"]
    assert notes == ["The image of tilted is not used: a better placed camera shows the front."]


def test_cameras_that_cannot_be_used_are_named():
    away = look_at(OBJECT_CENTRE + BEHIND, OBJECT_CENTRE + 2 * BEHIND, (0, 0, 1))
    unknown = CameraImage("unknown", np.zeros((2, 2, 3), dtype=np.uint8), objection="its CameraInfo is missing")
    views, notes = views_from_cameras([camera("away", away), unknown], BOX, 1.2)
    assert not views
    assert any("unknown is not used: its CameraInfo is missing, and no view slot" in note for note in notes)
    assert any("away" in note and "not in its picture" in note for note in notes)


def test_a_named_slot_takes_the_whole_image():
    pixels = np.full((2, 5, 3), 7, dtype=np.uint8)
    named = CameraImage("named", pixels, slot="back")
    views, notes = views_from_cameras([camera("rival", slot_pose("back")), named], BOX, 1.2)
    assert views["back"] is pixels
    assert len(notes) == 1
