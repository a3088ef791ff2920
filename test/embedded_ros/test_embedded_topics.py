"""Publishers and subscriptions between two processes, over real DDS."""

import time

import numpy as np
import pytest
from script_process import spin_until

from embedded_ros.errors import InvalidHandle

pytestmark = pytest.mark.ros

PUBLISHER = """
    import sys
    import numpy as np
    import rclpy
    from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import PointCloud2
    from std_msgs.msg import String

    rclpy.init()
    node = rclpy.create_node("talker", namespace="there")
    latched = node.create_publisher(
        String, "latched", QoSProfile(depth=2, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    )
    for text in ("one", "two", "three"):
        latched.publish(String(data=text))
    best_effort = node.create_publisher(
        String, "best_effort", QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    clouds = node.create_publisher(PointCloud2, "cloud", 10)
    data = np.random.default_rng(0).integers(0, 256, 1_200_000).astype(np.uint8)
    cloud = PointCloud2(data=data, width=100_000, point_step=12)

    def publish():
        best_effort.publish(String(data="now"))
        cloud.header.stamp = node.get_clock().now().to_msg()
        clouds.publish(cloud)

    node.create_timer(0.05, publish)
    print("READY")
    rclpy.spin(node)
"""


def test_late_joiner_gets_what_is_kept(ros, start_script) -> None:
    import rclpy
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from std_msgs.msg import String

    start_script(PUBLISHER).wait_for_line("READY")
    node = rclpy.create_node("listener")
    kept, volatile = [], []
    plain = node.create_subscription(String, "/there/latched", lambda message: volatile.append(message.data), 10)
    assert spin_until(node, lambda: plain.get_publisher_count() == 1)
    spin_until(node, lambda: False, 0.3)
    assert volatile == []
    latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(String, "/there/latched", lambda message: kept.append(message.data), latched)
    assert spin_until(node, lambda: len(kept) == 2)
    spin_until(node, lambda: False, 0.3)
    assert kept == ["two", "three"], "the publisher keeps the last two"


