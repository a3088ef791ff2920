"""The errors of the subset: what is missing, and what the layer below reports."""

import importlib
import importlib.machinery
import sys
from types import ModuleType
from typing import Any, NoReturn


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


def refuse_unknown_names(module_name: str) -> Any:
    """A module-level `__getattr__` that imports submodules and names what the subset lacks.

    Dunder names stay plain AttributeErrors: the import system probes for them.
    """

    def module_getattr(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}")
        path = getattr(sys.modules[module_name], "__path__", None)
        if path is not None and importlib.machinery.PathFinder.find_spec(f"{module_name}.{name}", path):
            return importlib.import_module(f"{module_name}.{name}")
        raise NotInSubsetError(f"{module_name}.{name}")

    return module_getattr


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


class SubsetFinder:
    """Entry of `sys.meta_path` that names submodules of ROS packages which the subset lacks."""

    roots = ("rclpy", "launch", "launch_ros", "tf2_ros", "sensor_msgs_py", "ament_index_python")

    def find_spec(self, full_name: str, path: object = None, target: ModuleType | None = None) -> None:
        """Find nothing; raise for a module of a package that is only partly here."""
        root, _, rest = full_name.partition(".")
        if root in self.roots and rest and not rest.split(".")[-1].startswith("_"):
            raise NotInSubsetError(f"module {full_name}")
