"""Hammers lying along x: a shaft with a thicker grip, and a head at the +x end with a striking face and a peen."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from training.data.object_families.convex_pieces import rounded_box_piece, solid_frusta
from training.data.object_families.family import ObjectFamily, Parameters
from training.data.object_families.shapes import length_2d, rounded_box_distance, rounded_cylinder_distance

_HEAD_ROUNDING_M = 0.003
_SHAFT_PART_CLEARANCE_M = 0.002
"""The shaft as a part ends this far before the head."""


class Hammer(ObjectFamily):
    """A hammer: rounded shaft along x, head along z, striking face up (+z), flat peen down."""

    category: ClassVar[str] = "hammer"
    part_names: ClassVar[tuple[str, ...]] = ("head", "shaft")
    parameter_ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "length": (0.22, 0.31),  # over everything, along x
        "shaft_half_width": (0.0095, 0.0135),  # across, y
        "shaft_half_height": (0.0110, 0.0160),  # in the plane of the head, z
        "shaft_roundness": (0.6, 0.98),  # edge radius by half width
        "grip_growth": (0.0, 0.0025),  # how much thicker the grip is on each side
        "grip_share": (0.40, 0.52),  # of the length
        "head_half_width": (0.0115, 0.0165),  # across, y
        "head_half_depth": (0.0125, 0.0180),  # along the shaft, x
        "head_half_height": (0.018, 0.026),  # of the block that the shaft enters, z
        "face_length": (0.014, 0.030),
        "face_ratio": (0.85, 1.15),  # radius of the face by half width of the head
        "peen_length": (0.014, 0.034),
        "peen_ratio": (0.35, 0.95),  # half depth of the peen by that of the head
    }

    def solid_distance(self, points: Tensor, parameters: Parameters) -> Tensor:
        """Signed distance [B, P] to shaft and head."""
        return torch.minimum(self._shaft_distance(points, parameters), self._head_distance(points, parameters))

    def part_distance(self, points: Tensor, parameters: Parameters, part: str) -> Tensor:
        """Signed distance [B, P] to the head or to the shaft behind it."""
        if part == "head":
            return self._head_distance(points, parameters)
        if part == "shaft":
            shaft_end = self._head_x(parameters) - parameters["head_half_depth"] - _SHAFT_PART_CLEARANCE_M
            return torch.maximum(self._shaft_distance(points, parameters), points[..., 0] - shaft_end[:, None])
        raise self.unknown_part(part)

    def half_extents(self, parameters: Parameters) -> Tensor:
        """Half sides [B, 3] of the box."""
        grip = parameters["shaft_half_width"] + parameters["grip_growth"]
        across = torch.stack([grip, parameters["head_half_width"], self._face_radius(parameters)]).amax(dim=0)
        head_height = 2 * parameters["head_half_height"] + parameters["face_length"] + parameters["peen_length"]
        return torch.stack([parameters["length"] / 2, across, head_height / 2], dim=-1)

    def convex_pieces(self, parameters: Parameters) -> list[np.ndarray]:
        """Shaft, grip, block, face and peen."""
        pieces = [
            rounded_box_piece(centre[0].tolist(), half_sizes[0].tolist(), float(rounding[0]))
            for centre, half_sizes, rounding in (*self._shaft_boxes(parameters), *self._head_boxes(parameters))
        ]
        centre, half_length, radius = (value[0].double().numpy() for value in self._face(parameters))
        cut = min(_HEAD_ROUNDING_M, float(radius) / 2)
        knots = np.array(
            [
                (radius, -half_length),
                (radius, half_length - cut),
                (radius - cut, half_length),
            ]
        )
        outline = np.concatenate(solid_frusta(knots))
        return [*pieces, outline + centre]

    def _shaft_distance(self, points: Tensor, parameters: Parameters) -> Tensor:
        return _union_of_boxes(points, self._shaft_boxes(parameters))

    def _head_distance(self, points: Tensor, parameters: Parameters) -> Tensor:
        boxes = _union_of_boxes(points, self._head_boxes(parameters))
        centre, half_length, radius = self._face(parameters)
        local = points - centre[:, None]
        rounding = torch.full_like(radius, _HEAD_ROUNDING_M)
        face = rounded_cylinder_distance(
            length_2d(local[..., 0], local[..., 1]), local[..., 2], radius, half_length, rounding
        )
        return torch.minimum(boxes, face)

    def _head_x(self, parameters: Parameters) -> Tensor:
        """Where the middle of the head stands: the deeper of block and face touches the box's +x side. [B]."""
        return parameters["length"] / 2 - torch.maximum(parameters["head_half_depth"], self._face_radius(parameters))

    def _block_z(self, parameters: Parameters) -> Tensor:
        """Height of the shaft's axis and the block's middle in the object frame: [B]."""
        return (parameters["peen_length"] - parameters["face_length"]) / 2

    def _face_radius(self, parameters: Parameters) -> Tensor:
        return parameters["head_half_width"] * parameters["face_ratio"]

    def _shaft_boxes(self, parameters: Parameters) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Centre [B, 3], half sizes [B, 3] and rounding [B] of the shaft and its grip."""
        rear, front = -parameters["length"] / 2, self._head_x(parameters)
        zero, axis_z = torch.zeros_like(front), self._block_z(parameters)
        rounding = parameters["shaft_roundness"] * parameters["shaft_half_width"]
        width, height = parameters["shaft_half_width"], parameters["shaft_half_height"]
        grip_length, growth = parameters["grip_share"] * parameters["length"], parameters["grip_growth"]
        shaft = (
            torch.stack([(rear + front) / 2, zero, axis_z], dim=-1),
            torch.stack([(front - rear) / 2, width, height], dim=-1),
            rounding,
        )
        grip = (
            torch.stack([rear + grip_length / 2, zero, axis_z], dim=-1),
            torch.stack([grip_length / 2, width + growth, height + growth], dim=-1),
            rounding,
        )
        return [shaft, grip]

    def _head_boxes(self, parameters: Parameters) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Centre [B, 3], half sizes [B, 3] and rounding [B] of the block and the peen."""
        head_x, block_z = self._head_x(parameters), self._block_z(parameters)
        zero, rounding = torch.zeros_like(head_x), torch.full_like(head_x, _HEAD_ROUNDING_M)
        width, depth, height = (parameters[f"head_half_{side}"] for side in ("width", "depth", "height"))
        peen_half_length = parameters["peen_length"] / 2 + _HEAD_ROUNDING_M
        peen_z = block_z - height - parameters["peen_length"] + peen_half_length
        block = (torch.stack([head_x, zero, block_z], dim=-1), torch.stack([depth, width, height], dim=-1), rounding)
        peen = (
            torch.stack([head_x, zero, peen_z], dim=-1),
            torch.stack([depth * parameters["peen_ratio"], width * 0.92, peen_half_length], dim=-1),
            rounding,
        )
        return [block, peen]

    def _face(self, parameters: Parameters) -> tuple[Tensor, Tensor, Tensor]:
        """Centre [B, 3], half length [B] and radius [B] of the striking cylinder, which reaches into the block."""
        half_length = parameters["face_length"] / 2 + _HEAD_ROUNDING_M
        head_x = self._head_x(parameters)
        top = self._block_z(parameters) + parameters["head_half_height"] + parameters["face_length"]
        return (
            torch.stack([head_x, torch.zeros_like(head_x), top - half_length], dim=-1),
            half_length,
            self._face_radius(parameters),
        )


def _union_of_boxes(points: Tensor, boxes: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    distances = [
        rounded_box_distance(points - centre[:, None], half_sizes, rounding) for centre, half_sizes, rounding in boxes
    ]
    return torch.stack(distances, dim=-1).min(dim=-1).values
