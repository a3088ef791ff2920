"""The ROS 2 side of FuncGrasp: thin nodes around `funcgrasp_core`, and the package that holds its messages."""

from typing import TYPE_CHECKING, Any

# ROS installs the generated `msg` and `srv` under this package's name somewhere else on the path; without this line
# the source folder would hide them.
__path__ = __import__("pkgutil").extend_path(__path__, __name__)

if TYPE_CHECKING:
    # `msg` and `srv` are generated when ROS builds the package: type checkers cannot look inside.
    def __getattr__(name: str) -> Any: ...
