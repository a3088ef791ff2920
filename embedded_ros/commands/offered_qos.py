"""The policies that a topic's publishers offer, so that a subscription can ask for what it will get."""

import ctypes as ct
from typing import NamedTuple

from embedded_ros import dds_library as dds
from embedded_ros.dds_library import BUILTIN_PUBLICATIONS, call, library
from embedded_ros.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from embedded_ros.wire import Entity, Participant

_BATCH = 512
_NOT_READ_ALIVE = 0x2 | 0x4 | 0x8 | 0x10
"""dds_read_mask: samples not read before, of any view state, of publishers that are there."""


class OfferedPolicies(NamedTuple):
    """What one publisher offers."""

    is_reliable: bool
    is_transient_local: bool


def offered_policies(participant: Participant, topic: str) -> list[OfferedPolicies]:
    """One entry for each publisher of a topic (an absolute ROS name) that discovery knows of."""
    reader = Entity(call("dds_create_reader", participant.handle, BUILTIN_PUBLICATIONS, None, None))
    found: list[OfferedPolicies] = []
    try:
        while True:
            pointers, infos = (ct.c_void_p * _BATCH)(), (dds.SampleInfo * _BATCH)()
            count = call("dds_read_mask", reader.handle, pointers, infos, _BATCH, _BATCH, _NOT_READ_ALIVE)
            for pointer, info in zip(pointers[:count], infos[:count], strict=True):
                publisher = ct.cast(pointer, ct.POINTER(dds.EndpointData)).contents
                if info.valid_data and publisher.topic_name.decode() == f"rt{topic}":
                    found.append(_read_policies(ct.c_void_p(publisher.qos)))
            if count == 0:
                return found
            call("dds_return_loan", reader.handle, pointers, count)
    finally:
        reader.delete()


def matching_profile(offered: list[OfferedPolicies], depth: int) -> QoSProfile:
    """The strictest profile that every one of these publishers satisfies."""
    is_reliable = all(policies.is_reliable for policies in offered)
    is_transient_local = all(policies.is_transient_local for policies in offered)
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if is_reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if is_transient_local else DurabilityPolicy.VOLATILE,
    )


def _read_policies(qos: ct.c_void_p) -> OfferedPolicies:
    reliability, durability, blocking_ns = ct.c_int(0), ct.c_int(0), ct.c_int64(0)
    library().dds_qget_reliability(qos, ct.byref(reliability), ct.byref(blocking_ns))
    library().dds_qget_durability(qos, ct.byref(durability))
    return OfferedPolicies(reliability.value == 1, durability.value >= 1)
