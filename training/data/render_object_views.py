"""Renders the views of an OakInk-Shape folder: `python -m training.data.render_object_views --data DIR`.

No images belong to OakInk's grasps, so they are drawn from the meshes, and surface points are stored beside them: a
training machine then needs no mesh reader. Objects of all splits are prepared. What is finished is kept, so an
interrupted run continues. The procedural data set comes with its views.
"""

import argparse
import io
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from funcgrasp_core.errors import ConfigurationError, DatasetError, FuncGraspError
from training.data.broken_files import BrokenFile, BrokenFiles, OnBroken
from training.data.oakink_index import (
    check_object_size,
    find_grasps,
    find_mesh,
    read_centred_mesh,
    read_object_names,
)
from training.data.oakink_layout import ALIGNED_FOLDERS
from training.data.oakink_reading import OakInkReading
from training.data.oakink_writer import write_whole
from training.data.object_settings import ObjectSettings, choose_object_settings, write_object_settings
from training.data.stored_objects import CLOUDS_FOLDER, object_cloud_seed, sample_object_cloud
from training.data.up_axis import UP_AXES, turn_to_z_up
from training.data.view_rendering import has_views, store_views


@dataclass(frozen=True)
class RenderingResult:
    """What a run did.

    Attributes:
        num_objects: that have grasps.
        num_rendered: in this run; the others were finished already or are broken.
        broken: objects that could not be rendered, with the reason.
    """

    num_objects: int
    num_rendered: int
    broken: tuple[BrokenFile, ...]


def render_object_views(
    root: Path,
    with_virtual: bool = False,
    up_axis: str | None = None,
    mesh_folder: str | None = None,
    on_broken: OnBroken = "refuse",
    num_workers: int = 1,
) -> RenderingResult:
    """Renders what is missing.

    Args:
        root: the data set's `shape` folder.
        with_virtual: also objects that grasps were only transferred to.
        up_axis: axis of the meshes that points up; None: as in an earlier run, else "z".
        mesh_folder: "align" or "align_ds"; None: as in an earlier run, else "align".
        on_broken: whether a broken file ends the run or is left out and listed.
        num_workers: processes.

    Raises:
        DatasetError: the folder has another layout, was rendered otherwise, or a file is broken and refused.
    """
    if num_workers < 1:
        raise ConfigurationError(f"the number of workers must be at least 1, got {num_workers}")
    names, broken = read_object_names(root), BrokenFiles(on_broken)
    settings = choose_object_settings(root, up_axis, mesh_folder)
    reading = OakInkReading(with_virtual=with_virtual, handover="all")
    object_ids = sorted({record.object_id for record in find_grasps(root, "all", reading, broken)})
    write_object_settings(root, settings)
    pending = [object_id for object_id in object_ids if not _is_finished(root, object_id)]
    jobs = []
    for object_id in pending:
        with broken.reading(root):
            jobs.append((root, object_id, find_mesh(root, names, object_id, settings.mesh_folder), settings))
    num_rendered = 0
    progress = tqdm(_run(jobs, num_workers), desc="views", unit="object", total=len(jobs))
    for mesh, error in progress:
        with broken.reading(mesh):
            if error is not None:
                raise error
            num_rendered += 1
    return RenderingResult(len(object_ids), num_rendered, tuple(broken))


_Job = tuple[Path, str, Path, ObjectSettings]


def _run(jobs: Sequence[_Job], num_workers: int) -> Iterator[tuple[Path, DatasetError | None]]:
    """The mesh of each job as it ends, and why it failed; jobs not begun are dropped when the caller stops."""
    if num_workers == 1:
        for job in jobs:
            yield _prepare_object(job)
        return
    # Forked workers could inherit locked threads of the renderer.
    pool = ProcessPoolExecutor(num_workers, multiprocessing.get_context("spawn"))
    try:
        for future in as_completed([pool.submit(_prepare_object, job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_object(job: _Job) -> tuple[Path, DatasetError | None]:
    root, object_id, mesh, settings = job
    try:
        vertices, faces = read_centred_mesh(mesh)
        check_object_size(vertices, mesh)
        seed = object_cloud_seed(object_id)
        cloud_file = _cloud_file(root, object_id)
        if not cloud_file.is_file():
            content = io.BytesIO()
            np.save(content, sample_object_cloud(vertices, faces, seed))
            write_whole(cloud_file, content.getvalue())
        upright = vertices @ turn_to_z_up(settings.up_axis).T
        one_material = np.zeros(len(vertices), dtype=np.int64)
        store_views(root, object_id, upright, faces, one_material, seed)
    except DatasetError as error:
        return mesh, error
    return mesh, None


def _is_finished(root: Path, object_id: str) -> bool:
    return has_views(root, object_id) and _cloud_file(root, object_id).is_file()


def _cloud_file(root: Path, object_id: str) -> Path:
    return root / CLOUDS_FOLDER / f"{object_id}.npy"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(description="Render six views of every object of an OakInk-Shape folder.")
    parser.add_argument("--data", type=Path, required=True, help="the data set's shape folder")
    parser.add_argument("--with-virtual", action="store_true", help="render virtual objects too")
    parser.add_argument("--up-axis", choices=UP_AXES, help="of the meshes (default: as rendered before, else z)")
    parser.add_argument(
        "--mesh-folder", choices=ALIGNED_FOLDERS, help="which meshes (default: as rendered before, else align)"
    )
    parser.add_argument(
        "--on-broken", choices=("refuse", "skip"), default="refuse", help="end at a broken file, or list it and go on"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    options = parser.parse_args(arguments)
    try:
        result = render_object_views(
            options.data,
            options.with_virtual,
            options.up_axis,
            options.mesh_folder,
            options.on_broken,
            options.workers,
        )
    except FuncGraspError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command continues", file=sys.stderr)
        return 130
    for broken in result.broken:
        print(f"left out: {broken}", file=sys.stderr)
    print(f"{result.num_objects} objects in {options.data}: {result.num_rendered} rendered now", end="")
    print(f", {len(result.broken)} files broken" if result.broken else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
