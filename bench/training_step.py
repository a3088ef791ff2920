"""One training step of `funcgrasp_v2` with Qwen2.5-VL at its 3B shape: ours against the straightforward recipe.

python -m bench.training_step --device cuda --json FILE [--batch 32] [--shape 3b|tiny] [--steps N] [--levers NAME ...]

Weights are random and shared by both; nothing is downloaded. A batch that does not fit is tried with recomputed layers
in ours too, then halved; the rows say so. The file is written anew after every row.
"""

import argparse
import gc
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from bench.known_gpus import known_gpu
from bench.qwen_shapes import SHAPES
from bench.side_by_side import SideBySide, compare, machine_facts
from bench.step_costs import OURS, PLAIN_RECIPE, StepCosts
from bench.training_levers import LEVERS
from bench.training_recipes import TrainingRecipes, without_dropout

STEPS = 20
WARM_UP_STEPS = 3
FLOAT32_BATCH = 2
LEAST_COSINE, LEAST_COSINE_FLOAT32 = 0.999, 0.9999
LARGEST_LOSS_ERROR, LARGEST_LOSS_ERROR_FLOAT32 = 1e-2, 1e-4


@dataclass(frozen=True)
class Agreement:
    """How far two recipes with the same weights, noise and times compute the same.

    Attributes:
        loss_error: relative difference of the losses, as trained.
        adapter_cosine: of the gradients of all adapters, as trained.
        float32_loss_error: with all weights and products in float32, at a smaller batch; None if that did not fit.
        float32_adapter_cosine: likewise. Tells rounding from a difference of the recipes.
    """

    loss_error: float
    adapter_cosine: float
    float32_loss_error: float | None = None
    float32_adapter_cosine: float | None = None

    @property
    def is_the_same(self) -> bool:
        """Equal within bfloat16, or equal in float32 with losses equal within bfloat16."""
        rounds_alike = self.loss_error <= LARGEST_LOSS_ERROR
        if self.float32_adapter_cosine is None or self.float32_loss_error is None:
            return rounds_alike and self.adapter_cosine >= LEAST_COSINE
        is_equal = self.float32_loss_error <= LARGEST_LOSS_ERROR_FLOAT32
        return rounds_alike and is_equal and self.float32_adapter_cosine >= LEAST_COSINE_FLOAT32


@dataclass(frozen=True)
class StepFigures:
    """What one side of a row needs.

    Attributes:
        useful_tflop: of a step, see `bench.model_costs`.
        mfu: useful operations in the median time over the GPU's published peak; None for a GPU without one.
        peak_gib: most memory allocated during a step, without the other side's optimiser; None on a CPU.
    """

    useful_tflop: float
    mfu: float | None
    peak_gib: float | None


@dataclass(frozen=True)
class StepRow:
    """Times, memory and agreement of two ways to make a step.

    Attributes:
        timing: of both sides.
        batch_size: observations.
        ours: figures.
        straightforward: figures.
        agreement: of both.
    """

    timing: SideBySide
    batch_size: int
    ours: StepFigures
    straightforward: StepFigures
    agreement: Agreement


