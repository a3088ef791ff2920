"""A picture of inspected grasps: the hand on the object, and beside it where its parts touch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.contact_field import soft_contact_targets
from funcgrasp_core.visualisation.contact_colours import BEST_HAND_COLOUR, PART_COLOUR_OF_NAME, contact_point_colours
from funcgrasp_core.visualisation.mesh_renderer import (
    ColouredMesh,
    PinholeCamera,
    focal_from_field_of_view,
    look_at,
    render_meshes,
)
from training.data.layout_inspection import InspectedGrasp

VIEW_SIZE_PX = 320
CAPTION_HEIGHT_PX = 26
FIELD_OF_VIEW_RAD = 0.5
ELEVATION_RAD = 0.35
_TEXT_COLOUR = (30, 30, 30)
_SAMPLES_PER_ROW = 2


def save_sample_picture(grasps: Sequence[InspectedGrasp], path: Path) -> None:
    """Writes a picture of the grasps in the format of the file's name.

    Raises:
        ConfigurationError: there is none, or the name is of no picture format.
        MissingDependencyError: open3d is not installed.
    """
    _check_name(path)
    picture = draw_samples(grasps)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def draw_samples(grasps: Sequence[InspectedGrasp]) -> Image.Image:
    """All grasps, two in a row, z up; of each the hand and the object, then the object from the hand's side alone."""
    if not grasps:
        raise ConfigurationError("there is no readable grasp to draw")
    tile_width, tile_height = 2 * VIEW_SIZE_PX, VIEW_SIZE_PX + CAPTION_HEIGHT_PX
    num_columns = min(len(grasps), _SAMPLES_PER_ROW)
    num_rows = -(-len(grasps) // num_columns)
    picture = Image.new("RGB", (num_columns * tile_width, num_rows * tile_height + CAPTION_HEIGHT_PX), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=14)
    for number, grasp in enumerate(grasps):
        left, top = number % num_columns * tile_width, number // num_columns * tile_height
        for column, view in enumerate(_views(grasp)):
            picture.paste(Image.fromarray(view), (left + column * VIEW_SIZE_PX, top))
        draw.text((left + 8, top + VIEW_SIZE_PX + 4), grasp.title, _TEXT_COLOUR, font)
    _write_legend(draw, font, num_rows * tile_height)
    return picture


def _views(grasp: InspectedGrasp) -> tuple[np.ndarray, np.ndarray]:
    from scipy.spatial import KDTree

    contact = soft_contact_targets(torch.from_numpy(grasp.part_distances)).numpy()
    _, nearest = KDTree(grasp.surface_points).query(grasp.object_vertices)
    item = ColouredMesh(grasp.object_vertices, grasp.object_faces, contact_point_colours(contact)[nearest] / 255)
    hand = ColouredMesh(grasp.hand_vertices, grasp.hand_faces, BEST_HAND_COLOUR / 255)
    towards_hand = grasp.hand_vertices.mean(axis=0) - grasp.surface_points.mean(axis=0)
    azimuth = float(np.arctan2(towards_hand[1], towards_hand[0]))
    both = np.concatenate([grasp.object_vertices, grasp.hand_vertices])
    return (
        render_meshes([item, hand], _camera(both, azimuth - np.pi / 2)).rgb,
        render_meshes([item], _camera(grasp.object_vertices, azimuth)).rgb,
    )


def _camera(points: np.ndarray, azimuth: float) -> PinholeCamera:
    """Sees all points [N, 3] from slightly above; the azimuth is the camera's, seen from the object."""
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    distance = 1.05 * np.linalg.norm(points - centre, axis=1).max() / np.sin(FIELD_OF_VIEW_RAD / 2)
    across = np.cos(ELEVATION_RAD) * np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    position = centre + distance * (across + np.array([0.0, 0.0, np.sin(ELEVATION_RAD)]))
    pose = look_at(position.tolist(), centre.tolist(), (0.0, 0.0, 1.0))
    return PinholeCamera(pose, VIEW_SIZE_PX, VIEW_SIZE_PX, focal_from_field_of_view(FIELD_OF_VIEW_RAD, VIEW_SIZE_PX))


def _write_legend(draw: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, top: int) -> None:
    left = 8.0
    for name, colour in PART_COLOUR_OF_NAME.items():
        draw.rectangle((left, top + 5, left + 14, top + 19), fill=colour)
        draw.text((left + 19, top + 3), name, _TEXT_COLOUR, font)
        left += 40 + draw.textlength(name, font)


def _check_name(path: Path) -> None:
    if path.suffix.lower() not in Image.registered_extensions():
        raise ConfigurationError(f"{path}: give a picture's name, such as samples.png")
