"""The errors of the subset: what is missing, and what the layer below reports."""

import functools
from typing import NoReturn


class NotInSubsetError(NotImplementedError):
    """A part of ROS's Python interface is asked for that this subset does not have."""

    def __init__(self, what: str, remedy: str = "install ROS 2, or do without it"):
        super().__init__(f"{what} is not in the embedded subset of ROS 2: {remedy}")


class RCLError(RuntimeError):
    """What rclpy raises when the layer below refuses something."""


class MiddlewareError(RCLError):
    """The DDS library is missing, is another version, or refused a call."""


class InvalidHandle(Exception):  # noqa: N818 (rclpy's own name)
    """An entity is used after it was destroyed."""


def refuse_members(owner: type, *names: str) -> None:
    """Make access to these members of rclpy's class, which an object of the subset's lacks, raise NotInSubsetError."""

    def refuse(name: str, _: object) -> NoReturn:
        raise NotInSubsetError(f"{owner.__name__}.{name}")

    for name in names:
        setattr(owner, name, property(functools.partial(refuse, name)))
