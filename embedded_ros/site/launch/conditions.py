"""Stands in for launch.conditions."""

from embedded_ros.launch_substitutions import IfCondition, InvalidConditionExpressionError, UnlessCondition
