"""Stands in for rclpy.topic_endpoint_info."""

from embedded_ros.endpoint_info import TopicEndpointInfo, TopicEndpointTypeEnum
