"""Point clouds to and from NumPy, as sensor_msgs_py.point_cloud2 does it."""

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from embedded_ros.message_classes import message_class

_DATATYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
DUMMY_FIELD_PREFIX = "unnamed_field"


def dtype_from_fields(fields: Iterable[Any], point_step: int | None = None) -> np.dtype:
    """The structured type of a point; a field with a count above 1 becomes `<name>_0`, `<name>_1`, ..."""
    names, formats, offsets = [], [], []
    for index, field in enumerate(fields):
        kind = np.dtype(_DATATYPES[field.datatype])
        stem = field.name or f"{DUMMY_FIELD_PREFIX}_{index}"
        for position in range(field.count):
            names.append(f"{stem}_{position}" if field.count > 1 else stem)
            formats.append(kind)
            offsets.append(field.offset + position * kind.itemsize)
    layout: Any = {"names": names, "formats": formats, "offsets": offsets}
    if point_step is not None:
        layout["itemsize"] = point_step
    return np.dtype(layout)


def read_points(
    cloud: Any, field_names: list[str] | None = None, skip_nans: bool = False, uvs: Any = None,
    reshape_organized_cloud: bool = False,
) -> np.ndarray:  # fmt: skip
    """The points as a structured array.

    Args:
        cloud: a sensor_msgs/PointCloud2.
        field_names: what to keep; None keeps all fields.
        skip_nans: leave out points with a NaN in any kept field.
        uvs: indices of the points to keep, or (column, row) pairs of an organised cloud.
        reshape_organized_cloud: give an organised cloud as [height, width].
    """
    assert isinstance(cloud, message_class("sensor_msgs/msg/PointCloud2")), "Cloud is not a PointCloud2"
    layout = dtype_from_fields(cloud.fields, cloud.point_step)
    points = np.ndarray(shape=(cloud.width * cloud.height,), dtype=layout, buffer=memoryview(cloud.data))
    if field_names is not None:
        missing = set(field_names) - set(points.dtype.names or ())
        assert not missing, f"Requests field {sorted(missing)} is not in the fields of the PointCloud!"
        points = points[list(field_names)]
    if bool(sys.byteorder != "little") != bool(cloud.is_bigendian):
        points = points.byteswap()
    if skip_nans and not cloud.is_dense:
        kept = np.ones(len(points), dtype=bool)
        for name in points.dtype.names or ():
            kept &= ~np.isnan(points[name])
        points = points[kept]
    if uvs is not None:
        chosen = np.asarray(list(uvs) if not isinstance(uvs, np.ndarray) else uvs)
        points = points[chosen[:, 1] * cloud.width + chosen[:, 0] if chosen.ndim == 2 else chosen]
    if cloud.height > 1 and reshape_organized_cloud:
        points = points.reshape(cloud.height, cloud.width)
    return points


def read_points_numpy(
    cloud: Any, field_names: list[str] | None = None, skip_nans: bool = False, uvs: Any = None,
    reshape_organized_cloud: bool = False,
) -> np.ndarray:  # fmt: skip
    """The points as [N, number of fields]; all fields must have one type."""
    points = read_points(cloud, field_names, skip_nans, uvs, reshape_organized_cloud)
    kinds = {points.dtype[name] for name in points.dtype.names or ()}
    assert len(kinds) == 1, "All fields need to have the same datatype. Use `read_points()` otherwise."
    return np.stack([points[name] for name in points.dtype.names or ()], axis=-1)


def create_cloud(header: Any, fields: list[Any], points: Any, step: int | None = None, point_step: Any = None) -> Any:
    """A sensor_msgs/PointCloud2 of [N, F] or [H, W, F] numbers, or of a structured array with the fields' layout."""
    step = step if step is not None else point_step
    points = np.asarray(points) if not (isinstance(points, list) and not points) else np.empty((0, len(fields)))
    layout = dtype_from_fields(fields, step)
    if points.dtype.names is None:
        names = layout.names or ()
        assert points.shape[-1] == len(names), (
            f"points have {points.shape[-1]} columns but there are {len(names)} fields"
        )
        structured = np.zeros(points.shape[:-1], dtype=layout)
        for column, name in enumerate(names):
            structured[name] = points[..., column]
        points = structured
    else:
        assert points.dtype == layout, "PointFields and structured NumPy array dtype do not match for all fields!"
    assert points.ndim in (1, 2), "Only unordered [N] and organised [H, W] clouds are possible"
    height, width = (1, len(points)) if points.ndim == 1 else points.shape
    return message_class("sensor_msgs/msg/PointCloud2")(
        header=header, height=int(height), width=int(width), fields=list(fields), is_dense=False,
        is_bigendian=sys.byteorder != "little", point_step=points.dtype.itemsize,
        row_step=points.dtype.itemsize * int(width), data=np.ascontiguousarray(points).tobytes(),
    )  # fmt: skip


def create_cloud_xyz32(header: Any, points: Any) -> Any:
    """A sensor_msgs/PointCloud2 of [N, 3] float32 coordinates."""
    point_field = message_class("sensor_msgs/msg/PointField")
    fields = [point_field(name=name, offset=4 * i, datatype=7, count=1) for i, name in enumerate("xyz")]
    return create_cloud(header, fields, points)