class StepBench:
    """Makes rows for one set of recipes.

    Args:
        recipes: to compare.
        num_steps: timed ones of each side.
    """

    def __init__(self, recipes: TrainingRecipes, num_steps: int) -> None:
        self.recipes = recipes
        self.num_steps = num_steps
        self.costs = StepCosts.of(recipes.qwen.config, recipes.ours.config)
        self.recomputes = False

    @property
    def batch_size(self) -> int:
        """Of the present batch."""
        return len(self.recipes.batches.observations.texts)

    @property
    def length(self) -> int:
        """Tokens of a prompt on average, without what rows are filled up with."""
        texts = self.recipes.batches.observations.texts
        prompts = self.recipes.qwen.encoder.prompts(texts, self.recipes.batches.pictures.mask.tolist())
        return round(float(prompts.is_token.sum(dim=1).double().mean()))

    def our_step(self) -> float:
        """As the trainer makes it, with recomputed layers only if nothing else fits."""
        return self.recipes.our_step(self.recomputes)

    def main_row(self) -> StepRow:
        """Ours against the straightforward recipe."""
        recipes = self.recipes
        agreement = self._agreement(lambda: recipes.our_gradients(self.recomputes), recipes.plain_gradients)
        with_float32 = self._float32_agreement()
        if with_float32 is not None:
            agreement = replace(
                agreement,
                float32_loss_error=with_float32.loss_error,
                float32_adapter_cosine=with_float32.adapter_cosine,
            )
        name = f"training step B={self.batch_size}" + (", ours recomputes layers" if self.recomputes else "")
        return self._row(name, self.our_step, recipes.plain_step, agreement, plain_is_ours=False)

    def lever_row(self, lever: str) -> StepRow:
        """Ours with one more change against ours."""
        recipes = self.recipes
        context = LEVERS[lever](recipes)

        def changed(function: Callable[[bool], float]) -> float:
            with context():
                return function(self.recomputes != (lever == "recompute"))

        agreement = self._agreement(
            lambda: changed(recipes.our_gradients), lambda: recipes.our_gradients(self.recomputes)
        )
        name = f"training step B={self.batch_size}, ours with {lever} / ours"
        return self._row(name, lambda: changed(recipes.our_step), self.our_step, agreement, plain_is_ours=True)

    def _agreement(self, ours: Callable[[], float], other: Callable[[], float]) -> Agreement:
        losses, gradients = [], []
        with without_dropout(self.recipes.ours):
            for function in (ours, other):
                self.recipes.drop_gradients()
                losses.append(function())
                gradients.append(self.recipes.adapter_gradients())
        cosine = torch.nn.functional.cosine_similarity(*(gradient.double() for gradient in gradients), dim=0)
        return Agreement(abs(losses[0] - losses[1]) / abs(losses[1]), float(cosine))

    def _float32_agreement(self) -> Agreement | None:
        recipes, batch_size = self.recipes, self.batch_size
        try:
            recipes.set_batch(min(FLOAT32_BATCH, batch_size))
            with recipes.in_float32():
                return self._agreement(recipes.our_gradients, recipes.plain_gradients)
        except torch.OutOfMemoryError:
            return None
        finally:
            _free(recipes)
            recipes.set_batch(batch_size)

    def _row(
        self,
        name: str,
        ours: Callable[[], float],
        other: Callable[[], float],
        agreement: Agreement,
        plain_is_ours: bool,
    ) -> StepRow:
        device, recipes = self.recipes.device, self.recipes
        timing = compare(name, ours, other, agreement.is_the_same, device, self.num_steps, WARM_UP_STEPS)
        optimisers = recipes.plain_optimiser, recipes.our_optimiser
        plans = (OURS, OURS if plain_is_ours else PLAIN_RECIPE)
        sides = []
        for step, idle, plan, milliseconds in zip(
            (ours, other),
            (optimisers[0], optimisers[0] if plain_is_ours else optimisers[1]),
            plans,
            (timing.ours_ms, timing.straightforward_ms),
            strict=True,
        ):
            flop = sum(self.costs.flop(replace(plan, batch_size=self.batch_size, length=self.length)).values())
            peak = _peak_bytes(step, device)
            sides.append(
                StepFigures(
                    useful_tflop=flop / 1e12,
                    mfu=_utilisation(flop, milliseconds["p50"] / 1e3, device),
                    peak_gib=None if peak is None else (peak - _state_bytes(idle)) / 2**30,
                )
            )
        return StepRow(timing, self.batch_size, sides[0], sides[1], agreement)


