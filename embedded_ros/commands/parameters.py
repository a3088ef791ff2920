"""`param list`, `get`, `set` and `describe`: the parameters of running nodes."""

import argparse
import sys
from typing import Any

import yaml

from embedded_ros.commands.parsing import CommandError, Verb, add_spin_time, add_timeout, what_exists
from embedded_ros.commands.session import Session, limit_of, open_session
from embedded_ros.message_classes import message_class
from embedded_ros.parameters import Parameter, get_parameter_value, parameter_value_to_python

_Type = Parameter.Type
_NODE_TIMEOUT = "how long to wait for the node, and then for each of its answers (default: 5)"


def _type_name(kind: int) -> str:
    return _Type(kind).name.lower().replace("_", " ").replace("bool", "boolean")


def _call(session: Session, node: str, verb: str, timeout_s: float | None, **fields: Any) -> Any:
    return session.call_node(node, "rcl_interfaces", verb, limit_of(timeout_s), **fields)


def _names(session: Session, node: str, timeout_s: float | None) -> list[str]:
    return sorted(_call(session, node, "list_parameters", timeout_s).result.names)


def _find_parameters(session: Session, node: str, wanted: list[str], timeout_s: float | None) -> None:
    """CommandError that lists the node's parameters unless it has all that are wanted."""
    known = _names(session, node, timeout_s)
    for name in wanted:
        if name not in known:
            raise CommandError(f"node '{node}' has no parameter '{name}'; {what_exists('parameters', known)}")


def _add_node(parser: argparse.ArgumentParser, *parameters: str) -> None:
    parser.add_argument("node_name", help="such as /grasp_planner")
    for name in parameters:
        parser.add_argument(name)
    add_timeout(parser, _NODE_TIMEOUT)


def _add_list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node_name", nargs="?", help="such as /grasp_planner; without it, the parameters of all nodes")
    add_timeout(parser, _NODE_TIMEOUT)
    add_spin_time(parser)


def _list(options: argparse.Namespace) -> int:
    with open_session() as session:
        if options.node_name:
            nodes = [session.find_node(options.node_name, options.timeout)]
        else:
            session.discover(options.spin_time)
            services = session.services()
            nodes = [node for node in session.nodes() if f"{node}/list_parameters" in services]
        status = 0
        for node in nodes:
            try:
                names = _names(session, node, options.timeout)
            except CommandError as error:
                # The other nodes are listed all the same.
                print(error, file=sys.stderr)
                status = 1
                continue
            print("\n".join([f"{node}:"] * (not options.node_name) + [f"  {name}" for name in names]))
    return status


def _add_get_arguments(parser: argparse.ArgumentParser) -> None:
    _add_node(parser, "parameter_name")
    parser.add_argument("--hide-type", action="store_true", help="print only the value")


def _get(options: argparse.Namespace) -> int:
    with open_session() as session:
        node = session.find_node(options.node_name, options.timeout)
        _find_parameters(session, node, [options.parameter_name], options.timeout)
        response = _call(session, node, "get_parameters", options.timeout, names=[options.parameter_name])
    if not response.values or response.values[0].type == _Type.NOT_SET.value:
        print("Parameter not set.")
        return 0
    (value,) = response.values
    text = str(parameter_value_to_python(value))
    print(text if options.hide_type else f"{_value_label(value.type)} {text}")
    return 0


def _value_label(kind: int) -> str:
    name = _type_name(kind).capitalize()
    return f"{name.removesuffix(' array')} values are:" if name.endswith("array") else f"{name} value is:"


def _add_set_arguments(parser: argparse.ArgumentParser) -> None:
    _add_node(parser, "parameter_name")
    parser.add_argument("value", help="as YAML: 0.5, 3, true, text, [1, 2]")


def _set(options: argparse.Namespace) -> int:
    try:
        value = get_parameter_value(options.value)
    except yaml.YAMLError as error:
        raise CommandError(f"the value is not valid YAML, put it in quotes once more: {error}") from error
    parameter = message_class("rcl_interfaces/msg/Parameter")(name=options.parameter_name, value=value)
    with open_session() as session:
        node = session.find_node(options.node_name, options.timeout)
        response = _call(session, node, "set_parameters", options.timeout, parameters=[parameter])
    (result,) = response.results
    reason = f": {result.reason}" if result.reason else ""
    if result.successful:
        print(f"Set parameter successful{reason}")
        return 0
    print(f"Setting parameter failed{reason}", file=sys.stderr)
    return 1


def _add_describe_arguments(parser: argparse.ArgumentParser) -> None:
    _add_node(parser)
    parser.add_argument("parameter_names", nargs="+")


def _describe(options: argparse.Namespace) -> int:
    with open_session() as session:
        node = session.find_node(options.node_name, options.timeout)
        _find_parameters(session, node, options.parameter_names, options.timeout)
        response = _call(session, node, "describe_parameters", options.timeout, names=options.parameter_names)
    for descriptor in response.descriptors:
        print("\n".join(_description(descriptor)))
    return 0


def _description(descriptor: Any) -> list[str]:
    lines = [f"Parameter name: {descriptor.name}", f"  Type: {_type_name(descriptor.type)}"]
    if descriptor.description:
        lines.append(f"  Description: {descriptor.description}")
    lines.append("  Constraints:")
    if descriptor.read_only:
        lines.append("    Read only: true")
    for allowed in (*descriptor.floating_point_range, *descriptor.integer_range):
        lines += [f"    Min value: {allowed.from_value}", f"    Max value: {allowed.to_value}"]
        lines += [f"    Step: {allowed.step}"] if allowed.step else []
    if descriptor.additional_constraints:
        lines.append(f"    Additional constraints: {descriptor.additional_constraints}")
    return lines


VERBS = {
    "list": Verb("List the parameters of one node or of all.", _add_list_arguments, _list),
    "get": Verb("Print the value of a parameter.", _add_get_arguments, _get),
    "set": Verb("Set a parameter. Exit status 1: the node refused the value.", _add_set_arguments, _set),
    "describe": Verb("Print type, description and limits of parameters.", _add_describe_arguments, _describe),
}
