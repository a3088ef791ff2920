"""Natural grasps of parametric objects for an intent: templates, optimised through the hand layer, then filtered."""

import functools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.grasp_filters import FilterLimits, interior_lattice, measure_displacements, measure_geometry
from training.data.grasp_optimisation import OptimisationSettings, optimise_grasps, start_poses
from training.data.grasp_templates import GraspTemplate, templates_for
from training.data.grasping_hand import GraspingHand
from training.data.hand_self_contact import HandSelfContact
from training.data.object_families.family import ObjectFamily, Parameters, single_object
from training.data.object_families.surface import sample_surface


@dataclass(frozen=True)
class SynthesisSettings:
    """How many starts are tried, and how they are optimised and judged."""

    optimisation: OptimisationSettings = field(default_factory=OptimisationSettings)
    limits: FilterLimits = field(default_factory=FilterLimits)
    batch_size: int = 16  # hands optimised together; larger batches fall out of a CPU's cache
    num_surface_points: int = 2000  # of every object, for the filters; the optimiser takes some
    num_optimised_points: int = 900  # of these, over the whole object
    first_attempts_per_grasp: float = 1.25
    later_attempts_per_grasp: float = 2.0
    max_rounds: int = 3
    simulate: bool = True  # whether the physics filter runs


@dataclass
class SynthesisReport:
    """What became of the attempts.

    Attributes:
        num_attempts: optimised starts.
        num_kept: grasps returned.
        rejections: rule -> attempts that broke it (one attempt may break several).
    """

    num_attempts: int = 0
    num_kept: int = 0
    rejections: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        broken = ", ".join(f"{rule} {count}" for rule, count in self.rejections.most_common())
        return f"{self.num_kept} kept of {self.num_attempts} attempts; broken rules: {broken or 'none'}"


@dataclass(frozen=True)
class SynthesisedGrasps:
    """Accepted grasps.

    Attributes:
        vectors: [n, 61] MANO vectors in the object frames.
        object_indices: [n] long, sorted.
        report: of attempts and rejections.
    """

    vectors: Tensor
    object_indices: Tensor
    report: SynthesisReport


