"""Everything before a grasp is chosen: geometry and meaning of an observation, fused, as features of its points."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from funcgrasp_core.grasp_model.config import GraspModelConfig
from funcgrasp_core.grasp_model.fusion_transformer import FusionTransformer
from funcgrasp_core.grasp_model.pointnet2_encoder import (
    PointHierarchy,
    PointNet2Encoder,
    propagate_features,
    propagation_layers,
)
from funcgrasp_core.grasp_model.semantic_encoder import SemanticEncoder, ViewFeatures, Views


@dataclass(frozen=True)
class SceneFeatures:
    """What is known before any grasp is chosen.

    Attributes:
        points: [B, N, 3] metres.
        point_features: [B, N, C], that contact is predicted from.
        flow_features: [B, N, C], that flows are conditioned on; the same tensor where conditioning is shared.
        summary: [B, S], of the whole object and instruction.
        tokens: [B, P, 3 + C_fuse], scaled coordinates and fused features of what the transformer worked on.
    """

    points: Tensor
    point_features: Tensor
    flow_features: Tensor
    summary: Tensor
    tokens: Tensor


class FlowBranch(nn.Module):
    """What conditions the flows, where contact does not share it.

    Its own projection of the meaning, own fusion, and own propagation where that follows the fusion.
    """

    def __init__(self, config: GraspModelConfig) -> None:
        super().__init__()
        self.project_semantic = nn.Linear(config.semantic_size, config.semantic_size)
        self.fusion = FusionTransformer(config.fusion, config.fused_size)
        self.fine_fusion, self.propagation = None, None
        fine_size = config.geometry.first.widths[-1]
        if config.fusion.over == "levels":
            fine_size = config.fine_fused_size
            self.fine_fusion = FusionTransformer(config.fusion, fine_size)
        if config.fusion.over != "points":
            layers = propagation_layers(config.geometry, config.fused_size, fine_size)
            self.propagation = nn.ModuleList(layers)


class SceneEncoder(nn.Module):
    """Encodes observations; base of the grasp models, which add what chooses a grasp.

    Args:
        config: sizes and choices.
        semantic_encoder: an `nn.Module` that encodes views and text.
    """

    def __init__(self, config: GraspModelConfig, semantic_encoder: SemanticEncoder) -> None:
        super().__init__()
        self.config = config
        over = config.fusion.over
        self.semantic_encoder = semantic_encoder
        self.geometric_encoder = PointNet2Encoder(
            config.geometry,
            coarse_size=config.fused_size if over != "points" else None,
            fine_size=config.fine_fused_size if over == "levels" else None,
        )
        self.fusion = FusionTransformer(config.fusion, config.fused_size)
        self.fine_fusion = FusionTransformer(config.fusion, config.fine_fused_size) if over == "levels" else None
        self.contact_semantic, self.flow_branch = None, None
        if config.conditioning == "separate":
            self.contact_semantic = nn.Linear(config.semantic_size, config.semantic_size)
            self.flow_branch = FlowBranch(config)
        self.null_semantic = None
        if config.guidance is not None:
            self.null_semantic = nn.Parameter(torch.zeros(config.semantic_size))

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
        hierarchy = self.geometric_encoder.abstract(points)
        return self.fuse(points, hierarchy, self.encode_meaning(views, texts), num_contact_points)

    def encode_meaning(self, views: Views, texts: list[str]) -> Tensor:
        """The semantic vectors of B observations: [B, C_sem]."""
        encoded = self.encode_views(views)
        return self.semantic_encoder(encoded.features, encoded.mask, texts)

    def encode_views(self, views: Views) -> ViewFeatures:
        """Views as the semantic encoder's features, which may be kept for other instructions."""
        if isinstance(views, ViewFeatures):
            return views
        return ViewFeatures(self.semantic_encoder.encode_views(views.images), views.mask)

    def without_meaning(self, semantic: Tensor, is_dropped: Tensor | None = None) -> Tensor:
        """The null vector in the place of semantic vectors.

        Args:
            semantic: [B, C_sem].
            is_dropped: [B] bool, where; None: everywhere.
        """
        assert self.null_semantic is not None  # callers have looked whether there is guidance
        null = self.null_semantic.to(semantic.dtype).expand_as(semantic)
        return null if is_dropped is None else torch.where(is_dropped[:, None], null, semantic)

    def fuse(
        self, points: Tensor, hierarchy: PointHierarchy, semantic: Tensor, num_contact_points: int | None = None
    ) -> SceneFeatures:
        """Fuse geometry [B, N, 3] points and their hierarchy with meaning [B, C_sem]; see `encode`."""
        encoder, branch = self.geometric_encoder, self.flow_branch
        over_points = self.config.fusion.over == "points"
        dense = encoder.propagate(hierarchy, hierarchy.second_features) if over_points else None
        meaning = semantic if self.contact_semantic is None else self.contact_semantic(semantic)
        layers = (encoder.propagate_first, encoder.propagate_points)
        fused, point_features = _fuse(
            hierarchy, dense, meaning, (self.fusion, self.fine_fusion), layers, num_contact_points
        )
        flow_features = point_features
        if branch is not None:
            semantic = branch.project_semantic(semantic)
            fused, flow_features = _fuse(
                hierarchy, dense, semantic, (branch.fusion, branch.fine_fusion), branch.propagation, num_contact_points
            )
        token_points = hierarchy.points if over_points else hierarchy.second_points
        summary = torch.cat([hierarchy.global_feature, fused.mean(dim=1), fused.amax(dim=1), semantic], dim=-1)
        tokens = torch.cat([token_points, fused], dim=-1)
        return SceneFeatures(points[:, :num_contact_points], point_features, flow_features, summary, tokens)

    @property
    def summary_size(self) -> int:
        """S, the width of `SceneFeatures.summary`."""
        config = self.config
        return config.geometry.global_widths[-1] + 2 * config.fused_size + config.semantic_size


def _fuse(
    hierarchy: PointHierarchy,
    dense: Tensor | None,
    semantic: Tensor,
    transformers: tuple[nn.Module, nn.Module | None],
    propagation: Iterable[nn.Module] | None,
    num_points: int | None,
) -> tuple[Tensor, Tensor]:
    """What the (coarse) transformer gives [B, P, C_fuse], and the features of the first N' points [B, N', C].

    With dense features [B, N, C_geo] it works on all points; else on the coarse level, the finer one where there is
    a transformer for it, and both are propagated up.
    """
    coarse_transformer, fine_transformer = transformers
    if dense is not None or propagation is None:
        fused = coarse_transformer(dense, semantic)
        return fused, fused[:, :num_points]
    fused = coarse_transformer(hierarchy.second_features, semantic)
    fine = hierarchy.first_features
    if fine_transformer is not None:
        fine = fine_transformer(fine, semantic)
    return fused, propagate_features(hierarchy, fused, fine, propagation, num_points)
