import dataclasses

import pytest
import torch
from small_ablation import pack_small_data

from funcgrasp_core.grasp_model.sample_random import SampleRandom
from training.ablation.base_experiment import DEBUG_ABLATION_EXPERIMENT
from training.ablation.variant import Variant
from training.ablation.variant_data import VariantData
from training.data.augmentation import AugmentationConfig
from training.data.block_cache import BlockCache
from training.data.mixed_store import MixedStore

BASE = Variant("base", "", DEBUG_ABLATION_EXPERIMENT, "")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return VariantData(pack_small_data(folder / "data.safetensors"), BlockCache(folder / "cache"))


def test_halves_are_disjoint_and_together_everything(data):
    whole = data.training_store(BASE)
    first = data.training_store(dataclasses.replace(BASE, data="first_half"))
    both = data.training_store(dataclasses.replace(BASE, data="two_halves"))
    assert isinstance(both, MixedStore)
    objects = [{group.object_index for group in store.groups} for store in both.stores]
    assert objects[0] & objects[1] == set()
    assert objects[0] | objects[1] == {group.object_index for group in whole.groups}
    assert {group.object_index for group in first.groups} == objects[0]
    categories = [{group.category for group in store.groups} for store in both.stores]
    assert categories[0] == categories[1] == {"mug", "bottle", "hammer", "bowl"}
    assert both.num_grasps == whole.num_grasps


def test_targets_computed_anew_are_the_kept_ones(data):
    def draw(store):
        return store.draw([0, 3, 5], 2, 128, 64, AugmentationConfig(), lambda *_: ("hold it",), SampleRandom([1, 2, 3]))

    kept = draw(data.training_store(BASE))
    computed = draw(data.training_store(dataclasses.replace(BASE, keeps_distances=False)))
    assert torch.equal(kept.points, computed.points)
    assert torch.allclose(kept.contact_distances, computed.contact_distances, atol=2e-5)


def test_joints_are_never_as_near_as_the_skin(data):
    joints = data.training_store(dataclasses.replace(BASE, distance_source="joints"))
    vertices = data.training_store(BASE)
    assert float(joints.distances.float().amin()) > float(vertices.distances.float().amin())
