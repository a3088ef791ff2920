"""sensor_msgs_py.point_cloud2: layouts, selections and round trips."""

import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2, PointField
from sensor_msgs_py import point_cloud2
from std_msgs.msg import Header

POINTS = np.array([[1, 2, 3], [4, np.nan, 6], [7, 8, 9]], dtype=np.float32)


def test_round_trip_of_coordinates() -> None:
    cloud = point_cloud2.create_cloud_xyz32(Header(frame_id="map"), POINTS)
    assert (cloud.height, cloud.width, cloud.point_step, cloud.row_step) == (1, 3, 12, 36)
    assert cloud.header.frame_id == "map"
    points = point_cloud2.read_points(cloud)
    assert points.dtype.names == ("x", "y", "z")
    np.testing.assert_array_equal(points["y"], POINTS[:, 1])
    np.testing.assert_array_equal(point_cloud2.read_points_numpy(cloud, skip_nans=True), POINTS[[0, 2]])
    np.testing.assert_array_equal(point_cloud2.read_points_numpy(cloud, ["z", "x"])[0], [3, 1])
    np.testing.assert_array_equal(point_cloud2.read_points(cloud, uvs=[2, 0])["x"], [7, 1])
    assert len(point_cloud2.read_points(point_cloud2.create_cloud_xyz32(Header(), []))) == 0


def test_padding_mixed_types_and_structured_input() -> None:
    fields = [
        PointField(name="x", offset=0, datatype=PointField.FLOAT64, count=1),
        PointField(name="label", offset=8, datatype=PointField.UINT16, count=1),
        PointField(name="odds", offset=12, datatype=PointField.FLOAT32, count=2),
    ]
    layout = point_cloud2.dtype_from_fields(fields, 24)
    assert layout.names == ("x", "label", "odds_0", "odds_1")
    structured = np.zeros(2, dtype=layout)
    structured["x"], structured["label"], structured["odds_1"] = [0.1, 0.2], [7, 65535], [0.5, 0.25]
    cloud = point_cloud2.create_cloud(Header(), fields, structured, 24)
    back = point_cloud2.read_points(cloud)
    assert cloud.point_step == 24
    np.testing.assert_array_equal(back, structured)
    with pytest.raises(AssertionError, match="not in the fields"):
        point_cloud2.read_points(cloud, ["colour"])
    with pytest.raises(AssertionError, match="same datatype"):
        point_cloud2.read_points_numpy(cloud)


def test_organised_and_big_endian_clouds() -> None:
    grid = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    fields = point_cloud2.create_cloud_xyz32(Header(), grid[0]).fields
    cloud = point_cloud2.create_cloud(Header(), fields, grid)
    assert (cloud.height, cloud.width) == (2, 4)
    organised = point_cloud2.read_points(cloud, reshape_organized_cloud=True)
    assert organised.shape == (2, 4)
    assert organised[1, 2]["y"] == grid[1, 2, 1]
    assert point_cloud2.read_points(cloud, uvs=[(2, 1)])["y"][0] == grid[1, 2, 1]
    swapped = PointCloud2(
        height=2, width=4, point_step=12, row_step=48, is_bigendian=True, fields=fields,
        data=grid.astype(">f4").tobytes(),
    )  # fmt: skip
    np.testing.assert_array_equal(point_cloud2.read_points_numpy(swapped), grid.reshape(-1, 3))
