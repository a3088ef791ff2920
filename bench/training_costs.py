"""What training `funcgrasp_v2` with Qwen2.5-VL-3B costs on named GPUs, computed: the tables of docs/training.md.

python -m bench.training_costs [--rate 0.4] [--write docs/training.md]

In the document a table stands between `<!-- NAME: made by bench/training_costs.py -->` and `<!-- end -->`.
"""

import argparse
import re
from dataclasses import replace
from pathlib import Path

from bench.known_gpus import KNOWN_GPUS, Gpu
from bench.qwen_shapes import QWEN_3B
from bench.step_costs import FULL_TUNING, OURS, PLAIN_RECIPE, StepCosts, StepPlan
from training.markdown import markdown_table

RATE = 0.4
"""Share of the published bfloat16 rate at which a step's operations are carried out; an assumption."""

STEPS_PER_EPOCH, NUM_EPOCHS = 1217, 100
NUM_OBJECTS, NUM_YAWS, NUM_PICTURES = 1800, 3, 12
"""OakInk's objects, real and virtual; rendered yaws of each and stored pictures of a yaw, see view_feature_store."""

RESERVED_GIB = 1.0
USABLE_SHARE = 0.95
"""What a process can hold: the CUDA context and what lies between allocations are taken off."""

GIB = 2**30
PLANS: dict[str, StepPlan] = {
    "LoRA, views cached": OURS,
    "LoRA, views cached, recomputing": replace(OURS, recomputes_layers=True),
    "LoRA as first described": PLAIN_RECIPE,
    "full tuning, recomputing": FULL_TUNING,
}


TIMED_PLANS = (OURS, PLAIN_RECIPE, FULL_TUNING)


def memory_table(costs: StepCosts) -> str:
    """Memory and operations of one step, by plan."""
    rows = []
    for name, plan in PLANS.items():
        memory = costs.memory_bytes(plan)
        numbers = [f"{value / GIB:.1f}" for value in (*memory.values(), sum(memory.values()))]
        flop = costs.flop(plan)
        rows.append([name, *numbers, f"{sum(flop.values()) / 1e12:.0f}", f"{costs.executed_flop(plan) / 1e12:.0f}"])
    header = ["32 observations", *costs.memory_bytes(OURS), "all, GiB", "useful TFLOP", "carried out"]
    return markdown_table(header, rows)


def fit_table(costs: StepCosts) -> str:
    """How many observations go through the model together on every GPU; a step of 32 is made of that many passes."""
    rows = []
    for gpu in KNOWN_GPUS:
        fitting = [costs.largest_batch(plan, available_bytes(gpu)) for plan in PLANS.values()]
        rows.append([gpu.name, *(str(number) if number else "none" for number in fitting)])
    return markdown_table(["GPU", *PLANS], rows)


def time_table(costs: StepCosts, rate: float) -> str:
    """Seconds of a step and days for all of OakInk-Shape."""
    rows = [_time_row(costs, gpu, 1, rate) for gpu in KNOWN_GPUS]
    rows.append(_time_row(costs, next(gpu for gpu in KNOWN_GPUS if gpu.name == "A100 80 GB"), 8, rate))
    plans = [name for name in PLANS if PLANS[name] in TIMED_PLANS]
    return markdown_table(["GPU", "TFLOP/s", "TB/s", *(f"{name}: s, days" for name in plans)], rows)


def disk_table(costs: StepCosts) -> str:
    """Room that cached features of views take."""
    picture = costs.vision.tokens * costs.vision.output * 2
    rows = [
        ["one picture", f"{costs.vision.tokens} tokens x {costs.vision.output} x 2 bytes", f"{picture / 1e6:.2f} MB"],
        [
            "one object",
            f"{NUM_YAWS} yaws x {NUM_PICTURES} pictures",
            f"{picture * NUM_YAWS * NUM_PICTURES / 1e6:.1f} MB",
        ],
        [
            "OakInk-Shape",
            f"about {NUM_OBJECTS} objects",
            f"{picture * NUM_YAWS * NUM_PICTURES * NUM_OBJECTS / 1e9:.0f} GB",
        ],
    ]
    return markdown_table(["features of", "", "on disk"], rows)


def available_bytes(gpu: Gpu) -> float:
    """What a training process can hold on a GPU."""
    return (gpu.memory_gib - RESERVED_GIB) * USABLE_SHARE * GIB


def days(costs: StepCosts, plan: StepPlan, gpu: Gpu, num_gpus: int, rate: float) -> float:
    """All epochs of OakInk-Shape."""
    return STEPS_PER_EPOCH * NUM_EPOCHS * step_seconds(costs, plan, gpu, num_gpus, rate) / 86400


def step_seconds(costs: StepCosts, plan: StepPlan, gpu: Gpu, num_gpus: int, rate: float) -> float:
    """One step of 32 observations, shared out evenly; what processes tell each other is hidden behind the work."""
    return costs.executed_flop(plan) / (num_gpus * gpu.bf16_tflops * 1e12 * rate)


def _time_row(costs: StepCosts, gpu: Gpu, num_gpus: int, rate: float) -> list[str]:
    """A plan of which not even one observation fits has no times."""
    name = gpu.name if num_gpus == 1 else f"{num_gpus} x {gpu.name}"
    cells = [name, f"{num_gpus * gpu.bf16_tflops:.0f}", f"{num_gpus * gpu.bandwidth_tb_s:.2f}"]
    for plan in TIMED_PLANS:
        times = step_seconds(costs, plan, gpu, num_gpus, rate), days(costs, plan, gpu, num_gpus, rate)
        fits = costs.largest_batch(plan, available_bytes(gpu)) > 0
        cells.append("{:.2f}, {:.1f}".format(*times) if fits else "does not fit")
    return cells


def all_tables(rate: float = RATE) -> dict[str, str]:
    """Every table by its name in the document."""
    costs = StepCosts.of(QWEN_3B)
    return {
        "costs of a step": memory_table(costs),
        "costs in memory": fit_table(costs),
        "costs in time": time_table(costs, rate),
        "costs on disk": disk_table(costs),
    }


def with_tables(text: str, tables: dict[str, str]) -> str:
    """A document with its tables made anew.

    Raises:
        ValueError: a table has no place in it.
    """
    for name, table in tables.items():
        place = rf"(<!-- {re.escape(name)}: made by bench/training_costs\.py -->\n).*?(<!-- end -->)"
        text, found = re.subn(place, lambda match, made=table: f"{match[1]}{made}\n{match[2]}", text, flags=re.DOTALL)
        if found != 1:
            raise ValueError(f"the document has {found} places for the table '{name}', expected 1")
    return text


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, or put them into the document."""
    parser = argparse.ArgumentParser(description="Compute what training costs on named GPUs.")
    parser.add_argument("--rate", type=float, default=RATE, help="share of the published rate that is reached")
    parser.add_argument("--write", type=Path, help="document whose tables are made anew")
    options = parser.parse_args(arguments)
    tables = all_tables(options.rate)
    if options.write is not None:
        options.write.write_text(with_tables(options.write.read_text(), tables))
    for name, table in tables.items():
        print(f"{name}\n\n{table}\n")


if __name__ == "__main__":
    main()
