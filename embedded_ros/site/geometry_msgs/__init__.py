"""Interfaces of geometry_msgs."""
