"""Finding grasps and objects in a tree of the official layout, and naming what is wrong with it."""

import json
import shutil

import numpy as np
import pytest

from funcgrasp_core.errors import ConfigurationError, DatasetError
from training.data.broken_files import BrokenFiles
from training.data.dexfuncgrasp.example import MESH_OFFSET_M
from training.data.dexfuncgrasp.graspit_world import read_graspit_world
from training.data.dexfuncgrasp.index import (
    find_object_mesh,
    find_shadow_grasps,
    hand_in_object_frame,
    read_instances,
    read_upright_mesh,
    read_world,
)
from training.data.dexfuncgrasp.layout import SIFTED_FOLDER, split_of_object
from training.data.dexfuncgrasp.object_grasps import read_object_grasps, shadow_keypoints, upright_cloud


def test_all_grasps_are_found_once_in_the_objects_frame(tree):
    grasps = find_shadow_grasps(tree, "all")
    assert len(grasps) == 8
    assert len({grasp.grasp_id for grasp in grasps}) == 8
    assert sum(grasp.is_transferred for grasp in grasps) == 4
    assert {grasp.file.parent.name for grasp in grasps} == {"new"}
    first = grasps[0]
    annotated = read_instances(tree)["mug"][0]
    assert (first.grasp_id, first.object_id) == (f"0_{annotated}/0_0", f"mug/{annotated}")
    other = read_instances(tree)["mug"][1]
    assert f"0_{annotated}/{other}/0_1" in {grasp.grasp_id for grasp in grasps}


def test_the_worlds_of_the_annotation_give_the_same_hands(tree, copied_tree):
    for folder in copied_tree.glob("Grasps/**/new"):
        shutil.rmtree(folder)
    in_object_frame, in_world = find_shadow_grasps(tree, "all"), find_shadow_grasps(copied_tree, "all")
    assert len(in_world) == 8
    for one, other in zip(in_object_frame, in_world, strict=True):
        assert one.grasp_id == other.grasp_id
        first, second = read_world(one), read_world(other)
        assert not np.allclose(first.object_pose.rotation, second.object_pose.rotation)
        np.testing.assert_allclose(first.hand_in_mesh_frame().rotation, second.hand_in_mesh_frame().rotation, atol=1e-8)
        np.testing.assert_allclose(
            first.hand_in_mesh_frame().translation, second.hand_in_mesh_frame().translation, atol=1e-8
        )


def test_splits_are_by_the_object_in_the_hand(tree):
    splits = {split: find_shadow_grasps(tree, split) for split in ("train", "val", "test")}
    assert sum(len(grasps) for grasps in splits.values()) == 8
    for split, grasps in splits.items():
        assert all(split_of_object(grasp.object_id) == split for grasp in grasps)


def test_categories_and_transfers_can_be_left_out(tree):
    assert {grasp.category for grasp in find_shadow_grasps(tree, "all", ("bottle",))} == {"bottle"}
    assert not any(grasp.is_transferred for grasp in find_shadow_grasps(tree, "all", with_transferred=False))


def test_objects_stand_upright_and_centred_where_the_hand_is(tree):
    grasp = find_shadow_grasps(tree, "all", ("bottle",))[0]
    mesh = read_upright_mesh(find_object_mesh(tree, grasp.category, grasp.instance), grasp.category)
    np.testing.assert_allclose(mesh.vertices.min(axis=0), -mesh.vertices.max(axis=0), atol=1e-6)
    # Bottles are taller than wide; the example's meshes are stored off their centre.
    assert np.ptp(mesh.vertices, axis=0).argmax() == 2
    np.testing.assert_allclose(mesh.centre, MESH_OFFSET_M, atol=2e-3)
    found = read_object_grasps(tree, [grasp], BrokenFiles())
    assert found is not None
    pads = shadow_keypoints(found, mesh.centre).pads[0].numpy()
    cloud = upright_cloud(mesh, grasp.object_id)
    gaps = np.linalg.norm(pads[:, None] - cloud[None], axis=-1).min(axis=1)
    # The example's hand holds the bottle: in a wrong frame its pads would be centimetres away.
    assert np.median(gaps) < 0.008


def test_the_hand_keeps_its_place_relative_to_the_mesh(tree):
    grasp = find_shadow_grasps(tree, "all")[0]
    world = read_graspit_world(grasp.file)
    moved = hand_in_object_frame(world, grasp.category, np.array([0.01, 0.0, 0.0]))
    still = hand_in_object_frame(world, grasp.category, np.zeros(3))
    # A mug's mesh x axis is our y axis.
    np.testing.assert_allclose(still.translation - moved.translation, [0.0, 0.01, 0.0], atol=1e-12)


