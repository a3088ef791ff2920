"""The summary over six directions, with a floor that passes one of them."""

import numpy as np
import pytest

from training.metrics.displacement_six import displacement_six

pytest.importorskip("pybullet")
trimesh = pytest.importorskip("trimesh")


def test_a_floor_along_plus_y_passes_the_published_direction_and_falls_in_the_other_five():
    cube = trimesh.creation.box([0.06] * 3)
    floor = trimesh.creation.box([0.10, 0.02, 0.10]).subdivide().subdivide()
    floor.apply_translation([0.0, 0.04, 0.0])
    result = displacement_six(floor.vertices, floor.faces, [np.asarray(cube.vertices)])
    assert result.published < 0.002
    assert result.worst == pytest.approx(0.107, abs=0.0005)
    assert 0.05 < result.mean < 0.107
