"""A small OakInk-Shape folder without meshes: clouds, pictures at all yaws, and hands that touch their objects."""

import numpy as np
from PIL import Image

from funcgrasp_core.contracts import INTENTS, VIEW_SLOTS
from training.data.oakink import CLOUDS_FOLDER, STORED_CLOUD_SIZE
from training.data.oakink_layout import GraspSource, split_of
from training.data.oakink_writer import make_grasp_id, write_grasp, write_object_names
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder

PICTURE_SIZE = 12


def object_ids_of(split: str, count: int) -> list[str]:
    ids = (f"OB{number:04d}" for number in range(1000))
    return [object_id for object_id in ids if split_of(object_id) == split][:count]


def hand_vector(generator: np.random.Generator) -> np.ndarray:
    vector = (0.2 * generator.normal(size=61)).astype(np.float32)
    vector[58:] = 0.05 * generator.normal(size=3)
    return vector


def write_small_oakink(root, num_objects=3, num_grasps=2, split="train", seed=0) -> list[str]:
    """Objects of one split with grasps for two intents; returns their ids."""
    generator = np.random.default_rng(seed)
    object_ids = object_ids_of(split, num_objects)
    write_object_names(root, {object_id: f"box_{object_id}" for object_id in object_ids})
    (root / CLOUDS_FOLDER).mkdir(parents=True, exist_ok=True)
    for object_id in object_ids:
        cloud = generator.uniform(-0.5, 0.5, (STORED_CLOUD_SIZE, 3)) * [0.06, 0.08, 0.12]
        np.save(root / CLOUDS_FOLDER / f"{object_id}.npy", cloud.astype(np.float32))
        for yaw_deg in VIEW_YAWS_DEG:
            folder = views_folder(root, object_id, yaw_deg)
            folder.mkdir(parents=True)
            for slot in VIEW_SLOTS:
                pixels = generator.integers(1, 255, (PICTURE_SIZE, PICTURE_SIZE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{slot}.png")
        for intent in INTENTS[:2]:
            for number in range(num_grasps):
                source = GraspSource("made", object_id, intent, "0000", str(number))
                write_grasp(root, "box", make_grasp_id(object_id, intent, number), source, hand_vector(generator))
    return object_ids


def phrasing(category: str, intent: str) -> tuple[str, ...]:
    return f"{intent} the {category}", f"please {intent} it"
