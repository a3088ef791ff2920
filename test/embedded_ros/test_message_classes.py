"""Message classes behave as rosidl's do: defaults, checks, constants, fast paths."""

import array
import copy
import os
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest


def test_defaults() -> None:
    from geometry_msgs.msg import Pose
    from sensor_msgs.msg import CameraInfo

    pose, info = Pose(), CameraInfo()
    assert (pose.position.x, pose.orientation.w) == (0.0, 1.0)
    assert info.k.shape == (9,)
    assert info.k.dtype == np.float64
    assert info.d == array.array("d")
    assert Pose().position is not pose.position


def test_constants_cannot_be_changed() -> None:
    from diagnostic_msgs.msg import DiagnosticStatus
    from sensor_msgs.msg import PointField

    assert PointField.FLOAT32 == 7
    assert DiagnosticStatus.ERROR == b"\x02"
    with pytest.raises(AttributeError, match="constant"):
        PointField.FLOAT32 = 3


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"width": "4"}, "'width' field must be of type 'int'"),
        ({"width": -1}, "'width' field must be an integer in"),
        ({"is_dense": 1}, "'is_dense' field must be of type 'bool'"),
        ({"header": 3}, "'header' field must be a sub message of type 'Header'"),
        ({"fields": [3]}, "'fields' field must be a sub message of type 'PointField'"),
        ({"data": [300]}, "'data' field must be an integer in"),
        ({"data": np.zeros(3)}, "'data' field needs elements of 'uint8'"),
        ({"data": array.array("d", [1.0])}, "'data' field must be an array of type code 'B'"),
        ({"widht": 4}, "Invalid arguments passed to constructor: widht"),
    ],
)
def test_wrong_values_are_refused(values: dict, text: str) -> None:
    from sensor_msgs.msg import PointCloud2

    with pytest.raises(AssertionError, match=text):
        PointCloud2(**values)


def test_unknown_attribute_is_refused() -> None:
    from std_msgs.msg import String

    with pytest.raises(AttributeError):
        String().dat = "x"


def test_float_fields_refuse_integers_and_fixed_arrays_their_length() -> None:
    from geometry_msgs.msg import Point
    from sensor_msgs.msg import CameraInfo

    with pytest.raises(AssertionError, match="'x' field must be of type 'float'"):
        Point(x=1)
    with pytest.raises(AssertionError, match=r"'k' field must have \(9, 9\) elements, not 8"):
        CameraInfo(k=[0.0] * 8)


@pytest.mark.parametrize("value", [np.float64(0.5), float("inf"), float("nan"), (2 - 2**-23) * 2.0**127])
def test_float32_fields_take_every_float_that_fits(value: float) -> None:
    from geometry_msgs.msg import Point32

    np.testing.assert_equal(Point32(x=value).x, value)
    with pytest.raises(AssertionError, match=r"'y' field must be a float in"):
        Point32(x=value, y=1e39)


def test_fields_may_have_the_names_of_what_python_offers() -> None:
    from visualization_msgs.msg import Marker

    marker = Marker(type=Marker.CUBE, id=True, lifetime=Marker().lifetime)
    assert (marker.type, marker.id) == (Marker.CUBE, 1)
    with pytest.raises(AssertionError, match="'type' field must be of type 'int'"):
        Marker(type=1.0)


def test_lists_may_hold_messages_of_a_subclass_and_nothing_else() -> None:
    from geometry_msgs.msg import Point, Polygon, Vector3
    from visualization_msgs.msg import Marker

    class NamedPoint(Point):
        name = "tip"

    assert Marker(points=[Point(), NamedPoint()]).points[1].name == "tip"
    for wrong in (Vector3(), None):
        with pytest.raises(AssertionError, match="'points' field must be a sub message of type"):
            Marker(points=[Point(), wrong])
    assert Polygon(points=()).points == []


def test_bytes_like_data_is_copied_as_a_block() -> None:
    from sensor_msgs.msg import Image

    data = np.random.default_rng(0).integers(0, 256, 3_000_000).astype(np.uint8)
    start = time.perf_counter()
    images = [Image(data=data), Image(data=data.tobytes()), Image(data=memoryview(data))]
    assert time.perf_counter() - start < 0.5, "element by element this takes seconds"
    assert images[0] == images[1] == images[2]
    assert images[0].data.tobytes() == data.tobytes()


def test_equality_copy_and_pickle() -> None:
    from geometry_msgs.msg import Pose, PoseArray

    message = PoseArray(poses=[Pose()])
    for twin in (copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert twin == message
        twin.poses[0].position.x = 1.0
        assert twin != message
        assert message.poses[0].position.x == 0.0


def test_a_wrong_value_put_in_later_is_named_when_sent() -> None:
    from geometry_msgs.msg import PoseArray
    from rclpy.serialization import serialize_message

    message = PoseArray()
    message.poses.append("no pose")
    with pytest.raises(TypeError, match="geometry_msgs/msg/PoseArray holds a value of a wrong type"):
        serialize_message(message)


def test_fields_and_types() -> None:
    from sensor_msgs.msg import CameraInfo

    types = CameraInfo.get_fields_and_field_types()
    assert types["k"] == "double[9]"
    assert types["d"] == "sequence<double>"
    assert types["header"] == "std_msgs/Header"


def test_packages_of_definitions_can_be_imported(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    import rclpy  # noqa: F401

    (tmp_path / "msg").mkdir()
    (tmp_path / "package.xml").write_text("<package><name>made_up_interfaces</name></package>")
    (tmp_path / "msg" / "Knob.msg").write_text("byte flag 7\nstring<=3 label 'on'\nfloat32[2] limits [0.5, 2.0]\n")
    monkeypatch.setenv("EMBEDDED_ROS_PACKAGE_PATH", str(tmp_path))
    from made_up_interfaces.msg import Knob  # type: ignore[import-not-found]

    assert (Knob().flag, Knob().label, list(Knob().limits)) == (b"\x07", "on", [0.5, 2.0])
    with pytest.raises(ModuleNotFoundError):
        import made_up_interfaces.srv  # noqa: F401


def test_checks_can_be_switched_off() -> None:
    program = """
from geometry_msgs.msg import Pose, PoseArray
from rclpy.serialization import serialize_message
poses = PoseArray(poses=[3])
print(poses.poses, Pose(position="there").position)
try:
    serialize_message(poses)
except TypeError as error:
    print(error)
"""
    environment = {**os.environ, "ROS_PYTHON_CHECK_FIELDS": "0"}
    finished = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert finished.stdout.startswith("[3] there\na field of geometry_msgs/msg/PoseArray holds"), finished.stderr
