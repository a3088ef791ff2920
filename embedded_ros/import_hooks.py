"""What Python's import finds beyond files: interface packages without Python code, and names for what is missing."""

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType

from embedded_ros.errors import SubsetFinder
from embedded_ros.message_classes import interface_module
from embedded_ros.packages import PackageNotFoundError, find_package


class InterfaceFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets `from my_interfaces.msg import Thing` find a package that is only a folder of .msg and .srv files."""

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module `<package>`, `<package>.msg` or `<package>.srv` of a package on the package path."""
        package, _, kind = fullname.partition(".")
        if kind not in ("", "msg", "srv"):
            return None
        try:
            folder = find_package(package)
        except PackageNotFoundError:
            return None
        if not any((folder / wanted).is_dir() for wanted in ([kind] if kind else ["msg", "srv"])):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=not kind)

    def exec_module(self, module: ModuleType) -> None:
        """Give a `msg` or `srv` module its classes on demand."""
        if "." in module.__name__:
            module.__getattr__, module.__dir__ = interface_module(module.__name__)  # type: ignore[method-assign]


def install_import_hooks() -> None:
    """Find interface packages, and let imports of what the subset lacks fail with NotInSubsetError."""
    if not any(isinstance(finder, SubsetFinder) for finder in sys.meta_path):
        sys.meta_path += [InterfaceFinder(), SubsetFinder()]  # type: ignore[list-item]
