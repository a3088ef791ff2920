"""Message and service types as a user names them: `std_msgs/msg/String` or `std_msgs/String`."""

import re
from typing import Any

from embedded_ros.commands.parsing import CommandError, what_exists
from embedded_ros.errors import NotInSubsetError
from embedded_ros.interface_table import list_interfaces
from embedded_ros.message_classes import message_class, service_class

_EXAMPLES = {"msg": "std_msgs/msg/String", "srv": "std_srvs/srv/Trigger"}


def load_message_class(name: str) -> Any:
    """The class of a message type; CommandError with the package's types if there is none of this name."""
    return _load(name, "msg", message_class)


def load_service_class(name: str) -> Any:
    """The class of a service type; CommandError with the package's types if there is none of this name."""
    return _load(name, "srv", service_class)


def _load(name: str, kind: str, load: Any) -> Any:
    found = re.fullmatch(rf"(\w+)/(?:{kind}/)?(\w+)", name)
    if found is None:
        raise CommandError(f"'{name}' is not the name of a type; write it as {_EXAMPLES[kind]}")
    package, full_name = found[1], f"{found[1]}/{kind}/{found[2]}"
    try:
        return load(full_name)
    except NotInSubsetError as error:
        known = what_exists(f"types of {package}/{kind}", list_interfaces(package, kind))
        raise CommandError(f"the type '{full_name}' is not known here; {known}") from error
