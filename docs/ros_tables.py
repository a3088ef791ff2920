"""Writes the tables of docs/ros.md from the code: `make docs`.

A table stands between the comments `<!-- NAME: made by docs/ros_tables.py -->` and `<!-- end -->`. Topics, services and
parameters are those of a running node, launch arguments those of the launch files, codes those of GraspPlan.msg.
"""

import importlib.util
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from funcgrasp_ros.grasp_planner_node import GraspPlannerNode
from funcgrasp_ros.node_parameters import PLANNER_PARAMETERS
from funcgrasp_ros.scene_player import ScenePlayer

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "ros.md"
LAUNCH_FILES = ("planner", "rviz", "demo")
PLAYER_PARAMETERS = ("recording", "rate")

NAMESPACE = "/somewhere"
"""Tells relative names, which move with the node's namespace, from absolute ones."""

TOPIC_NOTES = {
    "object_cloud": "the object, or the scene that it stands in",
    "camera_<i>/image": "picture of the object; one for each of `camera_topics`. Compressed: `.../image/compressed`",
    "camera_<i>/camera_info": "how that camera sees",
    "instruction": "plan now for what is said here, and publish the plan",
    "/tf": "where the cameras and the cloud's frame are",
    "/tf_static": "the same for what never moves; also where the grasps' frames are sent, see `grasp_frames`",
    "~/grasps": "the last plan, or why there is none",
    "~/contact_map": "where the plan's best grasp touches the object",
    "~/contact_cloud": "the same as a coloured cloud: x y z rgb, label, six probabilities",
    "~/markers": "the best grasps and a legend for RViz",
    "/diagnostics": "readiness, counts of plans and refusals, last error, timings",
}
"""What each topic of the node is for. A topic without a note, or a note without a topic, is an error."""

SERVICE_NOTES = {"plan_grasp": "plan for this request and answer with the plan, or why there is none"}

OTHERS = ("rcl_interfaces", "lifecycle_msgs", "type_description_interfaces")
"""Topics and services of these packages come with every lifecycle node."""


class NeverPlans:
    """Stands in for the planner: the node is asked for its names only."""

    def plan(self, observation: Any, request: Any) -> Any:
        """Is not called."""
        raise AssertionError("the tables are made without planning")


def all_tables() -> dict[str, str]:
    """Every table by its name in the document. Initialises and shuts down rclpy."""
    rclpy.init()
    try:
        node = GraspPlannerNode(lambda settings: NeverPlans(), namespace=NAMESPACE)
        node.start()
        player = ScenePlayer(namespace=NAMESPACE)
        tables = {
            "topics": topic_table(node),
            "services": service_table(node),
            "planner parameters": parameter_table(node, list(PLANNER_PARAMETERS)),
            "player parameters": parameter_table(player, list(PLAYER_PARAMETERS)),
            "codes": code_table(),
        }
        for name in LAUNCH_FILES:
            tables[f"{name} arguments"] = argument_table(ROOT / "launch" / f"{name}.launch.py")
        player.destroy_node()
        node.destroy_node()
        return tables
    finally:
        rclpy.shutdown()


def topic_table(node: Node) -> str:
    """Name, type, direction, quality of service and purpose of the node's topics."""
    rows = []
    for entities, direction in ((node.subscriptions, "in"), (node.publishers, "out")):
        for entity in entities:
            name, kind = _short_name(node, entity.topic_name), type_name(entity.msg_type)
            row = (f"`{name}`", f"`{kind}`", direction, describe_qos(entity.qos_profile), TOPIC_NOTES.get(name, ""))
            if kind.split("/")[0] not in OTHERS and row not in rows:
                rows.append(row)
    _require_same({row[0].strip("`") for row in rows}, TOPIC_NOTES, "TOPIC_NOTES")
    rows.sort(key=lambda row: list(TOPIC_NOTES).index(row[0].strip("`")))
    return markdown_table(("topic", "type", "", "quality of service", "what"), rows)


def service_table(node: Node) -> str:
    """Name, type and purpose of the node's services."""
    services = [(_short_name(node, entity.srv_name), type_name(entity.srv_type)) for entity in node.services]
    own = {name: kind for name, kind in services if kind.split("/")[0] not in OTHERS}
    _require_same(own, SERVICE_NOTES, "SERVICE_NOTES")
    rows = [(f"`{name}`", f"`{kind}`", SERVICE_NOTES[name]) for name, kind in own.items()]
    return markdown_table(("service", "type", "what"), rows)


