"""Stands in for rclpy.type_description_service, of which only the parameter's name is here."""

START_TYPE_DESCRIPTION_SERVICE_PARAM = "start_type_description_service"
