"""How far an object slips out of a hand when gravity pulls it: the simulation displacement of hand-object synthesis.

The settings are those that obman_train, GraspTTA, FastGrasp and OakInk share: PyBullet without a window, a hand of
mass zero, an object of 1 kg, friction 3, 35 steps of 1/240 s. An object that nothing holds falls 10.7 cm. The value is
|p_end - p_start|, not |p_end|, so that it does not depend on where the object's frame lies.

Moving the vertices by a micrometre moves one grasp's value by up to 0.7 cm: compare means, never single grasps.
"""

import contextlib
import ctypes
import functools
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from funcgrasp_core.errors import ConfigurationError, MissingDependencyError

SIX_DIRECTIONS = np.concatenate([np.eye(3), -np.eye(3)])
"""Gravity along +x, +y, +z, -x, -y, -z."""

PUBLISHED_DIRECTIONS = np.array([[0.0, 1.0, 0.0]])
"""The single direction of the published protocol: +y of the mesh frame. A hand that happens to lie under the object
passes it by luck (16 % of random hands); the mean over SIX_DIRECTIONS does not."""


@dataclass(frozen=True)
class GravitySettings:
    """The published simulation settings, in SI units."""

    time_step_s: float = 1 / 240
    num_steps: int = 35  # 0.146 s: free fall is 10.7 cm
    num_solver_iterations: int = 150
    gravity_m_s2: float = 9.8
    object_mass_kg: float = 1.0
    lateral_friction: float = 3.0  # of hand and object alike
    object_restitution: float = 0.5
    hand_restitution: float = 0.0


PUBLISHED_SETTINGS = GravitySettings()


def displacement_under_gravity(
    hand_vertices: np.ndarray,
    closed_faces: np.ndarray,
    convex_pieces: Sequence[np.ndarray],
    directions: np.ndarray = SIX_DIRECTIONS,
    centre: np.ndarray | None = None,
    settings: GravitySettings = PUBLISHED_SETTINGS,
) -> np.ndarray:
    """How far the object moves under gravity along each direction while the hand stands still.

    Args:
        hand_vertices: [V, 3] metres, in the object's frame.
        closed_faces: [F, 3] triangles of the hand with its wrist closed, outward.
        convex_pieces: vertices [n, 3] of each convex piece of the object, metres.
        directions: [D, 3] unit vectors along which gravity pulls.
        centre: [3] the object's centre of mass; the mean of the pieces' vertices if not given. The published
            protocol takes the mean of the mesh's vertices.
        settings: of the simulation.

    Returns:
        [D] displacements of the centre of mass in metres.

    Raises:
        ConfigurationError: there is no convex piece, or the hand is not finite.
        MissingDependencyError: pybullet is not installed.
    """
    if len(convex_pieces) == 0:
        raise ConfigurationError("convex_pieces is empty; expected at least one [n, 3] array of vertices")
    if not np.isfinite(hand_vertices).all():
        raise ConfigurationError("hand_vertices holds NaN or infinite coordinates; expected finite metres")
    bullet, client = _connected_client(os.getpid())
    centre = np.concatenate(convex_pieces).mean(axis=0) if centre is None else np.asarray(centre, dtype=float)

    bullet.resetSimulation(physicsClientId=client)
    bullet.setPhysicsEngineParameter(
        numSolverIterations=settings.num_solver_iterations,
        fixedTimeStep=settings.time_step_s,
        enableFileCaching=0,
        physicsClientId=client,
    )
    with tempfile.TemporaryDirectory(prefix="funcgrasp_physics_") as folder:
        hand_file, object_file = Path(folder) / "hand.obj", Path(folder) / "object.obj"
        # The hand is passed as a file on purpose: as vertex lists it gets a wider collision margin and its contacts
        # become unstable (2.7 cm against 10.9 cm for one and the same hand).
        write_obj(hand_file, [(hand_vertices - centre, closed_faces)])
        write_obj(object_file, [_convex_hull(np.asarray(piece) - centre) for piece in convex_pieces])
        hand_shape = bullet.createCollisionShape(
            bullet.GEOM_MESH,
            fileName=str(hand_file),
            flags=bullet.GEOM_FORCE_CONCAVE_TRIMESH,
            physicsClientId=client,
        )
        object_shape = bullet.createCollisionShape(bullet.GEOM_MESH, fileName=str(object_file), physicsClientId=client)
        hand = bullet.createMultiBody(0.0, hand_shape, physicsClientId=client)
        friction = {"lateralFriction": settings.lateral_friction, "physicsClientId": client}
        bullet.changeDynamics(hand, -1, restitution=settings.hand_restitution, **friction)
        return np.array([_fall(bullet, client, object_shape, way, settings) for way in np.asarray(directions, float)])


def write_obj(path: Path, groups: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    """Write meshes (vertices [n, 3], faces [m, 3]) as one Wavefront file, each as an `o` group of its own."""
    lines = []
    offset = 1
    for index, (vertices, faces) in enumerate(groups):
        lines.append(f"o piece_{index}")
        lines.extend(f"v {x:.9f} {y:.9f} {z:.9f}" for x, y, z in np.asarray(vertices, dtype=float))
        lines.extend(f"f {a} {b} {c}" for a, b, c in np.asarray(faces) + offset)
        offset += len(vertices)
    path.write_text("\n".join(lines) + "\n")


def import_pybullet() -> Any:
    """The pybullet module, or an error that says how to get it."""
    try:
        with silenced_native_output():
            import pybullet
    except ImportError as error:
        raise MissingDependencyError(
            "The physics of the evaluation needs pybullet: pip install 'funcgrasp[eval]'"
        ) from error
    return pybullet


@contextlib.contextmanager
def silenced_native_output() -> Iterator[None]:
    """Keep what native code prints (pybullet's banner, a decomposition's progress) off the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            ctypes.CDLL(None).fflush(None)  # else the C library prints its buffer later
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            os.close(kept[0])
            os.close(kept[1])


def _fall(bullet: Any, client: int, object_shape: int, direction: np.ndarray, settings: GravitySettings) -> float:
    """Drop the object, a new body so that no contact is remembered, and measure its way; metres."""
    body = bullet.createMultiBody(settings.object_mass_kg, object_shape, physicsClientId=client)
    bullet.changeDynamics(
        body,
        -1,
        lateralFriction=settings.lateral_friction,
        restitution=settings.object_restitution,
        physicsClientId=client,
    )
    bullet.setGravity(*(settings.gravity_m_s2 * direction), physicsClientId=client)
    start, _ = bullet.getBasePositionAndOrientation(body, physicsClientId=client)
    for _ in range(settings.num_steps):
        bullet.stepSimulation(physicsClientId=client)
    end, _ = bullet.getBasePositionAndOrientation(body, physicsClientId=client)
    bullet.removeBody(body, physicsClientId=client)
    return float(np.linalg.norm(np.subtract(end, start)))


@functools.lru_cache(maxsize=1)
def _connected_client(process_id: int) -> tuple[Any, int]:
    """One connection for each process: a forked worker must not share its parent's."""
    bullet = import_pybullet()
    return bullet, bullet.connect(bullet.DIRECT)


def _convex_hull(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of the convex hull; flat pieces are joggled by less than a micrometre."""
    try:
        hull = ConvexHull(points)
    except QhullError:
        hull = ConvexHull(points, qhull_options="QJ1e-7")
    used = hull.vertices
    position = np.full(len(points), -1)
    position[used] = np.arange(len(used))
    return points[used], position[hull.simplices]
