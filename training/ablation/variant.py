"""One row of an ablation: a whole experiment, what it is compared with, and digests that tell when it changed."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

from training.data.block_cache import content_key
from training.data.grasp_distances import DistanceSource
from training.experiments import Experiment

TRAINING_FORMAT = 1
"""Counts up when trained runs of the same settings would come out otherwise; every run is then made again."""

JUDGING_FORMAT = 1
"""Counts up when figures of the same weights would come out otherwise; they are then measured again."""

DataChoice = Literal["all", "first_half", "two_halves"]
"""Of the training objects: all; every other object of each category; or these two halves as a mixture of two sets."""


@dataclass(frozen=True)
class Variant:
    """What is trained and how it is looked at.

    Attributes:
        name: in tables and files.
        option: what it changes, in a few words.
        experiment: every setting; the seed is set for each run.
        compared_with: name of the variant that differences are taken to; empty for the base itself.
        data: what it is trained on.
        distance_source: of the hand that contact targets are measured to.
        keeps_distances: False computes the distances of contact targets anew in every step.
        teacher: name of the variant whose trained weights are started from; None: new weights.
        learns_pairs: whether the flows learn the teacher's pairs (reflow); False: the known grasps again.
        weights: which are judged, the moving average or those after the last step.
        shows_views: whether the judged model is shown any view.
        not_comparable: measures whose figures mean something else than those of `compared_with`.
    """

    name: str
    option: str
    experiment: Experiment
    compared_with: str = "base"
    data: DataChoice = "all"
    distance_source: DistanceSource = "vertices"
    keeps_distances: bool = True
    teacher: str | None = None
    learns_pairs: bool = True
    weights: Literal["averaged", "last"] = "averaged"
    shows_views: bool = True
    not_comparable: tuple[str, ...] = ()

    def training_digest(self, data_digest: str, teacher_digest: str = "") -> str:
        """Equal for variants whose runs train to the same weights: they differ in sampling and judging alone.

        Args:
            data_digest: of the packed data.
            teacher_digest: training digest of the teacher; empty without one.
        """
        return content_key(
            TRAINING_FORMAT,
            data_digest,
            teacher_digest if self.learns_pairs else f"{teacher_digest} without pairs",
            self.data,
            self.distance_source,
            self.keeps_distances,
            _as_text(_without_sampling(self.experiment)),
        )

    def digest(self, data_digest: str, teacher_digest: str = "") -> str:
        """Differs wherever training or judging differs; the names and words of a variant play no part."""
        return content_key(
            JUDGING_FORMAT,
            self.training_digest(data_digest, teacher_digest),
            self.weights,
            self.shows_views,
            _as_text(self.experiment),
        )


def _without_sampling(experiment: Experiment) -> Experiment:
    """The experiment with one value for everything that only sampling looks at."""
    model = experiment.model
    flow = dataclasses.replace(model.flow, integrator="euler", num_steps=1)
    mode, guidance = model.mode, model.guidance
    if mode is not None:
        mode_flow = dataclasses.replace(mode.flow, integrator="euler", num_steps=1)
        mode = dataclasses.replace(mode, flow=mode_flow, num_refinements=0)
    if guidance is not None:
        guidance = dataclasses.replace(guidance, scale=1.0)
    return dataclasses.replace(experiment, model=dataclasses.replace(model, flow=flow, mode=mode, guidance=guidance))


def _as_text(experiment: Experiment) -> str:
    """Every setting that decides figures but the seed; reports and names decide none."""
    settings = dataclasses.asdict(experiment)
    del settings["report"], settings["name"], settings["seed"], settings["model"]["name"]
    settings["optimisation"]["schedule"]["kind"] = type(experiment.optimisation.schedule).__name__
    return json.dumps(settings, sort_keys=True)
