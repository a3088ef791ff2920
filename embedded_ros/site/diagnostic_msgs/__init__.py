"""Interfaces of diagnostic_msgs."""
