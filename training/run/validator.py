"""Everything that is looked at when a run validates: losses, contact, sampled grasps and pages of them."""

from collections.abc import Mapping

import torch
from torch import nn

from funcgrasp_core.errors import ConfigurationError, MissingDependencyError
from funcgrasp_core.grasp_model.grasp_model import GraspModel
from funcgrasp_core.hand.mano_layer import HandLayer, ManoLayer
from training.experiments import Experiment
from training.run.item_source import ItemSource
from training.run.log_lines import RULE, validation_lines
from training.run.qualitative_pages import page_items, pages_folder, write_pages
from training.run.run_log import RunLog
from training.run.sampled_grasps import compare_sample, sampled_metrics
from training.run.sharding import is_sharded, whole_weights
from training.run.step_gradients import TrainingPass
from training.run.validation import Validation, validation_items


class Validator:
    """Validates one model again and again.

    Args:
        training_pass: how a batch is predicted and compared.
        sources: items by split, "val" and the split that qualitative samples come from.
        experiment: how much is validated.
        log: where the lines go; pages go into its folder.
        hand_layer: poses sampled and known grasps.
    """

    def __init__(
        self,
        training_pass: TrainingPass,
        sources: Mapping[str, ItemSource],
        experiment: Experiment,
        log: RunLog,
        hand_layer: HandLayer | None = None,
    ) -> None:
        report = experiment.report
        if report.qual_source not in sources:
            raise ConfigurationError(
                f"qualitative samples shall come from split '{report.qual_source}', which was not read; read it too"
            )
        self.training_pass, self.report, self.log = training_pass, report, log
        self.source, self.page_source = sources["val"], sources[report.qual_source]
        self.seed, self.tau_m = experiment.seed, experiment.losses.soft_target_tau_m
        self.items = validation_items(len(self.source), report.max_validation_items, experiment.seed)
        batch_size = experiment.items.batch_size
        self.validation = Validation(training_pass, self.source, self.items, batch_size, report.log_interval)
        self.hand_layer = ManoLayer() if hand_layer is None else hand_layer
        self._can_draw_pages = report.qualitative_samples > 0

    @torch.no_grad()
    def validate(self, model: nn.Module, step: int, epoch: int) -> dict[str, float]:
        """All values by name; every process calls it at the same time.

        Args:
            model: as accelerate prepared it.
            step: of the training, for the log and the pages.
            epoch: of that step, from 0.
        """
        model.eval()
        accelerator = self.training_pass.accelerator
        for line in (RULE, f"Validation at step {step}", RULE):
            self.log.say(line)
        # DDP's own forward pass would wait for the other processes; FSDP's must.
        evaluated = model if is_sharded(model) else accelerator.unwrap_model(model)
        values = self.validation.measure(evaluated, self.log.say)
        with whole_weights(accelerator, model) as whole:
            assert isinstance(whole, GraspModel)
            sampled_items = self.items[: self.report.sampled_items]
            values |= sampled_metrics(accelerator, whole, self.source, sampled_items, self.hand_layer, self.tau_m)
            for line in (*validation_lines(values), RULE):
                self.log.say(line)
            if self._can_draw_pages and accelerator.is_main_process:
                self._draw_pages(whole, step, epoch)
        return values

    def _draw_pages(self, model: GraspModel, step: int, epoch: int) -> None:
        items = page_items(len(self.page_source), self.report.qualitative_samples, self.seed, step)
        folder = pages_folder(self.log.folder, step, epoch)
        try:
            for number, item in enumerate(items):
                compared = compare_sample(model, self.page_source, item, self.hand_layer, self.tau_m)
                category, object_id = self.page_source.name_of(item)
                write_pages(folder, number, category, object_id, compared, self.hand_layer, self.tau_m)
        except MissingDependencyError as error:
            self._can_draw_pages = False
            self.log.say(f"no pages of sampled grasps: {error}")
