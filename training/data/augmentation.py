"""Augmentation of observations in whole batches: turns, tilt, noise, partial clouds, missing and dimmed views.

Distances between hand and object do not change under rigid motion, so they are computed once and only selected here.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from funcgrasp_core.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle, rotation_about_z
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.preprocessing.object_cloud import centre_on_box


@dataclass(frozen=True)
class AugmentationConfig:
    """How far observations are varied."""

    yaw_jitter_rad: float = math.radians(15)  # around each rendered yaw, uniform
    tilt_rad: float = math.radians(4)  # standard deviation about x and y
    noise_m: float = 0.0015  # largest standard deviation of point noise
    partial_probability: float = 0.4  # of cutting a cloud
    largest_cut: float = 0.35  # share of the points that a cut may remove
    no_view_probability: float = 0.3  # of an observation without any view
    view_dropout: float = 0.15  # of each view otherwise
    brightness: float = 0.3  # largest relative change


def random_turns(yaws_rad: Tensor, config: AugmentationConfig, random: SampleRandom) -> Tensor:
    """Rotations about z by the given yaws plus jitter, then a small tilt: [B] -> [B, 3, 3]."""
    jitter = (2 * random.uniform() - 1) * config.yaw_jitter_rad
    tilt = random.normal(3) * config.tilt_rad
    tilt[:, 2] = 0.0
    return axis_angle_to_matrix(tilt) @ rotation_about_z(yaws_rad + jitter)


def select_points(
    points: Tensor, order: Tensor, num_points: int, config: AugmentationConfig, random: SampleRandom
) -> Tensor:
    """Choose which points are seen, some clouds cut by a plane; what is seen is spread evenly, as in serving.

    Args:
        points: [B, P, 3].
        order: [B, P] long, all points in an order of farthest point sampling: its first points cover the object.
        num_points: N, at most (1 - largest_cut) P.
        config: probability and size of a cut.
        random: B streams.

    Returns:
        [B, N] long, the first N points of the order that are not cut off.
    """
    num_stored = points.shape[1]
    direction = torch.nn.functional.normalize(random.normal(1, 3), dim=-1)
    height = (points * direction).sum(dim=-1)
    rank = height.argsort(dim=1).argsort(dim=1) / num_stored
    is_cut = random.uniform(1) < config.partial_probability
    share = random.uniform(1) * config.largest_cut
    is_hidden = is_cut & (rank > 1 - share)
    hidden_last = is_hidden.gather(1, order).long().argsort(dim=1, stable=True)
    return order.gather(1, hidden_last[:, :num_points])


def add_noise(points: Tensor, config: AugmentationConfig, random: SampleRandom) -> Tensor:
    """Normal noise, its deviation drawn for each cloud: [B, N, 3] -> [B, N, 3]."""
    deviation = random.uniform(1, 1) * config.noise_m
    return points + deviation * random.normal(*points.shape[1:])


def turn_vectors(vectors: Tensor, rotation: Tensor) -> Tensor:
    """MANO vectors [..., 61] turned with their object by rotations [..., 3, 3] about its origin."""
    global_rotation = rotation @ axis_angle_to_matrix(vectors[..., :3])
    translation = (rotation @ vectors[..., 58:, None])[..., 0]
    return torch.cat([matrix_to_axis_angle(global_rotation), vectors[..., 3:58], translation], dim=-1)


def turn_and_centre(points: Tensor, vectors: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    """Turn object and grasps, then put the origin at the centre of the seen points' box.

    Args:
        points: [B, N, 3] metres.
        vectors: [B, G, 61] MANO vectors in the same frame.
        rotation: [B, 3, 3].
    """
    centred, centres = centre_on_box(points @ rotation.transpose(-1, -2))
    turned = turn_vectors(vectors, rotation[:, None])
    return centred, torch.cat([turned[..., :58], turned[..., 58:] - centres[:, None]], dim=-1)


def augment_views(
    images: Tensor, mask: Tensor, config: AugmentationConfig, random: SampleRandom
) -> tuple[Tensor, Tensor]:
    """Drop views and change their brightness: [B, 6, 3, S, S] in [0, 1] and [B, 6] mask."""
    has_any = random.uniform(1) >= config.no_view_probability
    is_kept = random.uniform(mask.shape[1]) >= config.view_dropout
    gain = 1 + (2 * random.uniform(1, 1, 1, 1) - 1) * config.brightness
    return (images * gain).clamp(0, 1), mask & has_any & is_kept
