"""Stands in for rclpy.impl."""
