"""A plan as files: plan.json, one mesh of the posed hand per grasp, a page, and a picture."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from funcgrasp_core.contracts import PART_NAMES, GraspPlan
from funcgrasp_core.errors import InvalidFileError
from funcgrasp_core.visualisation.plan_html import plan_page
from funcgrasp_core.visualisation.plan_picture import draw_plan

PLAN_FILE, PAGE_FILE, PICTURE_FILE = "plan.json", "plan.html", "plan.png"
DECIMALS = 7
"""Of metres and radians in plan.json: a tenth of a micrometre, what float32 holds."""

Mesh = tuple[np.ndarray, np.ndarray]
"""Vertices [V, 3] and faces [F, 3]."""


def mesh_name(rank: int) -> str:
    """File name of the hand mesh of the grasp at `rank`, 0 being the best."""
    return f"grasp_{rank:03d}.ply"


def plan_as_dict(plan: GraspPlan) -> dict[str, Any]:
    """The plan as plan.json holds it."""
    return {
        "frame": plan.frame,
        "units": "m",
        "instruction": plan.instruction,
        "grasps": [
            {
                "pose": _numbers(grasp.vector[:48]),
                "shape": _numbers(grasp.vector[48:58]),
                "translation": _numbers(grasp.vector[58:]),
                "score": round(float(grasp.score), DECIMALS),
                "joints": _numbers(grasp.joints),
                "mesh": mesh_name(rank),
            }
            for rank, grasp in enumerate(plan.grasps)
        ],
        "contact_map": {
            "points": _numbers(plan.contact_map.points),
            "parts": list(PART_NAMES),
            "probabilities": _numbers(plan.contact_map.probabilities),
        },
        "timings": {stage: round(float(seconds), DECIMALS) for stage, seconds in plan.timings.items()},
    }


def write_plan_json(plan: GraspPlan, path: Path) -> None:
    """Writes plan.json; NaN and infinity are refused with ValueError, since JSON has none."""
    path.write_text(json.dumps(plan_as_dict(plan), allow_nan=False) + "\n", encoding="utf-8")


def write_hand_mesh(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Writes a triangle mesh, vertices [V, 3] in metres and faces [F, 3], as binary PLY."""
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment metres\n"
        f"element vertex {len(vertices)}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    face_records = np.empty(len(faces), dtype=[("count", "u1"), ("indices", "<i4", (3,))])
    face_records["count"] = 3
    face_records["indices"] = faces
    path.write_bytes(header.encode("ascii") + np.asarray(vertices, "<f4").tobytes() + face_records.tobytes())


def write_plan_folder(
    plan: GraspPlan, directory: Path, object_mesh: Mesh | None = None, with_picture: bool = False
) -> None:
    """Writes all files of a plan, or none: they are made in a sibling folder and moved from there.

    Args:
        plan: what to write.
        directory: made with its parents, or what a link points to; an older plan in it is replaced file by file,
            anything else is left alone and refused.
        object_mesh: of the object in the plan's frame, for page and picture; None: the contact points are drawn.
        with_picture: whether plan.png is drawn too; needs open3d.

    Raises:
        InvalidFileError: the folder holds other files, or cannot be written.
        MissingDependencyError: k3d, or open3d for the picture, is not installed.
    """
    check_plan_folder(directory)
    writers: dict[str, Callable[[Path], None]] = {PLAN_FILE: lambda path: write_plan_json(plan, path)}
    page = plan_page(plan, object_mesh)
    writers[PAGE_FILE] = lambda path: _write_text(path, page)
    for rank, grasp in enumerate(plan.grasps):
        writers[mesh_name(rank)] = lambda path, grasp=grasp: write_hand_mesh(path, grasp.vertices, plan.hand_faces)
    if with_picture:
        picture = draw_plan(plan, object_mesh)
        writers[PICTURE_FILE] = lambda path: picture.save(path)
    target = directory.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        for name, write in writers.items():
            write(partial / name)
        target.mkdir(exist_ok=True)
        for name in writers:
            (partial / name).replace(target / name)
        for entry in target.iterdir():
            if entry.name not in writers:
                entry.unlink()
    except OSError as error:
        raise InvalidFileError(f"The output folder '{directory}' cannot be written: {error.strerror}.") from error
    finally:
        _remove_folder(partial)


def check_plan_folder(directory: Path) -> None:
    """Refuses a folder that a plan must not replace.

    Raises:
        InvalidFileError: `directory` is a file, or holds files that are not those of a plan.
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise InvalidFileError(f"The output '{directory}' is a file; name a folder that may be made.")
    foreign = sorted(entry.name for entry in directory.iterdir() if not _belongs_to_plan(entry))
    if foreign:
        raise InvalidFileError(
            f"The output folder '{directory}' holds '{foreign[0]}', which is not part of a plan; name a new folder."
        )


def _belongs_to_plan(entry: Path) -> bool:
    is_mesh = entry.name.startswith("grasp_") and entry.suffix == ".ply"
    return entry.is_file() and (is_mesh or entry.name in (PLAN_FILE, PAGE_FILE, PICTURE_FILE))


def _remove_folder(directory: Path) -> None:
    if directory.is_dir():
        for entry in directory.iterdir():
            entry.unlink()
        directory.rmdir()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _numbers(array: np.ndarray) -> list[Any]:
    return np.round(np.asarray(array, dtype=np.float64), DECIMALS).tolist()
