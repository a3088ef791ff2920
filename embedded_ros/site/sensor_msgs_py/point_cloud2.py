"""Stands in for sensor_msgs_py.point_cloud2."""

from embedded_ros.point_clouds import (
    create_cloud,
    create_cloud_xyz32,
    dtype_from_fields,
    read_points,
    read_points_numpy,
)
