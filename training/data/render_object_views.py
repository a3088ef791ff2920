"""Renders the views of an OakInk-Shape folder: `python -m training.data.render_object_views --data DIR`.

No images belong to OakInk's grasps, so they are drawn from the meshes. Objects of all splits are rendered; finished
ones are kept, so an interrupted run continues. The procedural data set comes with its views.
"""

import argparse
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from funcgrasp_core.errors import FuncGraspError
from training.data.oakink_index import find_grasps, find_mesh, read_centred_mesh, read_object_names
from training.data.view_rendering import store_views


def render_object_views(root: Path, with_virtual: bool = False) -> int:
    """Renders what is missing and returns the number of objects.

    Args:
        root: the data set's `shape` folder.
        with_virtual: also objects that grasps were only transferred to.
    """
    names = read_object_names(root)
    object_ids = sorted({record.object_id for record in find_grasps(root, "all", with_virtual=with_virtual)})
    for object_id in tqdm(object_ids, desc="views", unit="object"):
        vertices, faces = read_centred_mesh(find_mesh(root, names, object_id))
        one_material = np.zeros(len(vertices), dtype=np.int64)
        store_views(root, object_id, vertices, faces, one_material, seed=zlib.crc32(object_id.encode()))
    return len(object_ids)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(description="Render six views of every object of an OakInk-Shape folder.")
    parser.add_argument("--data", type=Path, required=True, help="the data set's shape folder")
    parser.add_argument("--with-virtual", action="store_true", help="render virtual objects too")
    options = parser.parse_args(arguments)
    try:
        num_objects = render_object_views(options.data, options.with_virtual)
    except FuncGraspError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{num_objects} objects rendered in {options.data}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
