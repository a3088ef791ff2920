"""The rows of an evaluation: what the model and each baseline answer to the same cases."""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from funcgrasp_core.contracts import GraspPlan, GraspRequest
from funcgrasp_core.errors import NoFeasibleGraspError
from funcgrasp_core.hand.mano_layer import HandLayer
from funcgrasp_core.planning.grasp_planner import GraspPlanner
from training.baselines.nearest_neighbour import KnownGrasps, NearestNeighbour
from training.baselines.perturbed import perturbed_hand
from training.baselines.random_hand import random_hand
from training.data.frozen_grasps import FrozenGrasps
from training.data.instruction_phrasing import phrases
from training.data.object_families import sample_surface
from training.metrics.contact_map_f1 import touched_by_hand, touched_from_probabilities
from training.metrics.evaluation_cases import EvaluationCase, pose_hands

ROW_NAMES = ("model", "ground_truth", "perturbed", "random", "nearest_neighbour")

NUM_LIBRARY_POINTS = 1024
"""Surface points of each training object that the nearest neighbour knows."""


@dataclass(frozen=True)
class RowAnswer:
    """One row's answer to one case, in the object frame.

    Attributes:
        hand: [V, 3] vertices; None if no grasp was found.
        points: [N, 3] where the contact map is given.
        touched: [N, 6] bool, the contact map by the distance rule.
        is_kept_grasp: index of the known grasp that this is, which then is no right answer to compare with; else None.
    """

    hand: np.ndarray | None
    points: np.ndarray
    touched: np.ndarray
    is_kept_grasp: int | None = None


class AnswerMaker:
    """Answers cases for every row.

    Args:
        planner: of the model row.
        hand_layer: poses random hands.
        part_labels: [V] part of each hand vertex.
        library: the training grasps that the nearest neighbour looks up.
        num_candidates: that the planner samples and ranks.
        seed: of every random choice.
    """

    def __init__(
        self,
        planner: GraspPlanner,
        hand_layer: HandLayer,
        part_labels: np.ndarray,
        library: NearestNeighbour,
        num_candidates: int,
        seed: int,
    ):
        self._planner = planner
        self._hand_layer = hand_layer
        self._part_labels = part_labels
        self._library = library
        self._num_candidates = num_candidates
        self._seed = seed

    def answers(self, case: EvaluationCase) -> tuple[dict[str, RowAnswer], GraspPlan | None]:
        """The answer of every row, and the model's plan in the observation's frame."""
        chosen = int(self._generator(case, "ground_truth").integers(len(case.kept_hands)))
        plan = self._plan(case)
        found = self._library.retrieve(
            case.observation.points, case.instruction, self._generator(case, "nearest_neighbour")
        )
        perturbed = perturbed_hand(case.kept_hands[chosen], self._generator(case, "perturbed"))
        return {
            "model": self._of_plan(case, plan),
            "ground_truth": self._of_hand(case, case.kept_hands[chosen], chosen),
            "perturbed": self._of_hand(case, perturbed),
            "random": self._of_hand(case, random_hand(self._hand_layer, self._generator(case, "random"))),
            "nearest_neighbour": self._of_hand(case, case.to_object_frame(found.hand)),
        }, plan

    def _plan(self, case: EvaluationCase) -> GraspPlan | None:
        request = GraspRequest(case.instruction, self._num_candidates, self._seed)
        try:
            return self._planner.plan(case.observation, request)
        except NoFeasibleGraspError:
            return None

    def _of_plan(self, case: EvaluationCase, plan: GraspPlan | None) -> RowAnswer:
        if plan is None:
            return RowAnswer(None, case.judged_points, np.zeros((len(case.judged_points), 6), dtype=bool))
        return RowAnswer(
            case.to_object_frame(plan.grasps[0].vertices),
            case.to_object_frame(plan.contact_map.points),
            touched_from_probabilities(plan.contact_map.probabilities),
        )

    def _of_hand(self, case: EvaluationCase, hand: np.ndarray, is_kept_grasp: int | None = None) -> RowAnswer:
        points = case.judged_points
        return RowAnswer(hand, points, touched_by_hand(points, hand, self._part_labels), is_kept_grasp)

    def _generator(self, case: EvaluationCase, row: str) -> np.random.Generator:
        """Depends on the seed, the case and the row alone, so that no row changes another."""
        name = f"{self._seed}/{case.judged.object_id}/{case.intent}/{row}"
        return np.random.default_rng(zlib.crc32(name.encode()))


def build_library(grasps: FrozenGrasps, hand_layer: HandLayer) -> NearestNeighbour:
    """The nearest neighbour's knowledge: clouds, training instructions and grasps of the training split.

    Args:
        grasps: of the training split.
        hand_layer: poses them.
    """
    clouds, groups = [], []
    for index, item in enumerate(tqdm(grasps.objects, "training objects", unit="object")):
        generator = torch.Generator().manual_seed(index)
        clouds.append(sample_surface(item.family, item.parameters, NUM_LIBRARY_POINTS, generator)[0].numpy())
        for intent, vectors in grasps.grasps_of(index):
            sentences = phrases(item.category, intent, "train")
            groups.append(KnownGrasps(index, sentences, pose_hands(hand_layer, vectors)))
    return NearestNeighbour(clouds, groups)
