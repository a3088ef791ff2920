"""Draws the picture of docs/data/dexfuncgrasp.md: Shadow Hands on procedural objects and the MANO hands made of them.

PYTHONPATH=. .venv/bin/python docs/draw_dexfuncgrasp_picture.py
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
import trimesh
from PIL import Image, ImageDraw, ImageFont

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.visualisation.contact_colours import PART_COLOURS
from funcgrasp_core.visualisation.mesh_renderer import (
    ColouredMesh,
    PinholeCamera,
    focal_from_field_of_view,
    look_at,
    render_meshes,
)
from training.data.broken_files import BrokenFiles
from training.data.dexfuncgrasp.dataset import DexFuncGraspDataset
from training.data.dexfuncgrasp.example import write_example_tree
from training.data.dexfuncgrasp.index import find_shadow_grasps, read_upright_mesh
from training.data.dexfuncgrasp.object_grasps import read_object_grasps, shadow_keypoints
from training.data.dexfuncgrasp.shadow_hand import FINGER_RADIUS_M, THUMB_RADIUS_M

PICTURE = Path(__file__).resolve().parent / "data" / "dexfuncgrasp_retargeting.png"
TILE_PX = 380
CAPTION_PX = 24
FIELD_OF_VIEW_RAD = 0.5
BESIDE_HAND_RAD, ELEVATION_RAD = -0.9, 0.35
PALM_RADIUS_M = 0.006
OBJECT_COLOUR = (0.62, 0.72, 0.80)


def shadow_skeleton(joints: np.ndarray) -> list[ColouredMesh]:
    """Capsules along the bones of a Shadow Hand with joints [21, 3], coloured by finger."""
    meshes = []
    for joint in range(1, 21):
        finger, is_palm = 1 + (joint - 1) // 4, joint % 4 == 1
        start, end = joints[0 if is_palm else joint - 1], joints[joint]
        link = THUMB_RADIUS_M if finger == 1 else FINGER_RADIUS_M
        radius = PALM_RADIUS_M if is_palm else link
        if joint % 4 == 0:
            end = end - radius * (end - start) / np.linalg.norm(end - start)
        bone = capsule(start, end, radius)
        colour = PART_COLOURS[PART_NAMES.index("palm") if is_palm else finger] / 255
        meshes.append(ColouredMesh(bone.vertices, bone.faces, colour))
    return meshes


def capsule(start: np.ndarray, end: np.ndarray, radius: float) -> trimesh.Trimesh:
    """A capsule between two points [3]."""
    axis = end - start
    length = float(np.linalg.norm(axis))
    shape = trimesh.creation.capsule(height=length, radius=radius, count=[12, 12])
    shape.apply_translation([0.0, 0.0, -float(shape.bounds[:, 2].mean())])
    shape.apply_transform(trimesh.geometry.align_vectors([0, 0, 1], axis / length))
    shape.apply_translation((start + end) / 2)
    return shape


def human_hand(vertices: np.ndarray, layer: ManoLayer) -> ColouredMesh:
    """A MANO hand with vertices [778, 3], coloured by part."""
    colours = PART_COLOURS[vertex_part_labels(layer.assets).numpy()] / 255
    return ColouredMesh(vertices, layer.closed_faces.numpy(), colours)


def draw_pair(
    object_mesh: ColouredMesh, shadow_joints: np.ndarray, human: ColouredMesh, azimuth: float | None = None
) -> Image.Image:
    """The robot's skeleton on the left, the human hand on the right, seen from one place beside the hand."""
    if azimuth is None:
        towards_hand = shadow_joints.mean(axis=0) - object_mesh.vertices.mean(axis=0)
        azimuth = float(np.arctan2(towards_hand[1], towards_hand[0])) + BESIDE_HAND_RAD
    points = np.concatenate([object_mesh.vertices, shadow_joints, human.vertices])
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    distance = 1.05 * np.linalg.norm(points - centre, axis=1).max() / np.sin(FIELD_OF_VIEW_RAD / 2)
    across = np.cos(ELEVATION_RAD) * np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    position = centre + distance * (across + np.array([0.0, 0.0, np.sin(ELEVATION_RAD)]))
    pose = look_at(position.tolist(), centre.tolist(), (0.0, 0.0, 1.0))
    camera = PinholeCamera(pose, TILE_PX, TILE_PX, focal_from_field_of_view(FIELD_OF_VIEW_RAD, TILE_PX))
    picture = Image.new("RGB", (2 * TILE_PX, TILE_PX), "white")
    for column, hand in enumerate((shadow_skeleton(shadow_joints), [human])):
        tile = Image.fromarray(render_meshes([object_mesh, *hand], camera).rgb)
        picture.paste(tile, (column * TILE_PX, 0))
    return picture


def example_pairs(root: Path) -> list[tuple[Image.Image, str]]:
    """One grasp of each category of the example tree, with its caption."""
    write_example_tree(root, objects_per_category=1, grasps_per_object=1, mesh_spacing_m=0.002)
    dataset, layer = DexFuncGraspDataset(root, "all", views_required=False), ManoLayer()
    pairs = []
    for record, grasp in zip(dataset.records, find_shadow_grasps(root, "all"), strict=True):
        found = read_object_grasps(root, [grasp], BrokenFiles())
        assert found is not None  # broken files are refused
        mesh = read_upright_mesh(found.mesh_file, grasp.category)
        joints = shadow_keypoints(found, mesh.centre).joints[0].numpy()
        vertices = layer.from_vector(torch.from_numpy(dataset.vector(record))[None]).vertices[0].numpy()
        picture = draw_pair(
            ColouredMesh(mesh.vertices, mesh.faces, np.array(OBJECT_COLOUR)), joints, human_hand(vertices, layer)
        )
        pairs.append((picture, f"{grasp.category}: {record.source.stage}"))
    return pairs


def main() -> None:
    """Writes the picture."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = example_pairs(Path(folder))
    picture = Image.new("RGB", (2 * TILE_PX, len(pairs) * (TILE_PX + CAPTION_PX)), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=14)
    for row, (pair, caption) in enumerate(pairs):
        top = row * (TILE_PX + CAPTION_PX)
        picture.paste(pair, (0, top))
        draw.text((10, top + TILE_PX + 3), caption, (30, 30, 30), font)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    picture.save(PICTURE)
    print(PICTURE)


if __name__ == "__main__":
    main()
