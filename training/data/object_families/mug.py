"""Mugs: a thin wall of revolution with a floor, and a handle on the +x side."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from training.data.object_families.convex_pieces import shell_wedges, tube_segments
from training.data.object_families.family import ObjectFamily, Parameters
from training.data.object_families.shapes import (
    flat_tube_distance,
    polyline_distance,
    profile_radius,
    radius_from_z_axis,
    rounded_rectangle_distance,
)

RIM_HEIGHT_M = 0.025
"""The upper 2.5 cm of the wall are its rim."""

_LOOP_SHARE_OUTSIDE = 0.62
"""Share of the handle loop's width that stands outside the wall; the rest is cut away."""

_POINTS_PER_CORNER = 12
"""Points of the handle's centre line per rounded corner, in convex pieces."""

_NUM_HANDLE_SEGMENTS = 18
"""Convex pieces of the handle."""

_HANDLE_PART_CLEARANCE_M = 0.001
"""The handle as a part begins this far outside the wall."""


class Mug(ObjectFamily):
    """A mug, tapered or bulging, with a round, oval or square handle."""

    category: ClassVar[str] = "mug"
    part_names: ClassVar[tuple[str, ...]] = ("handle", "body", "rim")
    parameter_ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "rim_radius": (0.034, 0.047),  # outer
        "base_ratio": (0.80, 1.0),  # outer radius of the base by that of the rim
        "bulge": (-0.0015, 0.004),  # of the wall's middle beyond the straight line
        "height": (0.078, 0.118),
        "wall_thickness": (0.0036, 0.0056),
        "handle_reach": (0.027, 0.040),  # from the wall to the middle of the handle's bar
        "handle_half_height": (0.024, 0.040),
        "handle_roundness": (0.55, 1.0),  # corner radius by the largest possible
        "handle_radius": (0.0042, 0.0066),
        "handle_half_flat": (0.0, 0.005),
        "handle_shift": (-0.006, 0.006),  # of the handle's centre above the mug's
    }

    def fit_together(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Keeps the handle on the wall, 6 mm away from its ends."""
        room = parameters["height"] / 2 - 0.006 - parameters["handle_radius"]
        half_height = torch.minimum(parameters["handle_half_height"], room)
        play = (room - half_height).clamp(min=0.0)
        shift = torch.maximum(torch.minimum(parameters["handle_shift"], play), -play)
        return {**parameters, "handle_half_height": half_height, "handle_shift": shift}

    def solid_distance(self, points: Tensor, parameters: Parameters) -> Tensor:
        """Signed distance [B, P] to wall, floor and handle."""
        wall, handle, _, _ = self._distances(points, parameters)
        return torch.minimum(wall, handle)

    def part_distance(self, points: Tensor, parameters: Parameters, part: str) -> Tensor:
        """Signed distance [B, P] to the handle outside the wall, the wall's upper end or the rest of the wall."""
        wall, handle, radius, outer_radius = self._distances(points, parameters)
        below_rim = points[..., 2] - (parameters["height"] / 2 - RIM_HEIGHT_M)[:, None]
        if part == "handle":
            return torch.maximum(handle, outer_radius + _HANDLE_PART_CLEARANCE_M - radius)
        if part == "body":
            return torch.maximum(wall, below_rim)
        if part == "rim":
            return torch.maximum(wall, -below_rim)
        raise self.unknown_part(part)

    def half_extents(self, parameters: Parameters) -> Tensor:
        """Half sides [B, 3] of the box, from the wall's far side to the handle's bar."""
        outer_radius = self._largest_radius(parameters)
        return torch.stack(
            [(outer_radius + self._handle_tip(parameters)) / 2, outer_radius, parameters["height"] / 2], dim=-1
        )

    def convex_pieces(self, parameters: Parameters) -> list[np.ndarray]:
        """Wall wedges, floor and handle segments."""
        knots = np.stack([axis[0].double().numpy() for axis in self._wall_knots(parameters)], axis=-1)
        pieces = shell_wedges(knots, float(parameters["wall_thickness"][0]))
        pieces += tube_segments(
            self._handle_centre_line(parameters, knots),
            np.array([0.0, 1.0, 0.0]),
            float(parameters["handle_half_flat"][0]),
            float(parameters["handle_radius"][0]),
        )
        axis_x = float(self._axis_x(parameters)[0])
        return [piece + np.array([axis_x, 0.0, 0.0]) for piece in pieces]

    def _distances(self, points: Tensor, parameters: Parameters) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Distances to wall and handle, radius from the mug's axis and outer radius of the wall there, all [B, P]."""
        zero = torch.zeros_like(parameters["height"])
        centred = points - torch.stack([self._axis_x(parameters), zero, zero], dim=-1)[:, None]
        radius, height = radius_from_z_axis(centred), centred[..., 2]
        knot_radii, knot_heights = self._wall_knots(parameters)
        half_wall = parameters["wall_thickness"][:, None] / 2
        wall = polyline_distance(radius, height, knot_radii, knot_heights) - half_wall
        middle_radius = profile_radius(height, knot_radii[:, 1:], knot_heights[:, 1:])
        centre_x, half_width, corner = self._loop(parameters)
        to_loop = rounded_rectangle_distance(
            centred[..., 0] - centre_x[:, None],
            height - parameters["handle_shift"][:, None],
            half_width,
            parameters["handle_half_height"],
            corner,
        )
        tube = flat_tube_distance(to_loop, centred[..., 1], parameters["handle_half_flat"], parameters["handle_radius"])
        return wall, torch.maximum(tube, middle_radius - radius), radius, middle_radius + half_wall

    def _wall_knots(self, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """Radii and heights [B, 4] of the middle line: floor centre, base, waist, rim."""
        half_wall = parameters["wall_thickness"] / 2
        rim = parameters["rim_radius"] - half_wall
        base = parameters["rim_radius"] * parameters["base_ratio"] - half_wall
        half_height = parameters["height"] / 2 - half_wall
        radii = torch.stack([torch.zeros_like(rim), base, (rim + base) / 2 + parameters["bulge"], rim], dim=-1)
        heights = torch.stack([-half_height, -half_height, torch.zeros_like(rim), half_height], dim=-1)
        return radii, heights

    def _loop(self, parameters: Parameters) -> tuple[Tensor, Tensor, Tensor]:
        """Centre x (from the mug's axis), half width and corner radius of the handle's centre line, [B] each."""
        half_width = parameters["handle_reach"] / (2 * _LOOP_SHARE_OUTSIDE)
        waist = self._wall_knots(parameters)[0][:, 2] + parameters["wall_thickness"] / 2
        centre_x = waist + parameters["handle_reach"] - half_width
        corner = parameters["handle_roundness"] * torch.minimum(half_width, parameters["handle_half_height"])
        return centre_x, half_width, corner

    def _handle_tip(self, parameters: Parameters) -> Tensor:
        centre_x, half_width, _ = self._loop(parameters)
        return centre_x + half_width + parameters["handle_radius"]

    def _largest_radius(self, parameters: Parameters) -> Tensor:
        return self._wall_knots(parameters)[0].amax(dim=-1) + parameters["wall_thickness"] / 2

    def _axis_x(self, parameters: Parameters) -> Tensor:
        """Where the mug's axis stands in the object frame, whose origin is the box's centre: [B], negative."""
        return (self._largest_radius(parameters) - self._handle_tip(parameters)) / 2

    def _handle_centre_line(self, parameters: Parameters, wall_knots: np.ndarray) -> np.ndarray:
        """Points [n, 3] of the handle's centre line outside the wall, seen from the mug's axis, bottom to top."""
        centre_x, half_width, corner = (float(value[0]) for value in self._loop(parameters))
        half_height, shift = float(parameters["handle_half_height"][0]), float(parameters["handle_shift"][0])
        quarters = -np.pi + np.pi / 2 * (np.arange(4)[:, None] + np.linspace(0, 1, _POINTS_PER_CORNER))
        signs = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
        line_x = centre_x + signs[:, :1] * (half_width - corner) + corner * np.cos(quarters)
        line_z = shift + signs[:, 1:] * (half_height - corner) + corner * np.sin(quarters)
        line_x, line_z = line_x.ravel(), line_z.ravel()
        line = np.stack([line_x, line_z], axis=-1)
        arc = np.append(0.0, np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum())
        dense = [np.interp(np.linspace(0, arc[-1], 400), arc, axis) for axis in (line_x, line_z)]
        outside = np.flatnonzero(dense[0] > np.interp(dense[1], wall_knots[1:, 1], wall_knots[1:, 0]))
        chosen = outside[np.linspace(0, len(outside) - 1, _NUM_HANDLE_SEGMENTS + 1).round().astype(int)]
        return np.stack([dense[0][chosen], np.zeros(len(chosen)), dense[1][chosen]], axis=-1)
