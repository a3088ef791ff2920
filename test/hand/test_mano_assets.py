import os
import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest
from official_pickle import official_pickle

from funcgrasp_core.errors import HandFileError
from funcgrasp_core.hand.mano_assets import ARRAY_SHAPES, load_mano_assets, save_mano_assets


class RunsACommand:
    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def assert_same_hand(found, expected, atol=0.0):
    for name in ARRAY_SHAPES:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=atol, rtol=0, err_msg=name)
    assert found.side == expected.side


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_official_layout_is_read(reference_assets, tmp_path, protocol):
    path = tmp_path / "MANO_RIGHT.pkl"
    path.write_bytes(official_pickle(reference_assets, protocol))
    content = path.read_bytes()
    assert b"chumpy.reordering" in content
    assert b"numpy.core.multiarray" in content
    assert b"scipy.sparse.csc" in content
    assert "chumpy" not in sys.modules
    assert_same_hand(load_mano_assets(path), reference_assets)


def test_pickle_of_a_new_python_is_read(reference_assets, tmp_path):
    path = tmp_path / "MANO_RIGHT.pkl"
    path.write_bytes(pickle.dumps({name: getattr(reference_assets, name) for name in ARRAY_SHAPES}, protocol=5))
    assert_same_hand(load_mano_assets(path), reference_assets)


def test_left_is_known_by_the_file_name(reference_assets, tmp_path):
    path = tmp_path / "MANO_LEFT.pkl"
    path.write_bytes(official_pickle(reference_assets))
    assert load_mano_assets(path).side == "left"


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_command_in_a_pickle_is_refused_and_not_run(reference_assets, tmp_path, protocol):
    trace = tmp_path / "was_run"
    path = tmp_path / "MANO_RIGHT.pkl"
    path.write_bytes(pickle.dumps({"v_template": RunsACommand(f"touch {trace}")}, protocol=protocol))
    with pytest.raises(HandFileError, match=rf"asks for {os.system.__module__}\.system.*refused"):
        load_mano_assets(path)
    assert not trace.exists()
    # The same bytes do run where they are read without care.
    pickle.loads(path.read_bytes())
    assert trace.exists()


@pytest.mark.parametrize("function", [eval, exec, getattr, __import__, open], ids=lambda function: function.__name__)
def test_builtins_that_can_do_harm_are_refused(tmp_path, function):
    path = tmp_path / "MANO_RIGHT.pkl"
    path.write_bytes(pickle.dumps({"f": function}, protocol=2))
    with pytest.raises(HandFileError, match=rf"\.{function.__name__}, which no hand model needs"):
        load_mano_assets(path)


def test_own_format_comes_back(reference_assets, tmp_path):
    path = tmp_path / "hand.safetensors"
    left = replace(reference_assets, side="left")
    save_mano_assets(left, path)
    assert_same_hand(load_mano_assets(path), left)


def test_missing_file_and_wrong_suffix(tmp_path):
    with pytest.raises(HandFileError, match="There is no hand file"):
        load_mano_assets(tmp_path / "nothing.pkl")
    text = tmp_path / "hand.txt"
    text.write_text("hand")
    with pytest.raises(HandFileError, match=r"suffix '\.txt'"):
        load_mano_assets(text)


@pytest.mark.parametrize("name", ["hand.pkl", "hand.safetensors"])
def test_damaged_file(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"\x80\x02}q\x01(garbage")
    with pytest.raises(HandFileError, match="cannot be read"):
        load_mano_assets(path)


def test_foreign_safetensors(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "other.safetensors"
    save_file({"weights": np.zeros(3, dtype=np.float32)}, path)
    with pytest.raises(HandFileError, match="not a hand file of format"):
        load_mano_assets(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": np.zeros((778, 15))}, r"'weights' has shape \(778, 15\), expected \(778, 16\)"),
        ({"v_template": np.full((778, 3), np.nan)}, "'v_template' holds values that are not finite"),
        ({"f": np.full((1538, 3), 800)}, "'f' points outside"),
        ({"kintree_table": np.zeros((2, 16), dtype=np.int64)}, "not MANO's tree"),
        ({"hands_mean": np.array(["x"] * 45, dtype=object)}, "expected numbers"),
        ({"posedirs": 3}, "lacks 'posedirs'"),
    ],
    ids=["shape", "finite", "faces", "tree", "numbers", "missing"],
)
def test_incomplete_hand_is_refused(reference_assets, tmp_path, changes, message):
    path = tmp_path / "MANO_RIGHT.pkl"
    path.write_bytes(official_pickle(reference_assets, **changes))
    with pytest.raises(HandFileError, match=message):
        load_mano_assets(path)


def test_pickle_of_something_else(tmp_path):
    path = tmp_path / "list.pkl"
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(HandFileError, match="holds a list"):
        load_mano_assets(path)
