"""The best grasps as tf frames, for programs that look a pose up instead of reading a message.

The frames are static. A plan is latched: it holds until another takes its place, and who comes late must still find it.
That is what `/tf_static` gives. Frames on `/tf` would have to be sent again and again with the time of now, and would
claim each time that somebody has looked at the object again.

tf2 has no message that takes a static frame back, so a frame that no longer holds is moved under WITHDRAWN_FRAME, which
is connected to nothing: looking it up then fails, rather than give the grasp of an object that has gone.

Listeners let a static frame move, but tf2's StaticTransformBroadcaster, as it is in Jazzy, keeps for ever what it first
heard of a frame. So the message is published here.
"""

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from funcgrasp_core.contracts import GraspPlan
from funcgrasp_ros import qos_profiles
from funcgrasp_ros.conversions.transforms import transform_from_matrix

WITHDRAWN_FRAME = "no_grasp"
"""Parent of the frames of grasps that no longer hold."""


def wrist_frame(rank: int, namespace: str = "/") -> str:
    """Name of the wrist's frame in the grasp of a rank, 0 being the best.

    Args:
        rank: index into GraspPlan.grasps.
        namespace: of the node; tf frames know no namespaces, so it becomes part of the name.
    """
    return _frame(namespace, rank, "wrist")


def pregrasp_frame(rank: int, namespace: str = "/") -> str:
    """Name of the frame where the wrist waits before it approaches; arguments as for `wrist_frame`."""
    return _frame(namespace, rank, "pregrasp")


class GraspFrames:
    """Broadcasts the frames of the best grasps; nothing at all until some are asked for.

    Args:
        node: whose namespace the frames' names begin with.
    """

    def __init__(self, node: Node):
        self._node = node
        self._publisher: Publisher | None = None
        self._num_known = 0

    def show(self, plan: GraspPlan, header: Header, num_grasps: int) -> None:
        """Puts frames at the plan's best grasps and withdraws all others.

        Args:
            plan: grasps, best first.
            header: frame of the plan, which becomes the frames' parent.
            num_grasps: how many grasps get frames.
        """
        if num_grasps and not header.frame_id:
            self._node.get_logger().warning(
                "The plan's frame has no name, so its grasps cannot become tf frames; give the cloud a frame_id or "
                "set the parameter 'planning_frame'."
            )
            self.withdraw(header)
            return
        namespace, transforms = self._node.get_namespace(), []
        for rank, grasp in enumerate(plan.grasps[:num_grasps]):
            for child, pose in (
                (wrist_frame(rank, namespace), grasp.wrist_pose),
                (pregrasp_frame(rank, namespace), grasp.pregrasp_pose),
            ):
                transform = TransformStamped(header=header, child_frame_id=child)
                transform.transform = transform_from_matrix(pose)
                transforms.append(transform)
        self._send(transforms, len(transforms) // 2, header)

    def withdraw(self, header: Header) -> None:
        """Takes all frames back: there is no plan any more. The header gives the time."""
        self._send([], 0, header)

    def close(self) -> None:
        """Takes all frames back and stops broadcasting."""
        self.withdraw(Header(stamp=self._node.get_clock().now().to_msg()))
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None

    def _send(self, transforms: list[TransformStamped], num_valid: int, header: Header) -> None:
        """Sends every frame that was ever named: late joiners get the last message only."""
        self._num_known = max(self._num_known, num_valid)
        nowhere = Header(stamp=header.stamp, frame_id=_with_namespace(self._node.get_namespace(), WITHDRAWN_FRAME))
        for rank in range(num_valid, self._num_known):
            for name in (wrist_frame, pregrasp_frame):
                withdrawn = TransformStamped(header=nowhere, child_frame_id=name(rank, self._node.get_namespace()))
                withdrawn.transform.rotation.w = 1.0
                transforms.append(withdrawn)
        if transforms:
            publisher: Publisher = self._publisher or self._node.create_publisher(
                TFMessage, "/tf_static", qos_profiles.LATCHED_OUTPUT
            )
            self._publisher = publisher
            publisher.publish(TFMessage(transforms=transforms))


def _frame(namespace: str, rank: int, name: str) -> str:
    return _with_namespace(namespace, f"grasp_{rank}/{name}")


def _with_namespace(namespace: str, name: str) -> str:
    return f"{namespace.strip('/')}/{name}".lstrip("/")
