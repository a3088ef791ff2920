"""Parametric objects: true distances, centred boxes, parts that cover the surface, convex pieces, closed meshes."""

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull

from training.data.functional_parts import INTENT_PARTS, intents_of
from training.data.object_families import (
    FAMILIES,
    distance_and_gradient,
    mesh_from_parameters,
    part_area_fractions,
    sample_surface,
    single_object,
)

NUM_OBJECTS = 4
CATEGORIES = sorted(FAMILIES)


@pytest.fixture(scope="module", params=CATEGORIES)
def objects(request):
    family = FAMILIES[request.param]
    generator = torch.Generator().manual_seed(11)
    parameters = family.sample_parameters(NUM_OBJECTS, generator)
    return family, parameters, sample_surface(family, parameters, 1500, generator)


def signed_volume(vertices, faces):
    corners = vertices[faces].astype(float)
    return np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6


def test_gradient_has_unit_length_near_the_surface(objects):
    family, parameters, surface = objects
    nearby = surface + 0.004 * torch.randn(surface.shape, generator=torch.Generator().manual_seed(1))
    _, gradient = distance_and_gradient(family, nearby, parameters)
    length = gradient.norm(dim=-1)
    assert ((length > 0.9) & (length < 1.1)).float().mean() > 0.995


def test_distance_outside_equals_that_to_the_nearest_surface_point(objects):
    family, parameters, _ = objects
    generator = torch.Generator().manual_seed(2)
    dense = sample_surface(family, parameters, 4_000, generator)
    queries = (torch.rand(NUM_OBJECTS, 200, 3, generator=generator) * 2 - 1) * family.half_extents(parameters)[:, None]
    distance = family.signed_distance(queries, parameters)
    nearest = torch.cdist(queries, dense).amin(dim=-1)
    outside = distance > 0.01
    assert outside.any()
    difference = (nearest - distance)[outside]
    assert difference.min() > -1e-4
    assert difference.max() < 0.004  # the dense cloud itself has gaps


def test_box_is_centred_on_the_origin(objects):
    family, parameters, _ = objects
    for index in range(NUM_OBJECTS):
        one = single_object(parameters, index)
        vertices, _ = mesh_from_parameters(family, one)
        half = family.half_extents(one)[0].numpy()
        assert np.allclose(vertices.max(axis=0), half, atol=2e-4)
        assert np.allclose(vertices.min(axis=0), -half, atol=2e-4)


def test_parts_cover_the_surface_and_nothing_else(objects):
    family, parameters, surface = objects
    distances = torch.stack([family.signed_distance(surface, parameters, part) for part in family.part_names], dim=-1)
    nearest, labels = distances.min(dim=-1)
    assert torch.equal(labels, family.part_labels(surface, parameters))
    assert nearest.abs().quantile(0.99) < 1e-3
    solid = family.signed_distance(surface, parameters)
    assert (distances >= solid[..., None] - 1e-6).all()
    fractions = part_area_fractions(family, parameters)
    assert torch.allclose(fractions.sum(dim=-1), torch.ones(NUM_OBJECTS))
    assert (fractions > 0.04).all()


def test_mesh_is_watertight_with_outward_normals(objects):
    family, parameters, _ = objects
    vertices, faces = mesh_from_parameters(family, single_object(parameters, 0))
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    directed = {tuple(edge) for edge in edges.tolist()}
    assert len(directed) == len(edges)
    assert all((end, start) in directed for start, end in directed)
    assert signed_volume(vertices, faces) > 0
    distance = family.signed_distance(torch.from_numpy(vertices)[None], single_object(parameters, 0))
    assert distance.abs().max() < 5e-4


def test_convex_pieces_fill_the_solid(objects):
    family, parameters, _ = objects
    one = single_object(parameters, 1)
    generator = torch.Generator().manual_seed(3)
    queries = (torch.rand(4000, 3, generator=generator) * 2 - 1) * family.half_extents(one)[0]
    inside = np.zeros(len(queries), dtype=bool)
    for piece in family.convex_pieces(one):
        planes = ConvexHull(piece).equations
        inside |= (queries.numpy() @ planes[:, :3].T + planes[:, 3] <= 0).all(axis=1)
    distance = family.signed_distance(queries[None], one)[0].numpy()
    wrong = inside != (distance < 0)
    assert (np.abs(distance[wrong]) < 0.0015).all()
    assert inside.any()


def test_sampling_is_reproducible():
    for family in FAMILIES.values():
        first, second = (family.sample_parameters(3, torch.Generator().manual_seed(5)) for _ in range(2))
        assert all(torch.equal(first[name], second[name]) for name in first)
        assert set(first) == set(family.parameter_ranges)


def test_unknown_part_is_refused():
    mug = FAMILIES["mug"]
    with pytest.raises(KeyError, match="handle, body, rim"):
        mug.signed_distance(torch.zeros(1, 1, 3), mug.sample_parameters(1, torch.Generator()), "neck")


def test_mug_handle_is_at_its_place_and_can_be_passed_through():
    mug = FAMILIES["mug"]
    parameters = mug.sample_parameters(20, torch.Generator().manual_seed(6))
    half = mug.half_extents(parameters)
    tip = torch.zeros(20, 1, 3)
    tip[:, 0, 0] = half[:, 0]
    tip[:, 0, 2] = parameters["handle_shift"]
    assert mug.signed_distance(tip, parameters)[:, 0].abs().max() < 1e-5
    assert (mug.part_labels(tip, parameters)[:, 0] == mug.part_names.index("handle")).all()
    in_the_gap = tip.clone()
    in_the_gap[:, 0, 0] -= (parameters["handle_reach"] + 3 * parameters["handle_radius"]) / 2
    assert (mug.signed_distance(in_the_gap, parameters)[:, 0] > 0.009).all()


@pytest.mark.parametrize(("category", "intent"), sorted(INTENT_PARTS))
def test_intents_name_parts_that_exist(category, intent):
    assert INTENT_PARTS[category, intent] in FAMILIES[category].part_names
    assert intent in intents_of(category)
