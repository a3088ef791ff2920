"""The planner: an observation and a request in, ranked grasps and a contact map out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.assets import COMPACT_CHECKPOINT, asset_path
from funcgrasp_core.checkpoints import load_checkpoint
from funcgrasp_core.contracts import (
    MANO_VECTOR_SIZE,
    VIEW_SLOTS,
    ContactMap,
    GraspCandidates,
    GraspPlan,
    GraspRequest,
    ObjectObservation,
    PlannedGrasp,
)
from funcgrasp_core.errors import (
    ConfigurationError,
    HandFileError,
    InvalidRequestError,
    NoFeasibleGraspError,
    OutOfMemoryError,
)
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures, ViewImages, Views
from funcgrasp_core.hand.hand_layer_factory import HandBackend, build_hand_layer
from funcgrasp_core.hand.mano_layer import HandLayer
from funcgrasp_core.hand.palm_frame import palm_frame
from funcgrasp_core.planning.candidate_ranking import CandidateRanker, CandidateScores, RankingConfig
from funcgrasp_core.planning.feature_cache import FeatureCache
from funcgrasp_core.planning.grasp_poses import approach_directions, pregrasp_poses, wrist_poses
from funcgrasp_core.planning.stage_timer import StageTimer
from funcgrasp_core.preprocessing.instruction import clean_instruction
from funcgrasp_core.preprocessing.object_cloud import PreparedCloud, prepare_cloud
from funcgrasp_core.preprocessing.object_views import prepare_views

MAX_CANDIDATES = 256
"""More in one request are refused: time and memory grow with them."""

MAX_SEED = 2**63 - 1

NUM_KEPT_VIEW_SETS = 8
"""Sets of views whose features stay in memory, for further instructions about the same object."""


class GraspSampler(Protocol):
    """What the planner asks of a model; `funcgrasp_core.grasp_model.GraspModel` offers it."""

    @property
    def config(self) -> Any:
        """Carries `num_points`."""
        ...

    @property
    def semantic_encoder(self) -> Any:
        """Carries `view_size`, the pixels of a square view."""
        ...

    def encode_views(self, views: ViewImages) -> ViewFeatures:
        """What `sample` takes in place of the views, see GraspModel.encode_views."""
        ...

    def sample(
        self,
        points: Tensor,
        views: Views,
        texts: list[str],
        num_candidates: int,
        random: SampleRandom,
    ) -> Any:
        """Samples grasps: `vectors` [B, K, 61] and `contact_probabilities` [B, K, N, 6], see GraspModel.sample."""
        ...


class GraspPlanner:
    """Plans grasps with one model and one hand. One call at a time: put a RequestQueue before it.

    Args:
        model: samples grasps in the object frame.
        hand_layer: poses them.
        ranking: how candidates are scored.
        device: where model and hand layer live.
        num_kept_view_sets: sets of views whose features are kept in memory; 0 encodes them for every request.
    """

    def __init__(
        self,
        model: GraspSampler,
        hand_layer: HandLayer,
        ranking: RankingConfig | None = None,
        device: str | torch.device = "cpu",
        num_kept_view_sets: int = NUM_KEPT_VIEW_SETS,
    ):
        self.model = model
        self.hand_layer = hand_layer
        self.device = torch.device(device)
        self._view_features = FeatureCache(model.encode_views, num_kept_view_sets)
        self._ranker = CandidateRanker(hand_layer, ranking)
        _, self._palm_axes = palm_frame(hand_layer.assets)

    @classmethod
    def from_checkpoint(
        cls,
        checkpoint: Path | None = None,
        hand_file: Path | None = None,
        device: str = "cpu",
        warm_up: bool = True,
        hand_backend: HandBackend = "native",
        semantic_model: Path | None = None,
    ) -> "GraspPlanner":
        """A planner ready to plan.

        Args:
            checkpoint: weights and configuration of the model; None: the one that ships.
            hand_file: a MANO file of the user, of the right hand; None: the reference hand.
            device: "cpu", "cuda" or "cuda:1".
            warm_up: plan once for a made-up object, so that the first request is not slower than the others.
            hand_backend: what poses the hand; "manotorch" is a package of its own that wants MANO's pickle.
            semantic_model: folder of the Qwen2.5-VL checkpoint that the model was trained with; None for models
                without one.

        Raises:
            CheckpointMissingError, CheckpointFormatError, HandFileError, ConfigurationError, MissingDependencyError
        """
        torch_device = _usable_device(device)
        with _memory_errors_named(torch_device):
            model = load_checkpoint(checkpoint or asset_path(COMPACT_CHECKPOINT), torch_device, semantic_model).model
            hand_layer = build_hand_layer(hand_file, hand_backend)
            if hand_layer.assets.side != "right":
                raise HandFileError(
                    f"The hand file '{hand_file}' is of a {hand_layer.assets.side} hand, the model plans for right "
                    "hands: give MANO_RIGHT.pkl, or no file for the reference hand."
                )
            if isinstance(hand_layer, torch.nn.Module):
                hand_layer.to(torch_device)
            planner = cls(model, hand_layer, device=torch_device)
        if warm_up:
            planner.warm_up()
        return planner

    def warm_up(self) -> None:
        """Samples one grasp for a made-up ball, so that the first request finds memory and kernels ready."""
        directions = np.random.default_rng(0).normal(size=(self.model.config.num_points, 3))
        points = 0.04 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
        request = GraspRequest("hold the ball", num_candidates=1)
        candidates = self.sample_candidates(ObjectObservation(points.astype(np.float32)), request)
        self._score(candidates)

    def plan(self, observation: ObjectObservation, request: GraspRequest) -> GraspPlan:
        """Plans grasps in the observation's frame, best first.

        Raises:
            FuncGraspError: a child that names what is wrong with the request or the observation;
                NoFeasibleGraspError if no candidate touches the object; OutOfMemoryError.
        """
        timer = StageTimer(self.device)
        with _memory_errors_named(self.device), torch.no_grad():
            with timer.stage("preprocess"):
                check_request(request)
                instruction = clean_instruction(request.instruction)
                cloud = self._prepare_cloud(observation, request)
            candidates = self._sample(cloud, observation, instruction, request, timer)
            with timer.stage("rank"):
                scores = self._score(candidates)
                origin = cloud.origin.astype(np.float32)
                grasps = self._planned_grasps(candidates, scores, origin)
        best = int(scores.order()[0])
        return GraspPlan(
            frame=observation.frame,
            instruction=request.instruction,
            grasps=grasps,
            contact_map=ContactMap(candidates.points + origin, candidates.contact_probabilities[best]),
            hand_faces=self.hand_layer.closed_faces.cpu().numpy(),
            timings=timer.timings(),
            notes=(*cloud.notes, *_notes_on_views(observation)),
        )

    def sample_candidates(self, observation: ObjectObservation, request: GraspRequest) -> GraspCandidates:
        """The model's candidates in the object frame, unranked; `plan` ranks the same ones."""
        check_request(request)
        instruction = clean_instruction(request.instruction)
        with _memory_errors_named(self.device), torch.no_grad():
            cloud = self._prepare_cloud(observation, request)
            return self._sample(cloud, observation, instruction, request, StageTimer(self.device))

    def _prepare_cloud(self, observation: ObjectObservation, request: GraspRequest) -> PreparedCloud:
        return prepare_cloud(observation.points, seed=request.seed, num_points=self.model.config.num_points)

    def _sample(
        self,
        cloud: PreparedCloud,
        observation: ObjectObservation,
        instruction: str,
        request: GraspRequest,
        timer: StageTimer,
    ) -> GraspCandidates:
        with timer.stage("preprocess"):
            images, mask = prepare_views(observation.views, self.model.semantic_encoder.view_size)
            points = torch.from_numpy(cloud.points).to(self.device)[None]
            random = SampleRandom([request.seed])
        with timer.stage("encode_views"):
            views = self._view_features.features(torch.from_numpy(images), torch.from_numpy(mask), self.device)
        with timer.stage("sample"):
            sample = self.model.sample(points, views, [instruction], request.num_candidates, random)
            return GraspCandidates(
                vectors=sample.vectors[0].float().cpu().numpy(),
                contact_probabilities=sample.contact_probabilities[0].float().cpu().numpy(),
                points=cloud.points,
            )

    def _score(self, candidates: GraspCandidates) -> CandidateScores:
        return self._ranker.score(
            torch.from_numpy(candidates.vectors).to(self.device),
            torch.from_numpy(candidates.contact_probabilities).to(self.device),
            torch.from_numpy(candidates.points).to(self.device),
        )

    def _planned_grasps(
        self, candidates: GraspCandidates, scores: CandidateScores, origin: np.ndarray
    ) -> tuple[PlannedGrasp, ...]:
        """The candidates best first, moved from the object frame to the frame in which `origin` [3] is given."""
        if not bool((scores.num_touching_parts > 0).any()):
            raise NoFeasibleGraspError(
                f"None of the {len(candidates.vectors)} sampled grasps touches the object: ask for more candidates or "
                "another seed, and check that the cloud is a single object in metres with z up."
            )
        vectors = candidates.vectors.copy()
        vectors[:, MANO_VECTOR_SIZE - 3 :] += origin
        poses = wrist_poses(torch.from_numpy(vectors))
        directions = approach_directions(poses, self._palm_axes)
        pregrasps = pregrasp_poses(poses, directions).numpy()
        joints = scores.hand.joints.cpu().numpy() + origin
        vertices = scores.hand.vertices.cpu().numpy() + origin
        terms = {name: values.tolist() for name, values in scores.terms.items()}
        return tuple(
            PlannedGrasp(
                vector=vectors[index],
                score=float(scores.total[index]),
                score_terms={name: values[index] for name, values in terms.items()},
                joints=joints[index],
                vertices=vertices[index],
                wrist_pose=poses[index].numpy(),
                pregrasp_pose=pregrasps[index],
                approach_direction=directions[index].numpy(),
            )
            for index in scores.order().tolist()
        )


