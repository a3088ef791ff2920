"""Weighted mixtures: shares are kept, every item comes round, and an epoch's items depend on nothing else."""

import pytest

from funcgrasp_core.errors import ConfigurationError
from training.data.mixture import Mixture


@pytest.mark.parametrize(
    ("sizes", "weights"), [((10, 1000), (0.7, 0.3)), ((5, 5), (1, 1)), ((7,), (2.0,)), ((100, 3, 50), (1, 2, 3))]
)
def test_every_epoch_keeps_the_shares_and_goes_through_everything(sizes, weights):
    mixture = Mixture(sizes, weights)
    for epoch in range(3):
        items = mixture.epoch_items(epoch, seed=0)
        assert len(items) == sum(mixture.counts)
        first = 0
        for size, weight in zip(sizes, weights, strict=True):
            mine = [item - first for item in items if first <= item < first + size]
            assert set(mine) == set(range(size))
            assert len(mine) / len(items) == pytest.approx(weight / sum(weights), abs=0.02)
            first += size


def test_an_epoch_is_as_short_as_goes_through_every_data_set():
    assert Mixture((10, 1000), (0.7, 0.3)).counts == (2334, 1000)
    assert Mixture((50, 20), (0.7, 0.3)).counts == (50, 22)


def test_shares_that_do_not_divide_are_off_by_less_than_one():
    assert Mixture((34, 1, 1), (1.01, 1, 1)).counts == (34, 34, 34)
    assert Mixture((34, 1, 1), (1.02, 1, 1)).counts == (34, 34, 33), (
        "34.1, 33.4 and 33.4: the largest remainder goes up"
    )


def test_no_item_is_taken_twice_before_all_were_taken_once_across_epochs():
    mixture = Mixture((50, 20), (0.5, 0.5))
    taken = [item for epoch in range(8) for item in mixture.epoch_items(epoch, seed=3) if item >= 50]
    for start in range(0, len(taken), 20):
        assert sorted(taken[start : start + 20]) == list(range(50, 70))


def test_what_is_repeated_differs_between_epochs_and_seeds():
    mixture = Mixture((50, 20), (0.5, 0.5))

    def thrice(epoch, seed):
        items = mixture.epoch_items(epoch, seed)
        return {item for item in items if items.count(item) == 3}

    assert len(thrice(0, 0)) == 10
    assert thrice(0, 0) != thrice(1, 0)
    assert thrice(0, 0) != thrice(0, 1)
    assert mixture.epoch_items(1, 0) == mixture.epoch_items(1, 0)


@pytest.mark.parametrize(
    ("sizes", "weights", "message"),
    [
        ((), (), "one weight for each"),
        ((3,), (1, 1), "one weight for each"),
        ((3, 0), (1, 1), "empty data set"),
        ((3, 3), (1, 0), "positive"),
        ((3, 3), (1, -1), "positive"),
        ((3, 3), (1, float("nan")), "positive"),
        ((3, 3), (1, float("inf")), "positive"),
    ],
)
def test_bad_mixtures_are_refused(sizes, weights, message):
    with pytest.raises(ConfigurationError, match=message):
        Mixture(sizes, weights)
