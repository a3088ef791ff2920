"""Interfaces of tf2_msgs."""
