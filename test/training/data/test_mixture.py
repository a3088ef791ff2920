"""Weighted mixtures: shares are kept, every item comes round, and a position's item depends on nothing else."""

from collections import Counter

import pytest

from funcgrasp_core.errors import ConfigurationError
from training.data.mixture import Mixture, MixtureItem, parse_mixture

SIZES = {"oakink": 50, "dexfuncgrasp": 20}
WEIGHTS = {"oakink": 0.7, "dexfuncgrasp": 0.3}


def items_of(mixture, epoch):
    return [mixture.item(epoch, position) for position in range(len(mixture))]


def test_a_text_becomes_shares_that_add_up_to_one():
    assert parse_mixture("oakink:0.7, dexfuncgrasp:0.3") == pytest.approx({"oakink": 0.7, "dexfuncgrasp": 0.3})
    assert parse_mixture("oakink:3,dexfuncgrasp") == pytest.approx({"oakink": 0.75, "dexfuncgrasp": 0.25})
    assert parse_mixture("oakink") == {"oakink": 1.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oakink:0", "positive numbers, got oakink: 0.0"),
        ("oakink:-1,dexfuncgrasp:2", "positive"),
        ("oakink:nan", "positive"),
        ("oakink:inf", "positive"),
        ("oakink:much", "expected a number"),
        ("oakink:1,oakink:2", "each name once"),
        ("", "each name once"),
        (":1", "each name once"),
    ],
)
def test_bad_texts_are_refused(text, message):
    with pytest.raises(ConfigurationError, match=message):
        parse_mixture(text)


def test_every_epoch_keeps_the_shares():
    mixture = Mixture(SIZES, WEIGHTS, seed=0, epoch_length=200)
    for epoch in range(3):
        counts = Counter(item.dataset for item in items_of(mixture, epoch))
        assert counts == {"oakink": 140, "dexfuncgrasp": 60} == mixture.counts


def test_shares_that_do_not_divide_are_off_by_less_than_one():
    weights = {"a": 1, "b": 1, "c": 1}
    mixture = Mixture(dict.fromkeys(weights, 5), weights, seed=0, epoch_length=100)
    assert sorted(mixture.counts.values()) == [33, 33, 34]


def test_no_item_is_taken_twice_before_all_were_taken_once_across_epochs():
    mixture = Mixture(SIZES, WEIGHTS, seed=3, epoch_length=31)
    taken = [item.index for epoch in range(30) for item in items_of(mixture, epoch) if item.dataset == "dexfuncgrasp"]
    for start in range(0, len(taken) - 20, 20):
        assert sorted(taken[start : start + 20]) == list(range(20))


def test_the_default_epoch_goes_through_every_data_set():
    mixture = Mixture(SIZES, WEIGHTS, seed=0)
    items = set(items_of(mixture, 0))
    assert {MixtureItem(name, index) for name, size in SIZES.items() for index in range(size)} <= items
    assert len(mixture) == 72  # 50 / 0.7 rounded up; 20 / 0.3 is less


def test_a_position_depends_on_seed_epoch_and_position_only():
    whole = items_of(Mixture(SIZES, WEIGHTS, seed=5, epoch_length=64), 2)
    # Two processes that take every second position, asked backwards and after other epochs, and data sets in any order.
    shared = {}
    for rank in (1, 0):
        mixture = Mixture(dict(reversed(SIZES.items())), WEIGHTS, seed=5, epoch_length=64)
        mixture.item(7, 1)
        for position in reversed(range(rank, 64, 2)):
            shared[position] = mixture.item(2, position)
    assert [shared[position] for position in range(64)] == whole


def test_seeds_and_epochs_give_other_orders():
    mixture = Mixture(SIZES, WEIGHTS, seed=0)
    other_seed = Mixture(SIZES, WEIGHTS, seed=1)
    assert items_of(mixture, 0) != items_of(mixture, 1)
    assert items_of(mixture, 0) != items_of(other_seed, 0)


@pytest.mark.parametrize(
    ("sizes", "weights", "length", "message"),
    [
        ({"oakink": 5}, WEIGHTS, None, "data sets oakink"),
        ({"oakink": 5, "dexfuncgrasp": 0}, WEIGHTS, None, "dexfuncgrasp: it is empty"),
        (SIZES, {"oakink": 1, "dexfuncgrasp": 0}, None, "positive"),
        (SIZES, {"oakink": 1, "dexfuncgrasp": 1e-6}, 100, "has none for dexfuncgrasp"),
    ],
)
def test_bad_mixtures_are_refused(sizes, weights, length, message):
    with pytest.raises(ConfigurationError, match=message):
        Mixture(sizes, weights, seed=0, epoch_length=length)


@pytest.mark.parametrize(("epoch", "position"), [(-1, 0), (0, -1), (0, 72)])
def test_positions_outside_of_an_epoch_are_refused(epoch, position):
    with pytest.raises(ConfigurationError, match="positions below 72"):
        Mixture(SIZES, WEIGHTS, seed=0).item(epoch, position)
