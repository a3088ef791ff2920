"""Messages from YAML and as YAML, without a graph."""

import math

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from embedded_ros.commands.message_filling import InvalidValueError, fill_message, parse_values
from embedded_ros.commands.message_text import TextLayout, message_to_yaml, select_field
from embedded_ros.commands.parsing import CommandError
from embedded_ros.interface_table import find_interface
from embedded_ros.message_classes import message_class

ALL_TYPES = """\
bool flag
byte raw
int8 small
uint16 count
int64 big
float32 single
float64 double
string text
string<=5 code
float64[3] triple
uint8[] data
string[<=2] names
geometry_msgs/Point[] points
std_msgs/Header header
builtin_interfaces/Time stamp
"""


@pytest.fixture(scope="module")
def cls(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("package")
    (folder / "package.xml").write_text("<package><name>fill_pkg</name></package>")
    (folder / "msg").mkdir()
    (folder / "msg" / "All.msg").write_text(ALL_TYPES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_ROS_PACKAGE_PATH", str(folder))
        find_interface("fill_pkg/msg/All")
        yield message_class("fill_pkg/msg/All")


def fill(cls, text: str):
    message = cls()
    fill_message(message, parse_values(text))
    return message


def test_every_kind_of_field(cls) -> None:
    message = fill(
        cls,
        "{flag: true, raw: 7, small: -3, count: 65535, big: -9, single: 1, double: 1e-3, text: '5', code: abcde,"
        " triple: [1, 2.5, .nan], data: [0, 255], names: [a], points: [{x: 1.0}, {}], header: {frame_id: base},"
        " stamp: {sec: 4}}",
    )
    assert (message.flag, message.raw, message.small, message.count, message.big) == (True, b"\x07", -3, 65535, -9)
    assert (message.single, message.double, message.text, message.code) == (1.0, 0.001, "5", "abcde")
    assert message.triple[:2].tolist() == [1.0, 2.5]
    assert math.isnan(message.triple[2])
    assert list(message.data) == [0, 255]
    assert message.names == ["a"]
    assert [point.x for point in message.points] == [1.0, 0.0]
    assert (message.header.frame_id, message.stamp.sec) == ("base", 4)


def test_what_is_left_out_keeps_its_default(cls) -> None:
    assert fill(cls, "") == fill(cls, "{}") == cls()


def test_bytes_fill_an_array_as_a_block(cls) -> None:
    assert bytes(fill(cls, "data: !!binary AAEC").data) == b"\x00\x01\x02"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flag: 1", "field 'flag': expected true or false, got int 1"),
        ("raw: 256", "field 'raw': expected an integer from 0 to 255"),
        ("small: 128", "field 'small': expected an integer from -128 to 127, got int 128"),
        ("count: -1", "field 'count': expected an integer from 0 to 65535"),
        ("count: true", "field 'count': expected an integer"),
        ("big: 1.0", "field 'big': expected an integer"),
        ("single: 1e39", "field 'single': expected a number that fits float32"),
        ("double: fast", "field 'double': expected a number, got str 'fast'"),
        ("double: null", "field 'double': expected a number"),
        ("text: 5", r"field 'text': expected a string \(put it in quotes\), got int 5"),
        ("code: abcdef", "field 'code': expected at most 5 characters"),
        ("triple: [1, 2]", "field 'triple': expected 3 elements instead of 2"),
        ("triple: [1, 2, x]", r"field 'triple\[2\]': expected a number, got str 'x'"),
        ("data: 5", "field 'data': expected a list"),
        ("names: [a, b, c]", "field 'names': expected at most 2 elements instead of 3"),
        ("points: [{x: 1}, {y: up}]", r"field 'points\[1\].y': expected a number"),
        ("points: [3]", r"field 'points\[0\]': expected a mapping with the fields of geometry_msgs/msg/Point"),
        ("header: now", "field 'header': expected a mapping"),
        ("stamp: {sec: 1.5}", "field 'stamp.sec': expected an integer"),
    ],
)
def test_wrong_values_name_their_field(cls, text: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        fill(cls, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speed: 1", "fill_pkg/msg/All has no field 'speed'; the fields are: big, code, count"),
        ("header: {stamp: {s: 1}}", "'header.stamp' of type builtin_interfaces/msg/Time has no field 's'"),
        ("[1, 2]", "must be a mapping"),
        ("hello", "must be a mapping"),
        ("{a: ", "not valid YAML"),
    ],
)
def test_wrong_mappings(cls, text: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        fill(cls, text)


values = st.fixed_dictionaries(
    {},
    optional={
        "flag": st.booleans(),
        "raw": st.integers(0, 255),
        "small": st.integers(-128, 127),
        "big": st.integers(-(2**63), 2**63 - 1),
        "single": st.floats(width=32, allow_nan=False),
        "double": st.floats(allow_nan=False),
        "text": st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
        "triple": st.lists(st.floats(allow_nan=False), min_size=3, max_size=3),
        "data": st.lists(st.integers(0, 255), max_size=300),
        "points": st.lists(st.fixed_dictionaries({"x": st.floats(allow_nan=False)}), max_size=3),
    },
)


@given(values)
def test_text_of_a_message_fills_an_equal_one(cls, given_values: dict) -> None:
    message, again = cls(), cls()
    fill_message(message, given_values)
    text = message_to_yaml(message, TextLayout(truncate_length=None))
    parsed = parse_values(text)
    parsed["raw"] = ord(parsed["raw"])  # a byte is shown as a character, as ROS 2 does
    fill_message(again, parsed)
    assert again == message


def test_long_values_are_cut(cls) -> None:
    message = cls(text="x" * 6, data=list(range(5)), names=["abcdef"], code="abc")
    shown = yaml.safe_load(message_to_yaml(message, TextLayout(truncate_length=4)))
    assert shown["text"] == "xxxx..."
    assert shown["data"] == [0, 1, 2, 3, "..."]
    assert shown["names"] == ["abcd..."]
    assert shown["code"] == "abc"


def test_lengths_stand_for_arrays(cls) -> None:
    message = cls(text="hello", data=[1, 2], names=["a"], points=[message_class("geometry_msgs/msg/Point")()])
    shown = yaml.safe_load(message_to_yaml(message, TextLayout(no_arr=True)))
    assert shown["text"] == "hello"
    assert shown["data"] == "<sequence type: uint8, length: 2>"
    assert shown["triple"] == "<array type: double[3]>"
    assert shown["names"] == "<sequence type: string[2], length: 1>"
    assert shown["points"] == "<sequence type: geometry_msgs/msg/Point, length: 1>"


def test_fields_keep_the_order_of_the_definition(cls) -> None:
    lines = message_to_yaml(cls(), TextLayout()).splitlines()
    assert [line.split(":")[0] for line in lines if line[0].isalpha()] == list(cls.FIELDS)


def test_selected_fields(cls) -> None:
    message = fill(cls, "{points: [{x: 1.0}, {x: 2.0}], triple: [1, 2, 3], header: {frame_id: base}}")
    assert select_field(message, "header.frame_id") == "base"
    assert select_field(message, "points[1].x") == 2.0
    assert np.array_equal(select_field(message, "triple"), [1.0, 2.0, 3.0])
    for path, text in (("points[x]", "not an element"), ("points[2]", "has 2"), ("text.a", "there is no field 'a'")):
        with pytest.raises(CommandError, match=text):
            select_field(message, path)
