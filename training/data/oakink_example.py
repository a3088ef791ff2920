"""A small tree in OakInk-Shape's layout with every case that a reader must get right, from procedural objects.

It holds what the procedural data set lacks: virtual objects with transferred grasps, handovers with both hands, meshes
that are not centred, coarser copies of them, several meshes in a folder, and an id that both tables name.
"""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.data.frozen_grasps import FrozenGrasps, load_frozen_grasps
from training.data.oakink_layout import (
    ALIGNED_FOLDERS,
    INTENT_CODES,
    OBJECTS_FOLDER,
    SPLITS,
    GraspSource,
    split_of,
)
from training.data.oakink_writer import (
    make_grasp_id,
    write_grasp,
    write_object_mesh,
    write_object_names,
    write_transferred_grasp,
    write_whole,
)
from training.data.object_families import FAMILIES, mesh_from_parameters
from training.data.procedural_objects import ProceduralObject

_MESH_SPACING_M = {"align": 0.004, "align_ds": 0.006}
_STAGE = "pass1"
_GIVER, _RECEIVER = "0003", "0006"
_OFFSET_M = np.array([0.31, -0.12, 0.05])
"""Where meshes stand that are not centred."""


def write_example_tree(root: Path, num_virtual: int = 2, show_progress: bool = True) -> None:
    """Writes one real object of every category and split, and virtual objects of every category.

    Every recorded grasp is transferred to the virtual objects of its category.

    Args:
        root: becomes the tree's `shape` folder.
        num_virtual: virtual objects of each category.
        show_progress: on the terminal.
    """
    frozen = load_frozen_grasps()
    for number, category in enumerate(tqdm(FAMILIES, desc="example tree", unit="category", disable=not show_progress)):
        indices = [index for index, item in enumerate(frozen.objects) if item.category == category]
        real = [next(index for index in indices if frozen.objects[index].split == split) for split in SPLITS]
        spare = [index for index in indices if index not in real][:num_virtual]
        virtual = {_virtual_id(number, place): index for place, index in enumerate(spare)}
        _write_names(root, [frozen.objects[index] for index in real], list(virtual), category)
        for index in real:
            _write_real_mesh(root, frozen.objects[index])
        for virtual_id, index in virtual.items():
            _write_meshes(root, _virtual_name(category, virtual_id), frozen.objects[index], virtual=True)
        for index in real:
            _write_grasps(root, frozen, index, virtual)


def _virtual_id(category_number: int, place: int) -> str:
    """An id; over the categories every split has some, whatever the splits of the real objects."""
    split = SPLITS[(category_number + place) % len(SPLITS)]
    ids = (f"s{category_number:02d}{number:03d}" for number in range(100 * place, 100 * (place + 1)))
    return next(name for name in ids if split_of(name) == split)


def _virtual_name(category: str, virtual_id: str) -> str:
    return f"{category}_{virtual_id}"


def _write_names(root: Path, real: list[ProceduralObject], virtual_ids: list[str], category: str) -> None:
    write_object_names(root, {item.object_id: item.name for item in real})
    names = {virtual_id: _virtual_name(category, virtual_id) for virtual_id in virtual_ids}
    # The table of real objects goes before: this name leads nowhere.
    write_object_names(root, names | {real[0].object_id: "in_both_tables"}, virtual=True)


def _write_meshes(root: Path, name: str, item: ProceduralObject, virtual: bool) -> None:
    for mesh_folder in ALIGNED_FOLDERS:
        vertices, faces = mesh_from_parameters(item.family, item.parameters, _MESH_SPACING_M[mesh_folder])
        write_object_mesh(root, name, vertices + _OFFSET_M, faces, virtual, mesh_folder)


def _write_real_mesh(root: Path, item: ProceduralObject) -> None:
    """Bottles are an .obj with materials and the train object of a category has two meshes, one marked as aligned."""
    _write_meshes(root, item.name, item, virtual=False)
    for mesh_folder in ALIGNED_FOLDERS:
        folder = root / OBJECTS_FOLDER / item.name / mesh_folder
        mesh = folder / f"{item.name}.ply"
        if item.category == "bottle":
            vertices, faces = mesh_from_parameters(item.family, item.parameters, _MESH_SPACING_M[mesh_folder])
            write_whole(folder / "textured_simple.obj", _wavefront(vertices + _OFFSET_M, faces))
            mesh.unlink()
        elif item.split == SPLITS[0]:
            write_whole(folder / "model_align.ply", mesh.read_bytes())
            write_object_mesh(root, item.name, np.eye(3), np.array([[0, 1, 2]]), mesh_folder=mesh_folder)


def _wavefront(vertices: np.ndarray, faces: np.ndarray) -> bytes:
    """A .obj of two materials with texture coordinates, as scanned objects have them."""
    lines = ["mtllib textured_simple.obj.mtl"]
    lines += [f"v {x:.7f} {y:.7f} {z:.7f}" for x, y, z in vertices]
    lines += ["vt 0.0 0.0", "vt 1.0 0.0", "vt 0.0 1.0"]
    half = len(faces) // 2
    for material, part in (("front", faces[:half]), ("back", faces[half:])):
        lines += [f"usemtl {material}", *(f"f {a + 1}/1 {b + 1}/2 {c + 1}/3" for a, b, c in part)]
    return ("\n".join(lines) + "\n").encode()


def _write_grasps(root: Path, frozen: FrozenGrasps, index: int, virtual: dict[str, int]) -> None:
    item = frozen.objects[index]
    transferred = {virtual_id: dict(frozen.grasps_of(other)) for virtual_id, other in virtual.items()}
    for intent, vectors in frozen.grasps_of(index):
        hands = [(0, "dom.pkl")] if intent != "handover" else [(0, "dom.pkl"), (1, "dom_alt.pkl"), (2, "dom.pkl")]
        for number, file in hands:
            # The third hand of a handover has no partner; else object and time are the same for both hands only.
            recorded_at = (
                f"2021-10-0{1 + number // 2}-{item.object_id[2:4]}-{item.object_id[4:]}-{INTENT_CODES[intent]}"
            )
            subjects = f"{_GIVER}_{_RECEIVER}" if intent == "handover" else _GIVER
            source = GraspSource(_STAGE, item.object_id, intent, subjects, recorded_at, file)
            grasp_id = make_grasp_id(item.object_id, intent, number)
            folder = write_grasp(root, item.category, grasp_id, source, vectors[number % len(vectors)].numpy())
            for virtual_id, grasps in transferred.items():
                if intent in grasps:
                    vector = grasps[intent][number % len(grasps[intent])].numpy()
                    write_transferred_grasp(folder, virtual_id, vector)
