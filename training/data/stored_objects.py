"""What is stored of an object beside a data set: points of its surface and rendered views."""

import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import DatasetError
from funcgrasp_core.preprocessing.file_inputs import sample_mesh

STORED_CLOUD_SIZE = 4096
"""Surface points of an object that samples choose from."""

CLOUDS_FOLDER = "clouds"


def object_cloud_seed(object_id: str) -> int:
    """The seed of the stored points of an object."""
    return zlib.crc32(object_id.encode())


def sample_object_cloud(vertices: np.ndarray, faces: np.ndarray, seed: int) -> np.ndarray:
    """Random points [STORED_CLOUD_SIZE, 3] float32, uniform over the area of a mesh."""
    import trimesh

    mesh = trimesh.Trimesh(vertices, faces, process=False)
    return sample_mesh(mesh, STORED_CLOUD_SIZE, seed).astype(np.float32)


def read_cloud(path: Path) -> np.ndarray:
    """A stored cloud [STORED_CLOUD_SIZE, 3] float32."""
    try:
        points = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(
            f"{path} cannot be read as a NumPy array ({error}): delete it, it is made again from the mesh"
        ) from error
    if not isinstance(points, np.ndarray) or points.shape != (STORED_CLOUD_SIZE, 3) or not np.isfinite(points).all():
        raise DatasetError(
            f"{path}: expected {STORED_CLOUD_SIZE} finite points, found shape {getattr(points, 'shape', None)}: delete "
            "it, it is made again from the mesh"
        )
    return points.astype(np.float32)


def read_view(path: Path, rendering_command: str) -> np.ndarray:
    """A rendered view [S, S, 3] uint8.

    Raises:
        DatasetError: the picture is damaged; the text says to delete it and how to render it again.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise DatasetError(
            f"{path} is damaged ({error}): delete it and render it again by {rendering_command}"
        ) from error


def read_views(folder: Path, are_required: bool, rendering_command: str) -> dict[str, np.ndarray]:
    """The rendered views [S, S, 3] uint8 of an object by slot.

    Args:
        folder: of the object's views at one yaw.
        are_required: False leaves out views that are not there.
        rendering_command: that makes them, for the texts of errors.

    Raises:
        DatasetError: a view is damaged, or missing although views are required.
    """
    views = {}
    for slot in VIEW_SLOTS:
        path = folder / f"{slot}.png"
        if not path.is_file():
            if not are_required:
                continue
            raise DatasetError(f"{path} is missing: render the views first, by {rendering_command}")
        views[slot] = read_view(path, rendering_command)
    return views
