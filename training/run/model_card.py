"""A card for every trained model: what it is, what it saw, how it was made, how it did, what it is not for.

Headings follow Mitchell et al., "Model Cards for Model Reporting", FAT* 2019. Only what the run itself knows stands in
it; how good the grasps are is measured afterwards, by `training.evaluate_grasps`.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from training.data.data_sets import DataSource
from training.data.mixed_store import GraspStore
from training.experiments import Experiment
from training.markdown import bulleted, markdown_table
from training.run.metrics_file import Curves


@dataclass(frozen=True)
class TrainedRun:
    """What a finished run knows.

    Attributes:
        experiment: every choice.
        command: that the run was started by.
        provenance: of the checkpoint file.
        sources: the data sets.
        stores: the splits that were read.
        curves: every number that was logged.
        num_parameters: see `count_parameters`.
    """

    experiment: Experiment
    command: str
    provenance: Mapping[str, str]
    sources: Sequence[DataSource]
    stores: Mapping[str, GraspStore]
    curves: Curves
    num_parameters: tuple[int, int]


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """How many parameters a model has, and how many of them are trained."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, is_trained in sizes if is_trained)


def model_card(run: TrainedRun) -> str:
    """The card as Markdown."""
    experiment = run.experiment
    parts = [
        f"# {experiment.model.name}, trained as `{experiment.name}`",
        "## Model",
        bulleted(_model_facts(run)),
        "## Intended use",
        "Proposing right-hand grasps in MANO parameters for one object and one instruction, as `funcgrasp plan` and "
        "the planner node do, which rank and check them. A robot that carries one out needs its own checks of reach, "
        "force and safety.",
        "## Data",
        bulleted(_data_facts(run)),
        "## Training",
        f"```\n{run.command}\n```",
        markdown_table(["", ""], [[name.replace("_", " "), value] for name, value in run.provenance.items()]),
        "## Validation",
        _validation(run),
        "How good the sampled grasps are is another question; `python -m training.evaluate_grasps --checkpoint "
        "model.safetensors` answers it.",
        "## Limits",
        bulleted(_limits(experiment)),
        "## Settings",
        f"```json\n{json.dumps(dataclasses.asdict(experiment), indent=1)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _model_facts(run: TrainedRun) -> list[str]:
    model = run.experiment.model
    total, trained = run.num_parameters
    facts = [
        f"{total:,} parameters, of which {trained:,} were trained",
        "input: object points in metres, up to six views, an instruction; output: MANO grasps and, for each point, "
        "contact probabilities of palm and fingers",
        "kind: " + ("one contact map per object and instruction" if model.mode is None else "a palm pose first"),
    ]
    if isinstance(model.semantic, QwenSemanticConfig):
        facts.append(
            f"language model: Qwen2.5-VL, tuning `{model.semantic.tuning}`; the checkpoint that it was built on is not "
            "in the file and is needed to run it, under its own licence"
        )
        if model.semantic.tuning != "frozen":
            facts.append("what was tuned of it lies in `model.semantic/`, which must go with the file")
    return facts


def _data_facts(run: TrainedRun) -> list[str]:
    weights = sum(source.weight for source in run.sources)
    facts = [f"{source.kind}, `{source.root}`, {source.weight / weights:.0%} of an epoch" for source in run.sources]
    for split, store in run.stores.items():
        categories = sorted({group.category for group in store.groups})
        facts.append(f"{split}: {store.num_objects} objects, {store.num_grasps} grasps; {', '.join(categories)}")
    return [*facts, "the data sets' licences bind what was trained on them"]


def _validation(run: TrainedRun) -> str:
    newest = {name: splits["val"][-1] for name, splits in run.curves.items() if splits.get("val")}
    if not newest:
        return "The run ended before its first validation."
    step = max(at for at, _ in newest.values())
    rows = [[name.replace("_", " "), f"{value:.4g}"] for name, (at, value) in newest.items() if at == step]
    return f"On held-out objects, at step {step}:\n\n" + markdown_table(["", ""], rows)


def _limits(experiment: Experiment) -> list[str]:
    limits = [
        "right hands only; grasps are in the axes of the hand that ships with the package",
        "scores order the candidates of one request and are no probabilities of success",
        "objects unlike those of the data get grasps without a promise",
    ]
    if experiment.augmentation.partial_probability == 0 and experiment.augmentation.single_view_probability == 0:
        limits.append("trained on whole clouds only: clouds from one side are outside of what it knows")
    if experiment.augmentation.no_view_probability == 0:
        limits.append("always saw views in training: give it some")
    return limits
