"""GraspIt world files, as DexFuncGrasp stores each grasp: one object, one Shadow Hand, millimetres.

The reader takes no document type: entities are never expanded, whatever their encoding.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, indent, tostring
from xml.parsers import expat

import numpy as np

from funcgrasp_core.errors import DatasetError

NUM_DOFS = 22
MM_PER_M = 1000.0

ROBOT_FILE = "/robots/our_hand.xml"
OBJECT_FILE = "/objects/{category}/{instance}.xml"

LF_SPREAD_NEGATED_SUFFIX = "lw.xml"
"""Worlds of this older robot model count the little finger's spread the other way."""

_KNOWN_ROBOT_SUFFIXES = ("nd.xml", LF_SPREAD_NEGATED_SUFFIX)
_LF_SPREAD = 1
_MAX_BYTES = 1 << 20
_MAX_ANGLE_RAD = 3.2
_MAX_QUATERNION_ERROR = 1e-2
_TRANSFORM = re.compile(r"\s*\(([^()\[\]]*)\)\s*\[([^()\[\]]*)\]\s*")


@dataclass(frozen=True)
class RigidPose:
    """Where something stands in the world: rotation [3, 3], translation [3] in metres."""

    rotation: np.ndarray
    translation: np.ndarray


@dataclass(frozen=True)
class GraspItWorld:
    """One grasp of the data set.

    Attributes:
        category: folder of the object's file.
        instance: name of the object's file.
        object_pose: of the mesh's own frame in the world.
        hand_pose: of GraspIt's hand frame in the world: x along the fingers, y to the little finger, z out of the palm.
        dof_values: [22] joint angles in radians, order of `shadow_hand.DOF_NAMES`.
    """

    category: str
    instance: str
    object_pose: RigidPose
    hand_pose: RigidPose
    dof_values: np.ndarray

    def hand_in_mesh_frame(self) -> RigidPose:
        """The hand's pose in the frame of the object's mesh."""
        back = self.object_pose.rotation.T
        shift = self.hand_pose.translation - self.object_pose.translation
        return RigidPose(back @ self.hand_pose.rotation, back @ shift)


def read_graspit_world(path: Path) -> GraspItWorld:
    """Reads and checks a world file.

    Raises:
        DatasetError: the file is missing, no well-formed XML, declares a document type, or an entry is missing,
            malformed or out of range.
    """
    root = _parse(path)
    body, robot = _child(root, "graspableBody", path), _child(root, "robot", path)
    object_file, robot_file = _text(body, "filename", path), _text(robot, "filename", path)
    parts = Path(object_file).parts
    if len(parts) < 2 or not object_file.endswith(".xml"):
        raise DatasetError(
            f"{path}: expected the object's file as '.../<category>/<object>.xml', found '{object_file}'"
        )
    if not robot_file.endswith(_KNOWN_ROBOT_SUFFIXES):
        raise DatasetError(f"{path}: the robot '{robot_file}' is not the data set's Shadow Hand (our_hand.xml)")
    dof_values = _numbers(_text(robot, "dofValues", path), NUM_DOFS, "dofValues", path)
    check_joint_angles(dof_values, path)
    if robot_file.endswith(LF_SPREAD_NEGATED_SUFFIX):
        dof_values[_LF_SPREAD] *= -1
    return GraspItWorld(parts[-2], Path(parts[-1]).stem, _pose(body, path), _pose(robot, path), dof_values)


