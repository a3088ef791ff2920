"""Interfaces of std_srvs."""
