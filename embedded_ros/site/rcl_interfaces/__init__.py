"""Interfaces of rcl_interfaces."""
