"""How far a run is, and its whole state on disk: what is saved, and how a run goes on from it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from torch import nn

from funcgrasp_core.errors import CheckpointFormatError
from training.experiments import GuardConfig
from training.run.anomaly_guard import AnomalyGuard
from training.run.checkpoint_store import CheckpointStore
from training.run.log_lines import RunningMeans
from training.run.random_states import capture_random_states, restore_random_states
from training.run.run_log import RunLog
from training.run.training_errors import TrainingDivergedError
from training.run.training_state import gather_state, restore_state
from training.run.weight_average import WeightAverage


class RunProgress:
    """What a run remembers beside weights and optimiser; the position in the epoch follows from the step.

    Args:
        guard: when gradients explode.
    """

    def __init__(self, guard: GuardConfig) -> None:
        self.step = 0
        self.best_value: float | None = None
        self.best_step = 0
        self.means = RunningMeans()
        self.guard = AnomalyGuard(guard)
        self._earlier_cpu_seconds = 0.0

    @property
    def cpu_seconds(self) -> float:
        """CPU time of this process that brought the run here, reading the data and validation included."""
        return self._earlier_cpu_seconds + time.process_time()

    def is_best(self, value: float, lowest: bool) -> bool:
        """Take in the newest validated value; whether no other was as good."""
        known = self.best_value
        is_best = known is None or (value < known if lowest else value > known)
        if is_best:
            self.best_value, self.best_step = value, self.step
        return is_best

    def state(self) -> dict[str, Any]:
        """In a form that a training state can hold."""
        return {
            "step": self.step,
            "best_value": self.best_value,
            "best_step": self.best_step,
            "means": {"sums": dict(self.means.sums), "count": self.means.count},
            "guard": self.guard.state(),
            "cpu_seconds": self.cpu_seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Inverse of `state`."""
        self.step, self.best_value, self.best_step = state["step"], state["best_value"], state["best_step"]
        self.means.sums, self.means.count = dict(state["means"]["sums"]), state["means"]["count"]
        self.guard.restore(state["guard"])
        self._earlier_cpu_seconds = state["cpu_seconds"]


@dataclass(frozen=True)
class RunStates:
    """Saves a run and lets it go on; every process calls the same methods at the same time.

    Attributes:
        store: where states are.
        accelerator: the processes.
        model: as accelerate prepared it.
        optimiser: of torch.
        average: of the weights, if there is one.
        progress: of the run.
        log: told about what happens.
    """

    store: CheckpointStore
    accelerator: Accelerator
    model: nn.Module
    optimiser: torch.optim.Optimizer
    average: WeightAverage | None
    progress: RunProgress
    log: RunLog

    def save(self, identity: str, is_best: bool) -> None:
        """Keep the state after the newest step; see `CheckpointStore.save`.

        Args:
            identity: of the experiment and its data; only a run of the same one may go on from here.
            is_best: whether no validated state was better.

        Raises:
            TrainingDivergedError: a weight is not finite.
        """
        step = self.progress.step
        if self.progress.guard.is_suspicious:
            self.log.say(f"no state is kept at step {step}: its gradients were far larger than usual")
            return
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if self.any_process(not all(bool(torch.isfinite(parameter).all()) for parameter in trained)):
            raise TrainingDivergedError(self.why_stopped(f"step {step}", "its update left weights that are not finite"))
        state = gather_state(self.model, self.optimiser, self.average)
        state["progress"] = self.progress.state()
        state["random"] = gather_object([capture_random_states()])
        state["identity"] = identity
        self.log.flush()
        if self.accelerator.is_main_process:
            self.store.save(step, state, is_best)
        self.accelerator.wait_for_everyone()

    def resume(self, identity: str) -> None:
        """Go on from the newest state that can be read, if there is one, and begin to record.

        Raises:
            CheckpointFormatError: the states are of another experiment or other data, or none can be read.
        """
        found = [None]
        if self.accelerator.is_main_process:
            for name in self.store.delete_unfinished():
                self.log.say(f"deleted '{name}', which a save that was killed left behind")
            newest = self.store.newest_whole(self.log.say)
            found = [None if newest is None else str(newest)]
        path = broadcast_object_list(found)[0]
        if path is not None:
            if self.any_process(not Path(path).is_file()):
                raise CheckpointFormatError(
                    f"the run would go on from '{path}', which not every machine can see; have the folder of runs on a "
                    "disk that all of them share"
                )
            self._go_on_from(self.store.load(Path(path)), identity)
        self.log.go_on_from(self.progress.step)

    def any_process(self, value: bool) -> bool:
        """Whether it is true on any process."""
        if self.accelerator.num_processes == 1:
            return value
        flag = torch.tensor(float(value), device=self.accelerator.device)
        return bool(torch.as_tensor(self.accelerator.reduce(flag, "sum")) > 0)

    def why_stopped(self, where: str, complaint: str) -> str:
        """A sentence for the error that ends the run."""
        states = self.store.paths()
        kept = f"the last good state is '{states[-1]}'" if states else "there is no state before it"
        return (
            f"training stopped at {where}: {complaint}. Nothing of it was saved; {kept}. "
            "Lower the learning rate, check the data, or go on with another seed"
        )

    def _go_on_from(self, state: dict[str, Any], identity: str) -> None:
        if state.get("identity") != identity:
            raise CheckpointFormatError(
                f"the states in '{self.store.folder}' are of an experiment with other settings or other data (steps, "
                "batch and seed included); give another --name, or delete them"
            )
        restore_state(self.model, self.optimiser, self.average, state)
        self.progress.restore(state["progress"])
        if self.accelerator.is_main_process and self.progress.best_step == self.progress.step:
            self.store.mark_best(self.progress.step)
        self.log.say(f"going on from step {self.progress.step}")
        states, own = state["random"], self.accelerator.process_index
        if len(states) == self.accelerator.num_processes:
            restore_random_states(states[own])
        else:
            self.log.say(
                f"the state is of {len(states)} processes, now there are {self.accelerator.num_processes}: "
                "dropout will differ from an uninterrupted run"
            )