def fitting_row(bench: StepBench) -> StepRow:
    """The main row at the largest batch that fits, found by trying."""
    while True:
        row = _unless_out_of_memory(bench.main_row)
        if row is not None:
            return row
        _free(bench.recipes)
        if not bench.recomputes:
            bench.recomputes = True
        elif bench.batch_size > 1:
            bench.recomputes = False
            bench.recipes.set_batch(bench.batch_size // 2)
        else:
            raise SystemExit("error: not even one observation fits into the device's memory")


def _unless_out_of_memory(function: Callable[[], StepRow]) -> StepRow | None:
    try:
        return function()
    except torch.OutOfMemoryError:
        return None


def _free(recipes: TrainingRecipes) -> None:
    recipes.drop_gradients()
    gc.collect()
    if recipes.device.type == "cuda":
        torch.cuda.empty_cache()


def _peak_bytes(step: Callable[[], float], device: torch.device) -> int | None:
    if device.type != "cuda":
        step()
        return None
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    step()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device)


def _state_bytes(optimiser: torch.optim.Optimizer) -> int:
    states = [state.values() for state in optimiser.state.values()]
    return sum(value.nbytes for values in states for value in values if isinstance(value, torch.Tensor))


def _utilisation(flop: float, seconds: float, device: torch.device) -> float | None:
    gpu = known_gpu(torch.cuda.get_device_name(device)) if device.type == "cuda" else None
    return None if gpu is None else flop / seconds / (gpu.bf16_tflops * 1e12)


def write_rows(rows: list[StepRow], facts: dict[str, Any], json_file: Path | None) -> None:
    """Write everything so far, with the machine's facts."""
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        content = {"machine": machine_facts(), **facts, "rows": [asdict(row) for row in rows]}
        json_file.write_text(json.dumps(content, indent=1) + "\n")


def print_row(row: StepRow) -> None:
    """One row for people."""
    timing, agreement = row.timing, row.agreement
    print(f"{timing.name}: x{timing.speed_up:.2f}")
    for side, milliseconds, figures in (
        ("ours", timing.ours_ms, row.ours),
        ("other", timing.straightforward_ms, row.straightforward),
    ):
        mfu = "" if figures.mfu is None else f", MFU {figures.mfu:.1%}"
        memory = "" if figures.peak_gib is None else f", {figures.peak_gib:.1f} GiB"
        print(f"  {side:6s} p50 {milliseconds['p50'] / 1e3:.4f} s, p95 {milliseconds['p95'] / 1e3:.4f} s{memory}{mfu}")
    print(f"  {agreement}" + ("" if timing.outputs_agree else "   OUTPUTS DIFFER: does not count"))


def main(arguments: list[str] | None = None) -> None:
    """Compare, lever by lever."""
    parser = argparse.ArgumentParser(description="Time a training step against the straightforward recipe.")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--shape", default="3b", choices=SHAPES, help="of Qwen2.5-VL")
    parser.add_argument("--batch", type=int, default=32, help="observations of a step")
    parser.add_argument("--steps", type=int, default=STEPS, help="timed steps of each side")
    default = [name for name in LEVERS if name != "compile"]
    parser.add_argument("--levers", nargs="*", default=default, choices=LEVERS, help="changes to try on ours")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        recipes = TrainingRecipes(
            options.shape, options.batch, torch.device(options.device), Path(temporary) / "tokenizer"
        )
        bench = StepBench(recipes, options.steps)
        rows = [fitting_row(bench)]
        facts = {"shape": options.shape, "tokens_per_prompt": bench.length}
        print_row(rows[0])
        write_rows(rows, facts, options.json)
        for lever in options.levers:
            row = _unless_out_of_memory(lambda name=lever: bench.lever_row(name))
            _free(recipes)
            if row is None:
                print(f"ours with {lever}: does not fit into the device's memory")
                continue
            rows.append(row)
            print_row(row)
            write_rows(rows, facts, options.json)


if __name__ == "__main__":
    main()
