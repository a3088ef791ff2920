"""Clouds, meshes and views from files."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import ConfigurationError, FuncGraspError, InvalidFileError, MissingDependencyError

if TYPE_CHECKING:
    import trimesh

MESH_SUFFIXES = (".obj", ".ply", ".stl", ".off", ".glb")


def read_cloud(path: Path | str) -> np.ndarray:
    """Points [N, 3] float64 of a .ply, .pcd, .npy or .xyz file, in the file's unit and order; not finite ones are kept.

    Of wider rows in .npy and .xyz the first three columns are taken.

    Raises:
        InvalidFileError: the file is missing, of another kind, damaged or without points.
        MissingDependencyError: .pcd without open3d.
    """
    path = Path(path)
    reader = _reader(path, _CLOUD_READERS, "a point cloud")
    points = np.asarray(_read(path, reader, "a point cloud"))
    if points.ndim != 2 or points.shape[1] < 3 or points.dtype.kind not in "fiu":
        raise InvalidFileError(
            f"{path}: expected rows of at least three numbers x y z, found shape {points.shape} of {points.dtype}; "
            "store the cloud as an array [N, 3]"
        )
    if len(points) == 0:
        raise InvalidFileError(f"{path}: the file has no points; export the cloud again")
    return points[:, :3].astype(np.float64)


def read_mesh(path: Path | str) -> "trimesh.Trimesh":
    """The triangles of a mesh file (MESH_SUFFIXES), all its parts joined, vertices as they stand in the file.

    Raises:
        InvalidFileError: the file is missing, of another kind, damaged or without triangles of any area.
    """
    path = Path(path)
    reader = _reader(path, dict.fromkeys(MESH_SUFFIXES, _read_trimesh_mesh), "a mesh")
    mesh = _read(path, reader, "a mesh")
    faces = getattr(mesh, "faces", None)
    if faces is None or len(faces) == 0:
        raise InvalidFileError(f"{path}: the file has no triangles; give a mesh, or pass points as a cloud")
    if not np.isfinite(mesh.vertices).all() or not mesh.area > 0:
        raise InvalidFileError(
            f"{path}: the mesh has vertices that are not finite, or no surface; repair and export it again"
        )
    return mesh


def sample_mesh(mesh: "trimesh.Trimesh", num_points: int, seed: int | np.random.Generator = 0) -> np.ndarray:
    """Random points [num_points, 3] float64 on a mesh, uniform by area. The same seed gives the same points."""
    if num_points < 1:
        raise ConfigurationError(f"num_points must be at least 1, got {num_points}")
    generator = np.random.default_rng(seed)
    corners = np.asarray(mesh.vertices, dtype=np.float64)[np.asarray(mesh.faces)]
    edges = corners[:, 1:] - corners[:, :1]
    cumulative_areas = np.cumsum(np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1))
    triangles = np.searchsorted(cumulative_areas, generator.random(num_points) * cumulative_areas[-1], side="right")
    along = generator.random((num_points, 2, 1))
    along = np.where(along.sum(axis=1, keepdims=True) > 1, 1 - along, along)  # folds the square onto the triangle
    return corners[triangles, 0] + (along * edges[triangles]).sum(axis=1)


def read_views(directory: Path | str) -> dict[str, np.ndarray]:
    """Views by slot, [H, W, 3] uint8 RGB, of front.png ... bottom.png in a directory; any may be missing, not all.

    Transparent pictures are laid on white.

    Raises:
        InvalidFileError: there is no such directory, no view in it, or a picture is damaged.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise InvalidFileError(f"{directory}: no such directory; give one that holds {_view_file_names()}")
    paths = {slot: directory / f"{slot}.png" for slot in VIEW_SLOTS}
    views = {slot: _read(path, _read_picture, "a PNG picture") for slot, path in paths.items() if path.is_file()}
    if not views:
        raise InvalidFileError(f"{directory}: no view found; expected at least one of {_view_file_names()}")
    return views


def _view_file_names() -> str:
    return ", ".join(f"{slot}.png" for slot in VIEW_SLOTS)


def _reader(path: Path, readers: dict[str, Callable[[Path], Any]], expected: str) -> Callable[[Path], Any]:
    if not path.is_file():
        raise InvalidFileError(f"{path}: no such file; expected {expected} ({', '.join(readers)})")
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InvalidFileError(
            f"{path}: unknown kind {path.suffix!r}; expected {expected} as one of {', '.join(readers)}, convert it"
        )
    return reader


def _read(path: Path, reader: Callable[[Path], Any], expected: str) -> Any:
    try:
        return reader(path)
    except FuncGraspError:
        raise
    except Exception as error:  # parsers of damaged files raise anything: IndexError, struct.error, KeyError, ...
        raise InvalidFileError(
            f"{path}: cannot be read as {expected} ({type(error).__name__}: {error}); export it again"
        ) from error


def _read_trimesh_cloud(path: Path) -> np.ndarray:
    return np.asarray(_load_trimesh(path).vertices)


def _read_trimesh_mesh(path: Path) -> Any:
    return _load_trimesh(path)


def _load_trimesh(path: Path) -> Any:
    """A trimesh.Trimesh or trimesh.PointCloud; scenes are joined."""
    try:
        import trimesh
    except ImportError as error:
        raise MissingDependencyError("reading .ply and mesh files needs trimesh: pip install 'funcgrasp'") from error
    loaded = trimesh.load(path, process=False)
    return loaded.to_geometry() if isinstance(loaded, trimesh.Scene) else loaded


def _read_pcd(path: Path) -> np.ndarray:
    try:
        import open3d
    except ImportError as error:
        raise MissingDependencyError("reading .pcd files needs open3d: pip install 'funcgrasp[scene]'") from error
    cloud = open3d.io.read_point_cloud(path, remove_nan_points=False, remove_infinite_points=False)
    return np.asarray(cloud.points)


def _read_npy(path: Path) -> np.ndarray:
    return np.load(path, allow_pickle=False)


def _read_xyz(path: Path) -> np.ndarray:
    return np.loadtxt(path, ndmin=2)


def _read_picture(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            return np.asarray(Image.alpha_composite(white, picture).convert("RGB"))
        return np.asarray(picture.convert("RGB"))


_CLOUD_READERS: dict[str, Callable[[Path], np.ndarray]] = {
    ".ply": _read_trimesh_cloud,
    ".pcd": _read_pcd,
    ".npy": _read_npy,
    ".xyz": _read_xyz,
}
