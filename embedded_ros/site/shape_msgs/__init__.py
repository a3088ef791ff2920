"""Interfaces of shape_msgs."""
