"""Interfaces of rosgraph_msgs."""
