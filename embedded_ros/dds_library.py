"""The C library of the `cyclonedds` wheel through ctypes: signatures, structures and checked calls.

Only the C interface is used. The wheel's Python layer always advertises XTypes type information, with which a
ROS 2 node does not match; plain topic descriptors and opaque CDR bytes are what ROS's own middleware sends.
The `ddsi_serdata_*` functions are half internal, so the library is checked when it is loaded.
"""

import ctypes as ct
import functools
import importlib.util
from pathlib import Path
from typing import NamedTuple

from embedded_ros.errors import MiddlewareError

INFINITE_NS = 0x7FFFFFFFFFFFFFFF
UNLIMITED = -1
ANY_STATE = 0x7F
_PSEUDO_HANDLE = 0x7FFF0000
BUILTIN_PUBLICATIONS = _PSEUDO_HANDLE + 3
BUILTIN_SUBSCRIPTIONS = _PSEUDO_HANDLE + 4

_OP_ADDRESS_OF_BYTE = (1 << 24) | (1 << 16)
_READ_ONLY = 0x100
_memory_at = ct.PYFUNCTYPE(ct.py_object, ct.c_void_p, ct.c_ssize_t, ct.c_int)(("PyMemoryView_FromMemory", ct.pythonapi))


class SampleInfo(ct.Structure):
    """What the library tells about one received sample."""

    _fields_ = [
        ("sample_state", ct.c_uint),
        ("view_state", ct.c_uint),
        ("instance_state", ct.c_uint),
        ("valid_data", ct.c_bool),
        ("source_timestamp", ct.c_int64),
        ("instance_handle", ct.c_uint64),
        ("publication_handle", ct.c_uint64),
        ("counts", ct.c_uint32 * 5),
    ]


class BytesView(ct.Structure):
    """A pointer and a length (`struct iovec`)."""

    _fields_ = [("base", ct.c_void_p), ("length", ct.c_size_t)]


class TypeBlob(ct.Structure):
    """Serialised type information; always empty here."""

    _fields_ = [("data", ct.c_void_p), ("size", ct.c_uint32)]


class TopicDescriptor(ct.Structure):
    """Describes a topic's type to the library: here only its name matters, the content stays opaque."""

    _fields_ = [
        ("size", ct.c_uint32),
        ("align", ct.c_uint32),
        ("flagset", ct.c_uint32),
        ("num_keys", ct.c_uint32),
        ("type_name", ct.c_char_p),
        ("keys", ct.c_void_p),
        ("num_ops", ct.c_uint32),
        ("ops", ct.POINTER(ct.c_uint32)),
        ("meta", ct.c_char_p),
        ("type_information", TypeBlob),
        ("type_mapping", TypeBlob),
        ("restrict_data_representation", ct.c_uint32),
    ]


class EndpointData(ct.Structure):
    """A discovered reader or writer, local or remote."""

    _fields_ = [
        ("guid", ct.c_uint8 * 16),
        ("participant_guid", ct.c_uint8 * 16),
        ("participant_handle", ct.c_uint64),
        ("topic_name", ct.c_char_p),
        ("type_name", ct.c_char_p),
        ("qos", ct.c_void_p),
    ]


class IncompatibleQosStatus(ct.Structure):
    """How often a counterpart was refused, and for which policy last."""

    _fields_ = [("total", ct.c_uint32), ("change", ct.c_int32), ("policy", ct.c_uint32)]


class CountedStatus(ct.Structure):
    """How often something happened: a deadline was missed, liveliness or a sample was lost."""

    _fields_ = [("total", ct.c_uint32), ("change", ct.c_int32), ("last_handle", ct.c_uint64)]


class LivelinessChangedStatus(ct.Structure):
    """How many writers are alive and how many no longer."""

    _fields_ = [
        ("alive", ct.c_uint32),
        ("not_alive", ct.c_uint32),
        ("alive_change", ct.c_int32),
        ("not_alive_change", ct.c_int32),
        ("last_handle", ct.c_uint64),
    ]


class MatchedStatus(ct.Structure):
    """How many counterparts a reader or writer has."""

    _fields_ = [
        ("total", ct.c_uint32),
        ("total_change", ct.c_int32),
        ("current", ct.c_uint32),
        ("current_change", ct.c_int32),
        ("last_handle", ct.c_uint64),
    ]


class StatusKind(NamedTuple):
    """A status of a reader or writer: its bit in masks, and how it is read."""

    bit: int
    function: str
    structure: type[ct.Structure]


