"""A small robot that tests of the commands talk to: a managed node and a plain one in one process.

It prints `ready` when everything is there.
"""

import contextlib

import rclpy
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor, SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger


class Arm(LifecycleNode):
    """Fails to activate while its parameter `is_broken` is true."""

    def __init__(self):
        super().__init__("arm", namespace="/cell")
        self.declare_parameter("is_broken", False)

    def on_activate(self, state) -> TransitionCallbackReturn:
        is_broken = self.get_parameter("is_broken").value
        return TransitionCallbackReturn.FAILURE if is_broken else TransitionCallbackReturn.SUCCESS


class Camera(Node):
    """Kept and streamed topics, a service that answers and one that never does, parameters with rules."""

    def __init__(self):
        super().__init__("camera")
        speed = ParameterDescriptor(
            description="metres per second", floating_point_range=[FloatingPointRange(from_value=0.0, to_value=2.0)]
        )
        self.declare_parameter("drive.speed", 0.5, speed)
        self.declare_parameter("serial", "A7", ParameterDescriptor(read_only=True))
        self.declare_parameter("offsets", [1.0, 2.0])
        self.add_on_set_parameters_callback(self._check)
        kept = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.info = self.create_publisher(CameraInfo, "info", kept)
        message = CameraInfo(height=480, width=640, distortion_model="plumb_bob", d=[0.5, -0.25])
        message.header.frame_id = "optical"
        self.info.publish(message)
        best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.stream = self.create_publisher(String, "stream", best_effort)
        self.create_timer(0.05, lambda: self.stream.publish(String(data="frame")))
        self.create_service(SetBool, "light", self._light)
        self.create_service(Trigger, "silent", self._never, callback_group=ReentrantCallbackGroup())

    def _check(self, parameters) -> SetParametersResult:
        reason = "no offsets below -1" if any(p.name == "offsets" and min(p.value) < -1 for p in parameters) else ""
        return SetParametersResult(successful=not reason, reason=reason)

    def _light(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success, response.message = request.data, "on" if request.data else "off"
        return response

    async def _never(self, request, response):
        await Future()


def main() -> None:
    rclpy.init()
    executor = SingleThreadedExecutor()
    nodes = [Arm(), Camera()]
    for node in nodes:
        executor.add_node(node)
    print("ready", flush=True)
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        executor.spin()
    print("ended", flush=True)


if __name__ == "__main__":
    main()