def synthesise_grasps(
    family: ObjectFamily, parameters: Parameters, intent: str, grasps_per_object: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Vectors [n, 61] and their objects [n] long; see `GraspSynthesiser.synthesise`."""
    grasps = _default_synthesiser().synthesise(family, parameters, intent, grasps_per_object, seed)
    return grasps.vectors, grasps.object_indices


class GraspSynthesiser:
    """Makes grasps with one hand model.

    Args:
        layer: the hand; the reference hand when left out.
        settings: of attempts, optimisation and filters.
    """

    def __init__(self, layer: ManoLayer | None = None, settings: SynthesisSettings | None = None) -> None:
        self.hand = GraspingHand(layer or ManoLayer())
        self.self_contact = HandSelfContact(self.hand)
        self.settings = settings or SynthesisSettings()

    def synthesise(
        self, family: ObjectFamily, parameters: Parameters, intent: str, grasps_per_object: int, seed: int
    ) -> SynthesisedGrasps:
        """Up to `grasps_per_object` grasps for each of the B objects; the same seed gives the same grasps.

        Args:
            family, parameters: B objects.
            intent: one that the category has templates for.
            grasps_per_object: wanted; an object that is hard to grasp gets fewer.
            seed: of starts, shapes and surface points.

        Raises:
            ConfigurationError: the category has no template for the intent.
        """
        templates = templates_for(family.category, intent)
        if not templates:
            raise ConfigurationError(
                f"there is no grasp template for intent '{intent}' of category '{family.category}'"
            )
        generator = torch.Generator().manual_seed(seed)
        objects = _PreparedObjects.of(family, parameters, self.settings.num_surface_points, generator)
        report = SynthesisReport()
        found: list[list[Tensor]] = [[] for _ in range(objects.count)]
        per_grasp = self.settings.first_attempts_per_grasp
        for _ in range(self.settings.max_rounds):
            attempts = [math.ceil(per_grasp * (grasps_per_object - len(kept))) for kept in found]
            rows = torch.arange(objects.count).repeat_interleave(torch.tensor(attempts))
            for template, batch in _batches(templates, rows, parameters, self.settings.batch_size):
                batch_vectors, good = self._attempt(template, objects, batch, generator, report)
                for index, vector, accepted in zip(batch.tolist(), batch_vectors, good.tolist(), strict=True):
                    if accepted and len(found[index]) < grasps_per_object:
                        found[index].append(vector)
            if all(len(kept) == grasps_per_object for kept in found):
                break
            per_grasp = self.settings.later_attempts_per_grasp
        counts = torch.tensor([len(kept) for kept in found])
        report.num_kept = int(counts.sum())
        vectors = [vector for kept in found for vector in kept]
        stacked = torch.stack(vectors) if vectors else torch.zeros(0, 61)
        return SynthesisedGrasps(stacked, torch.arange(objects.count).repeat_interleave(counts), report)

    def _attempt(
        self,
        template: GraspTemplate,
        objects: "_PreparedObjects",
        rows: Tensor,
        generator: torch.Generator,
        report: SynthesisReport,
    ) -> tuple[Tensor, np.ndarray]:
        """Optimise one start for each row of objects: vectors [G, 61] and which of them pass, [G] bool."""
        family, parameters, points = objects.family, objects.select(rows), objects.surface_points[rows]
        optimisation, limits = self.settings.optimisation, self.settings.limits
        few = points[:, : self.settings.num_optimised_points]
        start = start_poses(self.hand, template, family, parameters, optimisation, generator)
        poses = optimise_grasps(self.hand, self.self_contact, template, family, parameters, few, start, optimisation)
        lattices = [objects.lattices[row] for row in rows.tolist()]
        measures = measure_geometry(
            self.hand, self.self_contact, poses, family, parameters, template.part, points, lattices, limits
        )
        passed = np.logical_not(np.stack(list(measures.failures(limits).values())).any(axis=0))
        if self.settings.simulate and passed.any():
            chosen = torch.from_numpy(np.flatnonzero(passed))
            moved = measure_displacements(
                self.hand, poses.select(chosen), family, {name: values[chosen] for name, values in parameters.items()}
            )
            measures.displacement[passed] = moved
        failures = measures.failures(limits)
        report.num_attempts += len(rows)
        report.rejections.update({rule: int(broken.sum()) for rule, broken in failures.items() if broken.any()})
        with torch.no_grad():
            vectors = self.hand.mano_vectors(poses)
        return vectors, np.logical_not(np.stack(list(failures.values())).any(axis=0))


@dataclass(frozen=True)
class _PreparedObjects:
    """Objects with surface points [B, P, 3] and one lattice of inner points [n, 3] each."""

    family: ObjectFamily
    parameters: Parameters
    surface_points: Tensor
    lattices: list[Tensor]

    @classmethod
    def of(
        cls, family: ObjectFamily, parameters: Parameters, num_points: int, generator: torch.Generator
    ) -> "_PreparedObjects":
        points = sample_surface(family, parameters, num_points, generator)
        lattices = [interior_lattice(family, single_object(parameters, index)) for index in range(len(points))]
        return cls(family, parameters, points, lattices)

    @property
    def count(self) -> int:
        return len(self.surface_points)

    def select(self, rows: Tensor) -> dict[str, Tensor]:
        return {name: values[rows] for name, values in self.parameters.items()}


def _batches(
    templates: Sequence[GraspTemplate], rows: Tensor, parameters: Parameters, batch_size: int
) -> Iterator[tuple[GraspTemplate, Tensor]]:
    """Gives every attempt, a row of objects, to one of the templates that suit its object, in turn."""
    suits = torch.stack([template.suits(parameters) for template in templates], dim=1)
    turn = torch.arange(len(rows)) % suits.sum(1)[rows]
    chosen = (suits.cumsum(1)[rows] == (turn + 1)[:, None]).to(torch.uint8).argmax(1)
    for index, template in enumerate(templates):
        for batch in rows[chosen == index].split(batch_size):
            if len(batch) > 0:
                yield template, batch


@functools.lru_cache(maxsize=1)
def _default_synthesiser() -> GraspSynthesiser:
    """One for each process."""
    return GraspSynthesiser()
