"""Interfaces as IDL and as printers in C, and what Debian's compiler of IDL makes of the hard ones."""

import re
import subprocess

import numpy as np
from interface_definitions import all_definitions, read_definition, with_parts
from interface_idl import idl_of
from json_printers import message_values

HARD_DEFINITION = """
int32 OCTET=3
string NAME="none"
string<=5 string
int8[<=4] sequence
float64[9] Object
std_msgs/Header[] module
byte any
char[] fixed
bool[2] in
"""
HARD_STRUCT = """\
module x { module msg {
module Hard_Constants {
  const long _OCTET = 3;
};
module dds_ { struct Hard_ {
  string<5> _string;
  sequence<int8, 4> _sequence;
  double _Object[9];
  sequence<std_msgs::msg::dds_::Header_> _module;
  octet _any;
  sequence<octet> _fixed;
  boolean _in[2];
}; }; }; };
"""


def test_parts_come_first_and_once():
    names = [
        definition.full_name for definition in with_parts(["funcgrasp_ros/srv/PlanGrasp_Request"], all_definitions())
    ]
    assert names[-2:] == ["funcgrasp_ros/msg/GraspRequest", "funcgrasp_ros/srv/PlanGrasp_Request"]
    assert names[:2] == ["builtin_interfaces/msg/Time", "std_msgs/msg/Header"]
    assert len(set(names)) == len(names)
    assert "funcgrasp_ros/msg/ManoGrasp" not in names


def test_requests_and_answers_begin_with_the_header_of_services():
    definitions = all_definitions()
    idl = idl_of([definitions["funcgrasp_ros/srv/PlanGrasp_Response"]])
    assert re.search(
        r"struct PlanGrasp_Response_ \{\s+service::Header_ _header;\s+funcgrasp_ros::msg::dds_::GraspPlan_ _plan;", idl
    )


def test_names_that_are_keywords_of_idl_and_every_kind_of_field():
    assert idl_of([read_definition("x/msg/Hard", HARD_DEFINITION)]).endswith(HARD_STRUCT)


def test_types_have_the_names_that_ros_gives_them_on_the_wire(programs):
    code = (programs / "interfaces.c").read_text()
    names = re.findall(r'm_typename = "(.*)"', code)
    assert {"sensor_msgs::msg::dds_::PointCloud2_", "funcgrasp_ros::srv::dds_::PlanGrasp_Request_"} <= set(names)
    assert "XTYPES" not in code, "type information would be announced"


def test_idlc_understands_the_hard_definition(programs, tmp_path):
    definitions = all_definitions() | {"x/msg/Hard": read_definition("x/msg/Hard", HARD_DEFINITION)}
    (tmp_path / "hard.idl").write_text(idl_of(with_parts(["x/msg/Hard"], definitions)))
    subprocess.run(["idlc", "-t", "-x", "final", "-f", "case-sensitive", "hard.idl"], cwd=tmp_path, check=True)
    assert "char string[6];" in (tmp_path / "hard.h").read_text()


def test_values_of_messages():
    from sensor_msgs.msg import CameraInfo, PointCloud2, PointField

    values = message_values(PointCloud2(fields=[PointField(name="x")], data=b"123456789"))
    assert values["data"] == [9, 0xCBF43926], "the check value of CRC-32"
    assert values["fields"] == [{"name": "x", "offset": 0, "datatype": 0, "count": 0}]
    assert message_values(CameraInfo(k=np.arange(9.0)))["k"] == list(range(9))
