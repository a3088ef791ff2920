"""The options by which `topic echo` and `topic pub` name policies."""

import argparse

from embedded_ros.commands.parsing import positive_integer
from embedded_ros.qos import DurabilityPolicy, QoSPresetProfiles, QoSProfile, ReliabilityPolicy

_PROFILES = {name: QoSPresetProfiles.get_from_short_key(name) for name in QoSPresetProfiles.short_keys()}
_RELIABILITIES = ("reliable", "best_effort")
_DURABILITIES = ("volatile", "transient_local")


def add_qos_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the options; `default` tells the user which profile holds without them."""
    names = sorted(_PROFILES)
    parser.add_argument(
        "--qos-profile", choices=names, metavar="PROFILE", help=f"one of {', '.join(names)} (default: {default})"
    )
    parser.add_argument("--qos-depth", type=positive_integer, metavar="N", help="keep the last N messages")
    parser.add_argument("--qos-reliability", choices=_RELIABILITIES, help="whether lost messages are sent again")
    parser.add_argument("--qos-durability", choices=_DURABILITIES, help="whether late subscriptions get old messages")


def profile_from_options(options: argparse.Namespace, base: QoSProfile) -> QoSProfile:
    """The profile that the options ask for, `base` where they are silent."""
    start = _PROFILES[options.qos_profile] if options.qos_profile else base
    depth = options.qos_depth or max(1, start.depth)
    profile = QoSProfile(depth=depth, reliability=start.reliability, durability=start.durability)
    if options.qos_reliability:
        profile.reliability = ReliabilityPolicy[options.qos_reliability.upper()]
    if options.qos_durability:
        profile.durability = DurabilityPolicy[options.qos_durability.upper()]
    return profile
