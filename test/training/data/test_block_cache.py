"""Keys tell content apart; blocks are written whole or not at all."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from funcgrasp_core.errors import DatasetError
from training.data import block_cache
from training.data.block_cache import BlockCache, content_key
from training.data.file_digests import FileDigests


def test_keys_differ_where_content_differs():
    parts = [
        (1, "a"),
        ("1", "a"),
        ("1a",),
        (1, "b"),
        (np.zeros(4, np.float32),),
        (np.zeros(4, np.float64),),
        (np.zeros((2, 2), np.float32),),
        (torch.ones(4),),
        (b"1",),
        ([1, None],),
    ]
    assert len({content_key(*some) for some in parts}) == len(parts)
    assert content_key(torch.arange(3)) == content_key(np.arange(3))
    assert content_key(np.arange(6).reshape(2, 3).T) == content_key(np.arange(6).reshape(2, 3).T.copy())


def test_a_block_is_computed_once_and_keeps_its_types(tmp_path):
    cache = BlockCache(tmp_path)
    tensors = {"a": torch.randn(3, 2).bfloat16(), "b": torch.tensor([True, False])}
    for content in (tensors, {}):
        found = cache.load_or_compute("kind", "some/object", "key", lambda content=content: content)
        assert torch.equal(found["a"], tensors["a"])
        assert found["a"].dtype == torch.bfloat16
        assert torch.equal(found["b"], tensors["b"])
    assert cache.num_computed == 1
    assert cache.has("kind", "some/object", "key")
    assert not cache.has("kind", "some/object", "other")
    assert [path.parent.name for path in tmp_path.rglob("*.safetensors")] == ["kind"]


def test_several_writers_of_one_block_do_not_disturb_each_other(tmp_path):
    together = threading.Barrier(4, timeout=30)

    def compute() -> dict[str, torch.Tensor]:
        together.wait()  # nobody finds the block of another
        return {"a": torch.arange(100_000)}

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(BlockCache(tmp_path).load_or_compute, "kind", "object", "key", compute) for _ in range(4)]
    assert all(torch.equal(job.result()["a"], torch.arange(100_000)) for job in jobs)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def no_room(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(block_cache.os, "fsync", no_room)
    with pytest.raises(DatasetError, match=r"No space left.*--cache"):
        BlockCache(tmp_path).load_or_compute("kind", "object", "key", lambda: {"a": torch.zeros(2)})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_digests_follow_the_content_and_are_remembered(tmp_path):
    file, memory = tmp_path / "file", tmp_path / "memory.json"
    file.write_text("one")
    digests = FileDigests(memory)
    first = digests.digest(file)
    digests.save()
    again = FileDigests(memory)
    assert again.digest(file) == first
    file.write_text("other")
    assert again.digest(file) != first
    file.unlink()
    assert again.digest(file) is None
    memory.write_text("{damaged")
    file.write_text("one")
    assert FileDigests(memory).digest(file) == first


def test_a_remembered_file_is_not_read_again(tmp_path):
    file, memory = tmp_path / "file", tmp_path / "memory.json"
    file.write_text("one")
    digests = FileDigests(memory)
    digests.digest(file)
    digests.save()
    stamp = file.stat()
    file.write_text("two")  # of the same size, and its time set back: as good as unchanged
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert FileDigests(memory).digest(file) == digests.digest(file)
