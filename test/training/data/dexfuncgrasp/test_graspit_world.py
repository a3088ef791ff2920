"""World files: what is written is read, the hand is placed in the mesh's frame, and wrong files are refused."""

import math

import numpy as np
import pytest

from funcgrasp_core.errors import DatasetError
from training.data.dexfuncgrasp.graspit_world import (
    GraspItWorld,
    RigidPose,
    format_graspit_world,
    read_graspit_world,
)

HALF = math.sqrt(0.5)

# The elements of the authors' files, with made-up values: quaternions (w x y z), millimetres, radians.
WORLD = """<?xml version="1.0" encoding="utf-8"?>
<world>
	<graspableBody>
		<filename>/some/objects/mug/unit_mug_s001.xml</filename>
		<transform>
			<fullTransform>(0.5 -0.5 0.5 0.5)[+0 +0 +0]</fullTransform>
		</transform>
	</graspableBody>
	<robot>
		<filename>/some/robots/our_hand.xml</filename>
		<dofValues>0.1 -0.2 0.3 0.4 0   -0.5 0.6 0.7 0 0.2 0.8 0.9 0 0.1 1.0 1.1 0 0.2 1.122 0.01 0.3 0.25</dofValues>
		<transform>
			<fullTransform>(0.70710678 0 0 0.70710678)[100 -50 +20]</fullTransform>
		</transform>
	</robot>
	<camera>
		<position>+1 -2 +300</position>
	</camera>
</world>
"""


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        path = tmp_path / "0_0.xml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_text


def test_a_file_in_the_authors_layout(write):
    world = read_graspit_world(write(WORLD))
    assert (world.category, world.instance) == ("mug", "unit_mug_s001")
    assert len(world.dof_values) == 22
    np.testing.assert_allclose(world.dof_values[:6], [0.1, -0.2, 0.3, 0.4, 0, -0.5])
    np.testing.assert_allclose(world.hand_pose.translation, [0.1, -0.05, 0.02])
    # A quarter turn about z.
    np.testing.assert_allclose(world.hand_pose.rotation, [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-7)


def test_the_hand_is_brought_into_the_meshs_frame(write):
    world = read_graspit_world(write(WORLD))
    turn = world.object_pose.rotation
    # (0.5 -0.5 0.5 0.5) takes the mesh's z to the world's y, which is up there.
    np.testing.assert_allclose(turn @ (0, 0, 1), (0, 1, 0), atol=1e-12)
    hand = world.hand_in_mesh_frame()
    np.testing.assert_allclose(turn @ hand.translation, world.hand_pose.translation)
    np.testing.assert_allclose(turn @ hand.rotation, world.hand_pose.rotation)


def test_an_object_that_is_moved_takes_the_hand_with_it():
    stand = RigidPose(np.eye(3), np.array([0.1, 0.2, 0.3]))
    hand = RigidPose(np.eye(3), np.array([0.15, 0.2, 0.3]))
    world = GraspItWorld("mug", "unit_mug_s001", stand, hand, np.zeros(22))
    np.testing.assert_allclose(world.hand_in_mesh_frame().translation, [0.05, 0, 0])


def test_what_is_written_is_read(write):
    rotation = np.array([[0.0, -HALF, HALF], [0.0, HALF, HALF], [-1.0, 0.0, 0.0]])
    generator = np.random.default_rng(0)
    world = GraspItWorld(
        "bottle",
        "x_0.5_unit_bottle (1) & co",
        RigidPose(rotation, generator.normal(size=3) * 0.1),
        RigidPose(rotation.T, generator.normal(size=3) * 0.1),
        generator.uniform(-1, 1, 22),
    )
    content = format_graspit_world(world)
    read = read_graspit_world(write(content))
    assert content == format_graspit_world(world)
    assert (read.category, read.instance) == (world.category, world.instance)
    for ours, theirs in ((read.object_pose, world.object_pose), (read.hand_pose, world.hand_pose)):
        np.testing.assert_allclose(ours.rotation, theirs.rotation, atol=1e-9)
        np.testing.assert_allclose(ours.translation, theirs.translation, atol=1e-9)
    np.testing.assert_allclose(read.dof_values, world.dof_values, atol=1e-8)


def test_the_older_robot_counts_the_little_fingers_spread_the_other_way(write):
    older = read_graspit_world(write(WORLD.replace("our_hand.xml", "shadow_hand_lw.xml")))
    assert older.dof_values[1] == 0.2
    assert older.dof_values[0] == 0.1


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE world [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {name} "{f"&{below};" * 10}">' for below, name in zip("abcdefg", "bcdefgh", strict=True))
    + "]><world>&h;</world>"
)
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE world SYSTEM "file:///etc/passwd"><world/>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "declares a document type or entities"),
        (BOMB.encode("utf-16"), "declares a document type or entities"),
        (EXTERNAL, "declares a document type or entities"),
        (WORLD.replace("</robot>", ""), "no well-formed XML"),
        (WORLD[: len(WORLD) // 2], "no well-formed XML"),
        ("", "no well-formed XML"),
        (b"\x80\x04\x95 a pickle", "no well-formed XML"),
        (WORLD.replace("world>", "universe>"), "expected a GraspIt <world>, found <universe>"),
        (WORLD.replace("graspableBody", "obstacle"), "expected one <graspableBody> in <world>, found 0"),
        (WORLD.replace(" 0.25<", "<"), "dofValues should be 22 finite numbers, found 21"),
        (WORLD.replace(" 0.25<", " 0.25 0<"), "dofValues should be 22 finite numbers, found 23"),
        (WORLD.replace("0.25<", "nan<"), "dofValues should be 22 finite numbers"),
        (WORLD.replace("0.25<", "much<"), "dofValues should be numbers"),
        (WORLD.replace("0.25<", "25<"), "expected radians"),
        (WORLD.replace("our_hand", "barrett"), "not the data set's Shadow Hand"),
        (WORLD.replace("(0.70710678 0 0 0.70710678)", "(1 0 0 1)"), "the quaternion of a pose has length 1.41"),
        (
            WORLD.replace("[100 -50 +20]", "[100 -50]"),
            "translation of fullTransform should be 3 finite numbers, found 2",
        ),
        (WORLD.replace("[100 -50 +20]", "100 -50 20"), r"expected fullTransform '\(qw qx qy qz\)\[tx ty tz\]'"),
        (WORLD.replace("/some/objects/mug/unit_mug_s001.xml", "mug"), "expected the object's file as"),
        (WORLD + " " * (1 << 20), "has 1049... bytes"),
    ],
)
def test_wrong_files_are_refused_by_name(write, text, message):
    path = write(text)
    with pytest.raises(DatasetError, match=message) as error:
        read_graspit_world(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"0_9\.xml cannot be read"):
        read_graspit_world(tmp_path / "0_9.xml")
