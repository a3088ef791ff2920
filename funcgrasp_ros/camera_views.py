"""Which camera shows which side of the object, and the part of its image that shows it.

Cameras use the optical convention: z forward, x right, y down in the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_ros.conversions.transforms import transform_points

SLOT_DIRECTIONS = np.array([(0, -1, 0), (0, 1, 0), (-1, 0, 0), (1, 0, 0), (0, 0, 1), (0, 0, -1)], dtype=np.float64)
"""From the object towards the camera of each of VIEW_SLOTS, in the planning frame."""

SLOT_IMAGE_UP = np.array([(0, 0, 1)] * 4 + [(0, 1, 0)] * 2, dtype=np.float64)
"""What is up in the image of each of VIEW_SLOTS, in the planning frame."""

NEAREST_DEPTH_M = 0.02
"""Points nearer to a camera, or behind it, are not projected."""


@dataclass(frozen=True)
class CameraGeometry:
    """How a camera sees, and from where.

    Attributes:
        matrix: [3, 3] pinhole intrinsics in pixels.
        planning_from_camera: [4, 4].
    """

    matrix: np.ndarray
    planning_from_camera: np.ndarray


@dataclass(frozen=True)
class CameraImage:
    """One camera's picture and what is known of the camera.

    Attributes:
        name: for people, in notes.
        pixels: [H, W, 3] uint8 RGB.
        slot: view slot that the user gave to this camera; empty if it is to be found out.
        geometry: None if unknown.
    """

    name: str
    pixels: np.ndarray
    slot: str = ""
    geometry: CameraGeometry | None = None


def views_from_cameras(
    cameras: Sequence[CameraImage], points: np.ndarray, crop_margin: float
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Pictures of the object by view slot.

    A camera that the user gave a slot keeps it, with its whole image. The others get the slot whose direction is
    nearest to their own; where two want the same, the nearer one has it.

    Args:
        cameras: any number of them.
        points: [N, 3] object points in the planning frame, N > 0, finite.
        crop_margin: of the cut square, see `crop_to_object`.

    Returns:
        Views by slot, and a sentence for each camera that could not be used.
    """
    views = {camera.slot: camera.pixels for camera in cameras if camera.slot}
    notes = []
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    located = []
    for camera in cameras:
        if camera.slot:
            continue
        if camera.geometry is None:
            notes.append(
                f"The image of {camera.name} is not used: its CameraInfo or its transform is missing, and "
                "'camera_slots' names no slot for it."
            )
            continue
        slot_index, agreement = nearest_slot(camera.geometry.planning_from_camera, centre)
        located.append((agreement, slot_index, camera, camera.geometry))
    for _, slot_index, camera, geometry in sorted(located, key=lambda entry: -entry[0]):
        slot = VIEW_SLOTS[slot_index]
        if slot in views:
            notes.append(f"The image of {camera.name} is not used: a better placed camera shows the {slot}.")
            continue
        view = crop_to_object(camera.pixels, geometry, points, crop_margin)
        if view is None:
            notes.append(f"The image of {camera.name} is not used: the object is not in its picture.")
            continue
        num_quarter_turns = num_quarter_turns_to_upright(geometry.planning_from_camera, slot_index)
        views[slot] = np.ascontiguousarray(np.rot90(view, num_quarter_turns))
    return views, notes


def nearest_slot(planning_from_camera: np.ndarray, object_centre: np.ndarray) -> tuple[int, float]:
    """Index of the view slot nearest to a camera's direction from the object, and the cosine of the angle to it."""
    direction = planning_from_camera[:3, 3] - object_centre
    agreements = SLOT_DIRECTIONS @ (direction / np.linalg.norm(direction))
    return int(agreements.argmax()), float(agreements.max())


def num_quarter_turns_to_upright(planning_from_camera: np.ndarray, slot_index: int) -> int:
    """How often `numpy.rot90` (counter-clockwise) must turn the image until the slot's up direction is nearly up."""
    up_in_camera = planning_from_camera[:3, :3].T @ SLOT_IMAGE_UP[slot_index]
    # Angle of the up direction in the image, counter-clockwise from the right; the image's y axis points down.
    angle_rad = np.arctan2(-up_in_camera[1], up_in_camera[0])
    return round((np.pi / 2 - angle_rad) / (np.pi / 2)) % 4


def crop_to_object(
    image: np.ndarray, geometry: CameraGeometry, points: np.ndarray, crop_margin: float
) -> np.ndarray | None:
    """The square [S, S, 3] of an image [H, W, 3] around the object; where it leaves the image, edges are repeated.

    Its middle is the projected centre of the object's box and its side reaches `crop_margin` times as far as the
    outermost point, as in the pictures that the model is trained on.

    Returns:
        None if no point of the object is seen.
    """
    camera_from_planning = np.linalg.inv(geometry.planning_from_camera)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    in_camera = transform_points(camera_from_planning, np.vstack([centre, points]).astype(np.float64))
    if in_camera[0, 2] < NEAREST_DEPTH_M:
        return None
    in_front = in_camera[in_camera[:, 2] > NEAREST_DEPTH_M]
    pixels = (in_front @ geometry.matrix.T)[:, :2] / in_front[:, 2:]
    height, width, _ = image.shape
    if not ((pixels >= 0) & (pixels < (width, height))).all(axis=1).any():
        return None
    reach = np.abs(pixels - pixels[0]).max() * crop_margin
    # A point right in front of the camera must not ask for a crop of a million pixels.
    half_side = int(np.clip(np.ceil(reach), 1, max(height, width)))
    column, row = np.round(pixels[0]).astype(int)
    columns = np.clip(np.arange(column - half_side, column + half_side), 0, width - 1)
    rows = np.clip(np.arange(row - half_side, row + half_side), 0, height - 1)
    return image[rows[:, None], columns]
