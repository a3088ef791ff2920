"""The grasp model: geometry and meaning are fused, contact is predicted, grasps are sampled by a rectified flow.

With a palm mode (`compact`) a palm pose is sampled first, and contact map and grasp are conditioned on it;
without one (`funcgrasp_v2`) there is a single contact map for an object and an instruction.
"""

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor, nn

from funcgrasp_core.assets import REFERENCE_HAND, asset_path
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.attention_pooling import AttentionPooling, ContactAttention
from funcgrasp_core.grasp_model.config import MODE_ATTENTION_HEADS, GraspModelConfig, PalmModeConfig
from funcgrasp_core.grasp_model.contact_head import ContactHead, PalmContactHead
from funcgrasp_core.grasp_model.contact_weighted_pooling import (
    ContactWeightedPooling,
    PalmFramePooling,
    Pooling,
    part_probabilities,
)
from funcgrasp_core.grasp_model.flow_matching import AttentiveFlowNetwork, FlowNetwork, Guidance, RectifiedFlow
from funcgrasp_core.grasp_model.flow_pairs import FlowPairs
from funcgrasp_core.grasp_model.layers import full_precision
from funcgrasp_core.grasp_model.model_outputs import ModelSample, TrainingPrediction
from funcgrasp_core.grasp_model.normaliser import Normaliser
from funcgrasp_core.grasp_model.palm_mode import MODE_SIZE, PalmFrame, PalmPoses
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.encoder import build_qwen_encoder
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.scene_encoder import SceneEncoder, SceneFeatures
from funcgrasp_core.grasp_model.semantic_encoder import CompactSemanticEncoder, SemanticEncoder, Views
from funcgrasp_core.hand.hand_parameters import (
    AxisAngleParameterisation,
    HandParameterisation,
    JointBasisParameterisation,
)
from funcgrasp_core.hand.mano_assets import load_mano_assets