OFFERED_DEADLINE_MISSED = StatusKind(1, "dds_get_offered_deadline_missed_status", CountedStatus)
REQUESTED_DEADLINE_MISSED = StatusKind(2, "dds_get_requested_deadline_missed_status", CountedStatus)
OFFERED_INCOMPATIBLE_QOS = StatusKind(3, "dds_get_offered_incompatible_qos_status", IncompatibleQosStatus)
REQUESTED_INCOMPATIBLE_QOS = StatusKind(4, "dds_get_requested_incompatible_qos_status", IncompatibleQosStatus)
SAMPLE_LOST = StatusKind(5, "dds_get_sample_lost_status", CountedStatus)
LIVELINESS_LOST = StatusKind(9, "dds_get_liveliness_lost_status", CountedStatus)
LIVELINESS_CHANGED = StatusKind(10, "dds_get_liveliness_changed_status", LivelinessChangedStatus)
PUBLICATION_MATCHED = StatusKind(11, "dds_get_publication_matched_status", MatchedStatus)
SUBSCRIPTION_MATCHED = StatusKind(12, "dds_get_subscription_matched_status", MatchedStatus)
_STATUS_KINDS = [value for value in list(globals().values()) if isinstance(value, StatusKind)]

_P, _I32, _U32, _I64, _U64, _SIZE = ct.c_void_p, ct.c_int32, ct.c_uint32, ct.c_int64, ct.c_uint64, ct.c_size_t

# Name -> (result, arguments). Entity handles are int32; a negative result of such a call is an error code.
_SIGNATURES = {
    "dds_create_domain": (_I32, _U32, ct.c_char_p),
    "dds_create_participant": (_I32, _U32, _P, _P),
    "dds_create_topic": (_I32, _I32, ct.POINTER(TopicDescriptor), ct.c_char_p, _P, _P),
    "dds_create_writer": (_I32, _I32, _I32, _P, _P),
    "dds_create_reader": (_I32, _I32, _I32, _P, _P),
    "dds_create_readcondition": (_I32, _I32, _U32),
    "dds_create_guardcondition": (_I32, _I32),
    "dds_set_guardcondition": (_I32, _I32, ct.c_bool),
    "dds_take_guardcondition": (_I32, _I32, ct.POINTER(ct.c_bool)),
    "dds_create_waitset": (_I32, _I32),
    "dds_waitset_attach": (_I32, _I32, _I32, ct.c_ssize_t),
    "dds_waitset_detach": (_I32, _I32, _I32),
    "dds_waitset_wait": (_I32, _I32, ct.POINTER(ct.c_ssize_t), _SIZE, _I64),
    "dds_set_status_mask": (_I32, _I32, _U32),
    "dds_delete": (_I32, _I32),
    "dds_get_guid": (_I32, _I32, _P),
    "dds_get_instance_handle": (_I32, _I32, ct.POINTER(_U64)),
    "dds_get_entity_sertype": (_I32, _I32, ct.POINTER(_P)),
    "dds_writecdr": (_I32, _I32, _P),
    "dds_takecdr": (_I32, _I32, ct.POINTER(_P), _U32, ct.POINTER(SampleInfo), _U32),
    "dds_read_mask": (_I32, _I32, ct.POINTER(_P), ct.POINTER(SampleInfo), _SIZE, _U32, _U32),
    "dds_return_loan": (_I32, _I32, ct.POINTER(_P), _I32),
    **{kind.function: (_I32, _I32, ct.POINTER(kind.structure)) for kind in _STATUS_KINDS},
    "dds_assert_liveliness": (_I32, _I32),
    "dds_get_matched_publications": (_I32, _I32, ct.POINTER(_U64), _SIZE),
    "dds_get_matched_subscriptions": (_I32, _I32, ct.POINTER(_U64), _SIZE),
    "dds_get_matched_publication_data": (ct.POINTER(EndpointData), _I32, _U64),
    "dds_get_matched_subscription_data": (ct.POINTER(EndpointData), _I32, _U64),
    "dds_builtintopic_free_endpoint": (None, ct.POINTER(EndpointData)),
    "dds_wait_for_acks": (_I32, _I32, _I64),
    "dds_strretcode": (ct.c_char_p, _I32),
    "dds_free": (None, _P),
    "dds_create_qos": (_P,),
    "dds_delete_qos": (None, _P),
    "dds_qset_reliability": (None, _P, ct.c_int, _I64),
    "dds_qset_durability": (None, _P, ct.c_int),
    "dds_qset_history": (None, _P, ct.c_int, _I32),
    "dds_qset_durability_service": (None, _P, _I64, ct.c_int, _I32, _I32, _I32, _I32),
    "dds_qset_deadline": (None, _P, _I64),
    "dds_qset_lifespan": (None, _P, _I64),
    "dds_qset_liveliness": (None, _P, ct.c_int, _I64),
    "dds_qset_writer_data_lifecycle": (None, _P, ct.c_bool),
    "dds_qset_data_representation": (None, _P, _U32, ct.POINTER(ct.c_int16)),
    "dds_qget_reliability": (ct.c_bool, _P, _P, _P),
    "dds_qget_durability": (ct.c_bool, _P, _P),
    "dds_qget_deadline": (ct.c_bool, _P, _P),
    "dds_qget_lifespan": (ct.c_bool, _P, _P),
    "dds_qget_liveliness": (ct.c_bool, _P, _P, _P),
    "dds_qset_userdata": (None, _P, _P, _SIZE),
    "dds_qget_userdata": (ct.c_bool, _P, ct.POINTER(_P), ct.POINTER(_SIZE)),
    "ddsi_serdata_from_ser_iov": (_P, _P, ct.c_int, _SIZE, ct.POINTER(BytesView), _SIZE),
    "ddsi_serdata_size": (_U32, _P),
    "ddsi_serdata_to_ser_ref": (_P, _P, _SIZE, _SIZE, ct.POINTER(BytesView)),
    "ddsi_serdata_to_ser_unref": (None, _P, ct.POINTER(BytesView)),
    "ddsi_serdata_unref": (None, _P),
}


