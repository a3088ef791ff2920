"""Names, paths and rules of the OakInk-Shape data set, shared by its reader and its writer.

metaV2/object_id.json, metaV2/virtual_object_id.json          {"<object id>": {"name": "<name>"}}
OakInkObjectsV2/<name>/align/*.obj|ply                        meshes of real objects; align_ds/: with fewer vertices
OakInkVirtualObjectsV2/<name>/align/*.obj|ply                 meshes of virtual objects, likewise
oakink_shape_v2/<category>/<object id>/<grasp id>/hand_param.pkl, source.txt
oakink_shape_v2/<category>/<object id>/<grasp id>/<virtual object id>/hand_param.pkl
"""

import hashlib
import re
from dataclasses import dataclass

from funcgrasp_core.contracts import INTENTS
from funcgrasp_core.errors import DatasetError

META_FOLDER = "metaV2"
OBJECT_NAMES_FILE = "object_id.json"
VIRTUAL_OBJECT_NAMES_FILE = "virtual_object_id.json"
OBJECTS_FOLDER = "OakInkObjectsV2"
VIRTUAL_OBJECTS_FOLDER = "OakInkVirtualObjectsV2"
ALIGNED_FOLDERS = ("align", "align_ds")
"""Meshes at full resolution and with fewer vertices."""

GRASPS_FOLDER = "oakink_shape_v2"
HAND_FILE = "hand_param.pkl"
SOURCE_FILE = "source.txt"
OBJECT_ID_LENGTH = 6
GRASP_ID_LENGTH = 10

HAND_ARRAYS = {"pose": 48, "shape": 10, "tsl": 3}
"""Keys and lengths of a hand file: axis-angle pose with flat mean, shape, translation of the wrist; float32."""

OAKINK_CATEGORIES = (
    "apple",
    "banana",
    "binoculars",
    "bottle",
    "bowl",
    "cameras",
    "can",
    "cup",
    "cylinder_bottle",
    "donut",
    "eyeglasses",
    "flashlight",
    "fryingpan",
    "gamecontroller",
    "hammer",
    "headphones",
    "knife",
    "lightbulb",
    "lotion_pump",
    "mouse",
    "mug",
    "pen",
    "phone",
    "pincer",
    "power_drill",
    "scissors",
    "screwdriver",
    "squeezable",
    "stapler",
    "teapot",
    "toothbrush",
    "trigger_sprayer",
    "wineglass",
    "wrench",
)
"""The folders that OakInk's own loader looks into."""

INTENT_CODES = {intent: f"{number:04d}" for number, intent in enumerate(INTENTS, start=1)}
"""0001 use, 0002 hold, 0003 liftup, 0004 handover."""

SPLITS = ("train", "val", "test")

PROCEDURAL_STAGE = "procedural"
"""Stage of the grasps of the procedural data set; no grasp of OakInk's has it."""

_SOURCE_PATTERN = re.compile(r"(.+)/(.{6})_(.{4})_([_0-9]+)/([\-0-9]+)")


@dataclass(frozen=True)
class GraspSource:
    """Where a grasp was recorded, as `source.txt` says.

    Attributes:
        stage: name of the recording campaign.
        object_id: of the object that was recorded; a real one even if the grasp was transferred to a virtual one.
        intent: one of INTENTS.
        subjects: who took part, digits joined by an underscore; of a handover the giver, then the receiver.
        recorded_at: digits joined by hyphens.
        file: what follows, for example "dom_alt.pkl"; "_alt" marks the hand that receives in a handover.
    """

    stage: str
    object_id: str
    intent: str
    subjects: str
    recorded_at: str
    file: str = ""

    @property
    def is_receiver(self) -> bool:
        """Whether the hand takes the object from the other person, in a handover."""
        return self.intent == "handover" and "_alt" in self.as_text()

    def as_text(self) -> str:
        """The line of `source.txt`."""
        code = INTENT_CODES[self.intent]
        line = f"{self.stage}/{self.object_id}_{code}_{self.subjects}/{self.recorded_at}"
        return f"{line}/{self.file}" if self.file else line


def parse_source(text: str, path: object) -> GraspSource:
    """The content of a `source.txt`: the first line that has the form counts, as for OakInk's loader.

    Raises:
        DatasetError: the text has another form or an unknown intent; `path` is named.
    """
    match = _SOURCE_PATTERN.search(text)
    if match is None:
        raise DatasetError(f"{path}: expected '<stage>/<object id>_<intent>_<subjects>/<time>', found '{text.strip()}'")
    stage, object_id, code, subjects, recorded_at = match.groups()
    intents = [intent for intent, known in INTENT_CODES.items() if known == code]
    if not intents:
        raise DatasetError(f"{path}: intent '{code}' is none of {', '.join(INTENT_CODES.values())}")
    rest = text[match.end() :].split("\n")[0].strip().removeprefix("/")
    return GraspSource(stage.strip(), object_id, intents[0], subjects, recorded_at, rest)


def split_of(object_id: str) -> str:
    """The split that an object belongs to: md5 of its id as an integer, modulo 10; 0 to 7 train, 8 val, 9 test."""
    remainder = int(hashlib.md5(object_id.encode(), usedforsecurity=False).hexdigest(), 16) % 10
    return "train" if remainder < 8 else SPLITS[remainder - 7]
