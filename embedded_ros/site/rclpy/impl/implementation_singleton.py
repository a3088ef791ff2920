"""Stands in for rclpy.impl.implementation_singleton."""

import rclpy._rclpy_pybind11 as rclpy_implementation
