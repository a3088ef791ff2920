"""Pictures of coloured meshes by ray casting, without a display or GL.

Cameras follow the optical convention: x to the right of the image, y down, z forward. Symbols: H rows, W columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from funcgrasp_core.errors import MissingDependencyError

NO_GEOMETRY = -1
"""Geometry id of a pixel that sees nothing."""

_AMBIENT = 0.38
_DIFFUSE = 0.62


@dataclass(frozen=True)
class ColouredMesh:
    """A mesh to draw.

    Attributes:
        vertices: [V, 3] metres, in the world frame.
        faces: [F, 3] vertex indices, outward counter-clockwise.
        colours: [3] or [V, 3] RGB in [0, 1].
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray


@dataclass(frozen=True)
class PinholeCamera:
    """A perspective camera without distortion.

    Attributes:
        world_from_camera: [4, 4], optical axes (x right, y down, z forward).
        width: columns of the image.
        height: rows of the image.
        focal_px: focal length in pixels, the same for both axes.
        centre_px: principal point (column, row); None is the middle of the image.
    """

    world_from_camera: np.ndarray
    width: int
    height: int
    focal_px: float
    centre_px: tuple[float, float] | None = None

    @property
    def principal_point(self) -> tuple[float, float]:
        """Column and row that the optical axis meets; pixel (0, 0) has its centre at (0, 0)."""
        return self.centre_px or ((self.width - 1) / 2, (self.height - 1) / 2)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixel coordinates [N, 2] (column, row) and depths [N] in metres of world points [N, 3]."""
        rotation, position = self.world_from_camera[:3, :3], self.world_from_camera[:3, 3]
        in_camera = (points - position) @ rotation
        pixels = self.focal_px * in_camera[:, :2] / in_camera[:, 2:] + np.array(self.principal_point)
        return pixels, in_camera[:, 2]


@dataclass(frozen=True)
class Rendering:
    """What a camera sees.

    Attributes:
        rgb: [H, W, 3] uint8.
        depth: [H, W] float32 metres along the optical axis, inf where nothing is seen.
        geometry_ids: [H, W] int32 index of the mesh, NO_GEOMETRY where nothing is seen.
    """

    rgb: np.ndarray
    depth: np.ndarray
    geometry_ids: np.ndarray


def look_at(position: Sequence[float], target: Sequence[float], up: Sequence[float]) -> np.ndarray:
    """World-from-camera pose [4, 4] of a camera at `position` that looks at `target` with `up` upwards in its image."""
    forward = np.asarray(target, dtype=float) - np.asarray(position, dtype=float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(up, dtype=float))
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = position
    return pose


def focal_from_field_of_view(field_of_view_rad: float, num_pixels: int) -> float:
    """Focal length in pixels of an image whose `num_pixels` span the given angle."""
    return num_pixels / 2 / np.tan(field_of_view_rad / 2)


class MeshRenderer:
    """Meshes prepared once for pictures from several cameras."""

    def __init__(self, meshes: Sequence[ColouredMesh]):
        self._meshes = meshes
        self._open3d = _import_open3d()
        self._scene = self._open3d.t.geometry.RaycastingScene()
        for mesh in meshes:
            self._scene.add_triangles(
                self._open3d.core.Tensor(np.ascontiguousarray(mesh.vertices, dtype=np.float32)),
                self._open3d.core.Tensor(np.ascontiguousarray(mesh.faces, dtype=np.uint32)),
            )
        self._normals = [_vertex_normals(mesh) for mesh in meshes]

    def render(
        self,
        camera: PinholeCamera,
        light_direction: np.ndarray | None = None,
        background: Sequence[float] = (1.0, 1.0, 1.0),
        supersampling: int = 1,
    ) -> Rendering:
        """Draws the meshes with smooth shading.

        Args:
            camera: where the picture is taken.
            light_direction: [3] towards the light, in the world; None lights from above the camera's left shoulder.
            background: RGB in [0, 1].
            supersampling: rays per pixel and axis for `rgb`; depth and ids are those of the ray nearest to the middle.
        """
        rays = _camera_rays(camera, supersampling)
        hits = self._scene.cast_rays(self._open3d.core.Tensor(rays.reshape(-1, 6)))
        ids = hits["geometry_ids"].numpy().astype(np.int64)
        ids[ids >= len(self._meshes)] = NO_GEOMETRY
        light = _default_light(camera) if light_direction is None else np.asarray(light_direction, dtype=float)
        colours = np.empty((len(ids), 3), dtype=np.float32)
        colours[:] = np.asarray(background)
        for index in range(len(self._meshes)):
            hit = ids == index
            if hit.any():
                faces, weights = hits["primitive_ids"].numpy()[hit], hits["primitive_uvs"].numpy()[hit]
                colours[hit] = self._shade(index, faces, weights, light / np.linalg.norm(light))
        rows, columns = camera.height, camera.width
        if supersampling > 1:
            colours = colours.reshape(rows, supersampling, columns, supersampling, 3).mean(axis=(1, 3))
        middle = supersampling // 2
        depth = hits["t_hit"].numpy().reshape(rows, supersampling, columns, supersampling)[:, middle, :, middle]
        ids = ids.reshape(rows, supersampling, columns, supersampling)[:, middle, :, middle]
        return Rendering(
            (colours.clip(0.0, 1.0) * 255 + 0.5).astype(np.uint8).reshape(rows, columns, 3), depth, ids.astype(np.int32)
        )

    def _shade(self, index: int, faces: np.ndarray, face_weights: np.ndarray, light: np.ndarray) -> np.ndarray:
        mesh, corners = self._meshes[index], self._meshes[index].faces[faces]
        weights = np.concatenate([1 - face_weights.sum(axis=1, keepdims=True), face_weights], axis=1)[..., None]
        normals = (self._normals[index][corners] * weights).sum(axis=1)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
        colours = np.asarray(mesh.colours, dtype=np.float32)
        if colours.ndim == 2:
            colours = (colours[corners] * weights).sum(axis=1)
        brightness = _AMBIENT + _DIFFUSE * (normals @ light).clip(min=0.0)
        return colours * brightness[:, None]


def render_meshes(
    meshes: Sequence[ColouredMesh],
    camera: PinholeCamera,
    background: Sequence[float] = (1.0, 1.0, 1.0),
    supersampling: int = 2,
) -> Rendering:
    """One picture of meshes from one camera; use `MeshRenderer` for several."""
    return MeshRenderer(meshes).render(camera, background=background, supersampling=supersampling)


def _import_open3d() -> Any:
    try:
        import open3d
    except ImportError as error:
        raise MissingDependencyError("rendering needs open3d: pip install 'funcgrasp[scene]'") from error
    return open3d


def _camera_rays(camera: PinholeCamera, supersampling: int) -> np.ndarray:
    """Origin and direction [H * s, W * s, 6] float32; directions have unit depth, so that hits measure depth."""
    columns, rows = (
        (np.arange(num_pixels * supersampling) + 0.5) / supersampling - 0.5
        for num_pixels in (camera.width, camera.height)
    )
    centre_column, centre_row = camera.principal_point
    in_camera = np.ones((len(rows), len(columns), 3))
    in_camera[..., 0] = (columns[None] - centre_column) / camera.focal_px
    in_camera[..., 1] = (rows[:, None] - centre_row) / camera.focal_px
    rays = np.empty((*in_camera.shape[:2], 6), dtype=np.float32)
    rays[..., :3] = camera.world_from_camera[:3, 3]
    rays[..., 3:] = in_camera @ camera.world_from_camera[:3, :3].T
    return rays


def _default_light(camera: PinholeCamera) -> np.ndarray:
    right, down, forward = camera.world_from_camera[:3, :3].T
    return -forward * 0.6 - down * 0.6 - right * 0.35


def _vertex_normals(mesh: ColouredMesh) -> np.ndarray:
    corners = mesh.vertices[mesh.faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [
            np.bincount(mesh.faces.ravel(), weights=np.repeat(face_normals[:, axis], 3), minlength=len(mesh.vertices))
            for axis in range(3)
        ],
        axis=1,
    )
    return (normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)).astype(np.float32)
