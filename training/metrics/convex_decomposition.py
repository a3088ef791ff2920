"""A mesh as convex pieces, by V-HACD, for the physics of the evaluation; every result is kept in a cache.

The published resolution of 1,000 voxels fills a cup and the hole of its handle by up to 12 mm. It is there to compare
with published figures; FINE_RESOLUTION is what grasps are judged with. Say which was used beside every figure.
Where an object is built from convex pieces to begin with, those are exact and this module is not needed.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np

from funcgrasp_core.errors import ConfigurationError, InvalidFileError
from training.metrics.grasp_physics import import_pybullet, silenced_native_output, write_obj

PUBLISHED_RESOLUTION = 1_000
FINE_RESOLUTION = 1_000_000

_PUBLISHED_OPTIONS = {
    "concavity": 0.001,
    "alpha": 0.05,
    "beta": 0.0,
    "planeDownsampling": 4,
    "convexhullDownsampling": 4,
    "maxNumVerticesPerCH": 64,
    "minVolumePerCH": 0.0001,
}
"""The published V-HACD settings; its limit of 1,024 hulls is V-HACD's default."""


def decompose_mesh(
    vertices: np.ndarray,
    faces: np.ndarray,
    resolution: int = FINE_RESOLUTION,
    cache_folder: Path | None = None,
) -> list[np.ndarray]:
    """Convex pieces that together cover the mesh.

    Args:
        vertices: [V, 3] metres.
        faces: [F, 3] triangles.
        resolution: number of voxels that V-HACD works with; seconds of work at FINE_RESOLUTION.
        cache_folder: where results are kept, by a hash of mesh and resolution; a folder of the system's temporary
            files if not given.

    Returns:
        One [n, 3] array of vertices in metres for each piece.

    Raises:
        ConfigurationError: the resolution is out of V-HACD's range.
        InvalidFileError: V-HACD made nothing of the mesh.
    """
    if not 1_000 <= resolution <= 64_000_000:
        raise ConfigurationError(f"resolution is {resolution}; expected 1,000 to 64,000,000 voxels")
    vertices, faces = np.ascontiguousarray(vertices, dtype=np.float64), np.ascontiguousarray(faces, dtype=np.int64)
    folder = cache_folder or Path(tempfile.gettempdir()) / "funcgrasp_convex_pieces"
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(vertices.tobytes() + faces.tobytes() + str(resolution).encode()).hexdigest()[:24]
    cached = folder / f"{digest}.npz"
    if not cached.exists():
        _store(cached, _run_vhacd(vertices, faces, resolution))
    with np.load(cached) as arrays:
        return [arrays[name] for name in sorted(arrays.files)]


def _run_vhacd(vertices: np.ndarray, faces: np.ndarray, resolution: int) -> list[np.ndarray]:
    bullet = import_pybullet()
    with tempfile.TemporaryDirectory(prefix="funcgrasp_vhacd_") as folder:
        source, result, log = (str(Path(folder) / name) for name in ("mesh.obj", "pieces.obj", "log.txt"))
        write_obj(Path(source), [(vertices, faces)])
        with silenced_native_output():
            bullet.vhacd(source, result, log, resolution=resolution, **_PUBLISHED_OPTIONS)
        pieces = _read_pieces(Path(result)) if Path(result).exists() else []
    if not pieces:
        raise InvalidFileError(
            f"V-HACD made no convex piece of a mesh with {len(vertices)} vertices and {len(faces)} faces; "
            "expected a closed surface with a volume"
        )
    return pieces


def _read_pieces(path: Path) -> list[np.ndarray]:
    """Vertices of each `o` group of a Wavefront file."""
    pieces: list[list[list[float]]] = []
    for line in path.read_text().splitlines():
        if line.startswith("o "):
            pieces.append([])
        elif line.startswith("v "):
            pieces[-1].append([float(value) for value in line.split()[1:4]])
    return [np.array(piece) for piece in pieces if len(piece) >= 4]


def _store(path: Path, pieces: list[np.ndarray]) -> None:
    """Write in one step, so that two processes can share the folder."""
    partial = path.with_suffix(f".{os.getpid()}.partial.npz")
    np.savez(partial, **{f"piece_{index:04d}": piece for index, piece in enumerate(pieces)})  # pyright: ignore[reportArgumentType] - numpy's stub takes the names for keyword options
    partial.replace(path)
