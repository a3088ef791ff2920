import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from funcgrasp_core.errors import CheckpointFormatError, FuncGraspError
from training.run.checkpoint_store import CheckpointStore
from training.run.training_errors import CheckpointWriteError

LARGE = {"weights": torch.arange(1_000_000, dtype=torch.float32)}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_states_and_the_best_are_kept(tmp_path):
    store = CheckpointStore(tmp_path, num_kept=2)
    for step in (1, 2, 3, 4):
        store.save(step, {"step": step}, is_best=step == 1)
    assert names(tmp_path) == ["best.pt", *(f"state_0000000{step}.pt" for step in (1, 3, 4))]
    assert torch.load(tmp_path / "best.pt", weights_only=True) == {"step": 1}
    store.save(5, {"step": 5}, is_best=True)
    assert names(tmp_path) == ["best.pt", "state_00000004.pt", "state_00000005.pt"]
    assert store.best() == store.newest_whole(print) == tmp_path / "state_00000005.pt"


def test_an_empty_folder_has_no_state(tmp_path):
    store = CheckpointStore(tmp_path / "none")
    assert store.newest_whole(print) is None
    assert store.best() is None
    assert store.delete_unfinished() == []


def test_what_a_killed_save_left_is_deleted(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(1, {"step": 1})
    (tmp_path / "state_00000002.pt.unfinished").write_bytes(b"half")
    assert store.newest_whole(print) == tmp_path / "state_00000001.pt"
    assert store.delete_unfinished() == ["state_00000002.pt.unfinished"]
    assert names(tmp_path) == ["state_00000001.pt"]


@pytest.mark.parametrize("damage", ["emptied", "cut", "one bit", "no state"])
def test_a_damaged_newest_state_gives_way_to_the_one_before_and_is_named(tmp_path, damage):
    store = CheckpointStore(tmp_path)
    store.save(1, LARGE)
    newest = store.save(2, LARGE)
    content = bytearray(newest.read_bytes())
    if damage == "emptied":
        content.clear()
    elif damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "one bit":
        content[len(content) // 2] ^= 4
    else:
        content[:] = b"PK but no archive"
    newest.write_bytes(content)
    said = []
    assert store.newest_whole(said.append) == tmp_path / "state_00000001.pt"
    assert len(said) == 1
    assert "state_00000002.pt' is damaged" in said[0]
    assert names(tmp_path) == ["state_00000001.pt", "state_00000002.pt.damaged"]


def test_nothing_but_damaged_states_is_an_error(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(1, LARGE).write_bytes(b"")
    with pytest.raises(CheckpointFormatError, match="all training states"):
        store.newest_whole(print)


def test_other_objects_than_tensors_and_numbers_are_not_loaded(tmp_path):
    store = CheckpointStore(tmp_path)
    path = tmp_path / "state_00000001.pt"
    torch.save({"run": os.system}, path)
    with pytest.raises(CheckpointFormatError, match="not a training state"):
        store.load(path)
    with pytest.raises(CheckpointFormatError, match="all training states"):
        store.newest_whole(print)


def test_a_full_disk_is_a_clear_error_and_the_older_state_stays(tmp_path):
    """On a real file system of 6 MB where mounting is allowed; elsewhere the system limits the size of files."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", tmp_path], capture_output=True, check=False
    )
    is_mounted = mounted.returncode == 0
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = CheckpointStore(tmp_path / "states")
    try:
        good = store.save(1, LARGE)
        if not is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
        with pytest.raises(CheckpointWriteError, match=r"state_00000002\.pt' cannot be written: there is no") as info:
            store.save(2, LARGE)
        assert isinstance(info.value, FuncGraspError)
        assert "there is no room for it" in str(info.value)
        assert str(good) in str(info.value)
        assert names(store.folder) == ["state_00000001.pt"]
        assert store.newest_whole(print) == good
        assert torch.equal(store.load(good)["weights"], LARGE["weights"])
    finally:
        if is_mounted:
            subprocess.run(["umount", tmp_path], check=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "states").write_text("a file is in the way")
    with pytest.raises(CheckpointWriteError, match="there is no older one"):
        CheckpointStore(tmp_path / "states").save(1, LARGE)


def test_no_instant_of_a_save_loses_the_older_state(tmp_path):
    """A process is killed while it saves again and again; whatever it leaves can be loaded."""
    script = (
        "import sys, torch\nfrom pathlib import Path\nfrom training.run.checkpoint_store import CheckpointStore\n"
        "store = CheckpointStore(Path(sys.argv[1]))\nstep = 0\n"
        "while True:\n    step += 1\n    store.save(step, {'step': step, 'w': torch.full((300000,), float(step))})\n"
        "    print(step, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(5):
        last = int(process.stdout.readline())
    process.kill()
    process.wait()
    store = CheckpointStore(tmp_path)
    newest = store.newest_whole(print)
    assert newest is not None
    state = store.load(newest)
    assert state["step"] >= last
    assert torch.equal(state["w"], torch.full((300000,), float(state["step"])))
