"""`lifecycle nodes`, `get`, `list` and `set`: the states of managed nodes."""

import argparse
import sys
from typing import Any

from embedded_ros.commands.parsing import CommandError, Verb, add_spin_time, add_timeout, what_exists
from embedded_ros.commands.session import Session, is_hidden, limit_of, open_session
from embedded_ros.message_classes import message_class, service_class

_GET_STATE = "lifecycle_msgs/srv/GetState"
_TIMEOUT = "how long to wait for the node, and then for its answer (default: 5; a transition may take any time)"


def _managed_nodes(session: Session) -> list[str]:
    return [
        name.removesuffix("/get_state")
        for name, types in session.services().items()
        if name.endswith("/get_state") and _GET_STATE in types
    ]


def _find_managed_node(session: Session, name: str, timeout_s: float | None) -> str:
    node = session.find_node(name, timeout_s)
    if session.wait_for(lambda: node in _managed_nodes(session) or None, limit_of(timeout_s)) is None:
        known = what_exists("managed nodes", _managed_nodes(session))
        raise CommandError(f"node '{node}' is no managed (lifecycle) node; {known}")
    return node


def _call(session: Session, node: str, service: str, type_name: str, timeout_s: float | None, **fields: Any) -> Any:
    full_type = f"lifecycle_msgs/srv/{type_name}"
    return session.call(f"{node}/{service}", full_type, service_class(full_type).Request(**fields), timeout_s)


def _add_node(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node_name", help="such as /grasp_planner")
    add_timeout(parser, _TIMEOUT)


def _add_nodes_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-a", "--all", action="store_true", help="list hidden nodes too")
    parser.add_argument("-c", "--count-nodes", action="store_true", help="print only how many there are")
    add_spin_time(parser)


def _nodes(options: argparse.Namespace) -> int:
    with open_session() as session:
        session.discover(options.spin_time)
        names = [name for name in _managed_nodes(session) if options.all or not is_hidden(name)]
    for line in [len(names)] if options.count_nodes else names:
        print(line)
    return 0


def _add_get_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node_name", nargs="?", help="such as /grasp_planner; without it, all managed nodes")
    add_timeout(parser, _TIMEOUT)
    add_spin_time(parser)


def _get(options: argparse.Namespace) -> int:
    with open_session() as session:
        if options.node_name:
            nodes = [_find_managed_node(session, options.node_name, options.timeout)]
        else:
            session.discover(options.spin_time)
            nodes = [name for name in _managed_nodes(session) if not is_hidden(name)]
        for node in nodes:
            state = _call(session, node, "get_state", "GetState", limit_of(options.timeout)).current_state
            print(f"{state.label} [{state.id}]" if options.node_name else f"{node}: {state.label} [{state.id}]")
    return 0


def _add_list_arguments(parser: argparse.ArgumentParser) -> None:
    _add_node(parser)
    parser.add_argument("-a", "--all", action="store_true", help="list all transitions, not only those possible now")


def _list(options: argparse.Namespace) -> int:
    with open_session() as session:
        node = _find_managed_node(session, options.node_name, options.timeout)
        service = "get_transition_graph" if options.all else "get_available_transitions"
        response = _call(session, node, service, "GetAvailableTransitions", limit_of(options.timeout))
    for edge in response.available_transitions:
        print(f"- {edge.transition.label} [{edge.transition.id}]")
        print(f"\tStart: {edge.start_state.label}\n\tGoal: {edge.goal_state.label}")
    return 0


def _add_set_arguments(parser: argparse.ArgumentParser) -> None:
    _add_node(parser)
    parser.add_argument("transition", help="label or number, such as configure, activate, deactivate, cleanup")


def _set(options: argparse.Namespace) -> int:
    with open_session() as session:
        node = _find_managed_node(session, options.node_name, options.timeout)
        limit_s = limit_of(options.timeout)
        response = _call(session, node, "get_available_transitions", "GetAvailableTransitions", limit_s)
        possible = [edge.transition for edge in response.available_transitions]
        chosen = [edge for edge in possible if options.transition in (edge.label, str(edge.id))]
        if not chosen:
            lines = "".join(f"\n- {edge.label} [{edge.id}]" for edge in possible)
            raise CommandError(f"Unknown transition requested, available ones are:{lines}")
        transition = message_class("lifecycle_msgs/msg/Transition")(id=chosen[0].id, label=chosen[0].label)
        result = _call(session, node, "change_state", "ChangeState", options.timeout, transition=transition)
    if result.success:
        print("Transitioning successful")
        return 0
    print("Transitioning failed", file=sys.stderr)
    return 1


VERBS = {
    "nodes": Verb("List the managed nodes.", _add_nodes_arguments, _nodes),
    "get": Verb("Print the state of one managed node or of all.", _add_get_arguments, _get),
    "list": Verb("List the transitions that are possible from a node's state.", _add_list_arguments, _list),
    "set": Verb("Run a transition. Exit status 1: it failed.", _add_set_arguments, _set),
}
