"""Which camera shows which side of the object, and the part of its image that shows it.

Cameras use the optical convention: z forward, x right, y down in the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_ros.lens_models import Lens

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
        planning_from_camera: [4, 4]; of a rectified picture, the camera after rectification.
        lens: what bends the rays before the matrix applies; None: nothing.
    """

    matrix: np.ndarray
    planning_from_camera: np.ndarray
    lens: Lens | None = None

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where points [N, 3] of the planning frame are seen.

        Returns:
            Pixels [N, 2], column and row, and whether each point is far enough before the camera for them, [N].
        """
        camera_from_planning = np.linalg.inv(self.planning_from_camera)
        in_camera = points @ camera_from_planning[:3, :3].T + camera_from_planning[:3, 3]
        is_in_front = in_camera[:, 2] > NEAREST_DEPTH_M
        rays = in_camera[:, :2] / np.where(is_in_front, in_camera[:, 2], 1.0)[:, None]
        if self.lens is not None:
            rays = self.lens.distort(rays)
        return rays @ self.matrix[:2, :2].T + self.matrix[:2, 2], is_in_front


@dataclass(frozen=True)
class CameraImage:
    """One camera's picture and what is known of the camera.

    Attributes:
        name: for people, in notes.
        pixels: [H, W, 3] uint8 RGB.
        slot: view slot that the user gave to this camera; empty if it is to be found out.
        geometry: None if unknown.
        objection: why `geometry` is unknown, where no slot was given.
    """

    name: str
    pixels: np.ndarray
    slot: str = ""
    geometry: CameraGeometry | None = None
    objection: str = ""


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
    points = points.astype(np.float64)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    located = []
    for camera in cameras:
        if camera.slot:
            continue
        if camera.geometry is None:
            notes.append(
                f"The image of {camera.name} is not used: {camera.objection}, and no view slot is named for it "
                "('camera_slots', or 'view_slots' in a request)."
            )
            continue
        slot_index, agreement = nearest_slot(camera.geometry.planning_from_camera, centre)
        located.append((agreement, slot_index, camera, camera.geometry))
    for _, slot_index, camera, geometry in sorted(located, key=lambda entry: -entry[0]):
        slot = VIEW_SLOTS[slot_index]
        if slot in views:
            notes.append(f"The image of {camera.name} is not used: a better placed camera shows the {slot}.")
            continue
        view = crop_to_object(camera.pixels, geometry, points, centre, crop_margin)
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
    image: np.ndarray, geometry: CameraGeometry, points: np.ndarray, centre: np.ndarray, crop_margin: float
) -> np.ndarray | None:
    """The square [S, S, 3] of an image around the object; where it leaves the image, edge pixels are repeated.

    Its middle is the projected centre of the object's box and its side reaches `crop_margin` times as far as the
    outermost point, as in the pictures that the model is trained on.

    Args:
        image: [H, W, 3].
        geometry: of the camera.
        points: [N, 3] in the planning frame.
        centre: [3] of the points' box.
        crop_margin: 1 cuts at the outermost point.

    Returns:
        None if no point of the object is seen.
    """
    pixels, is_in_front = geometry.project(np.vstack([centre, points]))
    if not is_in_front[0] or not np.isfinite(pixels[0]).all():
        return None
    columns, rows = pixels[is_in_front].T
    height, width, _ = image.shape
    if not ((columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)).any():
        return None
    reach = crop_margin * max(np.abs(columns - columns[0]).max(), np.abs(rows - rows[0]).max())
    # A point right in front of the camera, or one that is absurdly far, must not ask for a crop of a million pixels.
    largest = max(height, width)
    half_side = int(np.clip(np.ceil(reach), 1, largest)) if np.isfinite(reach) else largest
    steps = np.arange(-half_side, half_side)
    middle_column, middle_row = np.clip(np.round(pixels[0]), -2 * largest, 2 * largest).astype(int)
    kept_columns = np.clip(middle_column + steps, 0, width - 1)
    kept_rows = np.clip(middle_row + steps, 0, height - 1)
    return image[kept_rows[:, None], kept_columns]