def test_the_second_place_of_meshes_is_searched(copied_tree):
    grasp = find_shadow_grasps(copied_tree, "all")[0]
    mesh = find_object_mesh(copied_tree, grasp.category, grasp.instance)
    moved = mesh.parent / "obj" / mesh.name
    moved.parent.mkdir()
    mesh.rename(moved)
    assert find_object_mesh(copied_tree, grasp.category, grasp.instance) == moved


def test_a_missing_mesh_is_named(copied_tree):
    grasp = find_shadow_grasps(copied_tree, "all")[0]
    find_object_mesh(copied_tree, grasp.category, grasp.instance).unlink()
    with pytest.raises(DatasetError, match=f"object '{grasp.instance}' has no mesh"):
        read_object_grasps(copied_tree, [grasp], BrokenFiles())
    skipping = BrokenFiles("skip")
    assert read_object_grasps(copied_tree, [grasp], skipping) is None
    assert "has no mesh" in skipping.summary()


def test_a_mesh_in_millimetres_is_refused(copied_tree):
    grasp = find_shadow_grasps(copied_tree, "all")[0]
    path = find_object_mesh(copied_tree, grasp.category, grasp.instance)
    mesh = read_upright_mesh(path, grasp.category)
    lines = [f"v {x} {y} {z}" for x, y, z in (mesh.vertices * 1000).tolist()]
    path.write_text("\n".join([*lines, *(f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist())]))
    with pytest.raises(DatasetError, match="in metres"):
        read_upright_mesh(path, grasp.category)


def test_a_mesh_that_is_none_is_refused(copied_tree):
    grasp = find_shadow_grasps(copied_tree, "all")[0]
    path = find_object_mesh(copied_tree, grasp.category, grasp.instance)
    path.write_bytes(b"\x00\x01 not a mesh")
    with pytest.raises(DatasetError, match="mesh of an object"):
        read_upright_mesh(path, grasp.category)


def test_a_grasp_in_another_objects_folder_is_refused(copied_tree):
    grasps = find_shadow_grasps(copied_tree, "all", ("mug",))
    own, transferred = (next(g for g in grasps if g.is_transferred == is_so) for is_so in (False, True))
    shutil.copy(transferred.file, own.file)
    with pytest.raises(DatasetError, match=f"grasps '{transferred.instance}' but lies in the folder of"):
        read_world(own)


def test_folders_that_name_no_category_are_refused_or_listed(copied_tree):
    (copied_tree / "Grasps" / "99_unit_spaceship").mkdir()
    with pytest.raises(DatasetError, match="99_unit_spaceship: expected a name of the form"):
        find_shadow_grasps(copied_tree, "all")
    skipping = BrokenFiles("skip")
    assert len(find_shadow_grasps(copied_tree, "all", broken=skipping)) == 8
    assert len(skipping) == 1


@pytest.mark.parametrize(
    "content", ["[]", '{"0": "mug"}', '{"0": {"category": "mug"}}', '{"0": {"category": 3, "instance": []}}', "{"]
)
def test_a_broken_list_of_objects_is_refused(copied_tree, content):
    (copied_tree / "Obj_Data" / "obj_data.json").write_text(content)
    with pytest.raises(DatasetError, match=r"obj_data\.json: expected"):
        find_shadow_grasps(copied_tree, "all")


def test_missing_parts_of_the_tree_are_named(copied_tree, tmp_path):
    with pytest.raises(DatasetError, match="give the folder that holds Obj_Data and Grasps"):
        find_shadow_grasps(tmp_path, "all")
    (copied_tree / "Obj_Data" / "obj_data.json").unlink()
    with pytest.raises(DatasetError, match=r"obj_data\.json is missing"):
        find_shadow_grasps(copied_tree, "all")


def test_unknown_splits_are_refused(tree):
    with pytest.raises(ConfigurationError, match="not 'dev'"):
        find_shadow_grasps(tree, "dev")


def test_a_transfer_to_the_annotated_object_itself_is_not_counted_twice(copied_tree):
    folder = next(path for path in (copied_tree / "Grasps").iterdir() if path.name.startswith("0_"))
    shutil.copytree(folder / "new", folder / SIFTED_FOLDER / folder.name.removeprefix("0_") / "new")
    assert len(find_shadow_grasps(copied_tree, "all")) == 8


def test_the_list_names_what_the_official_one_does(tree):
    table = json.loads((tree / "Obj_Data" / "obj_data.json").read_text())
    assert {number: entry["category"] for number, entry in table.items()} == {"0": "mug", "4": "bottle"}
    assert all(name.endswith(".obj") for entry in table.values() for name in entry["instance"])
