"""Interfaces of visualization_msgs."""
