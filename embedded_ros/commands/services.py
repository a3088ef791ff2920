"""`service list` and `service call`."""

import argparse

from embedded_ros.commands.listing import list_verb
from embedded_ros.commands.message_filling import fill_message, parse_values
from embedded_ros.commands.parsing import Verb, add_timeout
from embedded_ros.commands.session import Session, open_session
from embedded_ros.commands.type_names import load_service_class


def _add_call_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service_name", help="such as /plan_grasp")
    parser.add_argument("service_type", help="such as std_srvs/srv/Trigger")
    parser.add_argument("values", nargs="?", default="{}", help="the request as YAML: '{field: value}' (default: {})")
    add_timeout(
        parser,
        "how long to wait for the service, and then for its response "
        "(default: 5 for the service, as long as it is there for the response)",
    )


def _call(options: argparse.Namespace) -> int:
    service_class = load_service_class(options.service_type)
    values = parse_values(options.values)
    with open_session() as session:
        request = service_class.Request()
        fill_message(request, values)
        name = session.absolute_name(options.service_name, is_service=True)
        print(f"requester: making request: {request!r}\n", flush=True)
        response = session.call(name, service_class.FULL_NAME, request, options.timeout)
    print(f"response:\n{response!r}\n")
    return 0


VERBS = {
    "list": list_verb("services", Session.services),
    "call": Verb("Call a service and print its response.", _add_call_arguments, _call),
}
