import pytest

from funcgrasp_core.errors import ConfigurationError
from training.data.epoch_order import EpochOrder


def order_of(num_items: int, batch_size: int, seed: int) -> EpochOrder:
    return EpochOrder(lambda epoch, seed: range(num_items), batch_size, seed)


def indices(order: EpochOrder, steps) -> list[int]:
    return [item.index for step in steps for item in order.items(step)]


def test_an_epoch_visits_every_item_once_and_the_next_in_another_order():
    order = order_of(12, 4, seed=0)
    assert order.steps_per_epoch == 3
    first, second = indices(order, range(3)), indices(order, range(3, 6))
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second
    assert first != indices(order_of(12, 4, seed=1), range(3))


def test_items_and_streams_do_not_depend_on_the_batch_size():
    small, large = order_of(12, 2, seed=5), order_of(12, 6, seed=5)
    assert [item for step in range(6) for item in small.items(step)] == [
        item for step in range(2) for item in large.items(step)
    ]


def test_streams_differ_between_places_and_epochs():
    order = order_of(6, 3, seed=0)
    seeds = [item.seed for step in range(20) for item in order.items(step)]
    assert len(set(seeds)) == len(seeds)


def test_an_incomplete_batch_is_left_out_and_few_items_are_repeated():
    assert order_of(10, 4, seed=0).steps_per_epoch == 2
    few = order_of(3, 8, seed=0).items(0)
    assert sorted(item.index for item in few) == [0, 0, 0, 1, 1, 1, 2, 2]
    assert len({item.seed for item in few}) == 8


@pytest.mark.parametrize(("num_items", "batch_size"), [(0, 4), (4, 0)])
def test_empty_epochs_are_refused(num_items, batch_size):
    with pytest.raises(ConfigurationError, match="at least one item"):
        order_of(num_items, batch_size, seed=0)


def test_epochs_may_have_other_items_and_can_be_returned_to():
    order = EpochOrder(lambda epoch, seed: [10 * epoch + seed + number for number in range(4)], 2, seed=3)
    assert sorted(indices(order, (2, 3))) == [13, 14, 15, 16]
    assert sorted(indices(order, (0, 1))) == [3, 4, 5, 6]
    assert indices(order, (2, 3)) == indices(EpochOrder(order._epoch_items, 2, seed=3), (2, 3))
