"""Point clouds on the wire to arrays and back.

Only what the message says about itself is checked here: sizes, strides, fields. Whether the points make sense as an
object is the business of `funcgrasp_core.preprocessing`.
"""

import numpy as np
import torch
from sensor_msgs.msg import PointCloud2, PointField
from sensor_msgs_py import point_cloud2
from std_msgs.msg import Header

from funcgrasp_core.contracts import CONTACT_TAU_M, CONTACT_THRESHOLD_M, PART_NAMES, ContactMap
from funcgrasp_core.errors import CloudFieldsError, MalformedCloudError
from funcgrasp_core.geometry.contact_field import contact_labels_from_probabilities
from funcgrasp_core.visualisation.contact_colours import PART_COLOURS, UNTOUCHED_COLOUR, packed_colours

COORDINATE_TYPES = {PointField.FLOAT32: "f4", PointField.FLOAT64: "f8"}
"""Field types that coordinates may have, as NumPy names them."""

CLASS_COLOURS = np.concatenate([UNTOUCHED_COLOUR[None], PART_COLOURS])
"""[7, 3] RGB of each contact class: no contact, then the parts in order."""


def is_empty_cloud(message: PointCloud2) -> bool:
    """Whether the message is what a request leaves in `cloud` to mean "use the newest": no fields, no data."""
    return len(message.fields) == 0 and len(message.data) == 0 and message.width * message.height == 0


def points_from_cloud(message: PointCloud2) -> np.ndarray:
    """Coordinates of a cloud, whatever its field order, padding, byte order and organisation.

    Returns:
        [N, 3] float32 metres, row after row; non-finite points included. Perhaps a view on the message: do not write
        to it.

    Raises:
        MalformedCloudError: row_step, point_step, field offsets and the data's length contradict each other.
        CloudFieldsError: x, y or z is missing or not a single FLOAT32 or FLOAT64.
    """
    _check_sizes(message)
    if message.width * message.height == 0:
        return np.zeros((0, 3), dtype=np.float32)
    formats = [_coordinate_format(message, name) for name in "xyz"]
    offsets = [_field(message, name).offset for name in "xyz"]
    size = np.dtype(formats[0]).itemsize
    num_rows, num_columns, data = message.height, message.width, memoryview(message.data).cast("B")
    with np.errstate(over="ignore"):
        if len(set(formats)) == 1 and offsets == [offsets[0], offsets[0] + size, offsets[0] + 2 * size]:
            # Side by side, as nearly always: read in one go; packed FLOAT32 points are not even copied.
            strides = (message.row_step, message.point_step, size)
            points = np.ndarray((num_rows, num_columns, 3), formats[0], data, offsets[0], strides)
            return np.ascontiguousarray(points, dtype=np.float32).reshape(-1, 3)
        layout = np.dtype(
            {"names": list("xyz"), "formats": formats, "offsets": offsets, "itemsize": message.point_step}
        )
        rows = np.ndarray((num_rows, num_columns), layout, data, strides=(message.row_step, message.point_step))
        return np.stack([rows[name].astype(np.float32).reshape(-1) for name in "xyz"], axis=1)


def cloud_from_points(points: np.ndarray, header: Header) -> PointCloud2:
    """An unorganised cloud of FLOAT32 x, y, z from points [N, 3]."""
    return _cloud_from_columns(dict(zip("xyz", np.asarray(points, dtype=np.float32).T, strict=True)), header)


def contact_cloud(contact_map: ContactMap, header: Header) -> PointCloud2:
    """The contact map as a cloud that RViz can colour.

    Fields: x, y, z in metres; rgb, the colour of the contact class; label, the class (0 no contact, then the parts in
    order); one FLOAT32 probability for each part, under its name.
    """
    labels = contact_labels_from_probabilities(
        torch.from_numpy(contact_map.probabilities), CONTACT_TAU_M, CONTACT_THRESHOLD_M
    ).numpy()
    columns: dict[str, np.ndarray] = dict(zip("xyz", contact_map.points.astype(np.float32).T, strict=True))
    columns["rgb"] = packed_colours(CLASS_COLOURS[labels]).view(np.float32)
    columns["label"] = labels.astype(np.uint32)
    columns.update(zip(PART_NAMES, contact_map.probabilities.astype(np.float32).T, strict=True))
    return _cloud_from_columns(columns, header)


def _check_sizes(message: PointCloud2) -> None:
    if message.width * message.height and message.point_step == 0:
        raise MalformedCloudError(
            f"Cloud: point_step is 0 with {message.width} x {message.height} points; set it to the bytes of one point."
        )
    if message.row_step < message.width * message.point_step:
        raise MalformedCloudError(
            f"Cloud: row_step is {message.row_step} bytes, but width {message.width} times point_step "
            f"{message.point_step} needs {message.width * message.point_step}; set row_step to the bytes of one row."
        )
    expected_length = message.height * message.row_step
    if len(message.data) != expected_length:
        raise MalformedCloudError(
            f"Cloud: data has {len(message.data)} bytes, but height {message.height} times row_step "
            f"{message.row_step} is {expected_length}; send the whole cloud, or correct height and row_step."
        )


def _field(message: PointCloud2, name: str) -> PointField:
    for field in message.fields:
        if field.name == name:
            return field
    found = ", ".join(field.name for field in message.fields) or "none"
    raise CloudFieldsError(f"Cloud: field '{name}' is missing (fields: {found}); send x, y and z in metres.")


def _coordinate_format(message: PointCloud2, name: str) -> str:
    field = _field(message, name)
    if field.datatype not in COORDINATE_TYPES or field.count > 1:
        raise CloudFieldsError(
            f"Cloud: field '{name}' has datatype {field.datatype} and count {field.count}; expected one FLOAT32 "
            f"({PointField.FLOAT32}) or FLOAT64 ({PointField.FLOAT64})."
        )
    dtype = np.dtype((">" if message.is_bigendian else "<") + COORDINATE_TYPES[field.datatype])
    if field.offset + dtype.itemsize > message.point_step:
        raise MalformedCloudError(
            f"Cloud: field '{name}' ends at byte {field.offset + dtype.itemsize} of a point of {message.point_step} "
            "bytes; correct its offset or point_step."
        )
    return dtype.str


def _cloud_from_columns(columns: dict[str, np.ndarray], header: Header) -> PointCloud2:
    datatypes = {np.dtype(np.float32): PointField.FLOAT32, np.dtype(np.uint32): PointField.UINT32}
    fields = [
        PointField(name=name, offset=4 * position, datatype=datatypes[column.dtype], count=1)
        for position, (name, column) in enumerate(columns.items())
    ]
    num_points = len(next(iter(columns.values())))
    points = np.zeros(num_points, dtype=point_cloud2.dtype_from_fields(fields))
    for name, column in columns.items():
        points[name] = column
    return point_cloud2.create_cloud(header, fields, points)
