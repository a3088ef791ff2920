"""The lines that a training run writes to its log."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from funcgrasp_core.contracts import CONTACT_CLASS_NAMES

RULE = "=" * 80
_SHORT_CLASS_NAMES = {"no_contact": "no_c", "middle": "mid"}
_TERM_LABELS = {"total": "Loss", "contact": "C_Loss", "flow": "F_Loss", "accuracy": "C_Acc"}
_THREE_DIGITS = ("accuracy",)


@dataclass
class RunningMeans:
    """Means of named values since the beginning of an epoch.

    Attributes:
        sums: by name.
        count: of steps.
    """

    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def add(self, values: Mapping[str, float]) -> None:
        """Take in the values of a step."""
        self.count += 1
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def clear(self) -> None:
        """Begin another epoch."""
        self.sums.clear()
        self.count = 0

    def mean(self, name: str) -> float:
        """Mean of a value so far."""
        return self.sums[name] / self.count


def training_line(epoch: int, step: int, steps_per_epoch: int, values: Mapping[str, float], means: RunningMeans) -> str:
    """Losses and contact accuracy of a step, and their means over the epoch so far.

    Args:
        epoch: counted from 1.
        step: within the epoch, from 1.
        steps_per_epoch: of them.
        values: `total`, `contact`, `flow`, `accuracy`; further terms stand at the end.
        means: of the same values.
    """
    labels = _TERM_LABELS | {name: f"{name.capitalize()}_Loss" for name in values if name not in _TERM_LABELS}
    parts = []
    for name, label in labels.items():
        digits = 3 if name in _THREE_DIGITS else 4
        parts.append(f"{label}: {values[name]:.{digits}f} (avg: {means.mean(name):.{digits}f})")
    return f"Epoch {epoch} [{step}/{steps_per_epoch}] " + " ".join(parts)


def class_accuracy_line(metrics: Mapping[str, float]) -> str:
    """Accuracy of each contact class; `nan` for one that does not occur."""
    classes = (f"{_SHORT_CLASS_NAMES.get(name, name)}={metrics[f'acc_{name}']:.3f}" for name in CONTACT_CLASS_NAMES)
    return "  Per-Class Acc: " + " ".join(classes)


def validation_batch_lines(
    number: int, num_batches: int, loss: float, metrics: Mapping[str, float], mean_accuracy: float
) -> list[str]:
    """A validation batch: its loss and accuracies, and the accuracy over all batches so far."""
    accuracy = metrics["accuracy"]
    first = f"Validation [{number}/{num_batches}] Loss: {loss:.4f} C_Acc: {accuracy:.3f} (avg: {mean_accuracy:.3f})"
    return [first, class_accuracy_line(metrics)]


def validation_lines(values: Mapping[str, float]) -> list[str]:
    """The whole validation: total loss, accuracy, F1 and accuracies by class, then what else was measured."""
    known = {"total", "accuracy", "f1", *(f"acc_{name}" for name in CONTACT_CLASS_NAMES)}
    others = " ".join(f"{name} {value:.4f}" for name, value in values.items() if name not in known)
    return [
        f"Val - Loss: {values['total']:.4f}, Acc: {values['accuracy']:.3f}, F1: {values['f1']:.3f}",
        class_accuracy_line(values),
        f"  {others}",
    ]
