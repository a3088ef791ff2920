"""The benchmark compares like with like: batches from the store are those made from the files."""

import dataclasses

import torch
from small_oakink import write_small_oakink

from bench.data_loading import NUM_POINTS, VIEW_SIZE, batch_from_files, batch_from_store
from training.data.build_store import StoreSettings, build_store
from training.data.oakink import OakInkShapeDataset


def test_batches_from_the_store_are_those_made_from_the_files(tmp_path):
    write_small_oakink(tmp_path, num_objects=2)
    dataset = OakInkShapeDataset(tmp_path, "train")
    store = build_store(dataset, StoreSettings(VIEW_SIZE, NUM_POINTS)).by_grasp()
    store = dataclasses.replace(store, orders=[orders[:1] for orders in store.orders])
    items = [7, 0, 3]
    from_store, from_files = batch_from_store(store, items), batch_from_files(dataset, store, items)
    assert from_store.is_close_to(from_files)
    assert not dataclasses.replace(from_store, vectors=from_store.vectors + 0.01).is_close_to(from_files)
    assert not from_store.is_close_to(batch_from_files(dataset, store, [7, 1, 3]))
    assert torch.equal(from_store.images[0], batch_from_store(store, [7]).images[0])
