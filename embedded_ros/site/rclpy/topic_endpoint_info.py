"""Stands in for rclpy.topic_endpoint_info."""

from embedded_ros.endpoint_info import TopicEndpointInfo, TopicEndpointTypeEnum
from embedded_ros.errors import refuse_unknown_names

__getattr__ = refuse_unknown_names(__name__)
