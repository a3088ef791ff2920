"""The rules of OakInk's own loader: handovers, virtual objects, splits, intents, meshes, tables of names."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from funcgrasp_core.errors import ConfigurationError, DatasetError
from training.data.frozen_grasps import FrozenGrasps, load_frozen_grasps
from training.data.instruction_phrasing import phrases
from training.data.oakink import OakInkShapeDataset
from training.data.oakink_index import (
    check_object_size,
    find_grasps,
    find_mesh,
    read_centred_mesh,
    read_hand_vector,
    read_object_names,
)
from training.data.oakink_layout import SPLITS, GraspSource, parse_source, split_of
from training.data.oakink_reading import OakInkReading
from training.data.oakink_writer import write_grasp, write_object_names, write_transferred_grasp
from training.data.procedural_dataset import write_procedural_dataset

EVERYTHING = OakInkReading(with_virtual=True, handover="all")


def handovers(records):
    return [record for record in records if record.source.intent == "handover"]


def test_source_with_a_file_name():
    source = parse_source("pass1/A16012_0004_0003_0006/2021-10-03-16-34-40/dom_alt.pkl\n", "source.txt")
    assert (source.subjects, source.recorded_at, source.file) == ("0003_0006", "2021-10-03-16-34-40", "dom_alt.pkl")
    assert source.is_receiver
    assert source.as_text() == "pass1/A16012_0004_0003_0006/2021-10-03-16-34-40/dom_alt.pkl"
    assert not parse_source("pass1/A16012_0004_0003_0006/2021/dom.pkl", "source.txt").is_receiver
    assert not parse_source("pass1/A16012_0001_0003/2021/dom_alt.pkl", "source.txt").is_receiver


def test_the_first_line_that_has_the_form_counts():
    source = parse_source("a comment\npass2/A16012_0001_0003/2021-10\npass1/A16012_0002_0003/2022", "source.txt")
    assert source == GraspSource("pass2", "A16012", "use", "0003", "2021-10")


def test_handovers_by_role(example_tree):
    every = find_grasps(example_tree, "all", OakInkReading(handover="all"))
    givers = find_grasps(example_tree, "all")
    paired = find_grasps(example_tree, "all", OakInkReading(handover="paired"))
    num_objects = len({record.object_id for record in every})
    assert len(handovers(every)) == 3 * num_objects
    assert len(handovers(givers)) == 2 * num_objects
    assert not any(record.source.is_receiver for record in givers)
    assert len(handovers(paired)) == 2 * num_objects
    assert sum(record.source.is_receiver for record in paired) == num_objects
    others = [[r for r in records if r.source.intent != "handover"] for records in (every, givers, paired)]
    assert others[0] == others[1] == others[2]


def test_virtual_objects_are_read_on_demand(example_tree):
    real, every = find_grasps(example_tree, "all"), find_grasps(example_tree, "all", EVERYTHING)
    assert not any(record.is_virtual for record in real)
    virtual = [record for record in every if record.is_virtual]
    assert {len(record.object_id) for record in virtual} == {6}
    assert all(record.object_id.startswith("s") for record in virtual)
    assert all(record.source.object_id != record.object_id for record in virtual)
    assert all(record.hand_file.is_file() for record in every)
    assert len({record.hand_file for record in every}) == len(every)


@pytest.mark.parametrize("virtual_split", ["own", "real"])
def test_the_split_of_virtual_objects(example_tree, virtual_split):
    reading = OakInkReading(with_virtual=True, handover="all", virtual_split=virtual_split)
    by_split = {split: find_grasps(example_tree, split, reading) for split in SPLITS}
    for split, records in by_split.items():
        assert any(record.is_virtual for record in records)
        for record in records:
            deciding = record.source.object_id if virtual_split == "real" else record.object_id
            assert split_of(deciding) == split
    assert sum(len(records) for records in by_split.values()) == len(find_grasps(example_tree, "all", EVERYTHING))


def test_intents_and_categories_are_chosen(example_tree):
    reading = OakInkReading(categories=("mug", "bowl"), intents=("use", "liftup"))
    records = find_grasps(example_tree, "all", reading)
    assert {(record.category, record.source.intent) for record in records} == {
        (category, intent) for category in ("mug", "bowl") for intent in ("use", "liftup")
    }


def test_a_category_of_oakink_may_be_absent_but_an_unknown_one_is_refused(example_tree):
    assert len(find_grasps(example_tree, "all", OakInkReading(categories=("mug", "teapot")))) > 0
    with pytest.raises(DatasetError, match="no category mgu; it has bottle, bowl, hammer, mug"):
        find_grasps(example_tree, "all", OakInkReading(categories=("mug", "mgu")))


def test_procedural_handovers_name_giver_and_receiver(tmp_path):
    pytest.importorskip("open3d", reason="rendering needs open3d")
    grasps = load_frozen_grasps(splits=("val",))
    first = FrozenGrasps(grasps.objects[:1], grasps.vectors, grasps.object_indices, grasps.intent_indices)
    write_procedural_dataset(tmp_path, first, show_progress=False)
    records = find_grasps(tmp_path, "val")
    assert {record.source.subjects for record in handovers(records)} == {"0000_0001"}
    assert {r.source.subjects for r in records if r.source.intent != "handover"} == {"0000"}
    events = {(record.source.recorded_at, record.source.intent) for record in records}
    assert len(events) == len({recorded_at for recorded_at, _ in events}) == len(records)


def test_an_id_in_both_tables_is_a_real_objects(example_tree):
    virtual = json.loads((example_tree / "metaV2" / "virtual_object_id.json").read_text())
    in_both = [object_id for object_id, entry in virtual.items() if entry["name"] == "in_both_tables"]
    assert len(in_both) == 4
    names = read_object_names(example_tree)
    assert all(names[object_id][0] == "OakInkObjectsV2" for object_id in in_both)


def test_meshes_of_both_resolutions(example_tree):
    names = read_object_names(example_tree)
    for object_id in {record.object_id for record in find_grasps(example_tree, "all", EVERYTHING)}:
        fine, coarse = (
            read_centred_mesh(find_mesh(example_tree, names, object_id, folder)) for folder in ("align", "align_ds")
        )
        assert len(fine[0]) > 1.5 * len(coarse[0])
        assert np.allclose(np.ptp(fine[0], axis=0), np.ptp(coarse[0], axis=0), rtol=0.25)
        for vertices, _ in (fine, coarse):
            assert np.allclose(vertices.min(axis=0), -vertices.max(axis=0), atol=1e-6)


def test_of_several_meshes_the_one_marked_as_aligned_counts(example_copy):
    names = read_object_names(example_copy)
    object_id = next(r.object_id for r in find_grasps(example_copy, "train") if r.category == "mug")
    mesh = find_mesh(example_copy, names, object_id)
    assert mesh.name == "model_align.ply"
    (mesh.parent / ".hidden.obj").write_text("")
    assert find_mesh(example_copy, names, object_id) == mesh
    shutil.copy(mesh, mesh.with_name("also_align.ply"))
    with pytest.raises(DatasetError, match=r"several meshes of object .*also_align\.ply, "):
        find_mesh(example_copy, names, object_id)
    shutil.rmtree(mesh.parent)
    with pytest.raises(DatasetError, match="read mesh_folder='align_ds'"):
        find_mesh(example_copy, names, object_id)


def test_an_object_without_a_name_is_refused(example_tree):
    with pytest.raises(DatasetError, match="XX0001 has grasps but no name"):
        find_mesh(example_tree, read_object_names(example_tree), "XX0001")


def test_folders_that_are_not_named_like_grasps_are_not_read(example_copy):
    number = len(find_grasps(example_copy, "all", EVERYTHING))
    grasp = find_grasps(example_copy, "all")[0].hand_file.parent
    shutil.copytree(grasp, grasp.with_name("short"))
    shutil.copytree(grasp, grasp / "short")
    shutil.copytree(grasp.parent, grasp.parent.with_name("toolong"))
    assert len(find_grasps(example_copy, "all", EVERYTHING)) == number


def test_a_transferred_grasp_is_read_back(tmp_path):
    vector = np.linspace(-0.3, 0.3, 61).astype(np.float32)
    write_object_names(tmp_path, {"MG0001": "mug"})
    write_object_names(tmp_path, {"s00001": "other_mug"}, virtual=True)
    source = GraspSource("pass1", "MG0001", "use", "0001", "2021", "dom.pkl")
    folder = write_grasp(tmp_path, "mug", "a" * 10, source, np.zeros(61))
    written = write_transferred_grasp(folder, "s00001", vector)
    record = find_grasps(tmp_path, "all", EVERYTHING)[1]
    assert record.hand_file == written / "hand_param.pkl"
    assert (record.object_id, record.grasp_id, record.source) == ("s00001", "a" * 10, source)
    assert np.array_equal(read_hand_vector(record.hand_file), vector)
    assert read_object_names(tmp_path)["s00001"] == ("OakInkVirtualObjectsV2", "other_mug")
    with pytest.raises(DatasetError, match="6 characters"):
        write_transferred_grasp(folder, "s1", vector)
    with pytest.raises(DatasetError, match="no recorded grasp"):
        write_transferred_grasp(folder.with_name("b" * 10), "s00001", vector)
    with pytest.raises(DatasetError, match="finite"):
        write_transferred_grasp(folder, "s00001", np.full(61, np.nan))


def test_instructions_of_recorded_grasps_name_no_part(example_tree):
    dataset = OakInkShapeDataset(example_tree, "train", num_points=16, views_required=False)
    index = next(i for i, r in enumerate(dataset.records) if (r.category, r.source.intent) == ("mug", "use"))
    told = set()
    for epoch in range(30):
        dataset.set_epoch(epoch)
        told.add(dataset[index]["instruction"])
    assert told <= set(phrases("mug", "use", "train", name_parts=False))
    assert len(told) > 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"categories": "mug"}, "categories must be a tuple"),
        ({"categories": ()}, "categories must be a tuple"),
        ({"intents": ("use", "throw")}, "not throw"),
        ({"intents": ()}, "intents must be a tuple"),
        ({"handover": "receivers"}, "handover must be one of"),
        ({"virtual_split": "random"}, "virtual_split must be one of"),
        ({"mesh_folder": "raw"}, "mesh_folder must be one of"),
        ({"on_broken": "ignore"}, "on_broken must be one of"),
    ],
)
def test_impossible_readings_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        OakInkReading(**changes)


def test_an_unknown_split_is_refused(example_tree):
    with pytest.raises(ConfigurationError, match="not 'everything'"):
        find_grasps(example_tree, "everything")


def test_objects_in_another_unit_are_refused():
    vertices = np.array([[0, 0, 0], [80.0, 40.0, 120.0]])
    with pytest.raises(DatasetError, match="longest side is 120 m"):
        check_object_size(vertices, Path("mesh.obj"))
    with pytest.raises(DatasetError, match="scale the mesh to metres"):
        check_object_size(vertices * 1e-6, Path("mesh.obj"))
    check_object_size(vertices * 1e-3, Path("mesh.obj"))
