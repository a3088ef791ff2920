"""Stands in for rclpy.qos_overriding_options."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.qos import QoSPolicyKind
from embedded_ros.qos_overrides import (
    InvalidQosOverridesError,
    QosCallbackResult,
    QoSOverridingOptions,
    _declare_qos_parameters,
    _get_qos_policy_parameter,
)

__getattr__ = refuse_unknown_names(__name__)
