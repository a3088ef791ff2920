"""Contact metrics of many batches as counts, which add up over batches and processes."""

import torch
from torch import Tensor

from funcgrasp_core.contracts import CONTACT_CLASS_NAMES, NO_CONTACT_LABEL

_NUM_CLASSES = len(CONTACT_CLASS_NAMES)


class ContactTally:
    """Counts of predicted and true contact classes.

    Attributes:
        counts: [7, 7] float64, true class by predicted class.
    """

    def __init__(self, counts: Tensor | None = None) -> None:
        self.counts = torch.zeros(_NUM_CLASSES, _NUM_CLASSES, dtype=torch.float64) if counts is None else counts

    def add(self, predicted: Tensor, true: Tensor) -> None:
        """Count labels [...] and [...], 0 to 6."""
        pairs = (true.flatten() * _NUM_CLASSES + predicted.flatten()).cpu()
        self.counts += torch.bincount(pairs, minlength=_NUM_CLASSES**2).view_as(self.counts)

    def metrics(self) -> dict[str, float]:
        """As `compute_contact_metrics` gives them for all labels together."""
        counts = self.counts
        num_true, num_found = counts[NO_CONTACT_LABEL + 1 :].sum(), counts[:, NO_CONTACT_LABEL + 1 :].sum()
        num_common = counts[NO_CONTACT_LABEL + 1 :, NO_CONTACT_LABEL + 1 :].sum()
        metrics = {
            "accuracy": float(counts.diagonal().sum() / counts.sum()),
            "precision": _ratio(num_common, num_found),
            "recall": _ratio(num_common, num_true),
            "f1": _ratio(2 * num_common, num_found + num_true),
        }
        by_class = counts.diagonal() / counts.sum(dim=1)  # NaN for a class that does not occur
        return metrics | {f"acc_{name}": float(by_class[label]) for label, name in enumerate(CONTACT_CLASS_NAMES)}


def _ratio(numerator: Tensor, denominator: Tensor) -> float:
    return float(numerator / denominator) if denominator > 0 else 1.0
