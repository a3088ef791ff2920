"""Which hand part is how near to each object point, as distances, soft targets and hard labels.

Shapes: B batch, N object points, V hand points, P parts (six; the last axis). Metres. The soft target of a distance
d is exp(-d / tau): 1 in contact, 0.6065 at 5 mm and 0.3679 at 10 mm for tau = 10 mm. Parts are independent, the six
values do not sum to one.
"""

import math

import torch
from torch import Tensor

from funcgrasp_core.contracts import CONTACT_TAU_M, CONTACT_THRESHOLD_M, NO_CONTACT_LABEL, PART_NAMES
from funcgrasp_core.errors import ConfigurationError, InvalidDistancesError
from funcgrasp_core.geometry.surface_distance import nearest_distances

MIN_PROBABILITY = 1e-7
"""Lower clamp before the logarithm; with tau = 10 mm it stands for 161 mm."""


def per_part_distances(
    object_points: Tensor, hand_points: Tensor, part_labels: Tensor, num_parts: int = len(PART_NAMES)
) -> Tensor:
    """Distance from each object point to the nearest point of each hand part. Differentiable.

    Args:
        object_points: [B, N, 3].
        hand_points: [B, V, 3], vertices or joints.
        part_labels: [V] long in 0..num_parts-1.
        num_parts: P.

    Returns:
        [B, N, P] metres.

    Raises:
        ConfigurationError: part_labels does not fit hand_points, or a part has no point.
    """
    if part_labels.shape != hand_points.shape[1:2]:
        raise ConfigurationError(
            f"part_labels must have one entry per hand point: expected ({hand_points.shape[1]},), "
            f"got {tuple(part_labels.shape)}; use the labels that belong to these vertices or joints"
        )
    members = [torch.nonzero(part_labels == part).squeeze(-1) for part in range(num_parts)]
    empty = [part for part, indices in enumerate(members) if indices.numel() == 0]
    if empty:
        raise ConfigurationError(
            f"every hand part needs at least one point: part numbers {empty} have none; check part_labels"
        )
    distances = [nearest_distances(object_points, hand_points[:, indices])[0] for indices in members]
    return torch.stack(distances, dim=-1)


def soft_contact_targets(distances: Tensor, tau: float = CONTACT_TAU_M) -> Tensor:
    """exp(-distances / tau), elementwise, in (0, 1].

    Args:
        distances: [..., P] metres, not negative, finite.
        tau: length scale in metres, positive.

    Raises:
        InvalidDistancesError: tau is not positive, or a distance is negative or not finite.
    """
    _check_tau(tau)
    _check_distances(distances)
    return torch.exp(-distances / tau)


def distances_from_probabilities(probabilities: Tensor, tau: float = CONTACT_TAU_M) -> Tensor:
    """The distances -tau ln(p) that probabilities [..., P] stand for, in metres; at most 161 mm for tau = 10 mm."""
    _check_tau(tau)
    return -tau * probabilities.clamp(MIN_PROBABILITY, 1.0).log()


def hard_contact_labels(distances: Tensor, threshold: float = CONTACT_THRESHOLD_M) -> Tensor:
    """The part nearest to each point, if below a threshold: [..., P] -> [...] long, 0 for no contact, else part + 1.

    A distance equal to the threshold is no contact; of equally near parts the first in PART_NAMES wins.
    """
    nearest, part = distances.min(dim=-1)
    return torch.where(nearest < threshold, part + 1, torch.full_like(part, NO_CONTACT_LABEL))


def contact_labels_from_probabilities(
    probabilities: Tensor, tau: float = CONTACT_TAU_M, threshold: float = CONTACT_THRESHOLD_M
) -> Tensor:
    """Hard labels [...] by the distance rule: a probability [..., P] is contact if its distance is below threshold."""
    return hard_contact_labels(distances_from_probabilities(probabilities, tau), threshold)


def _check_tau(tau: float) -> None:
    if not (math.isfinite(tau) and tau > 0):
        raise InvalidDistancesError(f"tau must be a positive length in metres, got {tau}; 0.010 is usual")


def _check_distances(distances: Tensor) -> None:
    bad = ~(torch.isfinite(distances) & (distances >= 0))
    num_bad = int(bad.sum())
    if num_bad == 0:
        return
    counts = {
        "NaN": torch.isnan(distances),
        "infinite": torch.isinf(distances),
        "negative": torch.isfinite(distances) & (distances < 0),
    }
    found = ", ".join(f"{int(mask.sum())} {name}" for name, mask in counts.items() if mask.any())
    first = tuple(torch.nonzero(bad)[0].tolist())
    raise InvalidDistancesError(
        f"hand-object distances must be finite and not negative: {num_bad} of {distances.numel()} are not "
        f"({found}; first at index {first}); the hand or the object of this sample was not computed, "
        "check its pose and vertices, or leave the sample out"
    )
