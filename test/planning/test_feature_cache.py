import pytest
import torch

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures
from funcgrasp_core.planning.feature_cache import FeatureCache

CPU = torch.device("cpu")


class CountingEncoder:
    def __init__(self):
        self.num_calls = 0

    def __call__(self, views):
        self.num_calls += 1
        return ViewFeatures(views.images.mean(dim=(-2, -1)), views.mask)


@pytest.fixture
def encoder():
    return CountingEncoder()


def views(seed, mask=(True, False, True, False, False, False)):
    mask = torch.tensor(mask)
    images = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return images * mask[:, None, None, None], mask


def test_the_same_views_are_encoded_once(encoder):
    cache = FeatureCache(encoder, 4)
    first = cache.features(*views(0), CPU)
    images, mask = views(0)
    second = cache.features(images.clone(), mask.clone(), CPU)
    assert encoder.num_calls == 1
    assert second is first
    assert first.features.shape == (1, 6, 3)
    assert first.mask.shape == (1, 6)


@pytest.mark.parametrize("change", ["a value", "a slot", "a view less", "the size"])
def test_other_views_are_encoded(encoder, change):
    cache = FeatureCache(encoder, 4)
    images, mask = views(0)
    cache.features(images, mask, CPU)
    images, mask = images.clone(), mask.clone()
    if change == "a value":
        images[2, 0, 7, 7] = torch.nextafter(images[2, 0, 7, 7], torch.tensor(2.0))
    elif change == "a slot":
        images, mask = images.roll(1, dims=0), mask.roll(1)
    elif change == "a view less":
        images[2], mask[2] = 0, False
    else:
        images = images.view(6, 3, 4, 16)
    found = cache.features(images, mask, CPU)
    assert encoder.num_calls == 2
    assert torch.equal(found.features, images.mean(dim=(-2, -1))[None])
    assert torch.equal(found.mask, mask[None])


def test_what_was_asked_for_longest_ago_goes_first(encoder):
    cache = FeatureCache(encoder, 2)
    for seed in (0, 1, 0, 2):
        cache.features(*views(seed), CPU)
    assert (encoder.num_calls, len(cache)) == (3, 2)
    cache.features(*views(0), CPU)
    assert encoder.num_calls == 3
    cache.features(*views(1), CPU)
    assert (encoder.num_calls, len(cache)) == (4, 2)


def test_no_capacity_keeps_nothing(encoder):
    cache = FeatureCache(encoder, 0)
    for _ in range(3):
        cache.features(*views(0), CPU)
    assert (encoder.num_calls, len(cache)) == (3, 0)


def test_a_failure_is_not_kept():
    def fail(_views):
        raise MemoryError

    cache = FeatureCache(fail, 2)
    with pytest.raises(MemoryError):
        cache.features(*views(0), CPU)
    assert len(cache) == 0


def test_no_views_at_all_are_a_set_too(encoder):
    cache = FeatureCache(encoder, 2)
    none = views(0, (False,) * 6)
    cache.features(*none, CPU)
    cache.features(*none, CPU)
    assert encoder.num_calls == 1


def test_a_negative_capacity_is_refused(encoder):
    with pytest.raises(ConfigurationError, match="must not be negative, got -1"):
        FeatureCache(encoder, -1)
