"""Clouds of 1.2 MB between a Python node and a C program on Debian's Cyclone DDS: not a bit changes on either way."""

import array

import numpy as np
import pytest
import rclpy
from json_printers import message_values
from peer_programs import LOCALHOST, SUBNET
from rclpy.qos import QoSProfile
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header
from waiting import spin_until

pytestmark = pytest.mark.ros

NUM_CLOUDS = 8
NUM_POINTS, POINT_STEP = 75_000, 16


def random_cloud(index: int) -> PointCloud2:
    """1.2 MB of random bytes, and other fields that differ from cloud to cloud and from their defaults."""
    cloud = PointCloud2(height=1 + index, width=NUM_POINTS, point_step=POINT_STEP, row_step=NUM_POINTS * POINT_STEP)
    cloud.header = Header(frame_id="é" * index)
    cloud.header.stamp.sec, cloud.header.stamp.nanosec = -(2**31) + index, 2**32 - 1 - index
    cloud.fields = [PointField(name="n" * i, offset=2**32 - 1 - i, datatype=255 - i, count=i) for i in range(index)]
    cloud.is_bigendian, cloud.is_dense = index % 2 == 0, index % 2 == 1
    # Not a multiple of four, so that what follows must be aligned.
    num_bytes = NUM_POINTS * POINT_STEP + index
    cloud.data = array.array("B", np.random.default_rng(index).bytes(num_bytes))
    return cloud


@pytest.fixture
def node(domain):
    rclpy.init()
    node = rclpy.create_node("clouds")
    yield node
    node.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize("network", [LOCALHOST, SUBNET], ids=["localhost", "subnet"])
def test_clouds_come_back_inverted(start_program, node, network: str):
    # The node is there first, and with SUBNET the program calls nobody on this machine: the node must go on calling.
    program = start_program("cloud_returner", NUM_CLOUDS, network=network)
    returned: list[PointCloud2] = []
    publisher = node.create_publisher(PointCloud2, "clouds_out", QoSProfile(depth=1))
    subscription = node.create_subscription(PointCloud2, "clouds_back", returned.append, QoSProfile(depth=1))
    spin_until(node, lambda: publisher.get_subscription_count() == subscription.get_publisher_count() == 1)
    sent = [random_cloud(index) for index in range(NUM_CLOUDS)]
    for index, cloud in enumerate(sent):
        publisher.publish(cloud)
        spin_until(node, lambda index=index: len(returned) > index)
    assert [value for _, value in program.finish()] == [message_values(cloud) for cloud in sent]
    for cloud, back in zip(sent, returned, strict=True):
        inverted = np.invert(np.asarray(cloud.data))
        assert message_values(back) == message_values(cloud) | {"data": message_values(inverted)}
        assert np.asarray(back.data).tobytes() == inverted.tobytes()
