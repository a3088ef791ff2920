import dataclasses

import numpy as np
import pytest

from funcgrasp_core.contracts import ContactMap
from funcgrasp_core.visualisation.plan_picture import VIEW_SIZE_PX, draw_plan

pytest.importorskip("open3d", reason="pictures need open3d")


def share_of_hue(image, is_hue):
    views = np.asarray(image, dtype=int)[:VIEW_SIZE_PX]
    return is_hue(*np.moveaxis(views, -1, 0)).mean()


def is_skin(red, green, blue):
    return (red > green + 12) & (green > blue + 8)


def is_blue(red, green, blue):
    return blue > red + 40


def test_both_sides_show_the_hand(plan):
    image = draw_plan(plan)
    assert image.size[0] == 2 * VIEW_SIZE_PX
    for left in (0, VIEW_SIZE_PX):
        assert share_of_hue(image.crop((left, 0, left + VIEW_SIZE_PX, VIEW_SIZE_PX)), is_skin) > 0.02


def test_contact_colours_the_object(plan):
    probabilities = np.zeros_like(plan.contact_map.probabilities)
    untouched = dataclasses.replace(plan, contact_map=ContactMap(plan.contact_map.points, probabilities))
    touched_probabilities = probabilities.copy()
    touched_probabilities[:, 2] = 1.0
    touched = dataclasses.replace(plan, contact_map=ContactMap(plan.contact_map.points, touched_probabilities))
    assert share_of_hue(draw_plan(untouched), is_blue) == 0
    assert share_of_hue(draw_plan(touched), is_blue) > 0.001


def test_mesh_takes_the_colour_of_its_nearest_contact_point(plan):
    import trimesh

    box = trimesh.creation.box(extents=(0.06, 0.06, 0.06)).subdivide()
    probabilities = np.zeros_like(plan.contact_map.probabilities)
    probabilities[:, 2] = 1.0
    touched = dataclasses.replace(plan, contact_map=ContactMap(plan.contact_map.points, probabilities))
    picture = draw_plan(touched, (np.asarray(box.vertices), np.asarray(box.faces)))
    assert share_of_hue(picture, is_blue) > 0.02
