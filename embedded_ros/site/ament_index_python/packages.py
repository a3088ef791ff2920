"""Stands in for ament_index_python.packages."""

from embedded_ros.packages import PackageNotFoundError, get_package_share_directory
