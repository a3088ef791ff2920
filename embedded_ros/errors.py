"""The errors of the subset: what is missing, and what the layer below reports."""

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


class RefusedMember:
    """Class attribute that stands for a method of rclpy's which the subset lacks."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise NotInSubsetError(f"{owner.__name__}.{self.name}")


def refuse_members(owner: type, *names: str) -> None:
    """Make access to these methods of rclpy's class raise NotInSubsetError."""
    for name in names:
        member = RefusedMember()
        member.__set_name__(owner, name)
        setattr(owner, name, member)
