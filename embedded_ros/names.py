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


def validate_node_name(name: str) -> bool:
    """True, or InvalidNodeNameException."""
    _refuse(InvalidNodeNameException, name, not name, "node name must not be empty", 0)
    _refuse_characters(InvalidNodeNameException, name, r"[^A-Za-z0-9_]", "node name")
    _refuse(InvalidNodeNameException, name, name[0].isdigit(), "node name must not start with a number", 0)
    return True


def validate_namespace(namespace: str) -> bool:
    """True, or InvalidNamespaceException."""
    _refuse(InvalidNamespaceException, namespace, not namespace, "namespace must not be empty", 0)
    _refuse(
        InvalidNamespaceException, namespace, not namespace.startswith("/"),
        "namespace must be absolute, it must lead with a '/'", 0,
    )  # fmt: skip
    _refuse_characters(InvalidNamespaceException, namespace, r"[^A-Za-z0-9_/]", "namespace")
    ends_with_slash = namespace != "/" and namespace.endswith("/")
    _refuse(
        InvalidNamespaceException, namespace, ends_with_slash, "namespace must not end with a '/'", len(namespace) - 1
    )
    _refuse_tokens(InvalidNamespaceException, namespace, "namespace")
    return True


def validate_full_topic_name(name: str, *, is_service: bool = False) -> bool:
    """True for a valid absolute name, or InvalidTopicNameException / InvalidServiceNameException."""
    error = InvalidServiceNameException if is_service else InvalidTopicNameException
    _refuse(error, name, not name.startswith("/"), "topic name must be absolute, it must lead with a '/'", 0)
    _refuse_common(error, name)
    _refuse_characters(error, name, r"[^A-Za-z0-9_/]", "topic name")
    return True


def validate_topic_name(name: str, *, is_service: bool = False) -> bool:
    """True for a name as a program gives it, before expansion."""
    error = InvalidServiceNameException if is_service else InvalidTopicNameException
    if not isinstance(name, str):
        raise TypeError(f"a name must be a str, not {type(name)}")
    _refuse(error, name, not name, "topic name must not be empty string", 0)
    _refuse_common(error, name)
    _refuse_characters(error, name, r"[^A-Za-z0-9_/~{}]", "topic name")
    tilde = name.find("~", 1)
    _refuse(error, name, tilde > 0, "topic name must not have tilde '~' except at the start", tilde)
    _refuse(error, name, name.startswith("~") and name[1:2] not in ("", "/"), "'~' must be followed by '/'", 1)
    return True


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


def _refuse(error: type[NameValidationException], name: str, wrong: bool, text: str, index: int) -> None:
    if wrong:
        raise error(name, text, index)


def _refuse_characters(error: type[NameValidationException], name: str, pattern: str, kind: str) -> None:
    found = re.search(pattern, name)
    if found:
        raise error(name, f"{kind} must not contain characters other than alphanumerics, '_' or '/'", found.start())


def _refuse_tokens(error: type[NameValidationException], name: str, kind: str) -> None:
    found = re.search(r"//|/\d", name)
    if found:
        repeated = f"{kind} must not contain repeated '/'"
        digit = f"{kind} token must not start with a number"
        raise error(name, repeated if found.group() == "//" else digit, found.start() + 1)


def _refuse_common(error: type[NameValidationException], name: str) -> None:
    _refuse(error, name, name.endswith("/"), "topic name must not end with a forward slash", len(name) - 1)
    _refuse_tokens(error, name, "topic name")
    _refuse(error, name, name[:1].isdigit(), "topic name token must not start with a number", 0)
