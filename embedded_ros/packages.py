"""Finds ROS packages without an ament index: a folder whose `package.xml` names the package."""

import functools
import os
import re
from pathlib import Path

SOURCE_ROOT = Path(__file__).resolve().parent.parent
SITE_FOLDER = Path(__file__).resolve().parent / "site"
PACKAGE_PATH_VARIABLE = "EMBEDDED_ROS_PACKAGE_PATH"
"""Folders (separated as in PATH) that are packages themselves; the folder that holds `embedded_ros` comes last."""


class PackageNotFoundError(KeyError):
    """No folder on the package path has a `package.xml` of this name (ament's name for it, too)."""

    def __str__(self) -> str:
        return f"package '{self.args[0]}' not found, searching: {[str(folder) for folder in package_folders()]}"


def package_folders() -> list[Path]:
    """The folders that are looked at, in order."""
    extra = [Path(entry) for entry in os.environ.get(PACKAGE_PATH_VARIABLE, "").split(os.pathsep) if entry]
    return [*extra, SOURCE_ROOT]


@functools.lru_cache(maxsize=64)
def _name_of_package(folder: Path) -> str | None:
    manifest = folder / "package.xml"
    if not manifest.is_file():
        return None
    found = re.search(r"<name>\s*([A-Za-z0-9_]+)\s*</name>", manifest.read_text(encoding="utf-8"))
    return found.group(1) if found else None


def find_package(name: str) -> Path:
    """The folder of a package: its share folder, prefix and source at once."""
    for folder in package_folders():
        if _name_of_package(folder) == name:
            return folder
    raise PackageNotFoundError(name)


def find_executable(package: str, executable: str) -> Path:
    """The script that `ros2 run` would find: `scripts/<executable>` of the package."""
    scripts = find_package(package) / "scripts"
    for candidate in (scripts / executable, scripts / f"{executable}.py"):
        if candidate.is_file():
            return candidate
    available = sorted(entry.name for entry in scripts.glob("*")) if scripts.is_dir() else []
    raise FileNotFoundError(f"package '{package}' has no executable '{executable}' in {scripts}; it has {available}")


def get_package_share_directory(package_name: str) -> str:
    """Where a package's launch, config and other files are."""
    return str(find_package(package_name))
