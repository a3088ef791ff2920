"""Interfaces of lifecycle_msgs."""
