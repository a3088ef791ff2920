import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from funcgrasp_core.contracts import PART_NAMES, ContactMap
from funcgrasp_core.errors import CloudFieldsError, MalformedCloudError
from funcgrasp_ros.conversions.clouds import (
    CLASS_COLOURS,
    cloud_from_points,
    contact_cloud,
    is_empty_cloud,
    points_from_cloud,
)


def make_cloud(points, order="xyz", code="f4", big_endian=False, gap=0, tail=0, row_padding=0, height=1) -> PointCloud2:
    """A cloud message laid out as asked, `gap` bytes between fields, `tail` after them, `row_padding` after rows."""
    size = np.dtype(code).itemsize
    offsets = {name: position * (size + gap) for position, name in enumerate(order)}
    point_step = len(order) * (size + gap) + tail
    width = len(points) // height
    data = np.full((height, width * point_step + row_padding), 0xAB, dtype=np.uint8)
    endian_code = (">" if big_endian else "<") + code
    for axis, name in enumerate("xyz"):
        if name in offsets:
            values = np.asarray(points)[:, axis].astype(endian_code).reshape(height, width)
            for row in range(height):
                for column in range(width):
                    start = column * point_step + offsets[name]
                    data[row, start : start + size] = np.frombuffer(
                        values[row, column : column + 1].tobytes(), dtype=np.uint8
                    )
    datatype = PointField.FLOAT32 if code == "f4" else PointField.FLOAT64
    return PointCloud2(
        height=height,
        width=width,
        fields=[PointField(name=n, offset=offsets[n], datatype=datatype, count=1) for n in order],
        is_bigendian=big_endian,
        point_step=point_step,
        row_step=data.shape[1],
        data=array.array("B", data.tobytes()),
    )


@given(
    order=st.permutations(["x", "y", "z", "intensity"]),
    code=st.sampled_from(["f4", "f8"]),
    big_endian=st.booleans(),
    gap=st.integers(0, 5),
    tail=st.integers(0, 7),
    row_padding=st.integers(0, 9),
    height=st.sampled_from([1, 2, 3]),
    seed=st.integers(0, 1000),
)
def test_any_layout_gives_the_same_points(order, code, big_endian, gap, tail, row_padding, height, seed):
    points = np.random.default_rng(seed).normal(size=(6, 3)).astype(np.float32)
    points[seed % 6, seed % 3] = [np.nan, np.inf, -np.inf][seed % 3]
    cloud = make_cloud(points, order, code, big_endian, gap, tail, row_padding, height)
    np.testing.assert_array_equal(points_from_cloud(cloud), points)


@given(st.integers(0, 20))
def test_points_survive_the_way_there_and_back(num_points):
    points = np.random.default_rng(num_points).normal(size=(num_points, 3)).astype(np.float32)
    cloud = cloud_from_points(points, Header(frame_id="table"))
    assert cloud.header.frame_id == "table"
    np.testing.assert_array_equal(points_from_cloud(cloud), points)


def test_packed_points_are_not_copied():
    cloud = cloud_from_points(np.ones((5, 3)), Header())
    assert np.shares_memory(points_from_cloud(cloud), np.frombuffer(cloud.data, dtype=np.uint8))


def test_a_float64_beyond_float32_becomes_infinite():
    cloud = make_cloud(np.array([[1e300, 0.0, 0.0]]), code="f8")
    assert np.isposinf(points_from_cloud(cloud)[0, 0])


def test_a_cloud_without_points_is_read_as_such():
    assert points_from_cloud(cloud_from_points(np.zeros((0, 3)), Header())).shape == (0, 3)
    assert points_from_cloud(PointCloud2()).shape == (0, 3)


def test_only_the_untouched_message_means_use_the_newest():
    assert is_empty_cloud(PointCloud2())
    assert not is_empty_cloud(cloud_from_points(np.zeros((0, 3)), Header()))
    assert not is_empty_cloud(PointCloud2(width=3, height=1))


def wrong_row_step(cloud):
    cloud.row_step -= 1


def too_large_row_step(cloud):
    cloud.row_step += 4


def truncated(cloud):
    cloud.data = cloud.data[:-5]


def too_many_rows(cloud):
    cloud.height = 7


def no_point_step(cloud):
    cloud.point_step = cloud.row_step = 0
    cloud.data = array.array("B")


def field_beyond_the_point(cloud):
    cloud.fields[2].offset = 10


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (wrong_row_step, "row_step is 47 bytes, but width 4 times point_step 12 needs 48"),
        (too_large_row_step, "data has 48 bytes, but height 1 times row_step 52 is 52"),
        (truncated, "data has 43 bytes, but height 1 times row_step 48 is 48; send the whole cloud"),
        (too_many_rows, "height 7 times row_step 48 is 336"),
        (no_point_step, "point_step is 0"),
        (field_beyond_the_point, "field 'z' ends at byte 14 of a point of 12"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(spoil, message):
    cloud = make_cloud(np.zeros((4, 3)))
    spoil(cloud)
    with pytest.raises(MalformedCloudError, match=message):
        points_from_cloud(cloud)


@pytest.mark.parametrize("missing", ["x", "y", "z"])
def test_a_missing_coordinate_is_refused(missing):
    cloud = make_cloud(np.zeros((4, 3)), order="xyz".replace(missing, ""))
    with pytest.raises(CloudFieldsError, match=f"field '{missing}' is missing"):
        points_from_cloud(cloud)


@pytest.mark.parametrize(("datatype", "count"), [(PointField.INT16, 1), (PointField.FLOAT32, 3)])
def test_a_coordinate_of_another_type_is_refused(datatype, count):
    cloud = make_cloud(np.zeros((4, 3)))
    cloud.fields[1].datatype, cloud.fields[1].count = datatype, count
    with pytest.raises(CloudFieldsError, match="expected one FLOAT32"):
        points_from_cloud(cloud)


def test_contact_cloud_carries_label_colour_and_probabilities():
    probabilities = np.zeros((3, 6), dtype=np.float32)
    probabilities[1, 2] = 0.9  # 1 mm from the index finger
    probabilities[2, 0] = 0.2  # 16 mm from the palm: beyond the threshold
    points = np.arange(9, dtype=np.float32).reshape(3, 3)
    cloud = contact_cloud(ContactMap(points, probabilities), Header(frame_id="table"))
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "rgb", "label", *PART_NAMES]
    np.testing.assert_array_equal(points_from_cloud(cloud), points)
    table = np.frombuffer(cloud.data, dtype=np.float32).reshape(3, 11)
    np.testing.assert_array_equal(table[:, 4].copy().view(np.uint32), [0, 3, 0])
    red, green, blue = CLASS_COLOURS[3].tolist()
    assert table[1:2, 3].copy().view(np.uint32)[0] == red * 65536 + green * 256 + blue
    np.testing.assert_array_equal(table[:, 5:], probabilities)
