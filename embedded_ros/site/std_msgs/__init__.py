"""Interfaces of std_msgs."""
