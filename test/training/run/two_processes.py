"""Steps of small trainings in double precision; what `test_two_processes` runs in one process and in two."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import torch
from small_runs import QUICK, make_trainer, small_funcgrasp_v2, without_dropout

from training.experiments import Experiment, with_items, with_optimisation
from training.run.grasp_trainer import GraspTrainer

CASES: dict[str, Experiment] = {
    f"{name}, accumulation {passes}": with_items(
        with_optimisation(without_dropout(experiment), accumulation=passes), batch_size=4
    )
    for name, experiment in (("compact", QUICK), ("funcgrasp_v2", small_funcgrasp_v2()))
    for passes in (1, 2)
}


def in_double(folder: Path, experiment: Experiment) -> GraspTrainer:
    """A trainer in float64; 5 validation items, so that one process has one more than the other."""
    report = dataclasses.replace(experiment.report, max_validation_items=5, sampled_items=3)
    return make_trainer(folder, dataclasses.replace(experiment, report=report), torch.float64)


def measure(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    """By case: gradients of the first step, terms of its loss, and what a validation gives."""
    found = {}
    for number, (case, experiment) in enumerate(CASES.items()):
        trainer = in_double(folder / str(number), experiment)
        trainer.model.train()
        terms = trainer.gradients()
        values = {f"term {name}": torch.tensor(value, dtype=torch.float64) for name, value in terms.items()}
        for name, parameter in trainer.model.named_parameters():
            if parameter.grad is not None:
                values[f"gradient {name.removeprefix('module.')}"] = parameter.grad.clone()
        trainer.optimiser.zero_grad()
        if "accumulation 1" in case:
            trainer.run(last_step=3)
            values |= {
                f"weight {name.removeprefix('module.')}": p.detach() for name, p in trainer.model.named_parameters()
            }
            values |= {
                f"validated {name}": torch.tensor(value, dtype=torch.float64)
                for name, value in trainer.validator.validate(trainer.model, 9, 0).items()
            }
        found[case] = values
    return found


def run_in_two_processes(folder: Path) -> list[dict[str, dict[str, torch.Tensor]]]:
    """`measure` in two processes that share every step; what each found."""
    port = 29500 + os.getpid() % 1000
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, folder],
            env=os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": os.getcwd()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in (0, 1)
    ]
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output[-4000:]
    return [torch.load(folder / f"found_{rank}.pt", weights_only=True) for rank in (0, 1)]


if __name__ == "__main__":
    results = measure(Path(sys.argv[1]))
    torch.save(results, Path(sys.argv[1]) / f"found_{os.environ['RANK']}.pt")
