"""What a trained model is asked: every validation object at a random turn, for each intent, with the known grasps.

Everything comes from a store, so no mesh is read and nothing is rendered: the cloud is turned by any angle, the views
are those rendered nearest to it. Instructions are training sentences; those kept for testing stay unseen until a model
is chosen.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.contracts import CONTACT_THRESHOLD_M
from funcgrasp_core.geometry.rotations import rotation_about_z
from funcgrasp_core.grasp_model.sample_random import stream_seed
from funcgrasp_core.hand.mano_layer import HandLayer
from funcgrasp_core.preprocessing.object_cloud import centre_on_box
from funcgrasp_core.preprocessing.object_views import float_views, rotate_view_mask, rotate_view_slots
from training.data.group_phrasing import group_phrasing
from training.data.object_families import FAMILIES
from training.data.observation_store import GraspGroup, ObservationStore
from training.metrics.contact_map_f1 import symmetry_angles, turned_maps


@dataclass(frozen=True)
class JudgedCase:
    """One question and its right answers.

    Attributes:
        category: of the object.
        intent: what the instruction asks for.
        instruction: the sentence.
        points: [N, 3] metres, of the object in its own frame.
        rotation: [3, 3] that turns the object to how it is seen.
        origin: [3] metres, centre of the box of the turned points, where the model's frame is.
        images: [6, 3, S, S] in [0, 1].
        view_mask: [6] bool.
        right_hands: [R, V, 3] vertices in the object's frame: known grasps, turned through the object's symmetry.
        right_grasps: [R] long, of which known grasp each of them is a turn.
        right_maps: [R, N, 6] bool, which parts touch which point.
        seed: of the samples.
    """

    category: str
    intent: str
    instruction: str
    points: Tensor
    rotation: Tensor
    origin: Tensor
    images: Tensor
    view_mask: Tensor
    right_hands: Tensor
    right_grasps: Tensor
    right_maps: np.ndarray
    seed: int

    @property
    def seen_points(self) -> Tensor:
        """[N, 3] as the model is given them."""
        return self.points @ self.rotation.T - self.origin

    def to_object_frame(self, vertices: Tensor) -> Tensor:
        """Points [..., 3] of the model's frame in the object's frame."""
        return (vertices + self.origin) @ self.rotation


def judged_cases(
    store: ObservationStore, hand_layer: HandLayer, num_points: int, seed: int, max_cases: int | None = None
) -> list[JudgedCase]:
    """One case for each object and intent, the same for every model.

    Args:
        store: of the validation split, with distances to the hand's vertices.
        hand_layer: poses the known grasps.
        num_points: N that the models are given.
        seed: of turns, sentences and samples.
        max_cases: of the first groups only.
    """
    return [
        _case(store, group, hand_layer, num_points, stream_seed(seed, number))
        for number, group in enumerate(store.groups[:max_cases])
    ]


def _case(store: ObservationStore, group: GraspGroup, hand_layer: HandLayer, num_points: int, seed: int) -> JudgedCase:
    generator = np.random.default_rng(seed)
    yaw_rad = float(generator.uniform(0, 2 * math.pi))
    rotation = rotation_about_z(torch.tensor(yaw_rad))
    index = group.object_index
    chosen = store.orders[index][int(generator.integers(len(store.orders[index])))][:num_points].long()
    points = store.clouds[index][chosen]
    _, origin = centre_on_box((points @ rotation.T)[None])
    rendered, quarter_turns = nearest_view_turn(yaw_rad, store.view_yaws_rad)
    sentences = group_phrasing("train")(group)

    with torch.no_grad():
        known = hand_layer.from_vector(store.vectors[group.grasp_indices]).vertices
    angles = _symmetry_angles(group.category)
    turns = rotation_about_z(torch.from_numpy(angles).float())
    hands = known[:, None] @ turns.transpose(-1, -2)
    distances = torch.stack([store.distances[grasp] for grasp in group.grasp_indices.tolist()])
    touched = (distances[:, chosen].float() < CONTACT_THRESHOLD_M).numpy()
    return JudgedCase(
        group.category,
        group.intent,
        sentences[int(generator.integers(len(sentences)))],
        points,
        rotation,
        origin.reshape(3),
        float_views(rotate_view_slots(store.views[index][rendered], quarter_turns)),
        rotate_view_mask(store.view_mask[index][rendered], quarter_turns),
        hands.flatten(0, 1),
        torch.arange(len(known)).repeat_interleave(len(angles)),
        turned_maps(points.numpy(), touched, angles).reshape(-1, num_points, touched.shape[-1]),
        int(generator.integers(2**62)),
    )


def nearest_view_turn(yaw_rad: float, rendered_yaws_rad: Tensor) -> tuple[int, int]:
    """The rendered yaw, and quarter turns after it, that together come nearest to a yaw."""
    turns = rendered_yaws_rad[:, None] + torch.arange(4) * (math.pi / 2)
    away = (turns - yaw_rad + math.pi).remainder(2 * math.pi) - math.pi
    return divmod(int(away.abs().argmin()), 4)


def _symmetry_angles(category: str) -> np.ndarray:
    """Turns about z that map objects of a category on themselves; of unknown ones the identity alone."""
    family = FAMILIES.get(category)
    return symmetry_angles(1 if family is None else family.symmetry_order)
