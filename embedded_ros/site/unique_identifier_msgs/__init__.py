"""Interfaces of unique_identifier_msgs."""