def check_request(request: GraspRequest) -> None:
    """Refuses numbers that no planner accepts.

    Raises:
        InvalidRequestError: number of candidates or seed are out of range.
    """
    if not 1 <= request.num_candidates <= MAX_CANDIDATES:
        raise InvalidRequestError(
            f"num_candidates must be 1 to {MAX_CANDIDATES}, got {request.num_candidates}: ask for fewer or more."
        )
    if not 0 <= request.seed <= MAX_SEED:
        raise InvalidRequestError(f"seed must be 0 to 2^63 - 1, got {request.seed}.")


def _notes_on_views(observation: ObjectObservation) -> tuple[str, ...]:
    missing = [slot for slot in VIEW_SLOTS if slot not in observation.views]
    if not missing:
        return ()
    if len(missing) == len(VIEW_SLOTS):
        return ("No views were given: planned from the cloud alone.",)
    return (f"Views without an image: {', '.join(missing)}.",)


def _usable_device(name: str) -> torch.device:
    if re.fullmatch(r"cpu|cuda(:\d{1,3})?", name) is None:
        raise ConfigurationError(f"'{name}' is no device that can be planned on: use cpu, cuda or cuda:1.")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigurationError(
            f"Device '{name}' was asked for, but {torch.cuda.device_count()} GPUs are there: use cpu."
        )
    return device


@contextmanager
def _memory_errors_named(device: torch.device) -> Iterator[None]:
    """Turns the several ways in which memory runs out into OutOfMemoryError."""
    try:
        yield
    except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
        is_cuda_memory = isinstance(error, torch.cuda.OutOfMemoryError)
        is_memory = is_cuda_memory or isinstance(error, MemoryError) or "can't allocate memory" in str(error)
        if not is_memory:
            raise
        raise OutOfMemoryError(
            f"The memory of '{device}' does not suffice: ask for fewer candidates, or free memory on it."
        ) from error
