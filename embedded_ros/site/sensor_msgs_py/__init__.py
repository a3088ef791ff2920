"""Stands in for sensor_msgs_py."""

from embedded_ros.import_hooks import install_import_hooks

install_import_hooks(__name__)
