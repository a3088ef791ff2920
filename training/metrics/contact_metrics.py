"""How well predicted contact probabilities agree with hard contact labels, by the distance rule."""

from torch import Tensor

from funcgrasp_core.contracts import CONTACT_CLASS_NAMES, CONTACT_TAU_M, CONTACT_THRESHOLD_M, NO_CONTACT_LABEL
from funcgrasp_core.geometry.contact_field import contact_labels_from_probabilities


def compute_contact_metrics(
    probabilities: Tensor,
    hard_labels: Tensor,
    tau: float = CONTACT_TAU_M,
    threshold: float = CONTACT_THRESHOLD_M,
) -> dict[str, float]:
    """Accuracy over the seven classes; precision, recall and F1 of contact against no contact; accuracy of each class.

    Args:
        probabilities: [B, N, 6] predicted.
        hard_labels: [B, N] long, 0 to 6.
        tau: length scale of the probabilities, metres.
        threshold: of contact, metres.

    Returns:
        `accuracy`, `precision`, `recall`, `f1` and `acc_no_contact`, `acc_palm`, `acc_thumb`, `acc_index`,
        `acc_middle`, `acc_ring`, `acc_pinky`; NaN for a class that does not occur. With nothing to find and nothing
        found, precision, recall and F1 are 1.
    """
    predicted = contact_labels_from_probabilities(probabilities.float(), tau, threshold)
    found, true = predicted != NO_CONTACT_LABEL, hard_labels != NO_CONTACT_LABEL
    num_found, num_true, num_common = (int(mask.sum()) for mask in (found, true, found & true))
    metrics = {
        "accuracy": float((predicted == hard_labels).float().mean()),
        "precision": _ratio(num_common, num_found),
        "recall": _ratio(num_common, num_true),
        "f1": _ratio(2 * num_common, num_found + num_true),
    }
    for label, name in enumerate(CONTACT_CLASS_NAMES):
        of_class = hard_labels == label
        right = (predicted == label)[of_class]
        metrics[f"acc_{name}"] = float(right.float().mean()) if right.numel() else float("nan")
    return metrics


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else 1.0
