"""All measures of a grasp together, on a parametric bottle with slabs for hands, in one process and in two."""

import numpy as np
import pytest
import torch

from training.data.object_families import FAMILIES, single_object
from training.metrics.grasp_measures import FREE_FALL_M, MEASURES_WITHOUT_GRASP, measure_grasps, measure_in_processes
from training.metrics.judged_object import JudgedObject
from training.metrics.part_correctness import NO_PART

pytest.importorskip("pybullet")
pytest.importorskip("open3d")
pytest.importorskip("skimage")
trimesh = pytest.importorskip("trimesh")


def judged_object(category, seed=0):
    drawn = FAMILIES[category].sample_parameters(1, torch.Generator().manual_seed(seed))
    parameters = {name: float(values[0]) for name, values in single_object(drawn, 0).items()}
    return JudgedObject("A00001", category, parameters)


@pytest.fixture(scope="module")
def bottle():
    return judged_object("bottle")


@pytest.fixture(scope="module")
def collar():
    """A ring around the z axis, 2 cm high: faces, and vertices for an inner radius and a height."""
    ring = trimesh.creation.annulus(r_min=1.0, r_max=2.0, height=0.02, sections=48)

    def vertices(inner_radius, outer_radius, height):
        points = np.array(ring.vertices)
        radii = np.linalg.norm(points[:, :2], axis=1)
        scale = np.where(radii < 1.5, inner_radius, outer_radius) / radii
        return np.column_stack([points[:, :2] * scale[:, None], points[:, 2] + height])

    return vertices, np.asarray(ring.faces)


def test_free_fall_is_that_of_the_simulation(bottle, collar):
    vertices, faces = collar
    (measured,) = measure_grasps(bottle, [vertices(0.2, 0.3, 1.0)], faces)
    assert not measured.touches
    assert measured.touched_part == NO_PART
    assert (measured.penetration_depth, measured.intersection_volume, measured.fine_intersection_volume) == (0, 0, 0)
    assert measured.displacement.mean == pytest.approx(FREE_FALL_M, abs=0.0005)


def test_a_request_without_a_grasp_is_a_miss_without_depth_and_volume():
    assert not MEASURES_WITHOUT_GRASP.touches
    assert MEASURES_WITHOUT_GRASP.touched_part == NO_PART
    assert MEASURES_WITHOUT_GRASP.displacement.mean == MEASURES_WITHOUT_GRASP.displacement.worst == FREE_FALL_M
    depth_and_volumes = (
        MEASURES_WITHOUT_GRASP.penetration_depth,
        MEASURES_WITHOUT_GRASP.intersection_volume,
        MEASURES_WITHOUT_GRASP.fine_intersection_volume,
    )
    assert all(np.isnan(depth_and_volumes))


def test_a_collar_around_the_body_touches_it_and_penetrates_by_what_it_overlaps(bottle, collar):
    """Two millimetres tighter than the widest radius: the volume is at most that of the ring between the radii."""
    vertices, faces = collar
    radius, overlap = bottle.parameters["body_radius"], 0.002
    low = -float(bottle.family.half_extents(bottle.parameter_tensors())[0, 2]) + 0.012
    (measured,) = measure_grasps(bottle, [vertices(radius - overlap, radius + 0.02, low)], faces)
    assert measured.touches
    assert bottle.family.part_names[measured.touched_part] == "body"
    assert 0.0 < measured.penetration_depth <= overlap + 1e-4
    ring_volume = np.pi * (radius**2 - (radius - overlap) ** 2) * 0.02
    assert 0.3 * ring_volume < measured.fine_intersection_volume < 1.3 * ring_volume
    assert measured.displacement.mean < 0.5 * FREE_FALL_M


def test_a_collar_around_the_neck_touches_the_neck(bottle, collar):
    vertices, faces = collar
    top = float(bottle.family.half_extents(bottle.parameter_tensors())[0, 2])
    (measured,) = measure_grasps(bottle, [vertices(bottle.parameters["neck_radius"] + 0.001, 0.05, top - 0.03)], faces)
    assert bottle.family.part_names[measured.touched_part] == "neck"


def test_worker_processes_give_the_same_measures_in_the_order_of_the_jobs(bottle, collar):
    vertices, faces = collar
    mug = judged_object("mug")
    jobs = [(bottle, [vertices(0.03, 0.05, 0.0), vertices(0.2, 0.3, 1.0)]), (mug, [vertices(0.04, 0.06, 0.0)])]
    parallel = list(measure_in_processes(jobs, faces))
    assert parallel == [measure_grasps(judged, hands, faces) for judged, hands in jobs]


@pytest.mark.parametrize("category", FAMILIES)
def test_part_shares_cover_the_surface_and_every_intent_names_a_part(category):
    judged = judged_object(category)
    assert judged.part_surface_shares.sum() == pytest.approx(1.0)
    assert judged.part_called_for("use") in range(len(judged.family.part_names))
    assert judged.mesh.signed_distances(np.concatenate(judged.convex_pieces)).max() < 0.002
