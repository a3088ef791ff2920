"""What the rendered views and stored clouds of a data set were made from, kept beside them.

Views show the object with its up axis along z. Whoever reads grasps for these views must turn them the same way, so the
renderer writes down what it did and the reader follows it or refuses to contradict it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from funcgrasp_core.errors import ConfigurationError, DatasetError
from training.data.oakink_layout import ALIGNED_FOLDERS
from training.data.oakink_writer import write_whole
from training.data.up_axis import turn_to_z_up
from training.data.view_rendering import RENDERS_FOLDER

SETTINGS_FILE = "settings.json"


@dataclass(frozen=True)
class ObjectSettings:
    """How meshes become views and clouds."""

    up_axis: str = "z"  # of the meshes
    mesh_folder: str = ALIGNED_FOLDERS[0]  # where the meshes were read

    def __post_init__(self) -> None:
        turn_to_z_up(self.up_axis)
        if self.mesh_folder not in ALIGNED_FOLDERS:
            raise ConfigurationError(
                f"mesh_folder must be one of {', '.join(ALIGNED_FOLDERS)}, not '{self.mesh_folder}'"
            )


def read_object_settings(root: Path) -> ObjectSettings | None:
    """What the views of a folder were rendered with; None where it has none, the defaults where nothing is written.

    Raises:
        DatasetError: the record is damaged.
    """
    path = root / RENDERS_FOLDER / SETTINGS_FILE
    if not path.is_file():
        has_views = (root / RENDERS_FOLDER).is_dir() and any((root / RENDERS_FOLDER).iterdir())
        return ObjectSettings() if has_views else None
    try:
        return ObjectSettings(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, ConfigurationError) as error:
        raise DatasetError(f"{path} is damaged ({error}): delete {path.parent} and render the views again") from error


def choose_object_settings(root: Path, up_axis: str | None, mesh_folder: str | None) -> ObjectSettings:
    """What is asked for; what is left open is taken from the folder's views, else from the defaults.

    Raises:
        DatasetError: the folder's views were rendered otherwise.
    """
    recorded = read_object_settings(root)
    base = recorded or ObjectSettings()
    chosen = ObjectSettings(up_axis or base.up_axis, mesh_folder or base.mesh_folder)
    if recorded is not None and chosen != recorded:
        raise DatasetError(
            f"the views in {root / RENDERS_FOLDER} were rendered with up axis {recorded.up_axis} from "
            f"{recorded.mesh_folder}, but up axis {chosen.up_axis} from {chosen.mesh_folder} is asked for: leave the "
            "setting out, or delete the folders 'renders' and 'clouds' and render again"
        )
    return chosen


def write_object_settings(root: Path, settings: ObjectSettings) -> None:
    """Writes down what views and clouds are made from."""
    write_whole(root / RENDERS_FOLDER / SETTINGS_FILE, (json.dumps(asdict(settings), indent=1) + "\n").encode())
