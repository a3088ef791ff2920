"""Which grasps of an OakInk-Shape folder are read, and how."""

from dataclasses import dataclass
from typing import Literal, get_args

from funcgrasp_core.contracts import INTENTS
from funcgrasp_core.errors import ConfigurationError
from training.data.broken_files import OnBroken
from training.data.oakink_layout import ALIGNED_FOLDERS
from training.data.up_axis import UP_AXES, UpAxis

HandoverGrasps = Literal["givers", "paired", "all"]
VirtualSplit = Literal["own", "real"]


@dataclass(frozen=True)
class OakInkReading:
    """How an OakInk-Shape folder is read.

    OakInk's own loader reads with `with_virtual=True, handover="paired"` and everything else as it stands here.
    """

    categories: tuple[str, ...] | None = None  # folders to read; None reads all
    intents: tuple[str, ...] = INTENTS  # to read
    with_virtual: bool = False  # also grasps that were transferred to virtual objects
    virtual_split: VirtualSplit = "own"  # a virtual object's split follows its own id, or that of the real object
    # of handovers: the hands that give (what "hand me the mug" asks a robot to do), those whose partner's hand is
    # there as well (giving and receiving, as OakInk's loader has them), or all
    handover: HandoverGrasps = "givers"
    mesh_folder: str | None = None  # "align" or "align_ds"; None: what the views were rendered from, else "align"
    up_axis: UpAxis | None = None  # of the meshes; None: what the views were rendered with, else "z"
    on_broken: OnBroken = "refuse"  # broken files end the reading, or are left out and listed

    def __post_init__(self) -> None:
        for name, values in (("categories", self.categories), ("intents", self.intents)):
            if isinstance(values, str) or (values is not None and not values):
                raise ConfigurationError(f"{name} must be a tuple of names that is not empty, got {values!r}")
        choices = {
            "virtual_split": get_args(VirtualSplit),
            "handover": get_args(HandoverGrasps),
            "mesh_folder": (None, *ALIGNED_FOLDERS),
            "up_axis": (None, *UP_AXES),
            "on_broken": get_args(OnBroken),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigurationError(f"{name} must be one of {allowed}, not {getattr(self, name)!r}")
        unknown = [intent for intent in self.intents if intent not in INTENTS]
        if unknown:
            raise ConfigurationError(f"intents must be among {', '.join(INTENTS)}, not {', '.join(unknown)}")


DEFAULT_READING = OakInkReading()
