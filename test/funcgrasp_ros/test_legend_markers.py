import numpy as np
import pytest
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_ros.conversions.clouds import CLASS_COLOURS
from funcgrasp_ros.legend_markers import MAX_HEADING_LENGTH, STEEPEST_VIEW_RAD, legend_markers

OBJECT = np.random.default_rng(0).normal((0.5, -0.2, 0.1), 0.03, (300, 3))
HAND = np.random.default_rng(1).normal((0.7, -0.2, 0.15), 0.05, (300, 3))


def position(marker: Marker) -> np.ndarray:
    point = marker.pose.position
    return np.array([point.x, point.y, point.z])


def test_every_colour_of_the_contact_cloud_is_named():
    markers = legend_markers("drink", OBJECT, [HAND], Header(frame_id="table"))
    assert [marker.text for marker in markers] == ["drink", *PART_NAMES, "untouched"]
    assert {marker.type for marker in markers} == {Marker.TEXT_VIEW_FACING}
    assert [marker.id for marker in markers] == list(range(len(markers)))
    colours = np.array([(m.color.r, m.color.g, m.color.b) for m in markers[1:]])
    np.testing.assert_allclose(np.roll(colours, 1, axis=0), CLASS_COLOURS / 255, atol=1e-6)


def test_rows_stand_under_each_other_without_touching():
    markers = legend_markers("drink", OBJECT, [HAND], Header())
    steps = np.diff([position(marker) for marker in markers], axis=0)
    np.testing.assert_allclose(steps[:, :2], 0.0, atol=1e-12)
    assert (steps[:, 2] < -markers[0].scale.z).all()


def test_a_long_instruction_is_cut_short():
    heading = legend_markers("word " * 100, OBJECT, [], Header())[0]
    assert len(heading.text) <= MAX_HEADING_LENGTH
    assert heading.text.endswith("...")


@pytest.mark.parametrize("azimuth", np.linspace(0, 2 * np.pi, 9)[:-1])
def test_no_ordinary_view_has_the_legend_before_object_or_hands(azimuth):
    markers = legend_markers("drink", OBJECT, [HAND], Header())
    horizontal = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    up_in_image = np.cos(STEEPEST_VIEW_RAD) * np.array([0, 0, 1.0]) - np.sin(STEEPEST_VIEW_RAD) * horizontal
    lowest_row = position(markers[-1])
    bottom = lowest_row @ up_in_image - markers[-1].scale.z / 2 * np.cos(STEEPEST_VIEW_RAD)
    behind = np.concatenate([OBJECT, HAND])
    assert bottom > (behind @ up_in_image).max()
