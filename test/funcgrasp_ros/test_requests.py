import numpy as np
import pytest
from geometry_msgs.msg import Point, Vector3
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from funcgrasp_core.contracts import GraspRequest
from funcgrasp_core.errors import InvalidRequestError, NotSupportedError
from funcgrasp_ros import msg
from funcgrasp_ros.conversions.requests import is_hint_given, object_hint_from_message, request_from_message


def convert(**fields) -> GraspRequest:
    return request_from_message(msg.GraspRequest(instruction="hold it", **fields), 16, 64)


def test_zero_candidates_mean_the_nodes_own_number():
    assert convert() == GraspRequest("hold it", num_candidates=16, seed=0)
    assert convert(num_candidates=3, seed=7) == GraspRequest("hold it", num_candidates=3, seed=7)


def test_pictures_may_be_compressed():
    pictures = {"compressed_images": [CompressedImage()] * 2, "view_slots": ["front", "top"]}
    assert convert(**pictures) == convert()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contact_constraints", [msg.ContactConstraint()]),
        ("demonstration", [msg.HandObjectEstimate()]),
    ],
)
def test_reserved_fields_are_refused(name, value):
    with pytest.raises(NotSupportedError, match=f"'{name}' is reserved"):
        convert(**{name: value})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_candidates": 65}, "num_candidates is 65, at most 64"),
        ({"images": [Image()]}, "without 'camera_infos' or 'view_slots'"),
        ({"images": [Image()], "view_slots": ["front", "back"]}, "2 'view_slots' for 1 images"),
        ({"images": [Image()], "camera_infos": [CameraInfo()] * 2}, "2 'camera_infos' for 1 images"),
        (
            {"view_slots": ["front"]},
            "1 'view_slots' for 0 images; give one for each of 'images' or 'compressed_images'",
        ),
        ({"images": [Image()], "compressed_images": [CompressedImage()] * 2}, "1 'images' and 2 'compressed_images'"),
        ({"compressed_images": [CompressedImage()]}, "without 'camera_infos' or 'view_slots'"),
        (
            {"compressed_images": [CompressedImage()], "camera_infos": [CameraInfo()] * 2},
            "2 'camera_infos' for 1 images",
        ),
        ({"images": [Image()], "view_slots": ["above"]}, "expected front, back"),
        ({"images": [Image()] * 2, "view_slots": ["top", "top"]}, "names a slot twice"),
    ],
)
def test_lists_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(InvalidRequestError, match=message):
        convert(**fields)


def hint(frame="table", point=(0.0, 0.0, 0.0), size=(0.0, 0.0, 0.0)) -> msg.ObjectHint:
    axes = "xyz"
    return msg.ObjectHint(
        header=Header(frame_id=frame),
        point=Point(**dict(zip(axes, point, strict=True))),
        size=Vector3(**dict(zip(axes, size, strict=True))),
    )


def test_a_hint_without_anything_is_none():
    assert not is_hint_given(msg.ObjectHint())
    assert is_hint_given(hint())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (hint(frame="", point=(0.1, 0.0, 0.0)), "set object_hint.header.frame_id"),
        (hint(frame="", size=(0.0, 0.1, 0.0)), "set object_hint.header.frame_id"),
        (hint(point=(0.0, float("nan"), 0.0)), "give finite metres"),
        (hint(size=(0.1, 0.1, 0.0)), "three positive edges or none"),
        (hint(size=(0.1, -0.1, 0.1)), "three positive edges or none"),
    ],
)
def test_hints_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(InvalidRequestError, match=message):
        is_hint_given(wrong)


def test_a_hint_is_centred_on_its_point_in_its_own_frame():
    table_from_scene = np.array([[0.0, -1, 0, 0.5], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    converted = object_hint_from_message(hint(point=(0.3, 0.2, 0.1), size=(0.1, 0.2, 0.3)), table_from_scene)
    # (0.2, 0.2, 0.1) of the scene is (0.3, 0.2, 0.1) of the table.
    np.testing.assert_allclose(converted.hint_from_scene @ [0.2, 0.2, 0.1, 1.0], [0, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(converted.box_size, [0.1, 0.2, 0.3])
    np.testing.assert_allclose(table_from_scene[:3, 3], [0.5, 0, 0])
    assert object_hint_from_message(hint(), np.eye(4)).box_size is None
