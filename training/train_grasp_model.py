"""Train the grasp model: `python -m training.train_grasp_model --data procedural --experiment compact`.

A run that was stopped or killed goes on from its newest state when the same command is given again. Several GPUs or
machines: `accelerate launch -m training.train_grasp_model ...`. Environment variables stand in for options: DATA_ROOT
for --data, EXP_NAME for --name, DEBUG=true for --debug, QWEN_TUNING for --qwen-tuning.
"""

import argparse
import dataclasses
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from funcgrasp_core.checkpoints import save_checkpoint
from funcgrasp_core.errors import CheckpointMissingError, FuncGraspError
from funcgrasp_core.grasp_model.grasp_model import GraspModel, build_grasp_model
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from training.data.build_store import StoreSettings
from training.data.data_sets import open_store, resolve_data
from training.data.group_phrasing import group_phrasing
from training.data.mixed_store import GraspStore
from training.experiments import Experiment
from training.make_tiny_qwen import ensure_tiny_qwen
from training.run.checkpoint_store import CheckpointStore
from training.run.grasp_trainer import GraspTrainer, make_accelerator
from training.run.model_card import TrainedRun, count_parameters, model_card
from training.run.output_files import write_whole_text
from training.run.random_states import seed_everything
from training.run.reflow_teacher import ReflowTeacher
from training.run.run_log import RunLog
from training.run.sharding import whole_weights
from training.training_options import (
    OPTION_VARIABLES,
    TINY_QWEN,
    chosen_device,
    chosen_experiment,
    chosen_readings,
    parse_arguments,
)

TINY_QWEN_FOLDER = Path("data/tiny_qwen")


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


def open_stores(
    options: argparse.Namespace, experiment: Experiment, model: GraspModel, keeps_features: bool
) -> Mapping[str, GraspStore]:
    """The splits that a run reads, with the features of pictures if they are kept; the model is on its device."""
    settings = StoreSettings(
        model.semantic_encoder.view_size, experiment.model.num_points, origin=experiment.items.origin
    )
    sources = resolve_data(options.data, debug=options.debug)
    splits = dict.fromkeys(("train", "val", experiment.report.qual_source))
    encoder: Any = model.semantic_encoder if keeps_features else None
    device = next(model.parameters()).device
    return {
        split: open_store(
            sources,
            split,
            settings,
            options.cache,
            frozen_encoder=encoder,
            device=device,
            readings=chosen_readings(options),
        )
        for split in splits
    }


def command_line(arguments: Sequence[str], num_processes: int) -> str:
    """What starts such a run, with the environment variables that stand in for options."""
    variables = [f"{name}={shlex.quote(os.environ[name])}" for name in OPTION_VARIABLES if os.environ.get(name)]
    launcher = "python" if num_processes == 1 else f"accelerate launch --num_processes {num_processes}"
    return " ".join([*variables, launcher, "-m training.train_grasp_model", shlex.join(arguments)]).rstrip()


def main(arguments: list[str] | None = None) -> None:
    """Train, go on training, and export."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    experiment, device = chosen_experiment(options), chosen_device(options)
    accelerator = make_accelerator(device)
    folder = Path("exp") / (options.name or experiment.name + ("_debug" if options.debug else ""))
    log = RunLog(folder, is_silent=not accelerator.is_main_process)

    seed_everything(experiment.seed)
    # What is made on disk is made by one process of a machine, before the others read it.
    with accelerator.local_main_process_first():
        semantic = semantic_folder(options.semantic, experiment)
        model = build_grasp_model(experiment.model, semantic).to(accelerator.device)
        keeps_features = model.semantic_encoder.views_are_frozen and not options.encode_pictures
        if keeps_features:
            experiment = dataclasses.replace(experiment, augmentation=experiment.augmentation.without_brightness())
        stores = open_stores(options, experiment, model, keeps_features)
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
        {split: group_phrasing(split) for split in stores},
        CheckpointStore(folder / "states", experiment.report.num_kept_states),
        log,
        accelerator,
        teacher,
    )
    trainer.run(options.stop_after)

    provenance = {
        "experiment": experiment.name,
        "step": str(trainer.step) if trainer.is_finished else f"{trainer.step}, stopped before {trainer.num_steps}",
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
            run = TrainedRun(
                experiment,
                command_line(sys.argv[1:] if arguments is None else arguments, accelerator.num_processes),
                provenance,
                resolve_data(options.data, debug=options.debug),
                stores,
                log.curves(),
                count_parameters(whole),
            )
            write_whole_text(folder / "model_card.md", model_card(run))
            if options.export is not None and trainer.is_finished:
                save_checkpoint(options.export, whole, provenance, torch.float16)
                log.say(f"wrote {options.export}")
            elif options.export is not None:
                log.say(f"{options.export} is left as it was until all {trainer.num_steps} steps are made")
    log.close()
    accelerator.end_training()


if __name__ == "__main__":
    try:
        main()
    except FuncGraspError as error:
        raise SystemExit(f"error: {error}") from error
