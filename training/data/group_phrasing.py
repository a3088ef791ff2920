"""Which instructions ask for the grasps of a group."""

from collections.abc import Sequence

from training.data.instruction_phrasing import phrases
from training.data.observation_store import GraspGroup, Phrasing


def group_phrasing(split: str) -> Phrasing:
    """Instructions for the groups of a split; those of the test split are kept for it.

    A part is named ("by the handle") only where the grasps are known to keep to it.
    """
    kept = "test" if split == "test" else "train"

    def phrasing(group: GraspGroup) -> Sequence[str]:
        return phrases(group.category, group.intent, kept, group.keeps_to_parts)

    return phrasing
