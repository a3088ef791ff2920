"""The training loop of the grasp model: steps, validation, checkpoints; stops and resumes at any step, bit by bit."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from funcgrasp_core.contracts import CONTACT_THRESHOLD_M
from funcgrasp_core.errors import CheckpointFormatError, FuncGraspError
from funcgrasp_core.geometry.contact_field import hard_contact_labels
from funcgrasp_core.grasp_model.contact_weighted_pooling import part_probabilities
from funcgrasp_core.grasp_model.grasp_model import GraspModel, TrainingPrediction
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from training.data.augmentation import AugmentationConfig
from training.data.epoch_order import EpochOrder, SeededItem
from training.data.mixed_store import GraspStore
from training.data.observation_store import ObservationBatch, Phrasing
from training.experiments import Experiment, experiment_as_json
from training.losses.grasp_objective import GraspObjective
from training.metrics.contact_metrics import compute_contact_metrics
from training.run.checkpoint_store import CheckpointStore
from training.run.learning_rate import warmup_cosine
from training.run.run_log import RunLog
from training.run.weight_average import WeightAverage

VALIDATION_AUGMENTATION = AugmentationConfig(partial_probability=0.0, view_dropout=0.0, no_view_probability=0.0)


class GraspTrainer:
    """Trains one model on one store.

    Args:
        experiment: every choice.
        model: with its target statistics fitted.
        stores: "train" and "val".
        phrasings: instructions by split, as the stores.
        checkpoints: where states go.
        log: where numbers go.
        device: to train on.
    """

    def __init__(
        self,
        experiment: Experiment,
        model: GraspModel,
        stores: Mapping[str, GraspStore],
        phrasings: Mapping[str, Phrasing],
        checkpoints: CheckpointStore,
        log: RunLog,
        device: str = "cpu",
    ) -> None:
        self.experiment = experiment
        self.device = torch.device(device)
        self.model = model.to(self.device)
        self.stores = stores
        self.phrasings = phrasings
        self.checkpoints = checkpoints
        self.log = log
        self.average = WeightAverage(self.model, experiment.optimisation.ema_decay)
        self.optimiser = _adamw(self.model, experiment)
        self.objective = GraspObjective(experiment.losses)
        self.step = 0
        self._earlier_cpu_seconds = 0.0
        self.order = EpochOrder(len(stores["train"].groups), experiment.observations_per_batch, experiment.seed)
        torch.manual_seed(experiment.seed + 2)

    def run(self, last_step: int | None = None) -> None:
        """Train to the experiment's end, or to `last_step`, going on from the newest state if there is one."""
        self._resume()
        end = min(last_step or self.experiment.optimisation.num_steps, self.experiment.optimisation.num_steps)
        with tqdm(total=end, initial=self.step, unit="step", dynamic_ncols=True, mininterval=5) as bar:
            while self.step < end:
                terms = self._train_step()
                bar.update()
                experiment = self.experiment
                if self.step % experiment.log_interval == 0:
                    values = {name: float(value.detach()) for name, value in terms.items()}
                    self.log.record(self.step, "train", values | {"cpu_seconds": self.cpu_seconds})
                    bar.set_postfix({name: f"{value:.3f}" for name, value in values.items()})
                if self.step % experiment.validation_interval == 0 or self.step == end:
                    self.validate()
                if self.step % experiment.checkpoint_interval == 0 or self.step == end:
                    self.checkpoints.save(self.step, self.state())

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all processes that brought the run here, reading the data and validation included."""
        return self._earlier_cpu_seconds + time.process_time()

    def _train_step(self) -> dict[str, Tensor]:
        settings = self.experiment.optimisation
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = warmup_cosine(
                self.step,
                settings.num_steps,
                settings.warmup_steps,
                settings.learning_rate,
                settings.final_learning_rate,
            )
        batch = self._draw("train", self.order.items(self.step), self.experiment.augmentation)
        progress = self.step / settings.num_steps
        targets = self.objective.targets(batch.contact_distances, batch.points, progress)
        terms = self.objective(self._predict(self.model, batch), targets)
        if not torch.isfinite(terms["total"]):
            values = ", ".join(f"{name} {float(value):.4g}" for name, value in terms.items())
            raise FuncGraspError(f"the loss is not finite ({values}); lower the learning rate or check the data")
        self.optimiser.zero_grad()
        terms["total"].backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), settings.gradient_clip)
        self.optimiser.step()
        self.step += 1
        self.average.update(self.model, self.step)
        return terms

    def _draw(self, split: str, items: Sequence[SeededItem], augmentation: AugmentationConfig) -> ObservationBatch:
        experiment = self.experiment
        batch = self.stores[split].draw(
            [item.index for item in items],
            experiment.grasps_per_observation,
            experiment.model.num_points,
            min(experiment.contact_points, experiment.model.num_points),
            augmentation,
            self.phrasings[split],
            SampleRandom([item.seed for item in items]),
        )
        return batch.to(self.device)

    def _predict(self, model: GraspModel, batch: ObservationBatch) -> TrainingPrediction:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.experiment.optimisation.bfloat16):
            num_contact_points = batch.contact_distances.shape[2]
            prediction = model(batch.points, batch.views, batch.texts, batch.vectors, batch.random, num_contact_points)
            return prediction.to_float()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Losses and contact metrics of the averaged weights, the same validation batches each time."""
        order = EpochOrder(
            len(self.stores["val"].groups), self.experiment.observations_per_batch, self.experiment.seed + 3
        )
        collected: dict[str, list[float]] = defaultdict(list)
        for number in range(self.experiment.max_validation_batches):
            batch = self._draw("val", order.items(number), VALIDATION_AUGMENTATION)
            prediction = self._predict(self.average.model, batch)
            values = self.objective(prediction, self.objective.targets(batch.contact_distances, batch.points))
            metrics = compute_contact_metrics(
                part_probabilities(prediction.contact_logits),
                hard_contact_labels(batch.contact_distances, CONTACT_THRESHOLD_M),
                self.experiment.losses.soft_target_tau_m,
                CONTACT_THRESHOLD_M,
            )
            for name, value in {**values, **metrics}.items():
                collected[name].append(float(value))
        # A class that no point of a batch belongs to has no accuracy there.
        totals = {name: float(torch.tensor(values).nanmean()) for name, values in collected.items()}
        self.log.record(self.step, "val", totals)
        self.log.say(f"step {self.step} val: " + " ".join(f"{name} {value:.4f}" for name, value in totals.items()))
        return totals

    def state(self) -> dict[str, Any]:
        """Everything that decides how training goes on."""
        return {
            "step": self.step,
            "cpu_seconds": self.cpu_seconds,
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "torch_generator": torch.get_rng_state(),
            "device_generators": torch.cuda.get_rng_state_all(),
            "experiment": experiment_as_json(self.experiment),
        }

    def _resume(self) -> None:
        state = self.checkpoints.load_latest()
        if state is None:
            return
        if state.get("experiment") != experiment_as_json(self.experiment):
            raise CheckpointFormatError(
                f"the states in '{self.checkpoints.folder}' are of an experiment with other settings (steps and seed "
                "included); give another --name, or delete them"
            )
        self.step, self._earlier_cpu_seconds = state["step"], state["cpu_seconds"]
        self.model.load_state_dict(state["model"])
        self.average.model.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["torch_generator"])
        if state["device_generators"]:
            torch.cuda.set_rng_state_all(state["device_generators"])
        self.log.forget_after(self.step)
        self.log.say(f"going on from step {self.step}")


def _adamw(model: nn.Module, experiment: Experiment) -> torch.optim.AdamW:
    """Weight decay on matrices only, not on biases, norms and embeddings of one dimension."""
    settings = experiment.optimisation
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)
