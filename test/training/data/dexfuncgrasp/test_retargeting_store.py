"""Retargeted hands are found again by content, and an interrupted run goes on."""

import logging

import pytest
import torch

from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.broken_files import BrokenFiles
from training.data.dexfuncgrasp import retargeting_store
from training.data.dexfuncgrasp.index import find_shadow_grasps
from training.data.dexfuncgrasp.object_grasps import read_object_grasps, retargeting_job
from training.data.dexfuncgrasp.retargeting import HandRetargeter, RetargetingSettings
from training.data.dexfuncgrasp.retargeting_store import RetargetingStore, grasp_digest, hand_digest
from training.data.grasping_hand import GraspingHand


class CountingRetargeter(HandRetargeter):
    """Counts hands, and stops like a user does once it has done a number of them."""

    num_hands = 0
    stop_after = 1000

    def __call__(self, targets, object_points):
        if self.num_hands >= self.stop_after:
            raise KeyboardInterrupt
        self.num_hands += len(targets.joints)
        return super().__call__(targets, object_points)


@pytest.fixture(scope="module")
def hand():
    return GraspingHand(ManoLayer())


@pytest.fixture
def retargeter(hand, hasty):
    return CountingRetargeter(hand, hasty)


def jobs_of(root):
    by_object = {}
    for grasp in find_shadow_grasps(root, "all"):
        by_object.setdefault(grasp.object_id, []).append(grasp)
    found = (read_object_grasps(root, grasps, BrokenFiles()) for grasps in by_object.values())
    return [retargeting_job(grasps) for grasps in found if grasps is not None]


def test_what_is_stored_is_read_in_order(tree, tmp_path, retargeter):
    jobs = jobs_of(tree)
    store = RetargetingStore(tmp_path, retargeter)
    assert store.read(jobs[0].object_id, jobs[0].digests) is None
    store.complete(jobs, show_progress=False)
    assert retargeter.num_hands == 8
    for job in jobs:
        stored = store.read(job.object_id, job.digests)
        expected = retargeter(job.targets, job.object_points[None])
        assert stored is not None
        assert len(stored) == len(job.digests) == 2
        torch.testing.assert_close(stored.vectors, expected.vectors, atol=1e-5, rtol=0)
        assert torch.equal(stored.touching, expected.touching)


def test_an_interrupted_run_keeps_what_was_finished(tree, tmp_path, retargeter, monkeypatch):
    monkeypatch.setattr(retargeting_store, "HANDS_AT_ONCE", 2)  # one object at a time
    jobs = jobs_of(tree)
    store = RetargetingStore(tmp_path, retargeter)
    retargeter.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        store.complete(jobs, show_progress=False)
    finished = [store.read(job.object_id, job.digests) is not None for job in jobs]
    assert finished == [True, True, False, False]
    assert not list(tmp_path.rglob("*.unfinished"))
    retargeter.num_hands, retargeter.stop_after = 0, 1000
    store.complete([job for job, done in zip(jobs, finished, strict=True) if not done], show_progress=False)
    assert retargeter.num_hands == 4
    assert all(store.read(job.object_id, job.digests) is not None for job in jobs)


def test_objects_with_many_grasps_are_retargeted_in_parts(tree, tmp_path, retargeter, monkeypatch):
    job = jobs_of(tree)[0]
    RetargetingStore(tmp_path / "whole", retargeter).complete([job], show_progress=False)
    monkeypatch.setattr(retargeting_store, "HANDS_AT_ONCE", 1)
    RetargetingStore(tmp_path / "parts", retargeter).complete([job], show_progress=False)
    whole, parts = (
        RetargetingStore(tmp_path / name, retargeter).read(job.object_id, job.digests) for name in ("whole", "parts")
    )
    assert whole is not None
    assert parts is not None
    torch.testing.assert_close(whole.vectors, parts.vectors, atol=1e-4, rtol=0)


def test_a_changed_grasp_is_not_found(tree, tmp_path, retargeter):
    job = jobs_of(tree)[0]
    store = RetargetingStore(tmp_path, retargeter)
    store.complete([job], show_progress=False)
    assert store.read(job.object_id, job.digests) is not None
    assert store.read(job.object_id, (*job.digests[:-1], "0" * 64)) is None


def test_some_of_an_objects_grasps_are_found_in_any_order(tree, tmp_path, retargeter):
    job = jobs_of(tree)[0]
    store = RetargetingStore(tmp_path, retargeter)
    store.complete([job], show_progress=False)
    whole = store.read(job.object_id, job.digests)
    turned = store.read(job.object_id, job.digests[::-1])
    last = store.read(job.object_id, job.digests[-1:])
    assert whole is not None
    assert turned is not None
    assert last is not None
    assert torch.equal(turned.vectors, whole.vectors.flip(0))
    assert torch.equal(last.tip_errors, whole.tip_errors[-1:])


def test_other_settings_and_shapes_have_other_folders(tmp_path, hand, hasty):
    folders = {
        RetargetingStore(tmp_path, retargeter).folder
        for retargeter in (
            HandRetargeter(hand, hasty),
            HandRetargeter(hand, RetargetingSettings(num_steps=3)),
            HandRetargeter(hand, hasty, torch.ones(10)),
        )
    }
    assert len(folders) == 3
    assert RetargetingStore(tmp_path, HandRetargeter(hand, hasty)).folder in folders


def test_a_damaged_file_is_named_and_made_again(tree, tmp_path, retargeter, caplog):
    job = jobs_of(tree)[0]
    store = RetargetingStore(tmp_path, retargeter)
    store.complete([job], show_progress=False)
    path = next(tmp_path.rglob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        assert store.read(job.object_id, job.digests) is None
    assert str(path) in caplog.text
    store.complete([job], show_progress=False)
    assert store.read(job.object_id, job.digests) is not None


def test_digests_follow_the_content(hand):
    assert grasp_digest(b"world", "mesh") == grasp_digest(b"world", "mesh")
    assert len({grasp_digest(b"world", "mesh"), grasp_digest(b"World", "mesh"), grasp_digest(b"world", "Mesh")}) == 3
    assets = hand.layer.assets
    changed = type(assets)(**{**vars(assets), "v_template": assets.v_template * 1.01})
    assert hand_digest(assets) != hand_digest(changed)
