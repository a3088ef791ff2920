"""Every measure of single grasps against their exact object, in worker processes."""

import math
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.metrics.contact_ratio import touches_object
from training.metrics.displacement_six import SixDisplacements, displacement_six
from training.metrics.exact_mesh import ExactMesh
from training.metrics.grasp_physics import PUBLISHED_SETTINGS
from training.metrics.intersection_volume import fine_intersection_volume, intersection_volume, solid_voxel_centres
from training.metrics.judged_object import JudgedObject
from training.metrics.part_correctness import NO_PART, touched_part
from training.metrics.penetration_depth import penetration_depth


@dataclass(frozen=True)
class GraspMeasures:
    """What is measured of one grasp; metres and cubic metres.

    Attributes:
        touches: whether any hand vertex lies within 5 mm of the object or in it.
        penetration_depth: deepest hand vertex; NaN, as the volumes, if there is no hand.
        intersection_volume: of solid 5 mm voxels, the published protocol.
        fine_intersection_volume: of 2 mm cells inside both.
        touched_part: index of the object's part under most contact vertices, NO_PART if none.
        displacement: under gravity along six directions.
    """

    touches: bool
    penetration_depth: float
    intersection_volume: float
    fine_intersection_volume: float
    touched_part: int
    displacement: SixDisplacements


_STEP_NUMBERS_SUM = PUBLISHED_SETTINGS.num_steps * (PUBLISHED_SETTINGS.num_steps + 1) / 2
FREE_FALL_M = PUBLISHED_SETTINGS.gravity_m_s2 * PUBLISHED_SETTINGS.time_step_s**2 * _STEP_NUMBERS_SUM
"""How far an object falls that nothing holds: the sum of the simulation's semi-implicit Euler steps."""

MEASURES_WITHOUT_GRASP = GraspMeasures(
    False, math.nan, math.nan, math.nan, NO_PART, SixDisplacements(FREE_FALL_M, FREE_FALL_M, FREE_FALL_M)
)
"""What a request that got no grasp scores: a total miss, whose depth and volumes (NaN) no mean takes for small ones."""


def measure_grasps(judged: JudgedObject, hands: Sequence[np.ndarray], closed_faces: np.ndarray) -> list[GraspMeasures]:
    """Measure several hands on one object.

    Args:
        judged: the object.
        hands: vertices [V, 3] of each hand in the object frame, metres.
        closed_faces: [F, 3] of every hand, wrist closed.
    """
    mesh = judged.mesh
    voxels = solid_voxel_centres(mesh)
    centre_of_mass = np.asarray(mesh.vertices, dtype=float).mean(axis=0)
    num_parts = len(judged.family.part_names)
    measures = []
    for vertices in hands:
        hand = ExactMesh(vertices, closed_faces)
        measures.append(
            GraspMeasures(
                touches=touches_object(vertices, mesh),
                penetration_depth=penetration_depth(vertices, mesh),
                intersection_volume=intersection_volume(voxels, hand),
                fine_intersection_volume=fine_intersection_volume(mesh, hand),
                touched_part=touched_part(vertices, mesh, judged.part_labels, num_parts).part,
                displacement=displacement_six(vertices, closed_faces, judged.convex_pieces, centre_of_mass),
            )
        )
    return measures


def measure_in_processes(
    jobs: Sequence[tuple[JudgedObject, Sequence[np.ndarray]]], closed_faces: np.ndarray, num_processes: int = 2
) -> Iterator[list[GraspMeasures]]:
    """Measure the hands of several objects, one object a job, results in the order of the jobs.

    Args:
        jobs: an object and the hands [V, 3] on it.
        closed_faces: [F, 3] of every hand.
        num_processes: worker processes; each has one thread and a physics client of its own.
    """
    context = multiprocessing.get_context("spawn")
    arguments = [(judged, hands, closed_faces) for judged, hands in jobs]
    with context.Pool(num_processes, initializer=_use_one_thread) as pool:
        yield from pool.imap(_measure_job, arguments)


def _measure_job(arguments: tuple[JudgedObject, Sequence[np.ndarray], np.ndarray]) -> list[GraspMeasures]:
    return measure_grasps(*arguments)


def _use_one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
