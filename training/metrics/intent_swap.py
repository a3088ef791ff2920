"""Whether another instruction for the same object moves the hand to another part."""

from collections.abc import Mapping

from training.metrics.part_correctness import NO_PART


def swap_successes(
    touched: Mapping[tuple[str, str], int], called_for: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str, str], bool]:
    """For each object and ordered pair of its intents with different parts, whether the touched part changed to it.

    Args:
        touched: (object, intent) -> the part that the grasp for it touches, NO_PART if none.
        called_for: (object, intent) -> the part that the intent calls for.

    Returns:
        (object, intent before, intent after) -> true if the grasp after touches the part called for and the grasp
        before touched something, and not that part. A hand that ignores the instruction scores 0 in both orders.
    """
    successes = {}
    for (object_id, before), part_before in touched.items():
        for (other_id, after), part_after in touched.items():
            if object_id != other_id or called_for[object_id, before] == called_for[object_id, after]:
                continue
            wanted = called_for[object_id, after]
            successes[object_id, before, after] = part_after == wanted and part_before not in (wanted, NO_PART)
    return successes
