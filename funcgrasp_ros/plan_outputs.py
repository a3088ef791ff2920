"""The latched topics that show the last plan."""

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import MarkerArray

from funcgrasp_core.contracts import GraspPlan
from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.conversions.clouds import contact_cloud
from funcgrasp_ros.grasp_markers import clearing_markers, plan_markers


class PlanOutputs:
    """Publishers of plan, contact map, contact cloud and markers.

    Args:
        node: lifecycle node; nothing is sent while it is not active.
        num_marker_hands: how many grasps the markers show.

    Attributes:
        num_marker_hands: may be changed for the plans to come.
    """

    def __init__(self, node: LifecycleNode, num_marker_hands: int):
        self._node = node
        self.num_marker_hands = num_marker_hands
        create, profile = node.create_lifecycle_publisher, qos_profiles.LATCHED_OUTPUT
        self._grasps = create(msg.GraspPlan, "~/grasps", profile)
        self._contact_map = create(msg.ContactMap, "~/contact_map", profile)
        self._contact_cloud = create(PointCloud2, "~/contact_cloud", profile)
        self._markers = create(MarkerArray, "~/markers", profile)

    def close(self) -> None:
        """Removes the topics."""
        for publisher in (self._grasps, self._contact_map, self._contact_cloud, self._markers):
            self._node.destroy_lifecycle_publisher(publisher)

    def show_plan(self, plan: GraspPlan, answer: msg.GraspPlan) -> None:
        """Publishes a plan and its pictures; `answer` is the plan as a message."""
        self._grasps.publish(answer)
        self._contact_map.publish(answer.contact_map)
        self._contact_cloud.publish(contact_cloud(plan.contact_map, answer.header))
        self._markers.publish(plan_markers(plan, answer.header, self.num_marker_hands))

    def show_failure(self, answer: msg.GraspPlan) -> None:
        """Publishes why there is no plan, and takes the hands of the plan before away."""
        self._grasps.publish(answer)
        self._markers.publish(clearing_markers(answer.header))
