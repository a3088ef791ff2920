"""`lifecycle nodes`, `get`, `list` and `set`: the states of managed nodes."""

import argparse
import sys
from typing import Any

from embedded_ros.commands.listing import list_verb
from embedded_ros.commands.parsing import CommandError, Verb, add_timeout, what_exists
from embedded_ros.commands.session import Session, limit_of, open_session
from embedded_ros.message_classes import message_class

_PACKAGE = "lifecycle_msgs"


def _managed_nodes(session: Session) -> dict[str, list[str]]:
    return {
        name.removesuffix("/get_state"): []
        for name, types in session.services().items()
        if name.endswith("/get_state") and f"{_PACKAGE}/srv/GetState" in types
    }


def _find_managed_node(session: Session, options: argparse.Namespace) -> str:
    node = session.find_node(options.node_name, options.timeout)
    if session.wait_for(lambda: node in _managed_nodes(session) or None, limit_of(options.timeout)) is None:
        known = what_exists("managed nodes", _managed_nodes(session))
        raise CommandError(f"node '{node}' is no managed (lifecycle) node; {known}")
    return node


def _possible_transitions(session: Session, node: str, options: argparse.Namespace) -> list[Any]:
    limit_s = limit_of(options.timeout)
    return session.call_node(node, _PACKAGE, "get_available_transitions", limit_s).available_transitions


def _add_node(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node_name", help="such as /grasp_planner")
    add_timeout(
        parser, "how long to wait for the node, and then for its answer (default: 5; a transition may take any time)"
    )


def _get(options: argparse.Namespace) -> int:
    with open_session() as session:
        node = _find_managed_node(session, options)
        state = session.call_node(node, _PACKAGE, "get_state", limit_of(options.timeout)).current_state
    print(f"{state.label} [{state.id}]")
    return 0


def _list(options: argparse.Namespace) -> int:
    with open_session() as session:
        edges = _possible_transitions(session, _find_managed_node(session, options), options)
    for edge in edges:
        print(f"- {edge.transition.label} [{edge.transition.id}]")
        print(f"\tStart: {edge.start_state.label}\n\tGoal: {edge.goal_state.label}")
    return 0


def _add_set_arguments(parser: argparse.ArgumentParser) -> None:
    _add_node(parser)
    parser.add_argument("transition", help="label or number, such as configure, activate, deactivate, cleanup")


def _set(options: argparse.Namespace) -> int:
    with open_session() as session:
        node = _find_managed_node(session, options)
        possible = [edge.transition for edge in _possible_transitions(session, node, options)]
        chosen = [edge for edge in possible if options.transition in (edge.label, str(edge.id))]
        if not chosen:
            lines = "".join(f"\n- {edge.label} [{edge.id}]" for edge in possible)
            raise CommandError(f"Unknown transition requested, available ones are:{lines}")
        transition = message_class("lifecycle_msgs/msg/Transition")(id=chosen[0].id, label=chosen[0].label)
        result = session.call_node(node, _PACKAGE, "change_state", options.timeout, transition=transition)
    if result.success:
        print("Transitioning successful")
        return 0
    print("Transitioning failed", file=sys.stderr)
    return 1


VERBS = {
    "nodes": list_verb("managed nodes", _managed_nodes, has_types=False),
    "get": Verb("Print the state of a managed node.", _add_node, _get),
    "list": Verb("List the transitions that are possible from a node's state.", _add_node, _list),
    "set": Verb("Run a transition. Exit status 1: it failed.", _add_set_arguments, _set),
}
