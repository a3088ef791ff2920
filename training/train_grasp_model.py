"""Train the grasp model: `python -m training.train_grasp_model --data procedural --experiment compact`.

A run that was stopped or killed goes on from its newest state when the same command is given again. Several GPUs or
machines: `accelerate launch -m training.train_grasp_model ...`. Environment variables stand in for options: DATA_ROOT
for --data, EXP_NAME for --name, DEBUG=true for --debug, QWEN_TUNING for --qwen-tuning.
"""

import argparse
import dataclasses
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import torch

from funcgrasp_core.checkpoints import save_checkpoint
from funcgrasp_core.errors import CheckpointMissingError, FuncGraspError
from funcgrasp_core.grasp_model.grasp_model import GraspModel, build_grasp_model
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from training.data.build_store import StoreSettings
from training.data.data_sets import open_store, resolve_data
from training.data.instruction_phrasing import phrases
from training.data.mixed_store import GraspStore
from training.experiments import (
    EXPERIMENTS,
    Experiment,
    get_experiment,
    in_debug_mode,
    with_items,
    with_optimisation,
    with_qwen_tuning,
)
from training.make_tiny_qwen import ensure_tiny_qwen
from training.run.checkpoint_store import CheckpointStore
from training.run.grasp_trainer import GraspTrainer, make_accelerator
from training.run.random_states import seed_everything
from training.run.reflow_teacher import ReflowTeacher
from training.run.run_log import RunLog
from training.run.sharding import whole_weights

