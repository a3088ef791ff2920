"""With use_sim_time the node lives in the time of a recording or a simulator."""

import pytest
from builtin_interfaces.msg import Time
from node_bench import NodeBench, object_points
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from funcgrasp_ros import msg
from funcgrasp_ros.conversions.clouds import cloud_from_points

pytestmark = pytest.mark.ros

RECORDED_S = 1000


def test_a_recorded_cloud_is_as_old_as_the_recording_says():
    with NodeBench({"use_sim_time": True}) as bench:
        clock = bench.publisher(Clock, "/clock")
        clouds = bench.publisher(PointCloud2, "object_cloud")
        header = Header(frame_id="table", stamp=Time(sec=RECORDED_S))

        def code_at(seconds: int) -> int:
            clock.publish(Clock(clock=Time(sec=seconds)))
            clouds.publish(cloud_from_points(object_points(), header))
            return bench.plan(msg.GraspRequest(instruction="hold it", num_candidates=1)).code

        bench.wait_until(lambda: code_at(RECORDED_S + 1) == msg.GraspPlan.SUCCESS)
        bench.wait_until(lambda: code_at(RECORDED_S + 60) == msg.GraspPlan.STALE_INPUT)


def test_without_it_a_recorded_cloud_is_stale():
    with NodeBench() as bench:
        clouds = bench.publisher(PointCloud2, "object_cloud")
        header = Header(frame_id="table", stamp=Time(sec=RECORDED_S))

        def code() -> int:
            clouds.publish(cloud_from_points(object_points(), header))
            return bench.plan(msg.GraspRequest(instruction="hold it", num_candidates=1)).code

        bench.wait_until(lambda: code() == msg.GraspPlan.STALE_INPUT)