def test_big_messages_arrive_whole_and_fast(ros, start_script) -> None:
    import rclpy
    from sensor_msgs.msg import PointCloud2

    start_script(PUBLISHER).wait_for_line("READY")
    node = rclpy.create_node("listener")
    delays_s: list[float] = []
    clouds: list[PointCloud2] = []

    def receive(cloud: PointCloud2) -> None:
        clouds.append(cloud)
        delays_s.append(time.time() - cloud.header.stamp.sec - cloud.header.stamp.nanosec * 1e-9)

    node.create_subscription(PointCloud2, "/there/cloud", receive, 10)
    assert spin_until(node, lambda: len(clouds) >= 8)
    expected = np.random.default_rng(0).integers(0, 256, 1_200_000).astype(np.uint8)
    assert clouds[-1].data.tobytes() == expected.tobytes()
    assert clouds[-1].point_step == 12
    assert sorted(delays_s)[len(delays_s) // 2] < 0.5


def test_reliable_subscription_of_a_best_effort_publisher_is_warned(ros, start_script, capfd) -> None:
    import rclpy
    from rclpy.qos import qos_profile_sensor_data
    from std_msgs.msg import String

    talker = start_script(PUBLISHER)
    talker.wait_for_line("READY")
    node = rclpy.create_node("listener")
    fitting, refused = [], []
    node.create_subscription(String, "/there/best_effort", fitting.append, qos_profile_sensor_data)
    node.create_subscription(String, "/there/best_effort", refused.append, 10)
    assert spin_until(node, lambda: len(fitting) >= 3)
    assert refused == []
    warning = "incompatible QoS. No messages will be"
    assert f"offering {warning} received from it. Last incompatible policy: RELIABILITY" in capfd.readouterr().err
    assert "requesting" in talker.wait_for_line(f"{warning} sent to it. Last incompatible policy: RELIABILITY")


def test_graph_shows_the_other_process(ros, start_script) -> None:
    import rclpy

    talker = start_script(PUBLISHER)
    talker.wait_for_line("READY")
    node = rclpy.create_node("listener")
    assert spin_until(node, lambda: "/there/talker" in node.get_fully_qualified_node_names())
    assert ("/there/latched", ["std_msgs/msg/String"]) in node.get_topic_names_and_types()
    assert ("talker", "/there") in node.get_node_names_and_namespaces()
    assert node.count_publishers("/there/latched") == 1
    assert node.count_subscribers("/there/latched") == 0
    assert node.count_services("/there/talker/get_parameters") == 1
    talker.process.terminate()
    talker.wait()
    assert spin_until(node, lambda: "/there/talker" not in node.get_fully_qualified_node_names())


def test_message_info_raw_and_destroyed(ros) -> None:
    import rclpy
    from rclpy.serialization import deserialize_message
    from std_msgs.msg import String

    node = rclpy.create_node("both")
    publisher = node.create_publisher(String, "topic", 10)
    infos, raws = [], []
    node.create_subscription(String, "topic", lambda message, info: infos.append(info), 10)
    subscription = node.create_subscription(String, "topic", raws.append, 10, raw=True)
    publisher.publish(String(data="hello"))
    assert spin_until(node, lambda: bool(infos and raws))
    assert abs(infos[0]["source_timestamp"] - time.time_ns()) < 5e9
    assert deserialize_message(raws[0], String).data == "hello"
    assert publisher.get_subscription_count() == 2
    assert node.destroy_subscription(subscription)
    assert not node.destroy_subscription(subscription)
    with pytest.raises(TypeError, match="Expected"):
        publisher.publish("hello")
    rclpy.shutdown()
    with pytest.raises(InvalidHandle):
        publisher.publish(String(data="late"))


def test_remapping_and_namespaces(domain) -> None:
    import rclpy
    from std_msgs.msg import String

    arguments = ["--ros-args", "-r", "__ns:=/robot", "-r", "__node:=eye", "-r", "cloud:=/camera/cloud", "-r", "~/x:=y"]
    rclpy.init(args=arguments)
    node = rclpy.create_node("original", namespace="elsewhere")
    assert node.get_fully_qualified_name() == "/robot/eye"
    assert node.get_logger().name == "robot.eye"
    assert node.create_publisher(String, "cloud", 1).topic_name == "/camera/cloud"
    assert node.create_publisher(String, "~/x", 1).topic_name == "/robot/y"
    assert node.resolve_topic_name("other") == "/robot/other"
    rclpy.shutdown()


@pytest.mark.parametrize("name", ["", "a//b", "1a", "a-b", "a/", "a~b", "~a"])
def test_invalid_topic_names(name: str) -> None:
    from rclpy.exceptions import InvalidTopicNameException

    from embedded_ros.names import validate_topic_name

    with pytest.raises(InvalidTopicNameException):
        validate_topic_name(name)


def test_log_messages_reach_rosout(ros, capfd) -> None:
    import rclpy
    from rcl_interfaces.msg import Log
    from rclpy.logging import LoggingSeverity

    node = rclpy.create_node("speaker")
    heard: list[Log] = []
    node.create_subscription(Log, "/rosout", heard.append, 10)
    logger = node.get_logger()
    logger.debug("hidden")
    logger.get_child("part").warning("shown")
    for _ in range(3):
        logger.info("only once", once=True)
    logger.set_level(LoggingSeverity.ERROR)
    logger.warning("also hidden")
    assert spin_until(node, lambda: len(heard) >= 2)
    assert [(entry.name, entry.msg, entry.level) for entry in heard] == [
        ("speaker.part", "shown", Log.WARN),
        ("speaker", "only once", Log.INFO),
    ]
    assert heard[0].function == "test_log_messages_reach_rosout"
    printed = capfd.readouterr().err
    assert "[speaker.part]: shown" in printed
    assert "hidden" not in printed
