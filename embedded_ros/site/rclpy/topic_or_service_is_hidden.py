"""Stands in for rclpy.topic_or_service_is_hidden."""

from embedded_ros.names import HIDDEN_TOPIC_PREFIX, TOPIC_SEPERATOR_STRING, topic_or_service_is_hidden
