"""Stands in for ament_index_python."""

from embedded_ros.import_hooks import install_import_hooks
from embedded_ros.packages import PackageNotFoundError, get_package_share_directory

install_import_hooks(__name__)
