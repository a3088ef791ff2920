"""Grasp requests on the wire to the planner's own."""

import numpy as np

from funcgrasp_core.contracts import VIEW_SLOTS, GraspRequest
from funcgrasp_core.errors import InvalidRequestError, NotSupportedError
from funcgrasp_ros import msg
from funcgrasp_ros.object_choice import ObjectHint

RESERVED_FIELDS = ("contact_constraints", "demonstration")
"""Fields that stand in the message from the start so that it need not change, and do nothing yet."""


def request_from_message(
    message: msg.GraspRequest, default_num_candidates: int, max_num_candidates: int
) -> GraspRequest:
    """What is asked of the planner; the instruction is passed on as it is.

    Raises:
        NotSupportedError: a reserved field is used.
        InvalidRequestError: more candidates are asked for than the node gives, or the lists of images, cameras and
            slots do not fit together.
    """
    for name in RESERVED_FIELDS:
        if len(getattr(message, name)):
            raise NotSupportedError(f"Request: the field '{name}' is reserved for a later version; leave it empty.")
    if message.num_candidates > max_num_candidates:
        raise InvalidRequestError(
            f"Request: num_candidates is {message.num_candidates}, at most {max_num_candidates} are given; ask for "
            "fewer, or raise the node's parameter 'max_candidates'."
        )
    _check_image_lists(message)
    return GraspRequest(
        instruction=message.instruction,
        num_candidates=message.num_candidates or default_num_candidates,
        seed=message.seed,
    )


def is_hint_given(hint: msg.ObjectHint) -> bool:
    """Whether the request says which object is meant.

    Raises:
        InvalidRequestError: a hint whose numbers make no sense, or that has no frame.
    """
    numbers = [getattr(part, axis) for part in (hint.point, hint.size) for axis in "xyz"]
    if not hint.header.frame_id:
        if any(numbers):
            raise InvalidRequestError(
                "Request: 'object_hint' has a point or a size but no frame; set object_hint.header.frame_id."
            )
        return False
    size = numbers[3:]
    if not np.isfinite(numbers).all() or min(size) < 0 or (any(size) and not all(size)):
        raise InvalidRequestError(
            f"Request: 'object_hint' has the point {numbers[:3]} and the size {size}; give finite "
            "metres, and a box with three positive edges or none."
        )
    return True


def object_hint_from_message(hint: msg.ObjectHint, hint_frame_from_scene: np.ndarray) -> ObjectHint:
    """The hint as the segmentation takes it; `hint_frame_from_scene` [4, 4] takes the scene to the hint's frame."""
    hint_from_scene = hint_frame_from_scene.copy()
    hint_from_scene[:3, 3] -= (hint.point.x, hint.point.y, hint.point.z)
    size = np.array([hint.size.x, hint.size.y, hint.size.z])
    return ObjectHint(hint_from_scene, size if size.any() else None)


def _check_image_lists(message: msg.GraspRequest) -> None:
    if len(message.images) and len(message.compressed_images):
        raise InvalidRequestError(
            f"Request: {len(message.images)} 'images' and {len(message.compressed_images)} 'compressed_images'; send "
            "all pictures in one of the two."
        )
    num_images = len(message.images) + len(message.compressed_images)
    for name in ("camera_infos", "view_slots"):
        length = len(getattr(message, name))
        if length not in (0, num_images):
            raise InvalidRequestError(
                f"Request: {length} '{name}' for {num_images} images; give one for each of 'images' or "
                "'compressed_images', or none."
            )
    unknown_slots = sorted(set(message.view_slots) - set(VIEW_SLOTS))
    if unknown_slots:
        raise InvalidRequestError(f"Request: view_slots holds {unknown_slots}; expected {', '.join(VIEW_SLOTS)}.")
    if len(set(message.view_slots)) != len(message.view_slots):
        raise InvalidRequestError(
            f"Request: view_slots {list(message.view_slots)} names a slot twice; one image a slot."
        )
    if num_images and not len(message.camera_infos) and not len(message.view_slots):
        raise InvalidRequestError(
            "Request: images without 'camera_infos' or 'view_slots'; say where the cameras stand with one of the two."
        )
