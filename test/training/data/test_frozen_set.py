"""The committed grasps: intact, complete for testing, small, in disjoint splits."""

import pytest
import torch

from training.data.frozen_grasps import FROZEN_FILE, load_frozen_grasps
from training.data.functional_parts import INTENT_PARTS, intents_of
from training.data.oakink_layout import SPLITS, split_of
from training.data.object_families import FAMILIES

pytestmark = pytest.mark.skipif(not FROZEN_FILE.is_file(), reason="this checkout has no frozen grasps")


@pytest.fixture(scope="module")
def frozen():
    return load_frozen_grasps()


def test_it_is_a_few_megabytes(frozen):
    assert 61 * 4 * len(frozen.vectors) < FROZEN_FILE.stat().st_size < 8_000_000


def test_every_category_has_objects_in_every_split(frozen):
    found = {(item.category, split_of(item.object_id)) for item in frozen.objects}
    assert found == {(category, split) for category in FAMILIES for split in SPLITS}
    assert len({item.object_id for item in frozen.objects}) == len(frozen.objects)


def test_every_intent_has_grasps_in_every_split(frozen):
    for split in SPLITS:
        part = frozen.of_splits([split])
        found = {
            (item.category, intent) for index, item in enumerate(part.objects) for intent, _ in part.grasps_of(index)
        }
        assert found == set(INTENT_PARTS)


def test_grasps_are_finite_hands_near_their_objects(frozen):
    assert torch.isfinite(frozen.vectors).all()
    assert frozen.vectors[:, 58:].norm(dim=-1).max() < 0.4
    assert len(torch.unique(frozen.vectors, dim=0)) == len(frozen.vectors)


def test_parameters_are_those_of_the_families(frozen):
    for item in frozen.objects:
        assert set(item.parameters) == set(item.family.parameter_ranges)
        assert torch.isfinite(item.family.half_extents(item.parameters)).all()
        assert intents_of(item.category)
