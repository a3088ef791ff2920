"""Names of nodes, topics and services: validation, expansion and remapping."""

import re
from dataclasses import dataclass

from embedded_ros.exceptions import (
    InvalidNamespaceException,
    InvalidNodeNameException,
    InvalidParameterException,
    InvalidServiceNameException,
    InvalidTopicNameException,
    NameValidationException,
)


@dataclass(frozen=True)
class RemapRule:
    """One `-r [node:]from:=to`."""

    node: str | None
    source: str
    target: str


# What is wrong with a name -> how that is said. Where a pattern matches, the error points.
_Rules = dict[str, str]
_CHARACTERS = "{} must not contain characters other than alphanumerics, '_' or '/'"
_REPEATED_SLASH, _LEADING_DIGIT = r"(?<=/)/", r"(?<=/)\d"

_NODE_NAME: _Rules = {
    r"^$": "node name must not be empty",
    r"[^A-Za-z0-9_]": _CHARACTERS.format("node name"),
    r"^\d": "node name must not start with a number",
}
_NAMESPACE: _Rules = {
    r"^$": "namespace must not be empty",
    r"^[^/]": "namespace must be absolute, it must lead with a '/'",
    r"[^A-Za-z0-9_/]": _CHARACTERS.format("namespace"),
    r"(?<=.)/$": "namespace must not end with a '/'",
    _REPEATED_SLASH: "namespace must not contain repeated '/'",
    _LEADING_DIGIT: "namespace token must not start with a number",
}
_ANY_TOPIC: _Rules = {
    r"/$": "topic name must not end with a forward slash",
    _REPEATED_SLASH: "topic name must not contain repeated '/'",
    rf"^\d|{_LEADING_DIGIT}": "topic name token must not start with a number",
}
_FULL_TOPIC: _Rules = {
    r"^(?!/)": "topic name must be absolute, it must lead with a '/'",
    **_ANY_TOPIC,
    r"[^A-Za-z0-9_/]": _CHARACTERS.format("topic name"),
}
_TOPIC: _Rules = {
    r"^$": "topic name must not be empty string",
    **_ANY_TOPIC,
    r"[^A-Za-z0-9_/~{}]": _CHARACTERS.format("topic name"),
    r"(?<=.)~": "topic name must not have tilde '~' except at the start",
    r"(?<=^~)[^/]": "'~' must be followed by '/'",
}


def _validate(name: str, rules: _Rules, error: type[NameValidationException]) -> bool:
    for pattern, text in rules.items():
        found = re.search(pattern, name)
        if found:
            raise error(name, text, found.start())
    return True


def validate_node_name(name: str) -> bool:
    """True, or InvalidNodeNameException."""
    return _validate(name, _NODE_NAME, InvalidNodeNameException)


def validate_namespace(namespace: str) -> bool:
    """True, or InvalidNamespaceException."""
    return _validate(namespace, _NAMESPACE, InvalidNamespaceException)


def validate_full_topic_name(name: str, *, is_service: bool = False) -> bool:
    """True for a valid absolute name, or InvalidTopicNameException / InvalidServiceNameException."""
    return _validate(name, _FULL_TOPIC, InvalidServiceNameException if is_service else InvalidTopicNameException)


def validate_topic_name(name: str, *, is_service: bool = False) -> bool:
    """True for a name as a program gives it, before expansion."""
    return _validate(name, _TOPIC, InvalidServiceNameException if is_service else InvalidTopicNameException)


def validate_parameter_name(name: str) -> bool:
    """True, or InvalidParameterException."""
    if not name:
        raise InvalidParameterException(name)
    return True


def expand_topic_name(topic_name: str, node_name: str, node_namespace: str) -> str:
    """The absolute name of a topic or service of a node; ValueError if a part of it is invalid."""
    try:
        validate_node_name(node_name)
        validate_namespace(node_namespace)
        validate_topic_name(topic_name)
    except NameValidationException as error:
        raise ValueError(str(error)) from error
    return expand_valid_name(topic_name, node_name, node_namespace)


HIDDEN_TOPIC_PREFIX = "_"
TOPIC_SEPERATOR_STRING = "/"


def topic_or_service_is_hidden(name: str) -> bool:
    """Whether a part of the name starts with an underscore."""
    return any(token.startswith(HIDDEN_TOPIC_PREFIX) for token in name.split(TOPIC_SEPERATOR_STRING))


def expand_valid_name(name: str, node_name: str, namespace: str) -> str:
    """The absolute name of a topic or service of a node, all of whose names were checked."""
    prefix = namespace.rstrip("/")
    if name.startswith("~"):
        name = f"{prefix}/{node_name}{name[1:]}"
    for placeholder, value in (("{node}", node_name), ("{ns}", prefix), ("{namespace}", prefix)):
        name = name.replace(placeholder, value)
    if "{" in name or "}" in name:
        raise ValueError(f"topic name is invalid: '{name}' holds an unknown substitution")
    return name if name.startswith("/") else f"{prefix}/{name}"


def apply_remapping(expanded: str, node_name: str, namespace: str, rules: list[RemapRule], is_service: bool) -> str:
    """The name that the first fitting rule gives, else the name itself."""
    other_scheme = "rostopic://" if is_service else "rosservice://"
    for rule in rules:
        if rule.node not in (None, node_name) or rule.source.startswith(("__", other_scheme)):
            continue
        source = re.sub(r"^ros(topic|service)://", "", rule.source)
        if expand_valid_name(source, node_name, namespace) == expanded:
            return expand_valid_name(rule.target, node_name, namespace)
    return expanded


def remapped_identity(name: str, namespace: str, rules: list[RemapRule]) -> tuple[str, str]:
    """Name and namespace of a node after `__node` and `__ns` rules."""
    fitting = [rule for rule in rules if rule.node in (None, name)]
    new_names = (rule.target for rule in fitting if rule.source in ("__node", "__name"))
    new_namespaces = (rule.target for rule in fitting if rule.source == "__ns")
    return next(new_names, name), next(new_namespaces, namespace)
