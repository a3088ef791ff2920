"""Options of the grasp model's training, and the experiment that they describe."""

import argparse
import dataclasses
import os
from pathlib import Path
from typing import get_args

import torch

from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from training.data.broken_files import OnBroken
from training.data.data_sets import Readings
from training.data.dexfuncgrasp.reading import DexFuncGraspReading
from training.data.oakink_reading import OakInkReading
from training.experiments import (
    EXPERIMENTS,
    Experiment,
    get_experiment,
    in_debug_mode,
    with_items,
    with_optimisation,
    with_qwen_in_float32,
    with_qwen_tuning,
)

OPTION_VARIABLES = ("DATA_ROOT", "EXP_NAME", "DEBUG", "QWEN_TUNING")
"""Environment variables that stand in for options; empty ones count as not set."""

TINY_QWEN = "tiny-qwen"
"""In the place of a folder: a tiny checkpoint with random weights."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options; environment variables stand in for some of them."""
    environment = os.environ.get
    parser = argparse.ArgumentParser(
        description="Train the grasp model. The same command goes on with a run that was stopped or killed.",
        epilog="Environment variables stand in for options: DATA_ROOT for --data, EXP_NAME for --name, DEBUG=true for "
        "--debug, QWEN_TUNING for --qwen-tuning. Several GPUs: `accelerate launch -m training.train_grasp_model ...`.",
    )
    parser.add_argument(
        "--data",
        help="`procedural`, a folder, or a mixture KIND:FOLDER:WEIGHT,... (default: $DATA_ROOT, or else procedural)",
    )
    parser.add_argument(
        "--on-broken",
        choices=get_args(OnBroken),
        default="refuse",
        help="broken files end the run, or are listed and left out",
    )
    parser.add_argument("--with-virtual", action="store_true", help="of OakInk also the grasps of virtual objects")
    parser.add_argument("--cache", type=Path, help="folder of what is computed once (default: in that of the data set)")
    parser.add_argument(
        "--encode-pictures",
        action="store_true",
        help="in every step, even where features could be kept on disk",
    )
    parser.add_argument("--experiment", default="compact", choices=sorted(EXPERIMENTS), help="what to train")
    parser.add_argument(
        "--semantic",
        help=f"folder of a Qwen2.5-VL checkpoint, for models with one; `{TINY_QWEN}` makes a tiny random one",
    )
    parser.add_argument("--qwen-tuning", help="lora, full or frozen")
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


def chosen_device(options: argparse.Namespace) -> str:
    """cpu or cuda."""
    if options.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return options.device


def chosen_readings(options: argparse.Namespace) -> Readings:
    """Which grasps are read."""
    return Readings(
        OakInkReading(with_virtual=options.with_virtual, on_broken=options.on_broken),
        DexFuncGraspReading(on_broken=options.on_broken),
    )


def chosen_experiment(options: argparse.Namespace) -> Experiment:
    """The experiment that the options describe.

    On a CPU the language model is held in float32: most CPUs take several times as long for bfloat16.
    """
    experiment = get_experiment(options.experiment)
    if options.debug:
        experiment = in_debug_mode(experiment)
    tuning = options.qwen_tuning
    if tuning is None and isinstance(experiment.model.semantic, QwenSemanticConfig):
        tuning = os.environ.get("QWEN_TUNING") or None
    if chosen_device(options) == "cpu":
        experiment = with_qwen_in_float32(experiment)
    if tuning is not None:
        experiment = with_qwen_tuning(experiment, tuning)
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