def format_graspit_world(world: GraspItWorld) -> bytes:
    """The file's content; the same world always gives the same bytes."""
    root = Element("world")
    body = SubElement(root, "graspableBody")
    SubElement(body, "filename").text = OBJECT_FILE.format(category=world.category, instance=world.instance)
    _add_pose(body, world.object_pose)
    robot = SubElement(root, "robot")
    SubElement(robot, "filename").text = ROBOT_FILE
    SubElement(robot, "dofValues").text = " ".join(f"{value:.9g}" for value in world.dof_values)
    _add_pose(robot, world.hand_pose)
    indent(root, "\t")
    return tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def check_joint_angles(dof_values: np.ndarray, where: object) -> None:
    """Refuses angles [22] that no joint can have.

    Raises:
        DatasetError: an angle is larger than half a turn; `where` is named.
    """
    if np.abs(dof_values).max() > _MAX_ANGLE_RAD:
        raise DatasetError(f"{where}: joint angles reach {np.abs(dof_values).max():.3g}; expected radians")


def rotation_of_quaternion(quaternion: np.ndarray, where: object) -> np.ndarray:
    """[3, 3] of a quaternion (w, x, y, z).

    Raises:
        DatasetError: its length is not 1; `where` is named.
    """
    norm = float(np.linalg.norm(quaternion))
    if abs(norm - 1) > _MAX_QUATERNION_ERROR:
        raise DatasetError(f"{where}: the quaternion of a pose has length {norm:.3g}, expected 1")
    w, x, y, z = quaternion / norm
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross


def quaternion_of(rotation: np.ndarray) -> np.ndarray:
    """Unit quaternion (w, x, y, z) of a rotation [3, 3]."""
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(rotation).as_quat()
    return np.array([w, x, y, z])


def _parse(path: Path) -> Element:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error}): copy this grasp again") from error
    if len(content) > _MAX_BYTES:
        raise DatasetError(f"{path} has {len(content)} bytes; a world file of one grasp has about a thousand")

    def refuse(*_arguments: object) -> None:
        raise DatasetError(f"{path} declares a document type or entities, which no world file needs; it was refused")

    builder, parser = TreeBuilder(), expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(content, True)
        root = builder.close()
    except (expat.ExpatError, AssertionError, LookupError) as error:
        raise DatasetError(f"{path} is no well-formed XML ({error}): copy this grasp again") from error
    if root.tag != "world":
        raise DatasetError(f"{path}: expected a GraspIt <world>, found <{root.tag}>")
    return root


def _child(parent: Element, tag: str, path: Path) -> Element:
    children = parent.findall(tag)
    if len(children) != 1:
        raise DatasetError(f"{path}: expected one <{tag}> in <{parent.tag}>, found {len(children)}")
    return children[0]


def _text(parent: Element, tag: str, path: Path) -> str:
    text = (_child(parent, tag, path).text or "").strip()
    if not text:
        raise DatasetError(f"{path}: <{tag}> in <{parent.tag}> is empty")
    return text


def _numbers(text: str, count: int, what: str, path: Path) -> np.ndarray:
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise DatasetError(f"{path}: {what} should be numbers, found '{text[:60]}'") from error
    if len(values) != count or not np.isfinite(values).all():
        raise DatasetError(f"{path}: {what} should be {count} finite numbers, found {len(values)}: '{text[:60]}'")
    return values


def _pose(parent: Element, path: Path) -> RigidPose:
    text = _text(_child(parent, "transform", path), "fullTransform", path)
    match = _TRANSFORM.fullmatch(text)
    if match is None:
        raise DatasetError(f"{path}: expected fullTransform '(qw qx qy qz)[tx ty tz]', found '{text[:80]}'")
    quaternion = _numbers(match[1], 4, "the quaternion of fullTransform", path)
    translation = _numbers(match[2], 3, "the translation of fullTransform", path) / MM_PER_M
    return RigidPose(rotation_of_quaternion(quaternion, path), translation)


def _add_pose(parent: Element, pose: RigidPose) -> None:
    quaternion = " ".join(f"{value:.12g}" for value in quaternion_of(pose.rotation))
    translation = " ".join(f"{value:.9g}" for value in pose.translation * MM_PER_M)
    SubElement(SubElement(parent, "transform"), "fullTransform").text = f"({quaternion})[{translation}]"
