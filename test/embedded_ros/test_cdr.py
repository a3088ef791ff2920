"""CDR and type descriptions, held against rosbags' own independent implementation."""

import random

import numpy as np
import pytest
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.base import normalize_fieldname

from embedded_ros.cdr import LITTLE_ENDIAN_HEADER, MalformedDataError
from embedded_ros.interface_table import PLACEHOLDER_FIELD, parse_definition, type_hash
from embedded_ros.message_classes import (
    deserialize_message,
    message_class,
    serialize_message,
    service_class,
)

STORE = get_typestore(Stores.ROS2_JAZZY)


def random_value(description, generator: random.Random, is_ours: bool):
    node, argument = description
    if node == Nodetype.NAME:
        return random_message(argument, generator, is_ours)
    if node == Nodetype.BASE:
        base = argument[0]
        if base == "string":
            return "".join(generator.choice("abcé") for _ in range(generator.randint(0, 6)))
        if base == "bool":
            return generator.random() < 0.5
        if base.startswith("float"):
            return float(np.float32(generator.gauss(0, 1)))
        number = generator.randint(0, 100)
        return bytes([number]) if base == "byte" and is_ours else number
    element, length = argument
    count = length if node == Nodetype.ARRAY else generator.randint(0, min(length or 3, 3))
    values = [random_value(element, generator, is_ours) for _ in range(count)]
    if element[0] == Nodetype.BASE and element[1][0] != "string" and not is_ours:
        base = element[1][0]
        return np.array(values, dtype={"bool": "bool_", "char": "uint8", "byte": "uint8"}.get(base, base))
    return values


def random_message(full_name: str, generator: random.Random, is_ours: bool):
    fields = STORE.fielddefs[full_name][1]
    if is_ours:
        values = {n: random_value(d, generator, True) for n, d in fields if n != PLACEHOLDER_FIELD}
        return message_class(full_name)(**values)
    values = {n: 0 if n == PLACEHOLDER_FIELD else random_value(d, generator, False) for n, d in fields}
    return STORE.types[full_name](**{normalize_fieldname(name): value for name, value in values.items()})


@pytest.mark.parametrize("package", sorted({name.split("/")[0] for name in STORE.fielddefs}))
def test_bytes_equal_rosbags(package: str) -> None:
    for full_name in [name for name in STORE.fielddefs if name.startswith(f"{package}/")]:
        for seed in range(5):
            ours = random_message(full_name, random.Random(seed), is_ours=True)
            theirs = random_message(full_name, random.Random(seed), is_ours=False)
            little = bytes(STORE.serialize_cdr(theirs, full_name))
            big = bytes(STORE.serialize_cdr(theirs, full_name, little_endian=False))
            assert serialize_message(ours) == little, full_name
            assert deserialize_message(little, type(ours)) == ours
            assert deserialize_message(big, type(ours)) == ours


def test_byte_fields_use_all_eight_bits() -> None:
    status_type = message_class("diagnostic_msgs/msg/DiagnosticStatus")
    status = status_type(level=b"\xfe")
    assert deserialize_message(serialize_message(status), status_type).level == b"\xfe"


def test_every_truncation_is_refused() -> None:
    cloud_type = message_class("sensor_msgs/msg/PointCloud2")
    field = message_class("sensor_msgs/msg/PointField")(name="x", datatype=7, count=1)
    whole = serialize_message(cloud_type(fields=[field], data=bytes(range(20))))
    for length in range(4, len(whole)):
        with pytest.raises(MalformedDataError, match="PointCloud2"):
            deserialize_message(whole[:length], cloud_type)


@pytest.mark.parametrize("name", ["geometry_msgs/msg/Polygon", "shape_msgs/msg/Mesh"])
def test_a_list_of_points_is_refused_when_cut_short(name: str) -> None:
    polygon_type = message_class(name)
    field = "points" if "Polygon" in name else "vertices"
    point_type = message_class(f"geometry_msgs/msg/{'Point32' if field == 'points' else 'Point'}")
    whole = serialize_message(polygon_type(**{field: [point_type(x=1.0), point_type(y=2.0)]}))
    for length in range(4, len(whole)):
        with pytest.raises(MalformedDataError):
            deserialize_message(whole[:length], polygon_type)


