import pytest
from sensor_msgs.msg import CameraInfo, Image

from funcgrasp_core.contracts import GraspRequest
from funcgrasp_core.errors import InvalidRequestError, NotSupportedError
from funcgrasp_ros import msg
from funcgrasp_ros.conversions.requests import request_from_message


def convert(**fields) -> GraspRequest:
    return request_from_message(msg.GraspRequest(instruction="hold it", **fields), 16, 64)


def test_zero_candidates_mean_the_nodes_own_number():
    assert convert() == GraspRequest("hold it", num_candidates=16, seed=0)
    assert convert(num_candidates=3, seed=7) == GraspRequest("hold it", num_candidates=3, seed=7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("object_hint", "the red one"),
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
        ({"view_slots": ["front"]}, "1 'view_slots' for 0 images"),
        ({"images": [Image()], "view_slots": ["above"]}, "expected front, back"),
        ({"images": [Image()] * 2, "view_slots": ["top", "top"]}, "names a slot twice"),
    ],
)
def test_lists_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(InvalidRequestError, match=message):
        convert(**fields)
