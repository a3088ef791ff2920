"""Validation: losses and contact metrics of held-out items, the same ones each time, shared out over processes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from funcgrasp_core.grasp_model.sample_random import stream_seed
from training.data.epoch_order import SeededItem
from training.run.contact_tally import ContactTally
from training.run.item_source import ItemSource
from training.run.log_lines import validation_batch_lines
from training.run.step_gradients import TrainingPass, added_up, denominators, moved_to, numerators

_VALIDATION_STREAM = 3


def validation_items(num_items: int, max_items: int | None, seed: int) -> list[SeededItem]:
    """The items that are validated, drawn from all without replacement, each with a fixed stream."""
    generator = torch.Generator().manual_seed(stream_seed(seed, _VALIDATION_STREAM))
    order = torch.randperm(num_items, generator=generator)[:max_items].tolist()
    return [SeededItem(index, stream_seed(seed, _VALIDATION_STREAM, index)) for index in order]


@dataclass(frozen=True)
class Validation:
    """Losses and contact metrics of one split.

    Attributes:
        training_pass: how a batch is predicted and compared.
        source: of the split.
        items: what is validated.
        batch_size: items of a pass, over all processes.
        log_interval: batches between two lines.
    """

    training_pass: TrainingPass
    source: ItemSource
    items: list[SeededItem]
    batch_size: int
    log_interval: int

    @torch.no_grad()
    def measure(self, model: nn.Module, say: Callable[[str], None]) -> dict[str, float]:
        """`total`, its terms, and contact metrics over all items; every process calls it at the same time.

        Args:
            model: in evaluation mode.
            say: takes the lines for the log.
        """
        objective = self.training_pass.objective
        batches = [self.items[start : start + self.batch_size] for start in range(0, len(self.items), self.batch_size)]
        sums: dict[str, Tensor] = {}
        tally = ContactTally()
        for number, items in enumerate(batches, start=1):
            totals = self._counts(model, items)
            batch_tally = ContactTally(torch.stack([totals.pop(name) for name in _COUNT_NAMES]).view(7, 7))
            tally = ContactTally(tally.counts + batch_tally.counts)
            sums = {name: sums.get(name, torch.zeros(())) + value for name, value in totals.items()}
            if number % self.log_interval == 0 or number == len(batches):
                loss = float(objective.terms(*_split(totals))["total"])
                metrics = batch_tally.metrics()
                accuracy = tally.metrics()["accuracy"]
                for line in validation_batch_lines(number, len(batches), loss, metrics, accuracy):
                    say(line)
        terms = {name: float(value) for name, value in objective.terms(*_split(sums)).items()}
        return terms | tally.metrics()

    def _counts(self, model: nn.Module, items: list[SeededItem]) -> dict[str, Tensor]:
        """Numerators, denominators and contact counts of a batch, over all processes."""
        accelerator = self.training_pass.accelerator
        own = items[accelerator.process_index :: accelerator.num_processes]
        # A process without an item goes through the motions, since the others may need its share of the weights.
        batch = self.source.draw(own or items[:1])
        targets, objective = self.training_pass.targets(batch), self.training_pass.objective
        on_device = moved_to(model, batch)
        prediction = self.training_pass.predict(model, on_device)
        tally = ContactTally()
        tally.add(*self.training_pass.labels(prediction, on_device))
        row = {f"sum {name}": value for name, value in numerators(objective, prediction, targets).items()}
        row |= {f"weight {name}": value for name, value in denominators(objective, targets).items()}
        row |= dict(zip(_COUNT_NAMES, tally.counts.flatten(), strict=True))
        return added_up(accelerator, [{name: value * bool(own) for name, value in row.items()}])


_COUNT_NAMES = [f"count {cell}" for cell in range(49)]


def _split(totals: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Numerators and denominators by term."""
    sums = {name.removeprefix("sum "): value for name, value in totals.items() if name.startswith("sum ")}
    weights = {name.removeprefix("weight "): value for name, value in totals.items() if name.startswith("weight ")}
    return sums, weights
