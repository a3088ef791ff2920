"""Interfaces of trajectory_msgs."""
