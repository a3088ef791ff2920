"""Stands in for rclpy.qos."""

from embedded_ros.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    InvalidQoSProfileException,
    LivelinessPolicy,
    QoSCompatibility,
    QoSPolicyKind,
    QoSPresetProfiles,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
    qos_profile_action_status_default,
    qos_profile_default,
    qos_profile_parameter_events,
    qos_profile_parameters,
    qos_profile_rosout_default,
    qos_profile_sensor_data,
    qos_profile_services_default,
    qos_profile_system_default,
    qos_profile_unknown,
)
from embedded_ros.qos_matching import qos_check_compatible

QoSDurabilityPolicy = DurabilityPolicy
QoSHistoryPolicy = HistoryPolicy
QoSLivelinessPolicy = LivelinessPolicy
QoSReliabilityPolicy = ReliabilityPolicy
