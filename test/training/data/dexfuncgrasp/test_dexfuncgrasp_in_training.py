"""DexFuncGrasp beside other data sets: named on the command line, in stores, mixtures and the data doctor."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import DatasetError
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from training.data import inspect
from training.data.augmentation import AugmentationConfig
from training.data.build_store import StoreSettings
from training.data.data_sets import DataSource, open_store, resolve_data
from training.data.dexfuncgrasp.dataset import DexFuncGraspDataset
from training.data.dexfuncgrasp.index import find_shadow_grasps
from training.data.dexfuncgrasp.reading import DexFuncGraspReading
from training.data.group_phrasing import group_phrasing
from training.data.mixed_store import MixedStore
from training.data.oakink import CLOUDS_FOLDER
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder

SETTINGS = StoreSettings(view_size=32, num_points=256)


@pytest.fixture(scope="module")
def viewed_tree(retargeted_tree, tmp_path_factory):
    """The retargeted tree with plain grey views."""
    root = tmp_path_factory.mktemp("viewed") / "tree"
    shutil.copytree(retargeted_tree, root)
    for object_id in {grasp.object_id for grasp in find_shadow_grasps(root, "all")}:
        for yaw_deg in VIEW_YAWS_DEG:
            folder = views_folder(root, object_id, yaw_deg)
            folder.mkdir(parents=True, exist_ok=True)
            for slot in VIEW_SLOTS:
                Image.fromarray(np.full((32, 32, 3), 128, dtype=np.uint8)).save(folder / f"{slot}.png")
    return root


def test_it_is_named_by_kind_or_by_its_folder(tree):
    assert resolve_data(f"dexfuncgrasp:{tree}:0.3") == (DataSource("dexfuncgrasp", tree, 0.3),)
    assert resolve_data(str(tree)) == (DataSource("dexfuncgrasp", tree),)
    with pytest.raises(DatasetError, match="has the layout of dexfuncgrasp, not of oakink"):
        resolve_data(f"oakink:{tree}")


def test_a_store_of_it_is_drawn_from_like_any_other(viewed_tree, tmp_path):
    store = open_store(resolve_data(str(viewed_tree)), "train", SETTINGS, cache_folder=tmp_path)
    assert store.num_grasps == len(find_shadow_grasps(viewed_tree, "train"))
    batch = store.draw([0, 1], 2, 256, 64, AugmentationConfig(), group_phrasing("train"), SampleRandom([1, 2]))
    assert batch.points.shape == (2, 256, 3)
    assert batch.vectors.shape == (2, 2, 61)
    assert float(batch.contact_distances.amin()) < 0.01
    assert {group.intent for group in store.groups} == {"use"}


def test_a_mixture_with_another_set_keeps_its_share(viewed_tree, tmp_path):
    sources = resolve_data(f"dexfuncgrasp:{viewed_tree}:0.75,dexfuncgrasp:{viewed_tree}:0.25")
    store = open_store(sources, "train", SETTINGS, cache_folder=tmp_path)
    assert isinstance(store, MixedStore)
    counts = np.bincount([item >= len(store.stores[0]) for item in store.epoch_items(0, seed=0)])
    assert counts[0] == pytest.approx(3 * counts[1])


def test_the_doctor_recognises_and_reports_it(viewed_tree, tmp_path, capsys):
    assert inspect.main([str(viewed_tree), "--json", str(tmp_path / "report.json")]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["layout"].startswith("DexFuncGrasp")
    assert report["counts"]["grasps"] == 8
    assert "retargeted grasps of 4 objects" in capsys.readouterr().out


def test_the_doctor_names_a_set_nearby(tree, capsys):
    assert inspect.main([str(tree.parent)]) == 2
    assert f"give {tree}" in capsys.readouterr().err


def test_objects_without_readable_pictures_or_points_are_left_out_and_listed(viewed_tree, tmp_path):
    root = tmp_path / "tree"
    shutil.copytree(viewed_tree, root)
    first, second, *others = sorted({grasp.object_id for grasp in find_shadow_grasps(root, "all")})
    picture = views_folder(root, first, VIEW_YAWS_DEG[1]) / f"{VIEW_SLOTS[0]}.png"
    picture.write_bytes(b"no picture")
    (root / CLOUDS_FOLDER / second).parent.mkdir(parents=True, exist_ok=True)
    (root / CLOUDS_FOLDER / f"{second}.npy").write_bytes(b"no points")
    skipping = DexFuncGraspDataset(root, "all", reading=DexFuncGraspReading(on_broken="skip"), show_progress=False)
    assert set(skipping.object_ids) == set(others)
    listed = [str(broken) for broken in skipping.broken_files]
    assert len(listed) == 2
    assert str(picture) in listed[0]
    assert f"{second}.npy" in listed[1]
