"""PointNet++ with single-scale grouping over a batch of clouds of one size.

Qi et al., "PointNet++: Deep Hierarchical Feature Learning on Point Sets in a Metric Space", NeurIPS 2017.
Groups are encoded by torch_geometric's `PointNetConv`; sampling, grouping and interpolation are our own
(`geometry/point_sampling`), since torch_geometric has them only through compiled extensions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from funcgrasp_core.geometry.point_sampling import (
    ball_query,
    bipartite_edge_index,
    farthest_point_sampling,
    gather_points,
    interpolate_features,
)
from funcgrasp_core.grasp_model.config import PointNet2Config, SetAbstractionConfig
from funcgrasp_core.grasp_model.layers import full_precision, linear_stack


@dataclass(frozen=True)
class PointHierarchy:
    """What the two set abstractions leave behind; M1 and M2 are their numbers of centres.

    Attributes:
        points: [B, N, 3] scaled coordinates.
        point_features: [B, N, 3 or 4] scaled coordinates, then the object's size where radii follow it.
        first_points: [B, M1, 3].
        first_features: [B, M1, C1].
        second_points: [B, M2, 3].
        second_features: [B, M2, C2].
        global_feature: [B, Cg].
    """

    points: Tensor
    point_features: Tensor
    first_points: Tensor
    first_features: Tensor
    second_points: Tensor
    second_features: Tensor
    global_feature: Tensor


class GroupMaximum(nn.Module):
    """Maximum over groups of one fixed size whose messages lie behind one another.

    Stands in for torch_geometric's max aggregation: the same result without its scatter, which is slow on CPUs.
    """

    def __init__(self, group_size: int) -> None:
        super().__init__()
        self.group_size = group_size

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
    ) -> Tensor:
        """[G * group_size, C] messages -> [G, C]."""
        return x.view(-1, self.group_size, x.shape[-1]).amax(dim=1)


class SetAbstraction(nn.Module):
    """Farthest point sampling, ball query, and a PointNet on each group."""

    def __init__(self, config: SetAbstractionConfig, input_size: int, layer_norm: bool) -> None:
        # Imported here: it loads the data sets and language models of its own package, which takes seconds.
        from torch_geometric.nn import PointNetConv

        super().__init__()
        self.num_samples = config.num_samples
        self.radius = config.radius
        self.max_neighbours = config.max_neighbours
        # PointNetConv feeds [neighbour's features, neighbour's position - centre] to the shared layers.
        self.conv = PointNetConv(linear_stack((input_size + 3, *config.widths), layer_norm), add_self_loops=False)
        self.conv.aggr_module = GroupMaximum(config.max_neighbours)

    def forward(self, points: Tensor, features: Tensor, radius_scale: Tensor) -> tuple[Tensor, Tensor]:
        """Encode groups.

        Args:
            points: [B, N, 3].
            features: [B, N, C].
            radius_scale: [B], multiplies the configured radius.

        Returns:
            Centres [B, M, 3] and their features [B, M, C'].
        """
        batch_size, num_points, _ = points.shape
        with torch.no_grad(), full_precision(points):
            centres = gather_points(points, farthest_point_sampling(points, self.num_samples))
            neighbours, is_inside = ball_query(points, centres, self.radius * radius_scale, self.max_neighbours)
        # Groups are filled up with their nearest point: the maximum stays the same and the size is fixed.
        neighbours = torch.where(is_inside, neighbours, neighbours[..., :1])
        edge_index = bipartite_edge_index(neighbours, torch.ones_like(is_inside), num_points)
        encoded = self.conv((features.flatten(0, 1), None), (points.flatten(0, 1), centres.flatten(0, 1)), edge_index)
        return centres, encoded.view(batch_size, self.num_samples, -1)


def propagation_layers(
    config: PointNet2Config, coarse_size: int, fine_size: int
) -> tuple[nn.Sequential, nn.Sequential]:
    """The shared layers of both feature propagations: to the finer sampled level, then to the points.

    Args:
        config: sizes.
        coarse_size: width of the coarse level's features.
        fine_size: width of the finer sampled level's.
    """
    widths = config.propagation_widths
    point_size = _point_size(config)
    to_first = linear_stack((coarse_size + fine_size, *widths), config.layer_norm)
    return to_first, linear_stack((widths[-1] + point_size, *widths), config.layer_norm)


def propagate_features(
    hierarchy: PointHierarchy,
    coarse_features: Tensor,
    fine_features: Tensor,
    layers: Iterable[nn.Module],
    num_points: int | None = None,
) -> Tensor:
    """Bring features of both sampled levels up to the points.

    Args:
        hierarchy: of `PointNet2Encoder.abstract`.
        coarse_features: [B, M2, C].
        fine_features: [B, M1, C'].
        layers: of `propagation_layers`.
        num_points: N', how many points, from the first on, get features; None: all.

    Returns:
        [B, N', C_geo].
    """
    to_first, to_points = layers
    first = interpolate_features(hierarchy.second_points, coarse_features, hierarchy.first_points)
    first = to_first(torch.cat([first, fine_features], dim=-1))
    points, features = hierarchy.points[:, :num_points], hierarchy.point_features[:, :num_points]
    dense = interpolate_features(hierarchy.first_points, first, points)
    return to_points(torch.cat([dense, features], dim=-1))


def _point_size(config: PointNet2Config) -> int:
    return 3 if config.radius_unit == "metre" else 4


class PointNet2Encoder(nn.Module):
    """Two set abstractions down, two feature propagations up.

    `forward` is the whole encoder. `abstract` and `propagate` are its halves, so that a transformer can work on
    the sampled levels in between.

    Args:
        config: sizes.
        coarse_size: width of what is propagated up from the coarse level; None: what `abstract` gives.
        fine_size: the same of the finer sampled level.
    """

    def __init__(self, config: PointNet2Config, coarse_size: int | None = None, fine_size: int | None = None) -> None:
        super().__init__()
        self.config = config
        first_size, second_size = config.first.widths[-1], config.second.widths[-1]
        self.first = SetAbstraction(config.first, _point_size(config), config.layer_norm)
        self.second = SetAbstraction(config.second, first_size, config.layer_norm)
        self.global_layers = linear_stack((second_size, *config.global_widths), config.layer_norm)
        self.propagate_first, self.propagate_points = propagation_layers(
            config, coarse_size or second_size, fine_size or first_size
        )

    def abstract(self, points: Tensor) -> PointHierarchy:
        """Go down the hierarchy.

        Args:
            points: [B, N, 3] metres.
        """
        scaled = points * self.config.coordinate_scale
        if self.config.radius_unit == "object":
            half_diagonal = (scaled.amax(1) - scaled.amin(1)).norm(dim=-1) / 2
            radius_scale = half_diagonal
            features = torch.cat([scaled, half_diagonal[:, None, None].expand(-1, scaled.shape[1], 1)], dim=-1)
        else:
            radius_scale = scaled.new_full((len(scaled),), self.config.coordinate_scale)
            features = scaled
        first_points, first_features = self.first(scaled, features, radius_scale)
        second_points, second_features = self.second(first_points, first_features, radius_scale)
        return PointHierarchy(
            points=scaled,
            point_features=features,
            first_points=first_points,
            first_features=first_features,
            second_points=second_points,
            second_features=second_features,
            global_feature=self.global_layers(second_features.amax(dim=1)),
        )

    def propagate(
        self,
        hierarchy: PointHierarchy,
        coarse_features: Tensor,
        num_points: int | None = None,
        fine_features: Tensor | None = None,
    ) -> Tensor:
        """Bring features up, see `propagate_features`; `fine_features` None: those of the hierarchy."""
        fine = hierarchy.first_features if fine_features is None else fine_features
        layers = (self.propagate_first, self.propagate_points)
        return propagate_features(hierarchy, coarse_features, fine, layers, num_points)

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """[B, N, 3] metres -> per-point features [B, N, C_geo] and a global feature [B, Cg]."""
        hierarchy = self.abstract(points)
        return self.propagate(hierarchy, hierarchy.second_features), hierarchy.global_feature
