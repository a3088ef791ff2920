"""The latched topics, and the tf frames, that show the last plan."""

import numpy as np
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from funcgrasp_core.contracts import PART_NAMES, ContactMap, GraspPlan
from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.conversions.clouds import contact_cloud
from funcgrasp_ros.grasp_frames import GraspFrames
from funcgrasp_ros.grasp_markers import clearing_markers, plan_markers

NO_CONTACT_MAP = ContactMap(np.zeros((0, 3), dtype=np.float32), np.zeros((0, len(PART_NAMES)), dtype=np.float32))


class PlanOutputs:
    """Publishers of plan, contact map, contact cloud and markers; broadcaster of the grasps' frames.

    Both numbers may be changed at any time; they count from the next plan on.

    Args:
        node: lifecycle node; nothing is sent while it is not active.
        num_marker_hands: how many grasps the markers show.
        num_grasp_frames: how many grasps get tf frames; 0: none.
    """

    def __init__(self, node: LifecycleNode, num_marker_hands: int, num_grasp_frames: int):
        self._node = node
        self.num_marker_hands = num_marker_hands
        self.num_grasp_frames = num_grasp_frames
        create, profile = node.create_lifecycle_publisher, qos_profiles.LATCHED_OUTPUT
        self._grasps = create(msg.GraspPlan, "~/grasps", profile)
        self._contact_map = create(msg.ContactMap, "~/contact_map", profile)
        self._contact_cloud = create(PointCloud2, "~/contact_cloud", profile)
        self._markers = create(MarkerArray, "~/markers", profile)
        self._last_frame_id = ""
        self._frames = GraspFrames(node)

    def close(self) -> None:
        """Removes the topics and takes the frames back."""
        for publisher in (self._grasps, self._contact_map, self._contact_cloud, self._markers):
            self._node.destroy_lifecycle_publisher(publisher)
        self._frames.close()

    def show_plan(self, plan: GraspPlan, answer: msg.GraspPlan) -> None:
        """Publishes a plan and its pictures; `answer` is the plan as a message."""
        self._last_frame_id = answer.header.frame_id
        self._grasps.publish(answer)
        self._contact_map.publish(answer.contact_map)
        self._frames.show(plan, answer.header, self.num_grasp_frames)
        self._contact_cloud.publish(contact_cloud(plan.contact_map, answer.header))
        self._markers.publish(plan_markers(plan, answer.header, self.num_marker_hands))

    def show_failure(self, answer: msg.GraspPlan) -> None:
        """Publishes why there is no plan, and takes away all that shows the plan before."""
        # What failed may have no frame, but RViz passes over messages without one.
        header = Header(stamp=answer.header.stamp, frame_id=answer.header.frame_id or self._last_frame_id)
        self._grasps.publish(answer)
        self._contact_map.publish(answer.contact_map)
        self._frames.withdraw(header)
        self._contact_cloud.publish(contact_cloud(NO_CONTACT_MAP, header))
        self._markers.publish(clearing_markers(header))