def parameter_table(node: Node, names: list[str]) -> str:
    """Name, default, range, purpose and changeability of parameters, of a node that was given none."""
    rows = []
    for name, descriptor in zip(names, node.describe_parameters(names), strict=True):
        value = node.get_parameter(name).value
        ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
        limits = f"{ranges[0].from_value:.10g} to {ranges[0].to_value:.10g}" if ranges else ""
        rows.append((f"`{name}`", show_value(value), limits, descriptor.description, _changeability(descriptor)))
    return markdown_table(("parameter", "default", "range", "what", "when"), rows)


def argument_table(launch_file: Path) -> str:
    """Name, default and purpose of a launch file's own arguments and those that it takes for included files."""
    spec = importlib.util.spec_from_file_location("launch_file", launch_file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = []
    arguments = {argument.name: argument for argument in module.generate_launch_description().get_launch_arguments()}
    for argument in arguments.values():
        default = "".join(part.text for part in argument.default_value or [])
        rows.append((f"`{argument.name}`", show_value(default.replace(f"{ROOT}/", "")), argument.description))
    return markdown_table(("argument", "default", "what"), rows)


def code_table() -> str:
    """Number, name and meaning of each code of GraspPlan.msg."""
    rows, comment = [], ""
    for line in (ROOT / "msg" / "GraspPlan.msg").read_text().splitlines():
        if line.startswith("# "):
            comment = line[2:]
        elif constant := re.fullmatch(r"uint16 (\w+)=(\d+)", line):
            rows.append((constant[2], f"`{constant[1]}`", comment))
            comment = ""
        else:
            comment = ""
    return markdown_table(("code", "name", "meaning"), rows)


def with_tables(document: str, tables: dict[str, str]) -> str:
    """The document with each table in its place.

    Raises:
        ValueError: the document lacks a table's place, or has a place for an unknown one.
    """
    found = re.findall(r"<!-- (.+): made by docs/ros_tables.py -->", document)
    if sorted(found) != sorted(tables):
        raise ValueError(f"the document has places for {sorted(found)}, but the tables are {sorted(tables)}")
    for name, table in tables.items():
        start = f"<!-- {name}: made by docs/ros_tables.py -->\n"
        before, rest = document.split(start)
        document = before + start + table + rest[rest.index("<!-- end -->") :]
    return document


def markdown_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def describe_qos(profile: QoSProfile) -> str:
    """Reliability, durability and depth in words."""
    reliability = {ReliabilityPolicy.RELIABLE: "reliable", ReliabilityPolicy.BEST_EFFORT: "best effort"}
    is_latched = profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return f"{reliability[profile.reliability]}{', latched' if is_latched else ''}, depth {profile.depth}"


def show_value(value: Any) -> str:
    """A parameter's or argument's value; nothing for an empty text."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value == "":
        return ""
    if isinstance(value, (str, int, float)):
        return f"`{value}`"
    items = [(item or '""') if isinstance(item, str) else repr(item) for item in value]
    return f"`[{', '.join(items)}]`"


def type_name(interface: type) -> str:
    """As `sensor_msgs/msg/Image`."""
    package, kind = interface.__module__.split(".")[:2]
    return f"{package}/{kind}/{interface.__name__}"


def _short_name(node: Node, name: str) -> str:
    """As users write it: `~/own`, `relative` or `/absolute`; all cameras under one name."""
    name = name.replace(f"{node.get_fully_qualified_name()}/", "~/").replace(f"{node.get_namespace()}/", "")
    return re.sub(r"^camera_\d+/", "camera_<i>/", name)


def _changeability(descriptor: Any) -> str:
    """When a parameter may change, in a few words."""
    if descriptor.additional_constraints:
        return re.split(r"[:;.]", descriptor.additional_constraints)[0]
    return "Can only be given when the node starts" if descriptor.read_only else ""


def _require_same(found: Iterable[str], described: Iterable[str], table: str) -> None:
    different = set(found) ^ set(described)
    if different:
        raise ValueError(f"the node and {table} in docs/ros_tables.py differ in {sorted(different)}; correct the table")


if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(), all_tables()))
