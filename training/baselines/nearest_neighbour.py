"""The nearest-neighbour row: look up the most similar training object and instruction, and return its real grasp.

It sees what a model sees, the cloud at an unknown yaw and the text, and never a category label. Shapes are compared
first by a descriptor that no turn about z changes, then by Chamfer distance over all yaws; texts by tf-idf.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from funcgrasp_core.errors import ConfigurationError
from training.baselines.text_similarity import TextIndex

NUM_SHAPE_CANDIDATES = 12
"""Objects nearest by descriptor, whose yaw is searched."""

NUM_TEXT_CANDIDATES = 4
"""Objects nearest by Chamfer distance, among whose grasps the text decides."""

NUM_YAWS = 36
NUM_CHAMFER_POINTS = 256


@dataclass(frozen=True)
class KnownGrasps:
    """The kept grasps of one training object for one intent.

    Attributes:
        object_index: into the clouds of the training objects.
        sentences: instructions that ask for them.
        hands: [M, V, 3] vertices in the training object's frame, metres.
    """

    object_index: int
    sentences: Sequence[str]
    hands: np.ndarray


@dataclass(frozen=True)
class Retrieval:
    """What was looked up.

    Attributes:
        hand: [V, 3] vertices in the frame of the cloud that was asked about.
        group_index: which KnownGrasps they come from.
        yaw_rad: turn of the training object that fits the cloud best.
    """

    hand: np.ndarray
    group_index: int
    yaw_rad: float


@dataclass(frozen=True)
class _Fit:
    """How well a turned training object fits a cloud: Chamfer distance, the turn, and its box's centre after it [3]."""

    distance: float
    yaw_rad: float
    box_centre: np.ndarray


class NearestNeighbour:
    """All training objects and grasps, searched by cloud and text.

    Args:
        clouds: [P, 3] surface points of each training object, in its object frame.
        groups: the grasps on them.
    """

    def __init__(self, clouds: Sequence[np.ndarray], groups: Sequence[KnownGrasps]):
        if len(groups) == 0:
            raise ConfigurationError("groups is empty; expected the kept grasps of at least one training object")
        self._groups = tuple(groups)
        self._clouds = [np.asarray(cloud, dtype=float) for cloud in clouds]
        self._descriptors = np.stack([shape_descriptor(_centred(cloud)) for cloud in clouds])
        self._texts = TextIndex([list(group.sentences) for group in groups])
        owners = {group.object_index for group in groups}
        self._has_grasps = np.array([index in owners for index in range(len(clouds))])

    def retrieve(self, points: np.ndarray, instruction: str, generator: np.random.Generator) -> Retrieval:
        """A real grasp of a similar training object.

        Args:
            points: [N, 3] the cloud, metres, z up.
            instruction: what is asked for.
            generator: chooses among the grasps of the group found.
        """
        origin = _box_centre(points)
        fits = self._best_fits(points - origin)
        similarities = self._texts.similarities(instruction)
        in_reach = [i for i, group in enumerate(self._groups) if group.object_index in fits]
        best = max(in_reach, key=lambda i: (similarities[i], -fits[self._groups[i].object_index].distance))
        group = self._groups[best]
        fit = fits[group.object_index]
        hand = group.hands[generator.integers(len(group.hands))] @ rotation_about_z(fit.yaw_rad).T
        return Retrieval(hand - fit.box_centre + origin, best, fit.yaw_rad)

    def _best_fits(self, points: np.ndarray) -> dict[int, _Fit]:
        """Object index -> fit of the objects most like a centred cloud."""
        distances = np.linalg.norm(self._descriptors - shape_descriptor(points), axis=1)
        distances[~self._has_grasps] = np.inf
        nearest = np.argsort(distances)[: min(NUM_SHAPE_CANDIDATES, int(self._has_grasps.sum()))]
        thinned = _thinned(points)
        tree = KDTree(thinned)
        fits = {int(index): _best_yaw(self._clouds[index], thinned, tree) for index in nearest}
        return dict(sorted(fits.items(), key=lambda item: item[1].distance)[:NUM_TEXT_CANDIDATES])


def shape_descriptor(points: np.ndarray) -> np.ndarray:
    """What a turn about z leaves unchanged: quantiles of height, of the distance from the z axis, and of their pairs.

    Args:
        points: [N, 3] centred on their box.

    Returns:
        [K] metres.
    """
    # The middle of the box moves with yaw for an object without symmetry, the centroid does not.
    centred = points[:, :2] - points[:, :2].mean(axis=0)
    radii, heights = np.linalg.norm(centred, axis=1), points[:, 2]
    levels = np.linspace(0.05, 0.95, 10)
    lower = heights < np.median(heights)
    return np.concatenate(
        [np.quantile(heights, levels), np.quantile(radii, levels)]
        + [np.quantile(radii[half], levels[1::2]) for half in (lower, ~lower)]
    )


def rotation_about_z(angle_rad: float) -> np.ndarray:
    """[3, 3]."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _best_yaw(known: np.ndarray, seen: np.ndarray, seen_tree: KDTree) -> _Fit:
    """The turn of a training cloud [P, 3], its box centred after the turn, that fits `seen` [N, 3] best."""
    fits = []
    for yaw in np.arange(NUM_YAWS) * (2 * np.pi / NUM_YAWS):
        turned = known @ rotation_about_z(yaw).T
        box_centre = _box_centre(turned)
        thinned = _thinned(turned) - box_centre
        there, back = seen_tree.query(thinned)[0].mean(), KDTree(thinned).query(seen)[0].mean()
        fits.append(_Fit(float(there + back), float(yaw), box_centre))
    return min(fits, key=lambda fit: fit.distance)


def _box_centre(points: np.ndarray) -> np.ndarray:
    return (points.min(axis=0) + points.max(axis=0)) / 2


def _centred(points: np.ndarray) -> np.ndarray:
    return points - _box_centre(points)


def _thinned(points: np.ndarray) -> np.ndarray:
    """At most NUM_CHAMFER_POINTS of the points, always the same ones."""
    if len(points) <= NUM_CHAMFER_POINTS:
        return points
    return points[np.random.default_rng(0).permutation(len(points))[:NUM_CHAMFER_POINTS]]
