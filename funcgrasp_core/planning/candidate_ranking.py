"""Scores in [0, 1] that order a plan's candidates.

    score = (agreement^a clearance^c touch^t limits^l)^(1 / (a + c + t + l))

a weighted geometric mean, so that one bad term cannot be made up for by the others. It orders the candidates of one
plan; it is not calibrated against success.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from funcgrasp_core.contracts import CONTACT_TAU_M
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.contact_field import per_part_distances, soft_contact_targets
from funcgrasp_core.geometry.hand_object_terms import penetration_depths
from funcgrasp_core.geometry.surface_distance import vertex_normals
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.joint_limits import joint_angles_from_axis_angle, joint_bases, joint_limit_violation
from funcgrasp_core.hand.mano_layer import HandGeometry, HandLayer


@dataclass(frozen=True)
class RankingConfig:
    """Exponents and scales of the score."""

    agreement_exponent: float = 0.5
    clearance_exponent: float = 0.25
    touch_exponent: float = 0.25
    limits_exponent: float = 0.25
    penetration_scale_m: float = 0.005  # a hand this deep inside the object has clearance 1/e
    touch_distance_m: float = 0.005  # a hand part this near touches; as the evaluation's contact ratio has it
    sufficient_parts: int = 3  # touching parts beyond which more say nothing: a pinch has three
    violation_scale_rad: float = 0.175  # 10 degrees past a joint's limit give limits 1/e

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigurationError(f"RankingConfig.{name} must be positive, got {value}.")


@dataclass(frozen=True)
class CandidateScores:
    """What ranking finds out about K candidates.

    Attributes:
        total: [K] the score.
        terms: name -> [K], each in [0, 1].
        penetration_m: [K] depth of the deepest object point inside the hand.
        num_touching_parts: [K] long, hand parts within the touch distance.
        hand: the posed candidates, in the frame of the object points.
    """

    total: Tensor
    terms: dict[str, Tensor]
    penetration_m: Tensor
    num_touching_parts: Tensor
    hand: HandGeometry

    def order(self) -> Tensor:
        """Indices [K] of the candidates, best first; equals keep their order."""
        return torch.argsort(self.total, descending=True, stable=True)


class CandidateRanker:
    """Scores candidates of one object against that object's points and their own contact maps."""

    def __init__(self, hand_layer: HandLayer, config: RankingConfig | None = None):
        self.config = RankingConfig() if config is None else config
        self._hand_layer = hand_layer
        self._part_labels = vertex_part_labels(hand_layer.assets)
        self._joint_bases = joint_bases(hand_layer.assets)

    @torch.no_grad()
    def score(self, vectors: Tensor, contact_probabilities: Tensor, object_points: Tensor) -> CandidateScores:
        """Scores the candidates of one object.

        Args:
            vectors: [K, 61] MANO vectors in the frame of `object_points`.
            contact_probabilities: [K, N, 6] the contact map predicted for each candidate's own palm pose.
            object_points: [N, 3] metres.
        """
        config = self.config
        num_candidates = vectors.shape[0]
        hand = self._hand_layer.from_vector(vectors)
        points = object_points.expand(num_candidates, -1, -1)
        distances = per_part_distances(points, hand.vertices, self._part_labels.to(vectors.device))
        normals = vertex_normals(hand.vertices, self._hand_layer.closed_faces.to(vectors.device))
        penetration_m = penetration_depths(points, hand.vertices, normals).amax(dim=1)
        num_touching_parts = (distances.amin(dim=1) < config.touch_distance_m).sum(dim=1)
        angles = joint_angles_from_axis_angle(vectors[:, 3:48], self._joint_bases.to(vectors))
        worst_violation_rad = joint_limit_violation(angles).flatten(1).amax(dim=1)

        terms = {
            "agreement": soft_overlap(soft_contact_targets(distances, CONTACT_TAU_M), contact_probabilities),
            "clearance": torch.exp(-penetration_m / config.penetration_scale_m),
            "touch": (num_touching_parts / config.sufficient_parts).clamp(max=1.0),
            "limits": torch.exp(-worst_violation_rad / config.violation_scale_rad),
        }
        return CandidateScores(self._combine(terms), terms, penetration_m, num_touching_parts, hand)

    def _combine(self, terms: dict[str, Tensor]) -> Tensor:
        exponents = {name: getattr(self.config, f"{name}_exponent") for name in terms}
        product = torch.stack([terms[name] ** exponents[name] for name in terms]).prod(dim=0)
        return product ** (1 / sum(exponents.values()))


def soft_overlap(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of two soft contact maps [K, N, 6]: sum of minima over sum of maxima, [K] in [0, 1].

    Two maps without any contact overlap by 0: they claim nothing in common.
    """
    union = torch.maximum(first, second).flatten(1).sum(dim=1)
    intersection = torch.minimum(first, second).flatten(1).sum(dim=1)
    return intersection / union.clamp(min=torch.finfo(union.dtype).tiny)
