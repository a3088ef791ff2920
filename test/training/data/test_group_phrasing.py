import dataclasses

import torch

from training.data.group_phrasing import group_phrasing
from training.data.instruction_phrasing import phrases
from training.data.observation_store import GraspGroup

GROUP = GraspGroup(0, "mug", "use", torch.tensor([0]), keeps_to_parts=True)


def test_parts_are_named_only_where_grasps_keep_to_them():
    told = set(group_phrasing("train")(GROUP))
    assert any("handle" in text for text in told)
    recorded = set(group_phrasing("train")(dataclasses.replace(GROUP, keeps_to_parts=False)))
    assert recorded
    assert not any("handle" in text for text in recorded)


def test_sentences_kept_for_testing_are_told_in_that_split_alone():
    assert not set(group_phrasing("test")(GROUP)) & set(group_phrasing("train")(GROUP))
    assert group_phrasing("val")(GROUP) == phrases("mug", "use", "train")
