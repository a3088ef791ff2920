"""One training of an ablation: from a variant and a seed to two files of weights, resumable at any moment."""

import dataclasses
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from funcgrasp_core.errors import DatasetError
from funcgrasp_core.grasp_model.grasp_model import GraspModel, build_grasp_model
from training.ablation.variant import Variant
from training.ablation.variant_data import VariantData
from training.data.group_phrasing import group_phrasing
from training.run.checkpoint_store import CheckpointStore
from training.run.grasp_trainer import GraspTrainer, make_accelerator
from training.run.output_files import write_whole_text
from training.run.reflow_teacher import ReflowTeacher
from training.run.run_log import RunLog

_STATES, _WEIGHTS, _SUMMARY = "states", "{}.safetensors", "run.json"


@dataclass(frozen=True)
class TrainedRun:
    """Weights of a finished run.

    Attributes:
        folder: where they are.
        cpu_seconds: that training took, over all the processes that it took.
    """

    folder: Path
    cpu_seconds: float

    def load(self, variant: Variant, device: str = "cpu") -> GraspModel:
        """The model of a variant that trains to these weights, in evaluation mode."""
        path = self.folder / _WEIGHTS.format(variant.weights)
        try:
            tensors = load_file(path)
        except (SafetensorError, OSError) as error:
            raise DatasetError(f"{path} cannot be read ({error}): delete {self.folder}, and run again") from error
        return _model_with(variant, tensors).to(device).eval()


def run_of(folder: Path) -> TrainedRun | None:
    """The finished run in a folder, if there is one."""
    try:
        return TrainedRun(folder, float(json.loads((folder / _SUMMARY).read_text())["cpu_seconds"]))
    except (OSError, ValueError, KeyError):
        return None


def train_variant(
    variant: Variant, seed: int, data: VariantData, folder: Path, teacher: GraspModel | None, device: str = "cpu"
) -> TrainedRun:
    """Train, going on from the newest state in the folder; what is finished is not trained again.

    Args:
        variant: what to train.
        seed: of weights and order.
        data: to train on.
        folder: of this run alone.
        teacher: whose weights are started from, and whose flow pairs are learned if the variant says so.
        device: to train on.
    """
    finished = run_of(folder)
    if finished is not None:
        return finished
    experiment = dataclasses.replace(variant.experiment, seed=seed)
    begun = time.process_time()
    torch.manual_seed(seed)
    model = build_grasp_model(experiment.model)
    stores = {"train": data.training_store(variant), "val": data.validation_store()}
    model.fit_targets(stores["train"].vectors_at_random_yaws(torch.Generator().manual_seed(seed)))
    phrasings = dict.fromkeys(stores, group_phrasing("train"))
    log = RunLog(folder)
    checkpoints = CheckpointStore(folder / _STATES, experiment.report.num_kept_states)
    reflow = None
    if teacher is not None:
        reflow = ReflowTeacher.of_model(teacher)
        reflow.start(model)
    taught_by = reflow if variant.learns_pairs else None
    trainer = GraspTrainer(experiment, model, stores, phrasings, checkpoints, log, make_accelerator(device), taught_by)
    trainer.run()
    log.close()
    seconds = trainer.progress.cpu_seconds - begun
    if trainer.step < trainer.num_steps:
        raise KeyboardInterrupt  # the trainer has kept a state, and ends quietly when it is told to stop
    _save(trainer.accelerator.unwrap_model(trainer.model), folder / _WEIGHTS.format("last"))
    with trainer.averaged():
        _save(trainer.accelerator.unwrap_model(trainer.model), folder / _WEIGHTS.format("averaged"))
    write_whole_text(folder / _SUMMARY, json.dumps({"cpu_seconds": round(seconds, 1), "step": trainer.step}))
    shutil.rmtree(folder / _STATES, ignore_errors=True)
    return TrainedRun(folder, round(seconds, 1))


def _model_with(variant: Variant, tensors: dict[str, Tensor]) -> GraspModel:
    model = build_grasp_model(variant.experiment.model)
    model.load_state_dict(tensors)
    return model


def _save(model: torch.nn.Module, path: Path) -> None:
    unfinished = path.with_name(path.name + ".unfinished")
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}, unfinished)
    unfinished.replace(path)
