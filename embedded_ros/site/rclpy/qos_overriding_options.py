"""Stands in for rclpy.qos_overriding_options."""

from embedded_ros.qos import QoSPolicyKind
from embedded_ros.qos_overrides import (
    InvalidQosOverridesError,
    QosCallbackResult,
    QoSOverridingOptions,
    _declare_qos_parameters,
    _get_qos_policy_parameter,
)
