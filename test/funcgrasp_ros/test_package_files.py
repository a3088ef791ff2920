"""What colcon and RViz read says the same as the code."""

import ast
import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml
from sample_plans import sample_plan
from std_msgs.msg import Header

from funcgrasp_ros.grasp_markers import plan_markers

ROOT = Path(__file__).resolve().parents[2]
CMAKE = (ROOT / "CMakeLists.txt").read_text()
SCRIPTS = ("plan_grasp", "planner", "scene_player")
OWN_TOPICS = {"object_cloud", "camera_0/image", "grasp_planner/contact_cloud", "grasp_planner/markers"}


def imported_packages(folder: Path) -> set[str]:
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names


def test_every_interface_is_generated():
    listed = set(re.findall(r'"((?:msg|srv)/\w+\.(?:msg|srv))"', CMAKE))
    present = {f"{kind}/{path.name}" for kind in ("msg", "srv") for path in (ROOT / kind).iterdir()}
    assert listed == present


def test_interfaces_are_generated_before_anything_is_installed_into_their_package():
    assert CMAKE.index("rosidl_generate_interfaces(") < CMAKE.index("install(DIRECTORY funcgrasp_ros/")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_is_installed_and_executable(name):
    assert f"scripts/{name}" in CMAKE
    assert os.access(ROOT / "scripts" / name, os.X_OK)
    assert (ROOT / "scripts" / name).read_text().startswith("#!/usr/bin/env python3\n")


def test_there_are_no_other_scripts():
    assert sorted(path.name for path in (ROOT / "scripts").iterdir() if path.is_file()) == list(SCRIPTS)


def test_the_manifest_names_every_ros_package_that_is_imported():
    manifest = ElementTree.parse(ROOT / "package.xml").getroot()
    named = {element.text for tag in ("depend", "exec_depend") for element in manifest.findall(tag)}
    imported = {
        name
        for folder in ("funcgrasp_ros", "launch")
        for name in imported_packages(ROOT / folder)
        if name.endswith(("_msgs", "_msgs_py", "_interfaces")) or name in ("rclpy", "tf2_ros", "launch", "launch_ros")
    }
    # The Python half of tf2_ros is a ROS package of its own.
    assert {"tf2_ros_py" if name == "tf2_ros" else name for name in imported} <= named
    assert manifest.findtext("name") == "funcgrasp_ros"
    assert manifest.findtext("member_of_group") == "rosidl_interface_packages"


def test_the_versions_agree():
    version = ElementTree.parse(ROOT / "package.xml").getroot().findtext("version")
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()


def test_the_rviz_view_shows_topics_that_exist():
    view = yaml.safe_load((ROOT / "rviz" / "planner.rviz").read_text())
    displays = view["Visualization Manager"]["Displays"]
    topics = {display["Topic"]["Value"].lstrip("/") for display in displays if "Topic" in display}
    assert topics == OWN_TOPICS
    latched = [display for display in displays if "grasp_planner" in display.get("Topic", {}).get("Value", "")]
    assert {display["Topic"]["Durability Policy"] for display in latched} == {"Transient Local"}
    (markers,) = (display for display in displays if "Namespaces" in display)
    array = plan_markers(sample_plan(), Header(frame_id="table"), num_hands=1)
    assert markers["Namespaces"] == {marker.ns: True for marker in array.markers if marker.ns}
