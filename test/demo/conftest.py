"""These tests import the demo, which imports rclpy: here too the stand-in serves where ROS 2 is not installed."""

from demo.ros_runtime import add_ros_to_path

add_ros_to_path()
