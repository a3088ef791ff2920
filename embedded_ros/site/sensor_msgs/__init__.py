"""Interfaces of sensor_msgs."""
