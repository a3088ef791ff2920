"""How far the parts of posed hands are from points of their object: what contact is made of."""

import dataclasses
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.contact_field import per_part_distances
from funcgrasp_core.hand.hand_parts import JOINT_PART_LABELS, vertex_part_labels
from funcgrasp_core.hand.mano_layer import HandLayer
from training.data.block_cache import content_key

DistanceSource = Literal["vertices", "joints"]

_GRASPS_AT_ONCE = 4  # more are not faster and leave large holes in the memory


class GraspDistances:
    """Distances from object points to the nearest vertex, or joint, of each hand part.

    Args:
        hand_layer: poses the hands.
        source: "vertices" of the skin, or "joints" (21 points inside the fingers: rarely within 10 mm of an object).
    """

    def __init__(self, hand_layer: HandLayer, source: DistanceSource = "vertices"):
        if source not in get_args(DistanceSource):
            raise ConfigurationError(f"distance_source must be one of {get_args(DistanceSource)}, not '{source}'")
        self.source = source
        self._hand_layer = hand_layer
        self._labels = vertex_part_labels(hand_layer.assets) if source == "vertices" else JOINT_PART_LABELS

    @property
    def digest(self) -> str:
        """Differs where the hand's arrays, its implementation or the source differ."""
        assets = self._hand_layer.assets
        values = {field.name: getattr(assets, field.name) for field in dataclasses.fields(assets)}
        arrays = [value for _, value in sorted(values.items()) if isinstance(value, np.ndarray)]
        return content_key(self.source, type(self._hand_layer).__name__, assets.side, *arrays)

    @torch.no_grad()
    def __call__(self, points: Tensor, vectors: Tensor) -> Tensor:
        """Distances of M hands to the points that each of them comes with.

        Args:
            points: [M, N, 3] metres.
            vectors: [M, 61] MANO vectors in the same frame.

        Returns:
            [M, N, 6] metres.
        """
        parts = []
        for some_points, some in zip(points.split(_GRASPS_AT_ONCE), vectors.split(_GRASPS_AT_ONCE), strict=True):
            hands = self._hand_layer.from_vector(some)
            hand_points = hands.vertices if self.source == "vertices" else hands.joints
            parts.append(per_part_distances(some_points, hand_points, self._labels))
        return torch.cat(parts)