@functools.cache
def library() -> ct.CDLL:
    """The loaded library with all signatures set; MiddlewareError if it is absent or of another version."""
    spec = importlib.util.find_spec("cyclonedds")
    if spec is None or spec.origin is None:
        raise MiddlewareError("the package cyclonedds is missing: pip install 'funcgrasp[embedded]'")
    # The package itself is not imported: that takes longer than everything else here.
    folder = Path(spec.origin).parent
    found = sorted([*(folder.parent / "cyclonedds.libs").glob("libddsc*"), *(folder / ".dylibs").glob("libddsc*")])
    if not found:
        raise MiddlewareError(f"no libddsc beside {folder}: install the cyclonedds 11.0.1 wheel, not a source build")
    loaded = ct.CDLL(str(found[0]))
    for name, (result, *arguments) in _SIGNATURES.items():
        try:
            function = getattr(loaded, name)
        except AttributeError:
            raise MiddlewareError(f"{found[0]} lacks {name}: install cyclonedds==11.0.1") from None
        function.restype, function.argtypes = result, arguments
    return loaded


def call(name: str, *arguments: object) -> int:
    """Call a function that returns a handle, a count or an error code; raise MiddlewareError for the last."""
    return check(name, getattr(library(), name)(*arguments))


def check(name: str, result: int) -> int:
    """Raise MiddlewareError if the result of a function is an error code."""
    if result < 0:
        raise MiddlewareError(f"{name}: {library().dds_strretcode(result).decode()}")
    return result


def memory_at(view: BytesView) -> memoryview:
    """Read-only memory of the library; it ends when the library says, not when Python no longer uses it."""
    return _memory_at(view.base, view.length, _READ_ONLY)


def make_descriptor(type_name: str) -> TopicDescriptor:
    """A descriptor of an opaque type of this name, without type information."""
    ops = (ct.c_uint32 * 3)(_OP_ADDRESS_OF_BYTE, 0, 0)
    return TopicDescriptor(1, 1, 0, 0, type_name.encode(), None, 2, ops, b"", TypeBlob(), TypeBlob(), 0)


def read_user_data(qos: int | None) -> dict[str, str]:
    """The `key=value;` pairs that ROS puts into an endpoint's user data."""
    data, size = ct.c_void_p(), ct.c_size_t()
    if not qos or not library().dds_qget_userdata(qos, ct.byref(data), ct.byref(size)) or not data.value:
        return {}
    text = ct.string_at(data.value, size.value).decode("utf-8", "replace")
    library().dds_free(data)
    return dict(pair.split("=", 1) for pair in text.split(";") if "=" in pair)
