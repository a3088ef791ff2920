"""What a process is told after `--ros-args`: remappings, parameters, parameter files, log levels."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from embedded_ros.errors import NotInSubsetError
from embedded_ros.exceptions import RCLInvalidROSArgsError, UnknownROSArgsError
from embedded_ros.names import RemapRule

_FLAGS_WITHOUT_EFFECT = {
    "--enable-stdout-logs", "--disable-stdout-logs",
    "--disable-external-lib-logs", "--enable-external-lib-logs",
}  # fmt: skip


class _RosYamlLoader(yaml.SafeLoader):
    """PyYAML's safe loader that, as ROS does, reads 1e-3 as a number too."""


_RosYamlLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


@dataclass
class RosArguments:
    """The parsed arguments of a process or a node.

    Attributes:
        parameters: (node pattern, parameter name, value), the last that fits a node wins.
        rosout_logs: whether nodes may publish on /rosout.
        log_levels: logger name ("" for all) -> level name.
    """

    remap_rules: list[RemapRule] = field(default_factory=list)
    parameters: list[tuple[str, str, Any]] = field(default_factory=list)
    log_levels: dict[str, str] = field(default_factory=dict)
    rosout_logs: bool = True

    def overrides_for(self, node_name: str, namespace: str) -> dict[str, Any]:
        """The parameter values that are meant for a node."""
        full_name = f"{namespace.rstrip('/')}/{node_name}"
        return {name: value for pattern, name, value in self.parameters if node_matches(pattern, full_name)}


def load_ros_yaml(text: str) -> Any:
    """Parse YAML as parameter files and `-p` values are parsed."""
    return yaml.load(text, Loader=_RosYamlLoader)


def remove_ros_args(args: list[str] | None = None) -> list[str]:
    """The arguments that are a program's own; None means the process's command line."""
    return _divide(args)[0]


def parse_arguments(arguments: list[str] | None) -> RosArguments:
    """Parse a command line; None means the process's own."""
    parsed, pending = RosArguments(), _divide(arguments)[1]
    while pending:
        _parse_one(parsed, pending.pop(0), pending)
    return parsed


def _divide(arguments: list[str] | None) -> tuple[list[str], list[str]]:
    """The arguments of the program and those of ROS, which stand between `--ros-args` and `--`."""
    own: list[str] = []
    of_ros: list[str] = []
    current = own
    for argument in sys.argv if arguments is None else arguments:
        argument.encode()  # rclpy refuses what is not text, too
        if argument == "--ros-args":
            current = of_ros
        elif argument == "--" and current is of_ros:
            current = own
        else:
            current.append(argument)
    return own, of_ros


def node_matches(pattern: str, full_name: str) -> bool:
    """Whether a node key of a parameter file (`/**`, `node`, `/ns/*/node`) means this node."""
    pattern = pattern if pattern.startswith("/") else f"/{pattern}"
    expression = re.escape(pattern).replace(r"/\*\*", r"(/\w+)*").replace(r"\*", r"\w+")
    return re.fullmatch(expression, full_name) is not None


def read_parameter_file(path: str | Path) -> list[tuple[str, str, Any]]:
    """(node pattern, parameter name, value) of a parameter file, in its order; a key may come several times."""
    loader = None
    try:
        with Path(path).open(encoding="utf-8") as file:
            loader = _RosYamlLoader(file)
            root = loader.get_single_node()
            found: list[tuple[str, str, Any]] = []
            _collect_nodes(loader, "", root, found)
            return found
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise RCLInvalidROSArgsError(f"Couldn't parse params file: '{path}': {error}") from error
    finally:
        if loader is not None:
            loader.dispose()


def _collect_nodes(loader: Any, pattern: str, mapping: Any, found: list[tuple[str, str, Any]]) -> None:
    # The nodes of the YAML tree are walked, since a dictionary would keep only the last of equal keys.
    if not isinstance(mapping, yaml.MappingNode):
        raise ValueError(f"expected names of nodes and 'ros__parameters' below '{pattern or '/'}'")
    for key_node, value_node in mapping.value:
        key = str(loader.construct_object(key_node))
        if key == "ros__parameters" and pattern:
            parameters = loader.construct_object(value_node, deep=True) or {}
            found.extend((pattern, name, item) for name, item in flatten_parameters("", parameters))
        else:
            _collect_nodes(loader, f"{pattern.rstrip('/')}/{key.strip('/')}", value_node, found)


def flatten_parameters(prefix: str, content: dict) -> list[tuple[str, Any]]:
    """(name, value) of all parameters in nested dictionaries; the levels of a name are joined by dots."""
    entries = []
    for key, value in content.items():
        name = f"{prefix}{key}"
        entries += flatten_parameters(f"{name}.", value) if isinstance(value, dict) else [(name, value)]
    return entries


def _parse_one(parsed: RosArguments, argument: str, pending: list[str]) -> None:
    if argument in ("-r", "--remap"):
        node, source, target = _split_rule(argument, _next_value(argument, pending))
        parsed.remap_rules.append(RemapRule(node, source, target))
    elif argument in ("-p", "--param"):
        node, name, text = _split_rule(argument, _next_value(argument, pending))
        parsed.parameters.append((node or "/**", name, load_ros_yaml(text)))
    elif argument == "--params-file":
        parsed.parameters.extend(read_parameter_file(_next_value(argument, pending)))
    elif argument == "--log-level":
        logger, _, level = _next_value(argument, pending).rpartition(":=")
        parsed.log_levels[logger] = level
    elif argument in ("--enable-rosout-logs", "--disable-rosout-logs"):
        parsed.rosout_logs = argument.startswith("--enable")
    elif argument in ("-e", "--enclave", "--log-config-file"):
        raise NotInSubsetError(f"the argument {argument}")
    elif argument not in _FLAGS_WITHOUT_EFFECT:
        raise UnknownROSArgsError(f"Found unknown ROS arguments: ['{argument}']")


def _next_value(flag: str, pending: list[str]) -> str:
    if not pending:
        raise RCLInvalidROSArgsError(f"Couldn't parse trailing {flag} flag. No value found")
    return pending.pop(0)


def _split_rule(flag: str, rule: str) -> tuple[str | None, str, str]:
    found = re.fullmatch(r"(?:([A-Za-z_/*][\w/*]*):)?([^:=][^=]*?):=(.*)", rule, re.DOTALL)
    if found is None:
        raise RCLInvalidROSArgsError(f"Couldn't parse rule: '{flag} {rule}'. Expected [node:]name:=value")
    return found[1], found[2], found[3]
