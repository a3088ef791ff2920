"""Stands in for ament_index_python.packages."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory

__getattr__ = refuse_unknown_names(__name__)
