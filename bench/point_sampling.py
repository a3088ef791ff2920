"""Farthest point sampling, neighbour search and interpolation against what one would write first.

python -m bench.point_sampling [--json FILE] [--device cuda] [--calls N]
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from bench.side_by_side import LEAST_CALLS, SideBySide, compare, report
from funcgrasp_core.geometry.point_sampling import (
    ball_query,
    farthest_point_sampling,
    interpolate_features,
    k_nearest,
)

NUM_POINTS, NUM_SAMPLES, NUM_NEIGHBOURS = 1024, 512, 32
RADIUS_M = 0.02
NUM_CHANNELS = 128
BATCH_SIZES = (1, 8)


def straightforward_farthest_point_sampling(points: Tensor, num_samples: int) -> Tensor:
    """The textbook loop over [B, N, 3]."""
    num_clouds, num_points, _ = points.shape
    chosen = torch.zeros(num_clouds, num_samples, dtype=torch.long, device=points.device)
    distance = torch.full((num_clouds, num_points), 1e10, device=points.device)
    farthest = torch.zeros(num_clouds, dtype=torch.long, device=points.device)
    rows = torch.arange(num_clouds, device=points.device)
    for index in range(num_samples):
        chosen[:, index] = farthest
        centre = points[rows, farthest, :].view(num_clouds, 1, 3)
        to_centre = torch.sum((points - centre) ** 2, -1)
        distance = torch.where(to_centre < distance, to_centre, distance)
        farthest = torch.max(distance, -1)[1]
    return chosen


def straightforward_k_nearest(points: Tensor, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """All differences, a full sort, the first k."""
    distances = (queries[:, :, None] - points[:, None]).norm(dim=-1)
    in_order, indices = distances.sort(dim=-1)
    return indices[..., :k], in_order[..., :k]


def straightforward_ball_query(points: Tensor, centres: Tensor, radius: float, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest, valid within the radius; the first always."""
    indices, distances = straightforward_k_nearest(points, centres, k)
    valid = distances <= radius
    valid[..., 0] = True
    return indices, valid


def straightforward_interpolation(sources: Tensor, features: Tensor, queries: Tensor) -> Tensor:
    """Weights for all pairs of query and source, zero but for the three nearest, times the features."""
    distances = (queries[:, :, None] - sources[:, None]).norm(dim=-1)
    third = distances.sort(dim=-1).values[..., 2:3]
    weights = torch.where(distances <= third, 1 / distances.square().clamp(min=1e-16), 0.0)
    return (weights / weights.sum(dim=-1, keepdim=True)) @ features


def rows_of_batch(batch_size: int, device: torch.device, num_calls: int) -> list[SideBySide]:
    """All comparisons at one batch size."""
    generator = torch.Generator().manual_seed(batch_size)
    directions = torch.nn.functional.normalize(torch.randn(batch_size, NUM_POINTS, 3, generator=generator), dim=-1)
    points = (directions * 0.05).to(device)
    features = torch.randn(batch_size, NUM_SAMPLES, NUM_CHANNELS, generator=generator).to(device)
    centres = points[:, :NUM_SAMPLES].contiguous()
    sizes = f"B={batch_size} N={NUM_POINTS} M={NUM_SAMPLES}"

    sampling = (
        lambda: farthest_point_sampling(points, NUM_SAMPLES),
        lambda: straightforward_farthest_point_sampling(points, NUM_SAMPLES),
    )
    nearest = (
        lambda: k_nearest(points, centres, NUM_NEIGHBOURS),
        lambda: straightforward_k_nearest(points, centres, NUM_NEIGHBOURS),
    )
    ball = (
        lambda: ball_query(points, centres, RADIUS_M, NUM_NEIGHBOURS),
        lambda: straightforward_ball_query(points, centres, RADIUS_M, NUM_NEIGHBOURS),
    )
    interpolation = (
        lambda: interpolate_features(centres, features, points),
        lambda: straightforward_interpolation(centres, features, points),
    )
    agreements = (
        torch.equal(sampling[0](), sampling[1]()),
        torch.allclose(nearest[0]()[1], nearest[1]()[1], atol=1e-5),
        bool((ball[0]()[1] == ball[1]()[1]).float().mean() > 0.9999),
        torch.allclose(interpolation[0](), interpolation[1](), atol=1e-3),
    )
    names = ("farthest point sampling", "k nearest", "ball query", "interpolation")
    pairs = (sampling, nearest, ball, interpolation)
    return [
        compare(f"{name} {sizes}", *pair, outputs_agree=agreement, device=device, num_calls=num_calls)
        for name, pair, agreement in zip(names, pairs, agreements, strict=True)
    ]


def main() -> None:
    """Compare at every batch size."""
    parser = argparse.ArgumentParser(description="Time point sampling against straightforward versions.")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--calls", type=int, default=LEAST_CALLS, help="timed calls of each side")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=BATCH_SIZES)
    options = parser.parse_args()
    device = torch.device(options.device)
    with torch.no_grad():
        rows = [row for size in options.batch_sizes for row in rows_of_batch(size, device, options.calls)]
    report(rows, options.json)


if __name__ == "__main__":
    main()
