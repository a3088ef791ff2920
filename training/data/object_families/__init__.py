"""Parametric objects of OakInk's categories, with functional parts."""

from training.data.object_families.bottle import Bottle
from training.data.object_families.bowl import Bowl
from training.data.object_families.family import ObjectFamily, Parameters, single_object
from training.data.object_families.hammer import Hammer
from training.data.object_families.mug import Mug
from training.data.object_families.surface import (
    distance_and_gradient,
    mesh_from_parameters,
    part_area_fractions,
    project_to_surface,
    sample_surface,
)

FAMILIES: dict[str, ObjectFamily] = {family.category: family for family in (Mug(), Bottle(), Hammer(), Bowl())}
"""Every family by its category."""

__all__ = [
    "FAMILIES",
    "Bottle",
    "Bowl",
    "Hammer",
    "Mug",
    "ObjectFamily",
    "Parameters",
    "distance_and_gradient",
    "mesh_from_parameters",
    "part_area_fractions",
    "project_to_surface",
    "sample_surface",
    "single_object",
]
