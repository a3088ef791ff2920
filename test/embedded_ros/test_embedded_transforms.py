"""The tf2 buffer against hand-worked chains, and static transforms to a late listener."""

import numpy as np
import pytest
import tf2_ros
from builtin_interfaces.msg import Time as TimeMessage
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.time import Time
from script_process import spin_until

HALF = float(np.sqrt(0.5))


def transform(parent: str, child: str, xyz, xyzw=(0.0, 0.0, 0.0, 1.0), seconds: int = 0) -> TransformStamped:
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp = TimeMessage(sec=seconds)
    for axis, value in zip("xyz", xyz, strict=True):
        setattr(message.transform.translation, axis, float(value))
    for axis, value in zip("xyzw", xyzw, strict=True):
        setattr(message.transform.rotation, axis, float(value))
    return message


def numbers(message: TransformStamped) -> tuple[np.ndarray, np.ndarray]:
    move, turn = message.transform.translation, message.transform.rotation
    return np.array([move.x, move.y, move.z]), np.array([turn.x, turn.y, turn.z, turn.w])


def test_chain_across_a_common_ancestor() -> None:
    buffer = tf2_ros.Buffer()
    # base is turned a quarter about z in the world: its x axis is the world's y.
    buffer.set_transform_static(transform("world", "base", (1, 0, 0), (0, 0, HALF, HALF)), "test")
    buffer.set_transform_static(transform("base", "camera", (2, 0, 0)), "test")
    buffer.set_transform_static(transform("world", "table", (0, 0, 1)), "test")
    position, quaternion = numbers(buffer.lookup_transform("table", "camera", Time()))
    np.testing.assert_allclose(position, [1, 2, -1], atol=1e-12)
    np.testing.assert_allclose(quaternion, [0, 0, HALF, HALF], atol=1e-12)
    back, turned_back = numbers(buffer.lookup_transform("camera", "table", Time()))
    np.testing.assert_allclose(back, [-2, 1, 1], atol=1e-12)
    np.testing.assert_allclose(turned_back, [0, 0, -HALF, HALF], atol=1e-12)
    assert buffer.lookup_transform("camera", "camera", Time()).transform.rotation.w == 1.0


def test_interpolation_and_extrapolation() -> None:
    buffer = tf2_ros.Buffer(cache_time=Duration(seconds=10))
    buffer.set_transform(transform("world", "hand", (0, 0, 0), seconds=100), "test")
    buffer.set_transform(transform("world", "hand", (1, 0, 0), (0, 0, HALF, HALF), seconds=102), "test")
    position, quaternion = numbers(buffer.lookup_transform("world", "hand", Time(seconds=101)))
    np.testing.assert_allclose(position, [0.5, 0, 0])
    eighth = np.deg2rad(45) / 2
    np.testing.assert_allclose(quaternion, [0, 0, np.sin(eighth), np.cos(eighth)])
    assert buffer.lookup_transform("world", "hand", Time()).header.stamp.sec == 102, "Time() means the newest"
    with pytest.raises(tf2_ros.ExtrapolationException, match="into the future"):
        buffer.lookup_transform("world", "hand", Time(seconds=103))
    with pytest.raises(tf2_ros.ExtrapolationException, match="into the past"):
        buffer.lookup_transform("world", "hand", Time(seconds=99))
    buffer.set_transform(transform("world", "hand", (1, 0, 0), seconds=111), "test")
    with pytest.raises(tf2_ros.ExtrapolationException, match="into the past"):
        buffer.lookup_transform("world", "hand", Time(seconds=100))


def test_unknown_and_unconnected_frames() -> None:
    buffer = tf2_ros.Buffer()
    buffer.set_transform_static(transform("a", "b", (0, 0, 0)), "test")
    buffer.set_transform_static(transform("c", "d", (0, 0, 0)), "test")
    with pytest.raises(tf2_ros.LookupException, match='"x" passed to lookupTransform'):
        buffer.lookup_transform("x", "b", Time())
    with pytest.raises(tf2_ros.ConnectivityException):
        buffer.lookup_transform("b", "d", Time())
    assert not buffer.can_transform("b", "d", Time(), timeout=Duration(seconds=0.05))
    known, reason = buffer.can_transform("x", "b", Time(), return_debug_tuple=True)
    assert not known
    assert "x" in reason
    with pytest.raises(tf2_ros.InvalidArgumentException):
        buffer.set_transform(transform("a", "b", (0, 0, 0), (0, 0, 0, 0)), "test")


BROADCASTER = """
    import rclpy, tf2_ros
    from geometry_msgs.msg import TransformStamped

    rclpy.init()
    node = rclpy.create_node("broadcaster")
    fixed = tf2_ros.StaticTransformBroadcaster(node)
    for child, x in (("left", 1.0), ("right", 2.0)):
        message = TransformStamped(child_frame_id=child)
        message.header.frame_id = "body"
        message.transform.translation.x = x
        fixed.sendTransform(message)
    moving = tf2_ros.TransformBroadcaster(node)

    def move():
        message = TransformStamped(child_frame_id="body")
        message.header.frame_id = "world"
        message.header.stamp = node.get_clock().now().to_msg()
        message.transform.translation.y = 3.0
        moving.sendTransform([message])

    node.create_timer(0.05, move)
    print("READY")
    rclpy.spin(node)
"""


@pytest.mark.ros
def test_listener_that_comes_late(ros, start_script) -> None:
    import rclpy

    start_script(BROADCASTER).wait_for_line("READY")
    node = rclpy.create_node("listener")
    buffer = tf2_ros.Buffer()
    listener = tf2_ros.TransformListener(buffer, node)
    assert spin_until(node, lambda: buffer.can_transform("world", "left", Time()))
    assert spin_until(node, lambda: buffer.can_transform("world", "right", Time()))
    position, _ = numbers(buffer.lookup_transform("world", "right", Time()))
    np.testing.assert_allclose(position, [2, 3, 0])
    listener.unregister()
    assert node.count_subscribers("/tf") == 0
