"""Stands in for launch.conditions."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_substitutions import IfCondition, InvalidConditionExpressionError, UnlessCondition

__getattr__ = refuse_unknown_names(__name__)