def test_a_length_that_lies_is_refused_without_allocating() -> None:
    array_type = message_class("std_msgs/msg/Float64MultiArray")
    claimed = LITTLE_ENDIAN_HEADER + bytes(8) + (2**32 - 1).to_bytes(4, "little") + bytes(16)
    with pytest.raises(MalformedDataError):
        deserialize_message(claimed, array_type)


def test_unknown_representation_is_refused() -> None:
    with pytest.raises(MalformedDataError, match="representation"):
        deserialize_message(b"\x00\x07\x00\x00\x00\x00\x00\x00", message_class("std_msgs/msg/UInt32"))


def test_hashes_are_those_of_ros(monkeypatch: pytest.MonkeyPatch) -> None:
    """The three constants are the ones that ROS 2 Jazzy's own packages carry."""
    hashes = {
        "std_msgs/msg/String": "df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18",
        "rcl_interfaces/srv/GetParameters": "bf9803d5c74cf989a5de3e0c2e99444599a627c7ff75f97b8c05b01003675cbc",
        "example_interfaces/srv/AddTwoInts": "e118de6bf5eeb66a2491b5bda11202e7b68f198d6f67922cf30364858239c81a",
    }
    definition = "int64 a\nint64 b\n---\nint64 sum"
    monkeypatch.setitem(
        __import__("embedded_ros.standard_services").standard_services.STANDARD_SERVICES,
        "example_interfaces/srv/AddTwoInts",
        definition,
    )
    for full_name, expected in hashes.items():
        assert type_hash(full_name) == f"RIHS01_{expected}"


def test_definition_with_defaults_constants_and_bounds() -> None:
    text = """
    # a comment
    uint8 MANY=3   # a constant
    string GREETING="a # b"
    float64 w 1
    string name "it's"  # with a default
    int32[] numbers [1, 2]
    string<=5[<=2] labels
    geometry_msgs/Point[3] corners
    Other other
    """
    found = parse_definition("a_pkg/msg/Thing", text)
    assert found.constants == [("MANY", "uint8", 3), ("GREETING", "string", "a # b")]
    assert found.defaults == {"w": 1.0, "name": "it's", "numbers": [1, 2]}
    assert dict(found.fields)["labels"] == (Nodetype.SEQUENCE, ((Nodetype.BASE, ("string", 5)), 2))
    assert dict(found.fields)["corners"] == (Nodetype.ARRAY, ((Nodetype.NAME, "geometry_msgs/msg/Point"), 3))
    assert dict(found.fields)["other"] == (Nodetype.NAME, "a_pkg/msg/Other")


def test_unreadable_definition_names_its_line() -> None:
    with pytest.raises(ValueError, match=r"a_pkg/msg/Thing: cannot read the line 'just_a_word'"):
        parse_definition("a_pkg/msg/Thing", "just_a_word")


def test_interfaces_of_a_package_on_the_package_path(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "msg").mkdir()
    (tmp_path / "srv").mkdir()
    (tmp_path / "package.xml").write_text("<package><name>path_pkg</name></package>")
    (tmp_path / "msg" / "Inner.msg").write_text("float32[] values\nint16 K=-4\nint16 k -4\n")
    (tmp_path / "srv" / "Ask.srv").write_text("Inner inner\n---\nInner[] inners\nbool done true\n")
    monkeypatch.setenv("EMBEDDED_ROS_PACKAGE_PATH", str(tmp_path))
    ask = service_class("path_pkg/srv/Ask")
    inner = message_class("path_pkg/msg/Inner")
    assert (inner.K, inner().k, ask.Response().done) == (-4, -4, True)
    response = ask.Response(inners=[inner(values=np.arange(3.0))], done=False)
    assert deserialize_message(serialize_message(response), ask.Response) == response


def test_a_text_ends_at_its_first_zero_and_what_is_no_utf8_is_replaced() -> None:
    from_c = message_class("std_msgs/msg/String")
    assert deserialize_message(serialize_message(from_c(data="ab\0cd")), from_c).data == "ab"
    strange = LITTLE_ENDIAN_HEADER + b"\x06\0\0\0" + b"a\xffb\0c\0"
    assert deserialize_message(strange, from_c).data == "a\N{REPLACEMENT CHARACTER}b"
