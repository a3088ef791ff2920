"""Requests with the strangest numbers are prepared or refused with an error of ours, never with another."""

import array

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, TransformStamped, Vector3
from hypothesis import event, given, settings
from hypothesis import strategies as st
from node_bench import object_points
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_msgs.msg import Header
from test_node_parameters import settings as node_settings

from funcgrasp_core.errors import FuncGraspError
from funcgrasp_core.visualisation.mesh_renderer import look_at
from funcgrasp_ros import msg
from funcgrasp_ros.conversions.clouds import cloud_from_points
from funcgrasp_ros.conversions.requests import request_from_message
from funcgrasp_ros.conversions.transforms import transform_from_matrix
from funcgrasp_ros.object_inputs import ObjectInputs

pytestmark = pytest.mark.ros

NUMBERS = st.one_of(
    st.floats(width=64), st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e300, 3e38, -3e38, float("nan"), float("inf")])
)
SMALL_NUMBERS = st.floats(-1.0, 1.0)
ANY_STAMP = st.builds(Time, sec=st.integers(-(2**31), 2**31 - 1), nanosec=st.integers(0, 2**32 - 1))
# Mostly right, so that what is wrong is met behind the first check too.
STAMPS = st.one_of(*[st.just(Time())] * 5, ANY_STAMP)
FRAMES = st.one_of(*[st.just("table")] * 3, st.just("lens"), st.sampled_from(["lens", "moon", "", "/table", "a b"]))
CALIBRATION = {
    "k": [30.0, 0.0, 10.0, 0.0, 30.0, 10.0, 0.0, 0.0, 1.0],
    "r": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
    "p": [30.0, 0.0, 10.0, 0.0, 0.0, 30.0, 10.0, 0.0, 0.0, 0.0, 1.0, 0.0],
}
SIDES = st.sampled_from([20, 20, 20, 13, 1])
BINNINGS = st.sampled_from([0, 0, 0, 0, 1, 2, 2**32 - 1])
REGIONS = st.one_of(
    *[st.just(RegionOfInterest())] * 4,
    st.builds(RegionOfInterest, x_offset=st.integers(0, 20), width=st.sampled_from([0, 5, 2**32 - 1])),
)


@pytest.fixture(scope="module")
def inputs():
    rclpy.init()
    node = rclpy.create_node("strange_requests")
    inputs = ObjectInputs(node, node_settings())
    # As if tf had told it: waiting for it is not what is tested here.
    stamped = TransformStamped(header=Header(frame_id="table"), child_frame_id="lens")
    stamped.transform = transform_from_matrix(look_at((0.1, 0.6, 0.0), (0, 0, 0), (0, 0, 1)))
    inputs._transforms._buffer.set_transform_static(stamped, "test")
    yield inputs
    inputs.close()
    node.destroy_node()
    rclpy.try_shutdown()


def headers(draw) -> Header:
    return Header(stamp=draw(STAMPS), frame_id=draw(FRAMES))


@st.composite
def clouds(draw):
    points = object_points(60).astype(np.float64)
    for row in draw(st.lists(st.integers(0, 59), max_size=5)):
        points[row] = draw(st.tuples(NUMBERS, NUMBERS, NUMBERS))
    with np.errstate(over="ignore"):
        cloud = cloud_from_points(points, headers(draw))
    if draw(st.integers(0, 3)) == 0:
        field = draw(st.sampled_from(["width", "height", "point_step", "row_step"]))
        setattr(cloud, field, draw(st.integers(0, 2**32 - 1)))
    return cloud


@st.composite
def cameras(draw):
    width, height = draw(SIDES), draw(SIDES)
    image = Image(
        header=Header(frame_id="lens", stamp=draw(STAMPS)),
        width=width,
        height=height,
        step=3 * width,
        encoding="rgb8",
        data=array.array("B", bytes(3 * width * height)),
    )
    if draw(st.integers(0, 4)) == 0:
        image.step = draw(st.sampled_from([width, 0, 2**32 - 1]))
        image.encoding = draw(st.sampled_from(["rgb8", "mono8", "rgba8", "16UC1", "", "rgb8\n"]))
        image.data = array.array("B", bytes(draw(st.sampled_from([width * height, 0, 7]))))
    numbers = draw(st.sampled_from([NUMBERS, SMALL_NUMBERS]))
    matrices = {}
    for name, right in CALIBRATION.items():
        strange = st.lists(numbers, min_size=len(right), max_size=len(right))
        matrices[name] = np.array(draw(st.one_of(*[st.just(right)] * 4, strange)))
    info = CameraInfo(
        width=width,
        height=height,
        **matrices,
        roi=draw(REGIONS),
        binning_x=draw(BINNINGS),
        binning_y=draw(BINNINGS),
        d=array.array("d", draw(st.one_of(st.just([]), st.lists(numbers, max_size=9)))),
        distortion_model=draw(st.sampled_from(["plumb_bob", "rational_polynomial", "equidistant", "", "?"])),
    )
    return image, info


@st.composite
def hints(draw):
    axes = "xyz"
    numbers = st.tuples(NUMBERS, NUMBERS, NUMBERS)
    return msg.ObjectHint(
        header=headers(draw),
        point=Point(**dict(zip(axes, draw(numbers), strict=True))),
        size=Vector3(**dict(zip(axes, draw(numbers), strict=True))),
    )


@settings(max_examples=300, deadline=None)
@given(
    cloud=clouds(),
    pictures=st.lists(cameras(), max_size=2),
    hint=st.one_of(*[st.just(msg.ObjectHint())] * 4, hints()),
    object_source=st.sampled_from(["cloud", "cloud", "scene"]),
    planning_frame=FRAMES,
    images_are_rectified=st.booleans(),
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_strange_requests_are_prepared_or_refused(
    inputs, cloud, pictures, hint, object_source, planning_frame, images_are_rectified
):
    request = msg.GraspRequest(
        instruction="hold it",
        cloud=cloud,
        images=[image for image, _ in pictures],
        camera_infos=[info for _, info in pictures],
        images_are_rectified=images_are_rectified,
        object_hint=hint,
    )
    current = node_settings(object_source=object_source, planning_frame=planning_frame, transform_timeout=0.0)
    try:
        request_from_message(request, 16, 128)
        prepared = inputs.prepare(request, current)
    except FuncGraspError as refusal:
        event(refusal.code_name)
        code, text = refusal.code, str(refusal)
    else:
        event(f"prepared with {len(prepared.observation.views)} views")
        assert prepared.observation.points.ndim == 2
        assert all(view.dtype == np.uint8 for view in prepared.observation.views.values())
        return
    assert code != FuncGraspError.code
    assert len(text) > 20
