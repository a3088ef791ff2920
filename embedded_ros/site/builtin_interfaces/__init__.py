"""Interfaces of builtin_interfaces."""
