"""How far observations are varied: turns, tilt, size, noise, missing points, partial clouds, missing and dimmed views.

Every function draws the same amount from each sample's stream whatever the configuration says, so that switching one
kind of variation off leaves the others as they were.
"""

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle, rotation_about_z
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from training.data.point_visibility import camera_above, visible_points

_PROBABILITIES = ("partial_probability", "single_view_probability", "no_view_probability", "view_dropout")
_SHARES = ("largest_cut", "largest_point_dropout", "scale", "brightness")


@dataclass(frozen=True)
class AugmentationConfig:
    """How far observations are varied; zero (or False) is exactly off."""

    random_yaw: bool = True  # turn by one of the rendered yaws and by quarter turns, the views with the object
    yaw_jitter_rad: float = math.radians(15)  # around that yaw, uniform, while the views stay
    tilt_rad: float = math.radians(4)  # standard deviation about x and y
    scale: float = 0.0  # largest relative change of the object's size; the hand keeps its own
    noise_m: float = 0.0015  # largest standard deviation of point noise
    partial_probability: float = 0.4  # of cutting a cloud by a plane
    largest_cut: float = 0.35  # share of the points that a cut may remove
    single_view_probability: float = 0.0  # of leaving only what one camera from above or the side would see
    largest_point_dropout: float = 0.0  # share of the points that may be missing at random, others repeated instead
    no_view_probability: float = 0.3  # of an observation without any view
    view_dropout: float = 0.15  # of each view otherwise
    brightness: float = 0.3  # largest relative change of the pictures; needs pictures, not stored features

    def __post_init__(self) -> None:
        for name in (*_PROBABILITIES, *_SHARES):
            below_one = name in _SHARES
            value = getattr(self, name)
            if not (0 <= value < 1 or (value == 1 and not below_one)):
                bound = "[0, 1)" if below_one else "[0, 1]"
                raise ConfigurationError(f"AugmentationConfig.{name} must be in {bound}, got {value}")
        for name in ("yaw_jitter_rad", "tilt_rad", "noise_m"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ConfigurationError(f"AugmentationConfig.{name} must not be negative, got {getattr(self, name)}")

    @property
    def turns_objects(self) -> bool:
        """Whether any field rotates the object."""
        return self.random_yaw or self.yaw_jitter_rad > 0 or self.tilt_rad > 0

    def without_brightness(self) -> "AugmentationConfig":
        """The same for stored view features, which cannot be dimmed."""
        return dataclasses.replace(self, brightness=0.0)


OFF = AugmentationConfig(
    random_yaw=False,
    yaw_jitter_rad=0.0,
    tilt_rad=0.0,
    noise_m=0.0,
    partial_probability=0.0,
    largest_cut=0.0,
    no_view_probability=0.0,
    view_dropout=0.0,
    brightness=0.0,
)
"""Every observation as it is stored."""


def random_turns(yaws_rad: Tensor, config: AugmentationConfig, random: SampleRandom) -> Tensor:
    """Rotations about z by the given yaws plus jitter, then a small tilt: [B] -> [B, 3, 3]."""
    jitter = (2 * random.uniform() - 1) * config.yaw_jitter_rad
    tilt = random.normal(3) * config.tilt_rad
    tilt[:, 2] = 0.0
    return axis_angle_to_matrix(tilt) @ rotation_about_z(yaws_rad + jitter)


def random_scales(config: AugmentationConfig, random: SampleRandom) -> Tensor:
    """[B] factors around 1."""
    return 1 + (2 * random.uniform() - 1) * config.scale


def hidden_points(points: Tensor, config: AugmentationConfig, random: SampleRandom) -> Tensor:
    """Which points are not seen, because a plane cuts them off or one camera looks from the other side.

    Args:
        points: [B, P, 3] metres, z up.
        config: probabilities, and size of a cut.
        random: B streams.

    Returns:
        [B, P] bool.
    """
    direction = torch.nn.functional.normalize(random.normal(1, 3), dim=-1)
    height = (points * direction).sum(dim=-1)
    rank = height.argsort(dim=1).argsort(dim=1) / points.shape[1]
    is_cut = random.uniform(1) < config.partial_probability
    share = random.uniform(1) * config.largest_cut
    hidden = is_cut & (rank > 1 - share)
    cameras = camera_above(random.normal(3))
    is_single_view = random.uniform() < config.single_view_probability
    for sample in torch.nonzero(is_single_view)[:, 0].tolist():
        hidden[sample] |= ~visible_points(points[sample], cameras[sample])
    return hidden


def select_points(
    hidden: Tensor, order: Tensor, num_points: int, config: AugmentationConfig, random: SampleRandom
) -> tuple[Tensor, Tensor]:
    """Choose the points that the model is given; they are spread evenly over what is seen, as in serving.

    Where fewer are left, because more are hidden or some are dropped at random, seen ones are repeated, as in serving.

    Args:
        hidden: [B, P] bool.
        order: [B, P] long, all points in an order of farthest point sampling: its first points cover the object.
        num_points: N.
        config: share of points to drop.
        random: B streams.

    Returns:
        selected [B, N] long, into the cloud, without repetitions but with hidden points where too few are seen; and
        source [B, N] long, which of the N stands in each place.
    """
    hidden_last = hidden.gather(1, order).long().argsort(dim=1, stable=True)
    selected = order.gather(1, hidden_last[:, :num_points])
    is_missing = hidden.gather(1, selected)
    is_missing = is_missing | (random.uniform(num_points) < random.uniform(1) * config.largest_point_dropout)
    is_missing[:, 0] &= is_missing.logical_not().any(dim=1)  # something must be left to repeat
    kept_first = is_missing.long().argsort(dim=1, stable=True)
    num_kept = is_missing.logical_not().sum(dim=1, keepdim=True)
    repeated = kept_first.gather(1, (random.uniform(num_points) * num_kept).long())
    places = torch.arange(num_points).expand_as(repeated)
    return selected, torch.where(is_missing, repeated, places)


def add_noise(points: Tensor, config: AugmentationConfig, random: SampleRandom) -> Tensor:
    """Normal noise, its deviation drawn for each cloud: [B, N, 3] -> [B, N, 3]."""
    deviation = random.uniform(1, 1) * config.noise_m
    return points + deviation * random.normal(*points.shape[1:])


def turn_vectors(vectors: Tensor, rotation: Tensor) -> Tensor:
    """MANO vectors [..., 61] turned with their object by rotations [..., 3, 3] about its origin."""
    global_rotation = rotation @ axis_angle_to_matrix(vectors[..., :3])
    translation = (rotation @ vectors[..., 58:, None])[..., 0]
    return torch.cat([matrix_to_axis_angle(global_rotation), vectors[..., 3:58], translation], dim=-1)


def move_vectors(vectors: Tensor, offset: Tensor) -> Tensor:
    """MANO vectors [..., 61] moved by offsets [..., 3]."""
    return torch.cat([vectors[..., :58], vectors[..., 58:] + offset], dim=-1)


def drop_views(mask: Tensor, config: AugmentationConfig, random: SampleRandom) -> Tensor:
    """Masks [B, 6] of views, some taken away."""
    has_any = random.uniform(1) >= config.no_view_probability
    is_kept = random.uniform(mask.shape[1]) >= config.view_dropout
    return mask & has_any & is_kept


def random_gains(config: AugmentationConfig, random: SampleRandom) -> Tensor:
    """[B] factors of brightness around 1."""
    return 1 + (2 * random.uniform() - 1) * config.brightness


def change_brightness(images: Tensor, gains: Tensor) -> Tensor:
    """Pictures [B, 6, 3, S, S] in [0, 1], all of an observation brighter or darker by its factor of [B]."""
    return (images * gains.view(-1, 1, 1, 1, 1)).clamp(0, 1)
