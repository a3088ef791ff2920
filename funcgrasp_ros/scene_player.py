"""Plays a recorded scene over and over, as if its sensors were there now."""

import importlib
import sys
from pathlib import Path
from typing import Any

import rclpy
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.serialization import deserialize_message

from funcgrasp_core.assets import DEMO_RECORDING, asset_path
from funcgrasp_core.errors import FuncGraspError
from funcgrasp_ros import qos_profiles
from funcgrasp_ros.clean_ending import end_ros
from funcgrasp_ros.recorded_scene import TRUTH_TOPIC, RecordedMessage, read_recording

STATIC_TOPICS = ("/tf_static", TRUTH_TOPIC)
"""Sent once and kept for late joiners; all other topics are sent in every round."""

GLOBAL_TOPICS = ("/tf", "/tf_static")
"""Keep their names in any namespace."""


class ScenePlayer(Node):
    """Node `scene_player`: publishes every message of a recording in every round, stamped with the time of sending."""

    def __init__(self, **node_arguments):
        super().__init__("scene_player", **node_arguments)
        recording = self.declare_parameter(
            "recording", "", ParameterDescriptor(description="MCAP file. Empty: the scene that comes with the package.")
        ).value
        rate_hz = self.declare_parameter(
            "rate",
            5.0,
            ParameterDescriptor(
                description="Rounds in a second.",
                floating_point_range=[FloatingPointRange(from_value=0.1, to_value=100.0, step=0.0)],
            ),
        ).value
        self._looped: list[tuple[Any, Any]] = []
        for message in read_recording(Path(recording) if recording else asset_path(DEMO_RECORDING)):
            self._prepare(message)
        self._timer = self.create_timer(1.0 / rate_hz, self._play_round)
        self.get_logger().info(f"Playing {len(self._looped)} messages {rate_hz:g} times a second.")

    def _prepare(self, recorded: RecordedMessage) -> None:
        package, _, name = recorded.message_type.split("/")
        message_class = getattr(importlib.import_module(f"{package}.msg"), name)
        message = deserialize_message(recorded.data, message_class)
        is_static = recorded.topic in STATIC_TOPICS
        topic = recorded.topic if recorded.topic in GLOBAL_TOPICS else recorded.topic.lstrip("/")
        profile = qos_profiles.LATCHED_OUTPUT if is_static else qos_profiles.SENSOR_OUTPUT
        publisher = self.create_publisher(message_class, topic, profile)
        if is_static:
            publisher.publish(message)
        else:
            self._looped.append((publisher, message))

    def _play_round(self) -> None:
        stamp = self.get_clock().now().to_msg()
        for publisher, message in self._looped:
            message.header.stamp = stamp
            publisher.publish(message)


def main() -> int:
    """Plays until it is interrupted. Exit code 2: the recording cannot be read."""
    rclpy.init()
    try:
        rclpy.spin(ScenePlayer())
    except FuncGraspError as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        end_ros()
    return 0


if __name__ == "__main__":
    sys.exit(main())
