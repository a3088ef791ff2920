"""OakInk's own loader and ours read the same.

Needs a clone of github.com/oakink/OakInk in OAKINK_CHECKOUT; with one of github.com/lixiny/manotorch in
MANOTORCH_CHECKOUT the hands are posed by manotorch.
"""

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from training.data import oakink_index
from training.data.oakink_index import find_grasps
from training.data.oakink_reading import OakInkReading
from training.data.procedural_dataset import write_procedural_dataset

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "verify_oakink_loader.py"
CHECKOUT = os.environ.get("OAKINK_CHECKOUT")
MANOTORCH = os.environ.get("MANOTORCH_CHECKOUT")
needs_checkout = pytest.mark.skipif(CHECKOUT is None, reason="set OAKINK_CHECKOUT to a clone of OakInk's toolkit")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("verify_oakink_loader", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def rows(output):
    return {
        cells[1]: cells[2:]
        for cells in (re.split(r"\s*\|\s*", line) for line in output.splitlines() if line.startswith("| "))
    }


@needs_checkout
@pytest.mark.slow
@pytest.mark.dataset
@pytest.mark.parametrize("poser", ["stand_in", "manotorch"])
def test_both_loaders_read_a_generated_tree_alike(script, tmp_path, capsys, poser):
    if poser == "manotorch" and MANOTORCH is None:
        pytest.skip("set MANOTORCH_CHECKOUT to a clone of manotorch")
    options = ["--manotorch-checkout", MANOTORCH] if poser == "manotorch" else []
    data = tmp_path / "tree"
    before = dict(os.environ), list(sys.path), set(sys.modules)
    assert script.main(["--oakink-checkout", CHECKOUT, *options, "--data", str(data), "--generate"]) == 0
    assert (dict(os.environ), list(sys.path)) == before[:2]
    assert not {"manotorch", "oikit", "pytorch3d"} & (set(sys.modules) - before[2])
    output = capsys.readouterr().out
    assert ("posed by manotorch at commit" in output) == (poser == "manotorch")
    table = rows(output)
    everything = OakInkReading(with_virtual=True, handover="paired")
    for split in ("train", "val", "test"):
        for mesh_folder in ("align", "align_ds"):
            theirs, ours, virtual, unlike, hand_m, object_m, verdict, _ = table[f"{split}, all intents, {mesh_folder}"]
            assert int(theirs) == int(ours) == len(find_grasps(data, split, everything))
            assert int(virtual) > 10
            assert (unlike, verdict) == ("0", "equal")
            assert float(hand_m) <= 1e-5
            assert float(object_m) <= 1e-5


@needs_checkout
@pytest.mark.slow
@pytest.mark.dataset
def test_both_loaders_read_the_procedural_data_set_alike(script, tmp_path, capsys):
    from training.data.frozen_grasps import load_frozen_grasps

    grasps = load_frozen_grasps(splits=("test",))
    few = type(grasps)(grasps.objects[:2], grasps.vectors, grasps.object_indices, grasps.intent_indices)
    write_procedural_dataset(tmp_path / "data", few, show_progress=False)
    assert script.main(["--oakink-checkout", CHECKOUT, "--data", str(tmp_path / "data")]) == 0
    theirs, *_ = rows(capsys.readouterr().out)["test, all intents, align"]
    assert int(theirs) > 20


@needs_checkout
@pytest.mark.slow
@pytest.mark.dataset
@pytest.mark.parametrize(
    ("rule", "wrongly"),
    [
        ("split_of", lambda object_id: "train"),
        ("_select_handovers", lambda records, reading: records),
        ("_meshes_in", lambda place: sorted(place.glob("*.ply"))[-1:] or sorted(place.glob("*.obj"))),
        ("read_hand_vector", lambda path: oakink_index.read_hand_vector(path) + 2e-5),
    ],
)
def test_a_difference_is_found(script, example_tree, monkeypatch, capsys, rule, wrongly):
    monkeypatch.setattr(script if rule == "read_hand_vector" else oakink_index, rule, wrongly)
    assert script.main(["--oakink-checkout", CHECKOUT, "--data", str(example_tree)]) == 1
    assert "DIFFERENT" in capsys.readouterr().out


@needs_checkout
@pytest.mark.slow
@pytest.mark.dataset
def test_another_meaning_of_the_hand_is_found(script, example_tree, monkeypatch, capsys):
    posed = script.ManoLayer

    def not_flat(center_idx=0, flat_hand_mean=True):
        return posed(center_idx=center_idx, flat_hand_mean=False)

    monkeypatch.setattr(script, "ManoLayer", not_flat)
    assert script.main(["--oakink-checkout", CHECKOUT, "--data", str(example_tree)]) == 1
    assert float(rows(capsys.readouterr().out)["train, all intents, align"][4]) > 1e-3


def test_a_folder_that_is_no_checkout_is_refused(script, example_tree, tmp_path, capsys):
    assert script.main(["--oakink-checkout", str(tmp_path), "--data", str(example_tree)]) == 2
    assert "is no checkout of OakInk: clone" in capsys.readouterr().err


@needs_checkout
def test_a_folder_that_is_no_manotorch_is_refused(script, example_tree, tmp_path, capsys):
    options = ["--oakink-checkout", CHECKOUT, "--manotorch-checkout", str(tmp_path)]
    assert script.main([*options, "--data", str(example_tree)]) == 2
    assert "is no checkout of manotorch: clone" in capsys.readouterr().err


def test_a_tree_is_only_generated_into_an_empty_folder(script, example_tree, capsys):
    assert script.main(["--oakink-checkout", "x", "--data", str(example_tree), "--generate"]) == 2
    assert "is not empty" in capsys.readouterr().err