TINY_QWEN = "tiny-qwen"
TINY_QWEN_FOLDER = Path("data/tiny_qwen")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of this script."""
    environment = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data",
        help="`procedural`, a folder, or a mixture KIND:FOLDER:WEIGHT,... (default: $DATA_ROOT, or else procedural)",
    )
    parser.add_argument("--cache", type=Path, help="folder of computed distances (default: in that of the data set)")
    parser.add_argument("--experiment", default="compact", choices=sorted(EXPERIMENTS), help="what to train")
    parser.add_argument(
        "--semantic",
        help=f"folder of a Qwen2.5-VL checkpoint, for models with one; `{TINY_QWEN}` makes a tiny random one",
    )
    parser.add_argument("--qwen-tuning", default=environment("QWEN_TUNING"), help="lora, full or frozen")
    parser.add_argument(
        "--name", default=environment("EXP_NAME"), help="of the folder under exp/ (default: the experiment's name)"
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        default=environment("DEBUG", "").lower() in ("1", "true", "yes"),
        help="a few small steps, looked at after each",
    )
    parser.add_argument("--steps", type=int, help="other number of optimiser steps than the experiment's")
    parser.add_argument("--epochs", type=int, help="the same in epochs")
    parser.add_argument("--batch-size", type=int, help="other number of items in a step, over all processes")
    parser.add_argument("--accumulation", type=int, help="passes that share a step; less memory, the same result")
    parser.add_argument("--seed", type=int, help="other seed than the experiment's")
    parser.add_argument("--qual-source", choices=("val", "test"), help="split of the samples that are shown in pages")
    parser.add_argument("--stop-after", type=int, help="stop at this step, to go on later")
    parser.add_argument(
        "--reflow-teacher", type=Path, help="trained checkpoint whose flows are straightened; training goes on from it"
    )
    parser.add_argument("--export", type=Path, help="also write the model here, in half precision")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="auto: cuda if there is one")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    options = parser.parse_args(arguments)
    if options.steps is not None and options.epochs is not None:
        parser.error("give --steps or --epochs, not both")
    return options


def chosen_experiment(options: argparse.Namespace) -> Experiment:
    """The experiment that the options describe."""
    experiment = get_experiment(options.experiment)
    if options.debug:
        experiment = in_debug_mode(experiment)
    if options.qwen_tuning and isinstance(experiment.model.semantic, QwenSemanticConfig):
        experiment = with_qwen_tuning(experiment, options.qwen_tuning)
    if options.steps is not None or options.epochs is not None:
        experiment = with_optimisation(experiment, num_steps=options.steps, num_epochs=options.epochs)
    if options.batch_size is not None:
        experiment = with_items(experiment, batch_size=options.batch_size)
    if options.accumulation is not None:
        experiment = with_optimisation(experiment, accumulation=options.accumulation)
    if options.seed is not None:
        experiment = dataclasses.replace(experiment, seed=options.seed)
    if options.qual_source is not None:
        report = dataclasses.replace(experiment.report, qual_source=options.qual_source)
        experiment = dataclasses.replace(experiment, report=report)
    return experiment


def semantic_folder(text: str | None, experiment: Experiment) -> Path | None:
    """Where the language model's checkpoint is, None for models without one.

    Raises:
        CheckpointMissingError: the model needs one and none is named.
    """
    if not isinstance(experiment.model.semantic, QwenSemanticConfig):
        return None if text is None else Path(text)
    if text is None:
        raise CheckpointMissingError(
            f"'{experiment.name}' needs a Qwen2.5-VL checkpoint: give its folder with --semantic, or "
            f"`--semantic {TINY_QWEN}` to try everything with a tiny random one"
        )
    return ensure_tiny_qwen(TINY_QWEN_FOLDER) if text == TINY_QWEN else Path(text)


def open_stores(options: argparse.Namespace, experiment: Experiment, model: GraspModel) -> Mapping[str, GraspStore]:
    """The splits that a run reads."""
    settings = StoreSettings(
        model.semantic_encoder.view_size, experiment.model.num_points, origin=experiment.items.origin
    )
    sources = resolve_data(options.data, debug=options.debug)
    splits = dict.fromkeys(("train", "val", experiment.report.qual_source))
    return {split: open_store(sources, split, settings, options.cache) for split in splits}


def main(arguments: list[str] | None = None) -> None:
    """Train, go on training, and export."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    experiment = chosen_experiment(options)
    device = options.device if options.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    accelerator = make_accelerator(device)
    folder = Path("exp") / (options.name or experiment.name + ("_debug" if options.debug else ""))
    log = RunLog(folder, is_silent=not accelerator.is_main_process)

    seed_everything(experiment.seed)
    # What is made on disk is made by one process of a machine, before the others read it.
    with accelerator.local_main_process_first():
        semantic = semantic_folder(options.semantic, experiment)
        model = build_grasp_model(experiment.model, semantic)
        stores = open_stores(options, experiment, model)
    for split, store in stores.items():
        log.say(f"{split}: {store.num_objects} objects, {len(store)} groups, {store.num_grasps} grasps")
    model.fit_targets(stores["train"].vectors_at_random_yaws(torch.Generator().manual_seed(experiment.seed)))
    teacher = None
    if options.reflow_teacher is not None:
        teacher = ReflowTeacher.of_checkpoint(options.reflow_teacher, semantic)
    trainer = GraspTrainer(
        experiment,
        model,
        stores,
        {
            split: lambda category, intent, kept="test" if split == "test" else "train": phrases(category, intent, kept)
            for split in stores
        },
        CheckpointStore(folder / "states", experiment.report.num_kept_states),
        log,
        accelerator,
        teacher,
    )
    trainer.run(options.stop_after)

    provenance = {
        "experiment": experiment.name,
        "step": str(trainer.step),
        "seed": str(experiment.seed),
        "cpu_seconds": f"{trainer.progress.cpu_seconds:.0f}",
        "num_train_grasps": str(stores["train"].num_grasps),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {accelerator.num_processes} processes, {options.threads} threads, {device}",
    }
    if teacher is not None:
        provenance["reflow_teacher"] = teacher.digest
    with trainer.averaged(), whole_weights(accelerator, trainer.model) as whole:
        if accelerator.is_main_process:
            assert isinstance(whole, GraspModel)
            save_checkpoint(folder / "model.safetensors", whole, provenance)
            log.say(f"wrote {folder / 'model.safetensors'} after {trainer.progress.cpu_seconds / 3600:.2f} CPU hours")
            if options.export is not None:
                save_checkpoint(options.export, whole, provenance, torch.float16)
                log.say(f"wrote {options.export}")
    log.close()
    accelerator.end_training()


if __name__ == "__main__":
    try:
        main()
    except FuncGraspError as error:
        raise SystemExit(f"error: {error}") from error
