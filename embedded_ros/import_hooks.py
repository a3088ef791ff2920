"""What Python's import finds beyond files: interface packages without Python code, and names for what is missing."""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from embedded_ros.errors import NotInSubsetError
from embedded_ros.interface_table import list_interfaces
from embedded_ros.message_classes import interface_module

_STAND_INS = ("rclpy", "launch", "launch_ros", "tf2_ros", "sensor_msgs_py", "ament_index_python")


class InterfaceFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets `from my_interfaces.msg import Thing` find a folder of .msg and .srv files, and what rosbags knows."""

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module `<package>`, `<package>.msg` or `<package>.srv` of a package on the package path."""
        package, _, kind = fullname.partition(".")
        if kind not in ("", "msg", "srv"):
            return None
        if not any(list_interfaces(package, wanted) for wanted in ([kind] if kind else ["msg", "srv"])):
            return None
        return ModuleSpec(fullname, self, is_package=not kind)

    def exec_module(self, module: ModuleType) -> None:
        """Give a `msg` or `srv` module its classes on demand."""
        if "." in module.__name__:
            module.__getattr__, module.__dir__ = interface_module(module.__name__)  # type: ignore[method-assign]


class StandInFinder(importlib.abc.MetaPathFinder):
    """Finds the modules of ROS packages that are partly here: what they lack raises NotInSubsetError."""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module of a stand-in package."""
        package, _, rest = fullname.partition(".")
        if package not in _STAND_INS or not rest:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and spec.origin is not None:
            spec.loader = _StandInLoader(fullname, spec.origin)
        elif not rest.rpartition(".")[2].startswith("_"):
            raise NotInSubsetError(f"module {fullname}")
        return spec


class _StandInLoader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.__getattr__ = _refuse_unknown_names(module)  # type: ignore[method-assign]


def _refuse_unknown_names(module: ModuleType) -> Callable[[str], Any]:
    """A module's `__getattr__` that imports submodules and names what the subset lacks.

    Dunder names stay plain AttributeErrors: the import system probes for them.
    """

    def module_getattr(name: str) -> Any:
        full_name = f"{module.__name__}.{name}"
        if name.startswith("__"):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        path = getattr(module, "__path__", None)
        if path is not None and importlib.machinery.PathFinder.find_spec(full_name, path):
            return importlib.import_module(full_name)
        raise NotInSubsetError(full_name)

    return module_getattr


def install_import_hooks(stand_in: str) -> None:
    """Find interface packages, and let what a stand-in package lacks raise NotInSubsetError."""
    if not any(isinstance(finder, StandInFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, StandInFinder())
        sys.meta_path.append(InterfaceFinder())
    module = sys.modules[stand_in]
    module.__getattr__ = _refuse_unknown_names(module)  # type: ignore[method-assign]
