"""Joins samples of a grasp data set into batches."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from funcgrasp_core.contracts import CONTACT_TAU_M, VIEW_SLOTS
from funcgrasp_core.geometry.contact_field import soft_contact_targets

_METADATA = ("category", "intent", "object_id", "grasp_id")


def collate_grasps(samples: Sequence[dict[str, Any]], tau: float = CONTACT_TAU_M) -> dict[str, Any]:
    """A batch of B samples.

    Args:
        samples: as a grasp data set gives them.
        tau: length scale of soft contact, metres.

    Returns:
        pts [B, N, 3]; mano_params [B, 61]; per_finger_distances and contact_soft_targets [B, N, 6];
        contact_hard_labels [B, N]; images_list: for each sample the PIL pictures of the slots it has, in the order of
        VIEW_SLOTS; view_mask [B, 6], which slots these are; texts_list; and a list each of category, intent,
        object_id and grasp_id.

    Raises:
        InvalidDistancesError: tau is not positive, or a distance is negative or not finite.
    """
    distances = torch.stack([sample["per_finger_distances"] for sample in samples])
    pictures = [sample["object_images"] for sample in samples]
    return {
        "pts": torch.stack([sample["obj_points"] for sample in samples]),
        "mano_params": torch.stack(
            [torch.cat([sample["mano_pose"], sample["mano_shape"], sample["mano_trans"]]) for sample in samples]
        ),
        "per_finger_distances": distances,
        "contact_soft_targets": soft_contact_targets(distances, tau),
        "contact_hard_labels": torch.stack([sample["contact_labels"] for sample in samples]),
        "images_list": [[Image.fromarray(views[slot]) for slot in VIEW_SLOTS if slot in views] for views in pictures],
        "view_mask": torch.tensor([[slot in views for slot in VIEW_SLOTS] for views in pictures]),
        "texts_list": [sample["instruction"] for sample in samples],
        **{key: [sample[key] for sample in samples] for key in _METADATA},
    }
