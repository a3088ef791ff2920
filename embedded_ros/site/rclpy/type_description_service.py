"""Stands in for rclpy.type_description_service, of which only the parameter's name is here."""

from embedded_ros.errors import refuse_unknown_names

START_TYPE_DESCRIPTION_SERVICE_PARAM = "start_type_description_service"

__getattr__ = refuse_unknown_names(__name__)
