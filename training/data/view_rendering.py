"""The six views of an object, rendered and stored beside the data set.

Layout: `renders/<object id>/yaw_<degrees>/<slot>.png`. The object is turned about z by the yaw while the cameras stand
still, so with quarter turns (which only permute the slots) a grid of 30 degrees of exactly rendered yaws exists.
"""

import colorsys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.visualisation.mesh_renderer import ColouredMesh, MeshRenderer, PinholeCamera, look_at

VIEW_SIZE_PX = 224
VIEW_YAWS_DEG = (0, 30, 60)
RENDERS_FOLDER = "renders"

CAMERA_DISTANCE_M = 0.6
"""From the object's centre."""

FRAMING_MARGIN = 0.08
"""Empty border on every side, by the object's size in the picture."""

CAMERA_DIRECTIONS = {
    "front": (0.0, -1.0, 0.0),
    "back": (0.0, 1.0, 0.0),
    "left": (-1.0, 0.0, 0.0),
    "right": (1.0, 0.0, 0.0),
    "top": (0.0, 0.0, 1.0),
    "bottom": (0.0, 0.0, -1.0),
}
"""Where the camera of each slot stands, seen from the object."""


def slot_camera(slot: str, vertices: np.ndarray, size_px: int = VIEW_SIZE_PX) -> PinholeCamera:
    """The camera of a slot, zoomed so that an object of these vertices [V, 3] fills the picture but for the margin."""
    direction = np.array(CAMERA_DIRECTIONS[slot])
    up = (0.0, 1.0, 0.0) if slot in ("top", "bottom") else (0.0, 0.0, 1.0)
    pose = look_at(tuple(direction * CAMERA_DISTANCE_M), (0.0, 0.0, 0.0), up)
    in_camera = (vertices - pose[:3, 3]) @ pose[:3, :3]
    reach = np.abs(in_camera[:, :2] / in_camera[:, 2:]).max()
    return PinholeCamera(pose, size_px, size_px, focal_px=size_px / 2 / (reach * (1 + 2 * FRAMING_MARGIN)))


def part_colours(num_parts: int, seed: int) -> np.ndarray:
    """Random material colours [num_parts, 3]; often the whole object is of one material."""
    generator = np.random.default_rng(seed)
    num_materials = num_parts if generator.random() < 0.5 else 1
    hues, saturations = generator.random(num_materials), generator.uniform(0.05, 0.85, num_materials)
    values = generator.uniform(0.35, 0.95, num_materials)
    colours = [colorsys.hsv_to_rgb(*hsv) for hsv in zip(hues, saturations, values, strict=True)]
    return np.array(colours)[generator.integers(num_materials, size=num_parts)]


def render_views(
    vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, yaw_deg: float, seed: int, size_px: int = VIEW_SIZE_PX
) -> dict[str, np.ndarray]:
    """Pictures [size, size, 3] uint8 of an object by slot.

    Args:
        vertices: [V, 3] metres, object frame.
        faces: [F, 3].
        colours: [V, 3] RGB in [0, 1].
        yaw_deg: turn of the object about +z.
        seed: of light and background.
        size_px: of the square pictures.
    """
    yaw = np.deg2rad(yaw_deg)
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0.0], [np.sin(yaw), np.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
    turned = vertices @ turn.T
    generator = np.random.default_rng(seed)
    background = generator.uniform(0.55, 1.0) + generator.uniform(-0.05, 0.05, 3)
    sideways = generator.uniform(-0.5, 0.5, 2)
    renderer = MeshRenderer([ColouredMesh(turned, faces, colours)])
    views = {}
    for slot in VIEW_SLOTS:
        camera = slot_camera(slot, turned, size_px)
        right, down, forward = camera.world_from_camera[:3, :3].T
        light = -forward * 0.8 + right * sideways[0] - down * (0.5 + sideways[1])
        views[slot] = renderer.render(camera, light, background.tolist()).rgb
    return views


def views_folder(root: Path, object_id: str, yaw_deg: int) -> Path:
    """Where the six views of an object at a yaw are stored."""
    return root / RENDERS_FOLDER / object_id / f"yaw_{yaw_deg:03d}"


def has_views(root: Path, object_id: str, yaws_deg: Sequence[int] = VIEW_YAWS_DEG) -> bool:
    """Whether all views of an object are stored, at every yaw."""
    folders = [views_folder(root, object_id, yaw_deg) for yaw_deg in yaws_deg]
    return all((folder / f"{slot}.png").is_file() for folder in folders for slot in VIEW_SLOTS)


def store_views(
    root: Path,
    object_id: str,
    vertices: np.ndarray,
    faces: np.ndarray,
    vertex_parts: np.ndarray,
    seed: int,
    yaws_deg: Sequence[int] = VIEW_YAWS_DEG,
) -> None:
    """Renders and writes an object's views at every yaw; yaws whose six files exist already are kept.

    Args:
        root: folder of the data set.
        object_id: names the folder.
        vertices: [V, 3] metres, object frame.
        faces: [F, 3].
        vertex_parts: [V] part index of every vertex; parts differ in material.
        seed: of colours, light and background.
        yaws_deg: turns of the object.
    """
    colours = part_colours(int(vertex_parts.max()) + 1, seed)[vertex_parts]
    for yaw_deg in yaws_deg:
        folder = views_folder(root, object_id, yaw_deg)
        if has_views(root, object_id, [yaw_deg]):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for slot, pixels in render_views(vertices, faces, colours, yaw_deg, seed).items():
            unfinished = folder / f"{slot}.unfinished"
            Image.fromarray(pixels).save(unfinished, format="PNG", compress_level=3)
            unfinished.rename(folder / f"{slot}.png")
