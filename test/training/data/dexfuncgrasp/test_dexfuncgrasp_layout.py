"""Axes of the mesh files, names and splits."""

import numpy as np
import pytest

from funcgrasp_core.errors import DatasetError
from training.data.dexfuncgrasp.layout import (
    CATEGORIES,
    grasp_folder_name,
    make_object_id,
    shared_category,
    split_of_object,
    upright_from_mesh,
)


@pytest.mark.parametrize("category", CATEGORIES)
def test_meshes_are_turned_by_exact_rotations(category):
    turn = upright_from_mesh(category)
    assert set(np.unique(turn)) <= {-1.0, 0.0, 1.0}
    np.testing.assert_array_equal(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == 1


@pytest.mark.parametrize(
    ("category", "axis_that_points_up"),
    [
        ("mug", (0, 0, 1)),  # two real grasp files show their mugs standing along z
        ("wineglass", (0, 0, 1)),
        ("knife", (0, 1, 0)),
        ("mouse", (0, -1, 0)),
        ("flashlight", (-1, 0, 0)),
        ("drill_hairdryer", (1, 0, 0)),
    ],
)
def test_the_loaders_upright_direction_becomes_z(category, axis_that_points_up):
    np.testing.assert_array_equal(upright_from_mesh(category) @ axis_that_points_up, (0, 0, 1))


def test_the_whole_turn_of_a_category():
    # R = Rz(-90) Rx(90) for a mug; upright = R^T mesh, then y up becomes z up. Worked by hand for the mesh's x axis:
    # Rz(90) takes x to y, Rx(-90) takes y to -z, and -z with y up is +y with z up.
    np.testing.assert_array_equal(upright_from_mesh("mug") @ (1, 0, 0), (0, 1, 0))


def test_unknown_categories_are_refused():
    with pytest.raises(DatasetError, match="no category 'hammer'"):
        upright_from_mesh("hammer")


def test_names_and_splits():
    assert grasp_folder_name("bottle", "unit_bottle12") == "4_unit_bottle12"
    ids = [make_object_id("mug", f"unit_mug_s{number:03d}") for number in range(200)]
    splits = [split_of_object(object_id) for object_id in ids]
    assert ids[7] == "mug/unit_mug_s007"
    assert splits.count("train") > 130
    assert splits.count("val") > 5
    assert splits.count("test") > 5


@pytest.mark.parametrize(
    ("category", "instance", "name"),
    [
        ("camera", "unit_cameras_s101", "cameras"),
        ("mug", "unit_mug_s001", "mug"),
        ("drill_hairdryer", "unit_drill_0", "power_drill"),
        ("drill_hairdryer", "x_180_z_225_2_unit_ImageToStl.com_fen3", "hair_dryer"),
    ],
)
def test_kinds_that_oakink_has_too_carry_its_names(category, instance, name):
    assert shared_category(category, instance) == name
