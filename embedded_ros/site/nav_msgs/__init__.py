"""Interfaces of nav_msgs."""