class GraspModel(SceneEncoder, ABC):
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
        super().__init__(config, semantic_encoder)
        self.parameterisation = parameterisation
        self.targets = Normaliser(parameterisation.size)

    def forward(
        self,
        points: Tensor,
        views: Views,
        texts: list[str],
        vectors: Tensor,
        random: SampleRandom,
        num_contact_points: int | None = None,
        pairs: FlowPairs | None = None,
    ) -> TrainingPrediction:
        """A training pass over B observations with G known grasps [B, G, 61] each; see `encode`.

        Args:
            points, views, texts, num_contact_points: as `encode` takes them.
            vectors: [B, G, 61].
            random: B streams, of noise and times, and of which observations miss their meaning.
            pairs: of a teacher, see `flow_pairs`: the flows then learn these instead of the known grasps (reflow),
                contact is learned from the known grasps all the same.
        """
        hierarchy = self.geometric_encoder.abstract(points)
        semantic = self.encode_meaning(views, texts)
        if self.training and self.config.guidance is not None:
            is_dropped = random.uniform(like=points) < self.config.guidance.condition_dropout
            semantic = self.without_meaning(semantic, is_dropped)
        return self._predict_in(self.fuse(points, hierarchy, semantic, num_contact_points), vectors, random, pairs)

    def sample(
        self,
        points: Tensor,
        views: Views,
        texts: list[str],
        num_candidates: int,
        random: SampleRandom,
    ) -> ModelSample:
        """Sample K grasps for each of B observations, which have B streams; see `encode` for the shapes."""
        return self._sample_in(*self._scenes(points, views, texts), num_candidates, random)

    @torch.no_grad()
    def flow_pairs(
        self, points: Tensor, views: Views, texts: list[str], num_pairs: int, random: SampleRandom
    ) -> FlowPairs:
        """K pairs of noise and the sample that it flows to, for each of B observations, which have B streams.

        A model that learns from them (`forward`'s `pairs`) gets straighter paths, so fewer steps suffice (reflow). It
        must have this one's statistics of targets: let it start from this one's weights. With guidance they are
        guided pairs, which the student then gives without guidance. An observation's pairs depend on its own stream
        alone, so they can be made anew from its seed, or kept under it. Call it in evaluation mode.
        """
        return self._pairs_in(*self._scenes(points, views, texts), num_pairs, random)

    def _scenes(self, points: Tensor, views: Views, texts: list[str]) -> tuple[SceneFeatures, SceneFeatures | None]:
        """The scene and, where sampling is guided, the scene without meaning."""
        hierarchy = self.geometric_encoder.abstract(points)
        semantic = self.encode_meaning(views, texts)
        unguided = self.guidance_scale == 1.0
        null_scene = None if unguided else self.fuse(points, hierarchy, self.without_meaning(semantic))
        return self.fuse(points, hierarchy, semantic), null_scene

    @property
    def guidance_scale(self) -> float:
        """Of the configuration's guidance; 1 where there is none."""
        return 1.0 if self.config.guidance is None else self.config.guidance.scale

    @abstractmethod
    def _predict_in(
        self, scene: SceneFeatures, vectors: Tensor, random: SampleRandom, pairs: FlowPairs | None
    ) -> TrainingPrediction:
        """`forward` for an encoded scene."""

    @abstractmethod
    def _sample_in(
        self, scene: SceneFeatures, null_scene: SceneFeatures | None, num_candidates: int, random: SampleRandom
    ) -> ModelSample:
        """`sample` for encoded scenes."""

    @abstractmethod
    def _pairs_in(
        self, scene: SceneFeatures, null_scene: SceneFeatures | None, num_pairs: int, random: SampleRandom
    ) -> FlowPairs:
        """`flow_pairs` for encoded scenes."""

    def fit_targets(self, vectors: Tensor) -> None:
        """Take the statistics of training grasps [M, 61] of any device, if the configuration normalises targets."""
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
        self.contact_head = ContactHead(config.point_size, config.contact_hidden)
        self.pooling: Pooling = ContactWeightedPooling()
        if config.attention_pooling is not None:
            self.pooling = AttentionPooling(config.point_size, config.attention_pooling.num_queries)
        network = FlowNetwork(parameterisation.size, config.point_size, config.flow)
        self.flow = RectifiedFlow(network, parameterisation.size, config.flow)

    def _predict_in(
        self, scene: SceneFeatures, vectors: Tensor, random: SampleRandom, pairs: FlowPairs | None
    ) -> TrainingPrediction:
        logits = self.contact_head(scene.point_features)
        targets, noise = self.targets.normalise(self.parameterisation.encode(vectors)), None
        if pairs is not None:
            targets, noise = pairs.data, pairs.noise
        condition = self._condition(scene, logits, targets.shape[1])
        velocity, velocity_target = self.flow.predict(targets, condition, random=random, noise=noise)
        return TrainingPrediction(logits[:, None].expand(-1, vectors.shape[1], -1, -1), velocity, velocity_target)

    def _sample_in(
        self, scene: SceneFeatures, null_scene: SceneFeatures | None, num_candidates: int, random: SampleRandom
    ) -> ModelSample:
        pairs = self._pairs_in(scene, null_scene, num_candidates, random)
        with full_precision(pairs.data):
            vectors = self.parameterisation.decode(self.targets.restore(pairs.data))
        probabilities = part_probabilities(self.contact_head(scene.point_features))
        return ModelSample(vectors, probabilities[:, None].expand(-1, num_candidates, -1, -1))

    def _pairs_in(
        self, scene: SceneFeatures, null_scene: SceneFeatures | None, num_pairs: int, random: SampleRandom
    ) -> FlowPairs:
        guidance = None
        if null_scene is not None:
            null_logits = self.contact_head(null_scene.point_features)
            guidance = Guidance(self.guidance_scale, self._condition(null_scene, null_logits, num_pairs))
        condition = self._condition(scene, self.contact_head(scene.point_features), num_pairs)
        return FlowPairs(*self.flow.sample_pairs(condition, random=random, guidance=guidance))

    def _condition(self, scene: SceneFeatures, logits: Tensor, num_grasps: int) -> Tensor:
        """The flow's condition [B, K, C] for contact logits [B, N, 7]."""
        pooled = self.pooling(scene.flow_features, logits)
        return pooled[:, None].expand(-1, num_grasps, -1).contiguous()


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
        self.palm = palm
        self.modes = Normaliser(MODE_SIZE)
        self.summarise = nn.Sequential(
            nn.Linear(self.summary_size, config.fused_size), nn.LayerNorm(config.fused_size), nn.GELU()
        )
        mode_network = AttentiveFlowNetwork(
            MODE_SIZE, config.fused_size, 3 + config.fused_size, mode.flow, MODE_ATTENTION_HEADS
        )
        self.mode_flow = RectifiedFlow(mode_network, MODE_SIZE, mode.flow)
        self.contact_head = PalmContactHead(config.point_size, config.contact_hidden)
        attention = None
        if config.attention_pooling is not None:
            attention = ContactAttention(mode.local_width, config.attention_pooling.num_queries, mode.local_width)
        self.pooling = PalmFramePooling(
            config.point_size, mode.local_width, mode.local_radius_m, config.fused_size, attention
        )
        network = FlowNetwork(parameterisation.size, 2 * config.fused_size + MODE_SIZE, config.flow)
        self.flow = RectifiedFlow(network, parameterisation.size, config.flow)

    def fit_targets(self, vectors: Tensor) -> None:
        """See `GraspModel.fit_targets`; the grasps' targets are those that noisy palm poses give."""
        if not self.config.normalise_targets:
            return
        vectors = vectors.to(self.targets.mean.device)
        palms = self.palm.poses_of(vectors[None])
        self.modes.fit(palms.to_mode()[0])
        noisy = self._disturbed(palms, SampleRandom([0]))
        self.targets.fit(self.parameterisation.encode(noisy.vectors_in_palm(vectors[None])[0]))

    def _predict_in(
        self, scene: SceneFeatures, vectors: Tensor, random: SampleRandom, pairs: FlowPairs | None
    ) -> TrainingPrediction:
        with torch.no_grad(), full_precision(vectors):
            true_palms = self.palm.poses_of(vectors)
            modes = self.modes.normalise(true_palms.to_mode())
            palms = self._disturbed(true_palms, random)
            targets = self.targets.normalise(self.parameterisation.encode(palms.vectors_in_palm(vectors)))
            noise, mode_noise, flow_palms = None, None, palms
            if pairs is not None:
                targets, noise, modes, mode_noise, palm_modes = pairs.with_modes()
                flow_palms = PalmPoses.from_mode(palm_modes)
        summary = self._summary(scene, modes.shape[1])
        mode_velocity, mode_velocity_target = self.mode_flow.predict(
            modes, summary, scene.tokens, random=random, noise=mode_noise
        )
        logits, condition = self._conditions(scene, summary, flow_palms)
        if pairs is not None:
            logits = self._contact_logits(scene, palms)
        velocity, velocity_target = self.flow.predict(targets, condition, random=random, noise=noise)
        return TrainingPrediction(logits, velocity, velocity_target, mode_velocity, mode_velocity_target)

    def _sample_in(
        self, scene: SceneFeatures, null_scene: SceneFeatures | None, num_candidates: int, random: SampleRandom
    ) -> ModelSample:
        _, modes = self._mode_pairs(scene, null_scene, num_candidates, random)
        palms = PalmPoses.from_mode(self.modes.restore(modes))
        vectors = self._sample_grasps(scene, null_scene, palms, random)
        for _ in range(self.mode_config.num_refinements):
            vectors = self._sample_grasps(scene, null_scene, self._palms_of(vectors), random)
        return ModelSample(vectors, part_probabilities(self._contact_logits(scene, self._palms_of(vectors))))

    def _pairs_in(
        self, scene: SceneFeatures, null_scene: SceneFeatures | None, num_pairs: int, random: SampleRandom
    ) -> FlowPairs:
        """The grasps are those that belong to the sampled modes, disturbed as true ones are in training."""
        mode_noise, modes = self._mode_pairs(scene, null_scene, num_pairs, random)
        palms = self._disturbed(PalmPoses.from_mode(self.modes.restore(modes)), random)
        noise, data = self._grasp_pairs(scene, null_scene, palms, random)
        return FlowPairs(noise, data, mode_noise, modes, palms.to_mode())

    def _mode_pairs(
        self, scene: SceneFeatures, null_scene: SceneFeatures | None, num_modes: int, random: SampleRandom
    ) -> tuple[Tensor, Tensor]:
        guidance = None
        if null_scene is not None:
            null_summary = self._summary(null_scene, num_modes)
            guidance = Guidance(self.guidance_scale, null_summary, (null_scene.tokens,))
        summary = self._summary(scene, num_modes)
        return self.mode_flow.sample_pairs(summary, scene.tokens, random=random, guidance=guidance)

    def _grasp_pairs(
        self, scene: SceneFeatures, null_scene: SceneFeatures | None, palms: PalmPoses, random: SampleRandom
    ) -> tuple[Tensor, Tensor]:
        num_grasps, guidance = palms.centre.shape[1], None
        if null_scene is not None:
            _, null_condition = self._conditions(null_scene, self._summary(null_scene, num_grasps), palms)
            guidance = Guidance(self.guidance_scale, null_condition)
        _, condition = self._conditions(scene, self._summary(scene, num_grasps), palms)
        return self.flow.sample_pairs(condition, random=random, guidance=guidance)

    def _sample_grasps(
        self, scene: SceneFeatures, null_scene: SceneFeatures | None, palms: PalmPoses, random: SampleRandom
    ) -> Tensor:
        _, data = self._grasp_pairs(scene, null_scene, palms, random)
        with full_precision(data):
            return palms.vectors_in_object(self.parameterisation.decode(self.targets.restore(data)))

    def _palms_of(self, vectors: Tensor) -> PalmPoses:
        with full_precision(vectors):
            return self.palm.poses_of(vectors)

    def _disturbed(self, palms: PalmPoses, random: SampleRandom) -> PalmPoses:
        with full_precision(palms.centre):
            return palms.disturbed(self.mode_config.position_noise_m, self.mode_config.rotation_noise_rad, random)

    def _summary(self, scene: SceneFeatures, num_grasps: int) -> Tensor:
        """[B, K, C_fuse]."""
        return self.summarise(scene.summary)[:, None].expand(-1, num_grasps, -1).contiguous()

    def _contact_logits(self, scene: SceneFeatures, palms: PalmPoses) -> Tensor:
        """[B, K, N, 7] under palms [B, K]."""
        with full_precision(scene.points):
            points_in_palm = palms.points_in_palm(scene.points)
        return self.contact_head(scene.point_features, points_in_palm)

    def _conditions(self, scene: SceneFeatures, summary: Tensor, palms: PalmPoses) -> tuple[Tensor, Tensor]:
        """Contact logits [B, K, N, 7] and flow condition [B, K, C] under palms [B, K]."""
        with full_precision(scene.points):
            points_in_palm = palms.points_in_palm(scene.points)
        logits = self.contact_head(scene.point_features, points_in_palm)
        pooled = self.pooling(scene.flow_features, logits, points_in_palm)
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
