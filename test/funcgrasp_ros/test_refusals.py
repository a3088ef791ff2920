"""Each wrong input gets its own code and a sentence, over DDS, and the node answers the next good request."""

import array

import numpy as np
import pytest
from geometry_msgs.msg import Point
from node_bench import NodeBench, object_points
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from funcgrasp_ros import msg
from funcgrasp_ros.conversions.clouds import cloud_from_points

pytestmark = pytest.mark.ros


@pytest.fixture(scope="module")
def bench():
    with NodeBench() as bench:
        yield bench


def cloud(points=None, **fields):
    message = cloud_from_points(object_points() if points is None else points, Header(frame_id="table"))
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def cloud_without(name: str):
    message = cloud()
    message.fields = [field for field in message.fields if field.name != name]
    return message


def image(**fields) -> Image:
    good = {"height": 2, "width": 2, "encoding": "rgb8", "step": 6, "data": array.array("B", bytes(12))}
    return Image(**{**good, **fields})


REFUSALS = {
    "empty cloud": ({"cloud": cloud(np.zeros((0, 3)))}, "EMPTY_CLOUD", "points"),
    "no x": ({"cloud": cloud_without("x")}, "CLOUD_FIELDS", "send x, y and z"),
    "no y": ({"cloud": cloud_without("y")}, "CLOUD_FIELDS", "send x, y and z"),
    "no z": ({"cloud": cloud_without("z")}, "CLOUD_FIELDS", "send x, y and z"),
    "wrong row_step": ({"cloud": cloud(row_step=100)}, "MALFORMED_CLOUD", "set row_step"),
    "truncated data": ({"cloud": cloud(data=array.array("B", bytes(99)))}, "MALFORMED_CLOUD", "send the whole cloud"),
    "all NaN": ({"cloud": cloud(object_points() * np.nan)}, "NOT_FINITE", ""),
    "all infinite": ({"cloud": cloud(object_points() * np.inf)}, "NOT_FINITE", ""),
    "millimetres": ({"cloud": cloud(object_points(scale=1000.0))}, "IMPLAUSIBLE_SCALE", "millimetres"),
    "larger than 1 m": ({"cloud": cloud(object_points(scale=15.0))}, "IMPLAUSIBLE_SCALE", ""),
    "smaller than 5 mm": ({"cloud": cloud(object_points(scale=0.05))}, "IMPLAUSIBLE_SCALE", ""),
    "no instruction": ({"instruction": ""}, "NO_INSTRUCTION", ""),
    "blank instruction": ({"instruction": " \n\t "}, "NO_INSTRUCTION", ""),
    "100 kB of instruction": ({"instruction": "hold it " * 12_500}, "INSTRUCTION_TOO_LONG", "1000"),
    "special token": ({"instruction": "hold <|image_pad|> it"}, "INSTRUCTION_TOKENS", ""),
    "wrong image size": ({"images": [image(height=3)], "view_slots": ["front"]}, "BAD_IMAGE", "send the whole image"),
    "unknown encoding": ({"images": [image(encoding="yuv422")], "view_slots": ["front"]}, "BAD_IMAGE", "rgb8"),
    "camera of another size": (
        {"images": [image()], "camera_infos": [CameraInfo(width=9, height=9, k=np.eye(3).reshape(-1))]},
        "BAD_IMAGE",
        "CameraInfo is for 9 x 9",
    ),
    "rectified without P": (
        {
            "images": [image()],
            "camera_infos": [CameraInfo(width=2, height=2, k=np.eye(3).reshape(-1))],
            "images_are_rectified": True,
        },
        "BAD_IMAGE",
        "calibrate the camera, or send the raw image",
    ),
    "compressed and raw": (
        {"images": [image()], "compressed_images": [CompressedImage()], "view_slots": ["front"]},
        "INVALID_REQUEST",
        "send all pictures in one of the two",
    ),
    "empty compressed image": (
        {"compressed_images": [CompressedImage()], "view_slots": ["front"]},
        "BAD_IMAGE",
        "send a whole picture",
    ),
    "slot without image": ({"view_slots": ["front"]}, "INVALID_REQUEST", "for 0 images"),
    "image without camera": ({"images": [image()]}, "INVALID_REQUEST", "say where the cameras stand"),
    "too many candidates": ({"num_candidates": 1000}, "INVALID_REQUEST", "ask for fewer"),
    "depth image": ({"images": [image(encoding="16UC1")], "view_slots": ["front"]}, "BAD_IMAGE", "colour camera"),
    "object hint": (
        {"object_hint": msg.ObjectHint(header=Header(frame_id="table"))},
        "INVALID_REQUEST",
        "leave the hint empty, or set the parameter",
    ),
    "hint without frame": ({"object_hint": msg.ObjectHint(point=Point(x=0.1))}, "INVALID_REQUEST", "header.frame_id"),
    "constraint": ({"contact_constraints": [msg.ContactConstraint()]}, "NOT_SUPPORTED", "leave it empty"),
    "demonstration": ({"demonstration": [msg.HandObjectEstimate()]}, "NOT_SUPPORTED", "leave it empty"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_wrong_request_gets_its_code_and_the_next_good_one_a_plan(bench, name):
    fields, code_name, remedy = REFUSALS[name]
    refusal = bench.plan(bench.request(**fields))
    assert refusal.code == getattr(msg.GraspPlan, code_name), refusal.message
    assert remedy in refusal.message
    assert len(refusal.message) > 20
    assert not refusal.grasps
    answer = bench.plan()
    assert answer.code == msg.GraspPlan.SUCCESS, answer.message
    assert len(answer.grasps) == 2


def test_without_any_cloud_the_topic_is_named(bench):
    refusal = bench.plan(msg.GraspRequest(instruction="hold it"))
    assert refusal.code == msg.GraspPlan.NO_CLOUD
    assert "/object_cloud" in refusal.message


def test_points_that_are_not_finite_are_dropped_and_reported(bench):
    points = object_points()
    points[:7] = np.nan
    points[7:9, 1] = np.inf
    answer = bench.plan(bench.request(cloud=cloud(points)))
    assert answer.code == msg.GraspPlan.SUCCESS
    assert any("9" in note for note in answer.notes), answer.notes
