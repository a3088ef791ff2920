"""The training loop of the grasp model: steps, validation, states; stops and goes on at any step, bit by bit."""

import dataclasses
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs
from tqdm import tqdm

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.grasp_model import GraspModel
from funcgrasp_core.grasp_model.qwen.encoder import QwenSemanticEncoder
from training.data.augmentation import AugmentationConfig
from training.data.epoch_order import EpochOrder
from training.data.mixed_store import GraspStore
from training.data.observation_store import ObservationBatch, Phrasing
from training.experiments import Experiment
from training.losses.grasp_objective import GraspObjective
from training.run.batches_ahead import BatchesAhead
from training.run.checkpoint_store import CheckpointStore
from training.run.item_source import ItemSource
from training.run.log_lines import training_line
from training.run.optimiser import prepare_for_training
from training.run.random_states import seed_everything
from training.run.reflow_teacher import ReflowTeacher
from training.run.run_log import RunLog
from training.run.run_progress import RunProgress, RunStates
from training.run.step_gradients import TrainingPass, accumulate_gradients
from training.run.stop_signal import StopSignal
from training.run.training_errors import TrainingDivergedError
from training.run.validator import Validator
from training.run.weight_average import WeightAverage

_LONGEST_WAIT = timedelta(hours=2)


def make_accelerator(device: str = "cpu") -> Accelerator:
    """One process or many, as `accelerate launch` says.

    Args:
        device: "cpu", or "cuda" for the devices that the launcher gives.
    """
    # A feature that nothing reads and views that are stored leave weights without gradients; buffers never change.
    distributed = DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False)
    # While one process computes what is kept on disk, the others wait longer than the usual minutes.
    patient = InitProcessGroupKwargs(timeout=_LONGEST_WAIT)
    return Accelerator(cpu=device == "cpu", kwargs_handlers=[distributed, patient])


def with_all_seen(augmentation: AugmentationConfig) -> AugmentationConfig:
    """What validation items are varied by: turned as in training, but with all points and views."""
    return dataclasses.replace(
        augmentation,
        partial_probability=0.0,
        single_view_probability=0.0,
        largest_point_dropout=0.0,
        no_view_probability=0.0,
        view_dropout=0.0,
    )


