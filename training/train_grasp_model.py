"""Train the grasp model: `python -m training.train_grasp_model --data DIR --experiment compact`.

A run that was stopped or killed goes on from its newest state when the same command is given again.
"""

import argparse
import dataclasses
import os
import platform
from pathlib import Path

import torch

from funcgrasp_core.checkpoints import save_checkpoint
from funcgrasp_core.errors import FuncGraspError
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from training.data.build_store import StoreSettings
from training.data.data_sets import open_store, resolve_data
from training.data.instruction_phrasing import phrases
from training.experiments import EXPERIMENTS, get_experiment
from training.run.checkpoint_store import CheckpointStore
from training.run.grasp_trainer import GraspTrainer
from training.run.run_log import RunLog


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data",
        help="`procedural`, a folder, or a mixture KIND:FOLDER:WEIGHT,... (default: $DATA_ROOT, or else procedural)",
    )
    parser.add_argument("--cache", type=Path, help="folder of computed distances (default: in that of the data set)")
    parser.add_argument("--experiment", default="compact", choices=sorted(EXPERIMENTS), help="what to train")
    parser.add_argument(
        "--name", default=os.environ.get("EXP_NAME"), help="of the folder under exp/ (default: the experiment's name)"
    )
    parser.add_argument("--steps", type=int, help="other number of steps than the experiment's")
    parser.add_argument("--stop-after", type=int, help="stop at this step, to go on later")
    parser.add_argument("--export", type=Path, help="also write the averaged weights here, in half precision")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--seed", type=int, help="other seed than the experiment's")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Train, go on training, and export."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    experiment = get_experiment(options.experiment, options.steps)
    if options.seed is not None:
        experiment = dataclasses.replace(experiment, seed=options.seed)
    folder = Path("exp") / (options.name or experiment.name)
    log = RunLog(folder)

    torch.manual_seed(experiment.seed)
    model = build_grasp_model(experiment.model)
    sources = resolve_data(options.data)
    settings = StoreSettings(model.semantic_encoder.view_size, experiment.model.num_points)
    stores = {split: open_store(sources, split, settings, options.cache) for split in ("train", "val")}
    for split, store in stores.items():
        log.say(f"{split}: {store.num_objects} objects, {len(store)} groups, {store.num_grasps} grasps")
    model.fit_targets(stores["train"].vectors_at_random_yaws(torch.Generator().manual_seed(experiment.seed)))
    trainer = GraspTrainer(
        experiment,
        model,
        stores,
        {
            "train": lambda category, intent: phrases(category, intent, "train"),
            "val": lambda category, intent: phrases(category, intent, "train"),
        },
        CheckpointStore(folder / "states"),
        log,
        options.device,
    )
    trainer.run(options.stop_after)

    provenance = {
        "experiment": experiment.name,
        "step": str(trainer.step),
        "seed": str(experiment.seed),
        "cpu_seconds": f"{trainer.cpu_seconds:.0f}",
        "num_train_grasps": str(stores["train"].num_grasps),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {options.threads} threads, {options.device}",
    }
    save_checkpoint(folder / "model.safetensors", trainer.average.model, provenance)
    log.say(f"wrote {folder / 'model.safetensors'} after {trainer.cpu_seconds / 3600:.2f} CPU hours")
    if options.export is not None:
        save_checkpoint(options.export, trainer.average.model, provenance, torch.float16)
        log.say(f"wrote {options.export}")


if __name__ == "__main__":
    try:
        main()
    except FuncGraspError as error:
        raise SystemExit(f"error: {error}") from error
