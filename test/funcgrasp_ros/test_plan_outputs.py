import pytest
from node_bench import NodeBench
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import String
from visualization_msgs.msg import Marker, MarkerArray

from funcgrasp_ros import msg, qos_profiles

pytestmark = pytest.mark.ros


def test_a_failure_leaves_nothing_of_the_plan_before():
    with NodeBench() as bench:
        clouds = bench.listen(PointCloud2, "grasp_planner/contact_cloud")
        maps = bench.listen(msg.ContactMap, "grasp_planner/contact_map")
        markers = bench.listen(MarkerArray, "grasp_planner/markers")
        bench.plan()
        bench.wait_until(lambda: bool(clouds and maps and markers))
        assert clouds[-1].width > 0
        bench.publisher(String, "instruction", qos_profiles.COMMAND_INPUT).publish(String(data="lift it"))
        bench.wait_until(lambda: len(clouds) == len(maps) == len(markers) == 2)
        assert clouds[-1].width == 0
        assert [field.name for field in clouds[-1].fields] == [field.name for field in clouds[0].fields]
        # There is no cloud and so no frame, but RViz passes over messages without one.
        assert clouds[-1].header.frame_id == "table"
        assert len(maps[-1].points) == len(maps[-1].probabilities) == 0
        assert [marker.action for marker in markers[-1].markers] == [Marker.DELETEALL]


def test_a_refused_call_leaves_what_others_are_shown():
    with NodeBench() as bench:
        plans = bench.listen(msg.GraspPlan, "grasp_planner/grasps")
        bench.plan()
        bench.wait_until(lambda: bool(plans))
        assert bench.plan(bench.request(instruction="")).code == msg.GraspPlan.NO_INSTRUCTION
        bench.plan(bench.request(instruction="lift it"))
        bench.wait_until(lambda: len(plans) == 2)
        assert [plan.instruction for plan in plans] == ["hold it", "lift it"]