class GraspTrainer:
    """Trains one model on one store.

    Args:
        experiment: every choice.
        model: with its target statistics fitted; of equal weights on all processes.
        stores: "train" and "val", and "test" if qualitative samples shall come from there.
        phrasings: instructions by split, as the stores.
        checkpoints: where states go.
        log: where numbers go.
        accelerator: processes and devices; one process on the CPU if left out.
        teacher: whose flows the model straightens (reflow); the model starts from its weights.
    """

    def __init__(
        self,
        experiment: Experiment,
        model: GraspModel,
        stores: Mapping[str, GraspStore],
        phrasings: Mapping[str, Phrasing],
        checkpoints: CheckpointStore,
        log: RunLog,
        accelerator: Accelerator | None = None,
        teacher: ReflowTeacher | None = None,
    ) -> None:
        self.experiment, self.log = experiment, log
        self.accelerator = accelerator or make_accelerator()
        items, settings = experiment.items, experiment.optimisation
        self._num_shares = self.accelerator.num_processes * settings.accumulation
        if items.batch_size % self._num_shares:
            raise ConfigurationError(
                f"a batch of {items.batch_size} items cannot be shared out evenly over "
                f"{self.accelerator.num_processes} processes with {settings.accumulation} passes each; "
                "change batch_size"
            )
        sources = {
            split: ItemSource(
                store,
                items,
                experiment.model.num_points,
                experiment.augmentation if split == "train" else with_all_seen(experiment.augmentation),
                phrasings[split],
            )
            for split, store in stores.items()
        }
        self.source = sources["train"]
        self.order = EpochOrder(self.source.epoch_items, items.batch_size, experiment.seed)
        self.num_steps = experiment.num_steps(self.order.steps_per_epoch)
        # On a CPU drawing and computing would only take the cores from each other.
        draws_ahead = self.accelerator.device.type != "cpu"
        self._batches = BatchesAhead(self._draw_batches, self.num_steps if draws_ahead else 0)
        if teacher is not None:
            teacher.start(model)
        self.model, self.optimiser = prepare_for_training(self.accelerator, model, settings)
        self.average = WeightAverage(self.model, settings.ema_decay) if settings.ema_decay else None
        self.training_pass = TrainingPass(
            self.accelerator,
            GraspObjective(experiment.losses),
            settings.bfloat16 or self.accelerator.mixed_precision == "bf16",
            None if teacher is None else teacher.to(self.accelerator.device),
        )
        self.validator = Validator(self.training_pass, sources, experiment, log)
        self.progress = RunProgress(experiment.guard)
        self.states = RunStates(
            checkpoints, self.accelerator, self.model, self.optimiser.optimizer, self.average, self.progress, log
        )
        self._identity = f"{experiment.identity()} {self.order.num_items} items of {self.source.store.digest()}"
        if isinstance(model.semantic_encoder, QwenSemanticEncoder):
            self._identity += f" on {model.semantic_encoder.base_digest}"
        if teacher is not None:
            self._identity += f" taught by {teacher.digest}"
        seed_everything(experiment.seed + 2 + self.accelerator.process_index)

    @property
    def step(self) -> int:
        """Optimiser steps that were made."""
        return self.progress.step

    @property
    def is_finished(self) -> bool:
        """Whether all steps were made."""
        return self.step >= self.num_steps

    @property
    def epoch(self) -> int:
        """Epoch of the newest step, from 0."""
        return max(0, self.step - 1) // self.order.steps_per_epoch

    def averaged(self) -> AbstractContextManager[None]:
        """A context in which the model has the weights that are validated and shipped."""
        return nullcontext() if self.average is None else self.average.in_place()

    def run(self, last_step: int | None = None) -> None:
        """Train to the experiment's end, or to `last_step`, going on from the newest state if there is one.

        SIGINT and SIGTERM end it after a step, with a state to go on from.

        Raises:
            TrainingDivergedError: loss, gradients or weights are not finite, or the gradients explode.
            CheckpointWriteError: a state cannot be written.
            CheckpointFormatError: the states are of another experiment, or none can be read.
        """
        self.states.resume(self._identity)
        end = min(last_step or self.num_steps, self.num_steps)
        is_main = self.accelerator.is_main_process
        is_hidden = None if is_main else True  # None: where nobody watches
        bar = tqdm(total=end, initial=self.step, unit="step", dynamic_ncols=True, mininterval=5, disable=is_hidden)
        with bar, StopSignal() as stop:
            while self.step < end:
                terms = self._train_step()
                bar.update()
                stops_here = self.states.any_process(stop.name is not None)
                self._report_step(terms)
                report = self.experiment.report
                is_best = self._is_due(report.validation_interval, self.num_steps) and self.validate()
                if is_best or stops_here or self._is_due(report.checkpoint_interval, end):
                    self.states.save(self._identity, is_best)
                if stops_here:
                    self.log.say(f"stopped after step {self.step} by {stop.name or 'a signal to another process'}")
                    break
        self.log.flush()

    def validate(self) -> bool:
        """Measure the averaged weights on held-out items; whether they are the best so far."""
        report = self.experiment.report
        with self.averaged():
            values = self.validator.validate(self.model, self.step, self.epoch)
        self.log.record(self.step, "val", values)
        if report.best_metric not in values:
            raise ConfigurationError(f"no metric '{report.best_metric}'; there are {', '.join(sorted(values))}")
        return self.progress.is_best(values[report.best_metric], report.best_is_lowest)

    def gradients(self) -> dict[str, float]:
        """Add the gradients of the next step to the parameters'; terms of its loss over all processes."""
        share_done = self.step / self.num_steps
        return accumulate_gradients(self.training_pass, self.model, self._batches.of(self.step), share_done)

    def _train_step(self) -> dict[str, float]:
        settings, progress = self.experiment.optimisation, self.progress
        steps_per_epoch = self.order.steps_per_epoch
        if self.step % steps_per_epoch == 0:
            progress.means.clear()
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = settings.schedule.rate(self.step, self.num_steps, steps_per_epoch)
        terms = self.gradients()
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), settings.gradient_clip)
        complaint = progress.guard.complaint(terms, float(torch.as_tensor(norm)))
        if complaint is not None:
            raise TrainingDivergedError(self.states.why_stopped(f"step {self.step + 1}", complaint))
        self.optimiser.step()
        self.optimiser.zero_grad()
        progress.step += 1
        if self.average is not None:
            self.average.update(self.step)
        progress.means.add(terms)
        return terms

    def _draw_batches(self, step: int) -> list[ObservationBatch]:
        """This process's share of a step's items, one batch for each pass."""
        items = self.order.items(step)
        size = len(items) // self._num_shares
        own = range(self.accelerator.process_index, self._num_shares, self.accelerator.num_processes)
        return [self.source.draw(items[share * size : (share + 1) * size]) for share in own]

    def _report_step(self, terms: dict[str, float]) -> None:
        if self.step % self.experiment.report.log_interval:
            return
        in_epoch = (self.step - 1) % self.order.steps_per_epoch + 1
        line = training_line(self.epoch + 1, in_epoch, self.order.steps_per_epoch, terms, self.progress.means)
        self.log.say(line)
        others = {
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "cpu_seconds": self.progress.cpu_seconds,
        }
        self.log.record(self.step, "train", terms | others)

    def _is_due(self, interval: int, end: int) -> bool:
        at_epoch_end = self.experiment.report.at_epoch_end and self.step % self.order.steps_per_epoch == 0
        return self.step == end or at_epoch_end or self.step % interval == 0
