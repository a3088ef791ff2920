"""The grasp model: geometry and meaning are fused, contact is predicted, grasps are sampled by a rectified flow.

With a palm mode (`compact`) a palm pose is sampled first, and contact map and grasp are conditioned on it;
without one (`funcgrasp_v2`) there is a single contact map for an object and an instruction.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from funcgrasp_core.assets import REFERENCE_HAND, asset_path
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import MODE_ATTENTION_HEADS, GraspModelConfig, PalmModeConfig
from funcgrasp_core.grasp_model.contact_head import ContactHead, PalmContactHead
from funcgrasp_core.grasp_model.contact_weighted_pooling import (
    ContactWeightedPooling,
    PalmFramePooling,
    part_probabilities,
)
from funcgrasp_core.grasp_model.flow_matching import AttentiveFlowNetwork, FlowNetwork, RectifiedFlow
from funcgrasp_core.grasp_model.fusion_transformer import FusionTransformer
from funcgrasp_core.grasp_model.layers import full_precision
from funcgrasp_core.grasp_model.normaliser import Normaliser
from funcgrasp_core.grasp_model.palm_mode import MODE_SIZE, PalmFrame, PalmPoses
from funcgrasp_core.grasp_model.pointnet2_encoder import PointNet2Encoder
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.encoder import build_qwen_encoder
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import (
    CompactSemanticEncoder,
    SemanticEncoder,
    ViewFeatures,
    Views,
)
from funcgrasp_core.hand.hand_parameters import (
    AxisAngleParameterisation,
    HandParameterisation,
    JointBasisParameterisation,
)
from funcgrasp_core.hand.mano_assets import load_mano_assets


@dataclass(frozen=True)
class SceneFeatures:
    """What is known before any grasp is chosen.

    Attributes:
        points: [B, N, 3] metres.
        point_features: [B, N, C].
        summary: [B, S], of the whole object and instruction.
        tokens: [B, P, 3 + C_fuse], scaled coordinates and fused features of what the transformer worked on.
    """

    points: Tensor
    point_features: Tensor
    summary: Tensor
    tokens: Tensor


@dataclass(frozen=True)
class TrainingPrediction:
    """What the losses compare; G grasps for each of B observations, T time draws.

    Attributes:
        contact_logits: [B, G, N, 7].
        velocity: [B, T * G, D] of the grasp's flow.
        velocity_target: [B, T * G, D].
        mode_velocity: [B, T' * G, 9] of the mode's flow, None without a mode.
        mode_velocity_target: [B, T' * G, 9].
    """

    contact_logits: Tensor
    velocity: Tensor
    velocity_target: Tensor
    mode_velocity: Tensor | None = None
    mode_velocity_target: Tensor | None = None

    def to_float(self) -> "TrainingPrediction":
        """The same in float32, for losses after a pass in bfloat16."""
        return TrainingPrediction(
            self.contact_logits.float(),
            self.velocity.float(),
            self.velocity_target.float(),
            None if self.mode_velocity is None else self.mode_velocity.float(),
            None if self.mode_velocity_target is None else self.mode_velocity_target.float(),
        )


@dataclass(frozen=True)
class ModelSample:
    """Sampled grasps.

    Attributes:
        vectors: [B, K, 61] MANO vectors in the object frame.
        contact_probabilities: [B, K, N, 6], each candidate's own contact map.
    """

    vectors: Tensor
    contact_probabilities: Tensor


class GraspModel(nn.Module, ABC):
    """Common trunk of both kinds of model; `build_grasp_model` makes them.

    Args:
        config: sizes and choices.
        semantic_encoder: an `nn.Module` that encodes views and text.
        parameterisation: form of a grasp that the flow generates.
    """

    def __init__(
        self,
        config: GraspModelConfig,
        semantic_encoder: SemanticEncoder,
        parameterisation: HandParameterisation,
    ) -> None:
        super().__init__()
        self.config = config
        fuses_samples = config.fusion.over == "samples"
        self.semantic_encoder = semantic_encoder
        self.geometric_encoder = PointNet2Encoder(
            config.geometry, coarse_size=config.fused_size if fuses_samples else None
        )
        self.fusion = FusionTransformer(config.fusion, config.fused_size)
        self.parameterisation = parameterisation
        self.targets = Normaliser(parameterisation.size)

    def encode(
        self,
        points: Tensor,
        views: Views,
        texts: list[str],
        num_contact_points: int | None = None,
    ) -> SceneFeatures:
        """Encode B observations.

        Args:
            points: [B, N, 3] metres, centred on the cloud's box.
            views: pictures, or what `encode_views` gave for them.
            texts: B instructions.
            num_contact_points: N', how many points, from the first on, get features of their own; None: all.
        """
        encoded = self.encode_views(views)
        semantic = self.semantic_encoder(encoded.features, encoded.mask, texts)
        hierarchy = self.geometric_encoder.abstract(points)
        if self.config.fusion.over == "samples":
            fused = self.fusion(hierarchy.second_features, semantic)
            point_features = self.geometric_encoder.propagate(hierarchy, fused, num_contact_points)
            token_points = hierarchy.second_points
        else:
            geometric = self.geometric_encoder.propagate(hierarchy, hierarchy.second_features)
            fused = self.fusion(geometric, semantic)
            point_features = fused[:, :num_contact_points]
            token_points = hierarchy.points
        summary = torch.cat([hierarchy.global_feature, fused.mean(dim=1), fused.amax(dim=1), semantic], dim=-1)
        tokens = torch.cat([token_points, fused], dim=-1)
        return SceneFeatures(points[:, :num_contact_points], point_features, summary, tokens)

    def encode_views(self, views: Views) -> ViewFeatures:
        """Views as the semantic encoder's features, which may be kept for other instructions."""
        if isinstance(views, ViewFeatures):
            return views
        return ViewFeatures(self.semantic_encoder.encode_views(views.images), views.mask)

    @property
    def summary_size(self) -> int:
        """S, the width of `SceneFeatures.summary`."""
        config = self.config
        return config.geometry.global_widths[-1] + 2 * config.fused_size + config.semantic_size

    def forward(
        self,
        points: Tensor,
        views: Views,
        texts: list[str],
        vectors: Tensor,
        random: SampleRandom,
        num_contact_points: int | None = None,
    ) -> TrainingPrediction:
        """A training pass over B observations with G known grasps [B, G, 61] each; see `encode`.

        `random` holds B streams, of noise and times.
        """
        return self._predict_in(self.encode(points, views, texts, num_contact_points), vectors, random)

    def sample(
        self,
        points: Tensor,
        views: Views,
        texts: list[str],
        num_candidates: int,
        random: SampleRandom,
    ) -> ModelSample:
        """Sample K grasps for each of B observations, which have B streams; see `encode` for the shapes."""
        return self._sample_in(self.encode(points, views, texts), num_candidates, random)

    @abstractmethod
    def _predict_in(self, scene: SceneFeatures, vectors: Tensor, random: SampleRandom) -> TrainingPrediction:
        """`predict` for an encoded scene."""

    @abstractmethod
    def _sample_in(self, scene: SceneFeatures, num_candidates: int, random: SampleRandom) -> ModelSample:
        """`sample` for an encoded scene."""

    def fit_targets(self, vectors: Tensor) -> None:
        """Take the statistics of training grasps [M, 61], if the configuration normalises targets."""
        if self.config.normalise_targets:
            self.targets.fit(self.parameterisation.encode(vectors))


class SingleMapGraspModel(GraspModel):
    """One contact map for an object and an instruction; its weighted mean of features conditions the flow."""

    def __init__(
        self,
        config: GraspModelConfig,
        semantic_encoder: SemanticEncoder,
        parameterisation: HandParameterisation,
    ) -> None:
        super().__init__(config, semantic_encoder, parameterisation)
        point_size = config.fused_size
        if config.fusion.over == "samples":
            point_size = config.geometry.propagation_widths[-1]
        self.contact_head = ContactHead(point_size, config.contact_hidden)
        self.pooling = ContactWeightedPooling()
        network = FlowNetwork(parameterisation.size, point_size, config.flow)
        self.flow = RectifiedFlow(network, parameterisation.size, config.flow)

    def _predict_in(self, scene: SceneFeatures, vectors: Tensor, random: SampleRandom) -> TrainingPrediction:
        num_grasps = vectors.shape[1]
        logits = self.contact_head(scene.point_features)
        condition = self.pooling(scene.point_features, logits)[:, None].expand(-1, num_grasps, -1)
        targets = self.targets.normalise(self.parameterisation.encode(vectors))
        velocity, velocity_target = self.flow.predict(targets, condition, random=random)
        return TrainingPrediction(logits[:, None].expand(-1, num_grasps, -1, -1), velocity, velocity_target)

    def _sample_in(self, scene: SceneFeatures, num_candidates: int, random: SampleRandom) -> ModelSample:
        logits = self.contact_head(scene.point_features)
        condition = self.pooling(scene.point_features, logits)[:, None].expand(-1, num_candidates, -1)
        targets = self.flow.sample(condition.contiguous(), random=random)
        vectors = self.parameterisation.decode(self.targets.restore(targets))
        probabilities = part_probabilities(logits)[:, None].expand(-1, num_candidates, -1, -1)
        return ModelSample(vectors, probabilities)


class PalmModeGraspModel(GraspModel):
    """A palm pose first; then its contact map; then the grasp, in the palm's frame.

    The flow also corrects the palm pose: in training the mode is the true palm pose plus noise.
    """

    def __init__(
        self,
        config: GraspModelConfig,
        mode: PalmModeConfig,
        semantic_encoder: SemanticEncoder,
        parameterisation: HandParameterisation,
        palm: PalmFrame,
    ) -> None:
        super().__init__(config, semantic_encoder, parameterisation)
        self.mode_config = mode
        point_size = config.geometry.propagation_widths[-1]
        if config.fusion.over == "points":
            point_size = config.fused_size
        self.palm = palm
        self.modes = Normaliser(MODE_SIZE)
        self.summarise = nn.Sequential(
            nn.Linear(self.summary_size, config.fused_size), nn.LayerNorm(config.fused_size), nn.GELU()
        )
        mode_network = AttentiveFlowNetwork(
            MODE_SIZE, config.fused_size, 3 + config.fused_size, mode.flow, MODE_ATTENTION_HEADS
        )
        self.mode_flow = RectifiedFlow(mode_network, MODE_SIZE, mode.flow)
        self.contact_head = PalmContactHead(point_size, config.contact_hidden)
        self.pooling = PalmFramePooling(point_size, mode.local_width, mode.local_radius_m, config.fused_size)
        network = FlowNetwork(parameterisation.size, 2 * config.fused_size + MODE_SIZE, config.flow)
        self.flow = RectifiedFlow(network, parameterisation.size, config.flow)

    def fit_targets(self, vectors: Tensor) -> None:
        """See `GraspModel.fit_targets`; the grasps' targets are those that noisy palm poses give."""
        if not self.config.normalise_targets:
            return
        palms = self.palm.poses_of(vectors[None])
        self.modes.fit(palms.to_mode()[0])
        noisy = palms.disturbed(
            self.mode_config.position_noise_m, self.mode_config.rotation_noise_rad, SampleRandom([0])
        )
        self.targets.fit(self.parameterisation.encode(noisy.vectors_in_palm(vectors[None])[0]))

    def _predict_in(self, scene: SceneFeatures, vectors: Tensor, random: SampleRandom) -> TrainingPrediction:
        summary = self.summarise(scene.summary)[:, None].expand(-1, vectors.shape[1], -1)
        with torch.no_grad(), full_precision(vectors):
            true_palms = self.palm.poses_of(vectors)
            true_modes = self.modes.normalise(true_palms.to_mode())
            palms = true_palms.disturbed(self.mode_config.position_noise_m, self.mode_config.rotation_noise_rad, random)
            targets = self.targets.normalise(self.parameterisation.encode(palms.vectors_in_palm(vectors)))
        mode_velocity, mode_velocity_target = self.mode_flow.predict(true_modes, summary, scene.tokens, random=random)
        logits, condition = self._conditions(scene, summary, palms)
        velocity, velocity_target = self.flow.predict(targets, condition, random=random)
        return TrainingPrediction(logits, velocity, velocity_target, mode_velocity, mode_velocity_target)

    def _sample_in(self, scene: SceneFeatures, num_candidates: int, random: SampleRandom) -> ModelSample:
        summary = self.summarise(scene.summary)[:, None].expand(-1, num_candidates, -1).contiguous()
        palms = PalmPoses.from_mode(self.modes.restore(self.mode_flow.sample(summary, scene.tokens, random=random)))
        vectors = self._sample_grasps(scene, summary, palms, random)
        for _ in range(self.mode_config.num_refinements):
            palms = self.palm.poses_of(vectors)
            vectors = self._sample_grasps(scene, summary, palms, random)
        logits, _ = self._conditions(scene, summary, self.palm.poses_of(vectors))
        return ModelSample(vectors, part_probabilities(logits))

    def _sample_grasps(self, scene: SceneFeatures, summary: Tensor, palms: PalmPoses, random: SampleRandom) -> Tensor:
        _, condition = self._conditions(scene, summary, palms)
        targets = self.targets.restore(self.flow.sample(condition, random=random))
        return palms.vectors_in_object(self.parameterisation.decode(targets))

    def _conditions(self, scene: SceneFeatures, summary: Tensor, palms: PalmPoses) -> tuple[Tensor, Tensor]:
        """Contact logits [B, K, N, 7] and flow condition [B, K, C] under palms [B, K]."""
        with full_precision(scene.points):
            points_in_palm = palms.points_in_palm(scene.points)
        logits = self.contact_head(scene.point_features, points_in_palm)
        pooled = self.pooling(scene.point_features, logits, points_in_palm)
        return logits, torch.cat([pooled, summary, self.modes.normalise(palms.to_mode())], dim=-1)


def build_grasp_model(config: GraspModelConfig, semantic_model: Path | None = None) -> GraspModel:
    """Make the model that a configuration describes, with random weights.

    Args:
        config: sizes and choices.
        semantic_model: folder of a Qwen2.5-VL checkpoint, for configurations that use one.

    Raises:
        ConfigurationError: a folder is missing or not wanted.
    """
    if isinstance(config.semantic, QwenSemanticConfig) != (semantic_model is not None):
        raise ConfigurationError("semantic_model is for configurations with Qwen2.5-VL, and needed there")
    semantic_encoder: SemanticEncoder
    if isinstance(config.semantic, QwenSemanticConfig):
        assert semantic_model is not None
        semantic_encoder = build_qwen_encoder(config.semantic, semantic_model, config.semantic_size)
    else:
        semantic_encoder = CompactSemanticEncoder(config.semantic, config.semantic_size)
    hand = load_mano_assets(asset_path(REFERENCE_HAND))
    parameterisation: HandParameterisation
    if config.parameterisation == "axis_angle":
        parameterisation = AxisAngleParameterisation()
    else:
        parameterisation = JointBasisParameterisation(hand)
    if config.mode is None:
        return SingleMapGraspModel(config, semantic_encoder, parameterisation)
    return PalmModeGraspModel(config, config.mode, semantic_encoder, parameterisation, PalmFrame.of_hand(hand))
