"""Clouds of made-up scenes: what a depth camera could see of a table and things on it."""

import numpy as np


def table(size=(0.6, 0.4), height=0.0, spacing=0.004, noise=0.001, seed=0) -> np.ndarray:
    """Points of a level table top around the origin."""
    generator = np.random.default_rng(seed)
    x, y = np.meshgrid(*(np.arange(-side / 2, side / 2, spacing) for side in size))
    points = np.stack([x.ravel(), y.ravel(), np.full(x.size, float(height))], axis=1)
    return points + generator.normal(0, noise, points.shape)


def cylinder(centre=(0.0, 0.0), bottom=0.0, radius=0.04, height=0.1, num_points=2000, seed=1) -> np.ndarray:
    """Points of a mug's wall, seen from -y: the half that faces there."""
    generator = np.random.default_rng(seed)
    angle = generator.uniform(np.pi, 2 * np.pi, num_points)
    z = generator.uniform(bottom, bottom + height, num_points)
    return np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle), z], axis=1)


def box(centre=(0.0, 0.0), bottom=0.0, size=(0.1, 0.1, 0.1), spacing=0.003) -> np.ndarray:
    """Points of the top and the four sides of a box."""
    x, y, z = (np.arange(0.0, side, spacing) for side in size)
    top = np.stack([*(axis.ravel() for axis in np.meshgrid(x, y)), np.full(x.size * y.size, size[2])], axis=1)
    front = np.stack(np.meshgrid(x, [0.0, size[1]], z), axis=-1).reshape(-1, 3)
    side = np.stack(np.meshgrid([0.0, size[0]], y, z), axis=-1).reshape(-1, 3)
    corner = (centre[0] - size[0] / 2, centre[1] - size[1] / 2, bottom)
    return np.concatenate([top, front, side]) + corner


def scatter(num_points=40, low=(-0.3, -0.2, 0.2), high=(0.3, 0.2, 0.5), seed=2) -> np.ndarray:
    """Lone points in the air, as at the edges of what a depth camera sees."""
    return np.random.default_rng(seed).uniform(low, high, (num_points, 3))


def scene(*parts: np.ndarray, seed=3) -> np.ndarray:
    """All parts in one cloud, float32, in a random order."""
    return np.random.default_rng(seed).permutation(np.concatenate(parts)).astype(np.float32)


def tilted(points: np.ndarray, angle_rad: float) -> np.ndarray:
    """The points after a turn about x."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return points @ np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]).T
