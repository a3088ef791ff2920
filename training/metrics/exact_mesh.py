"""Distances to a closed triangle mesh: what every geometric measure of a grasp is computed from.

Measures judge against this, the exact surface, and never against the penetration and contact terms that losses and
refinement share: a refinement cannot game a judge that does not use its formula.
"""

from typing import Any

import numpy as np

from funcgrasp_core.errors import InvalidFileError, MissingDependencyError


class ExactMesh:
    """A closed mesh that answers how far points are from its surface.

    Args:
        vertices: [V, 3] metres.
        faces: [F, 3] triangles of a watertight surface; either winding.

    Raises:
        InvalidFileError: the mesh is empty or not watertight, so that "inside" has no meaning.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        self.vertices = np.ascontiguousarray(vertices, dtype=np.float32)
        self.faces = np.ascontiguousarray(faces, dtype=np.uint32)
        if len(self.faces) == 0 or not _every_edge_has_two_faces(self.faces):
            raise InvalidFileError(
                f"a mesh of {len(self.vertices)} vertices and {len(self.faces)} faces is not watertight; expected a "
                "closed surface: close its holes, merge its duplicate vertices"
            )
        open3d = _import_open3d()
        self._tensor = open3d.core.Tensor
        self._scene = open3d.t.geometry.RaycastingScene(nthreads=1)
        self._scene.add_triangles(self._tensor(self.vertices), self._tensor(self.faces))

    def signed_distances(self, points: np.ndarray) -> np.ndarray:
        """Distance of each point [P, 3] to the closest point of the surface, metres, negative inside; [P]."""
        query = self._tensor(np.ascontiguousarray(points, dtype=np.float32))
        return self._scene.compute_signed_distance(query, nthreads=1, nsamples=3).numpy()

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Which points [P, 3] lie inside; [P] bool."""
        query = self._tensor(np.ascontiguousarray(points, dtype=np.float32))
        return self._scene.compute_occupancy(query, nthreads=1, nsamples=3).numpy() > 0.5

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner of the axis-aligned box, [3] each."""
        return self.vertices.min(axis=0), self.vertices.max(axis=0)


def _every_edge_has_two_faces(faces: np.ndarray) -> bool:
    """Whether each directed edge is met by exactly one opposite one: closed and consistently wound."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    size = int(edges.max()) + 1
    forward = np.sort(edges[:, 0] * size + edges[:, 1])
    backward = np.sort(edges[:, 1] * size + edges[:, 0])
    return bool(np.array_equal(forward, backward))


def _import_open3d() -> Any:
    try:
        import open3d
    except ImportError as error:
        raise MissingDependencyError(
            "Measuring grasps against exact meshes needs open3d: pip install 'funcgrasp[eval]'"
        ) from error
    return open3d
