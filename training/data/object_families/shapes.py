"""Signed distances that the object families are made of: exact, differentiable and batched.

Symbols: B objects, P points, K profile knots. Coordinates are [B, P], sizes of an object are [B]. Negative is inside.
"""

import torch
from torch import Tensor

_SQUARE_FLOOR = 1e-14
"""Added under square roots (0.1 micrometre) so that gradients stay finite where a distance is zero."""


def radius_from_z_axis(points: Tensor) -> Tensor:
    """Distance [B, P] of points [B, P, 3] from the z axis."""
    return (points[..., 0].square() + points[..., 1].square() + _SQUARE_FLOOR).sqrt()


def length_2d(first: Tensor, second: Tensor) -> Tensor:
    """Euclidean length of (first, second), with a finite gradient at zero."""
    return (first.square() + second.square() + _SQUARE_FLOOR).sqrt()


def polyline_distance(radius: Tensor, height: Tensor, knot_radii: Tensor, knot_heights: Tensor) -> Tensor:
    """Unsigned distance [B, P] to an open polyline in the (radius, height) half-plane.

    Args:
        radius: [B, P] distance from the axis of revolution.
        height: [B, P] position along it.
        knot_radii: [B, K] radii of the polyline's corners.
        knot_heights: [B, K] heights of the polyline's corners.
    """
    start_r, start_z = knot_radii[:, None, :-1], knot_heights[:, None, :-1]
    along_r, along_z = knot_radii.diff(dim=-1)[:, None], knot_heights.diff(dim=-1)[:, None]
    from_start_r, from_start_z = radius[..., None] - start_r, height[..., None] - start_z
    squared_length = along_r.square() + along_z.square() + _SQUARE_FLOOR
    fraction = ((from_start_r * along_r + from_start_z * along_z) / squared_length).clamp(0.0, 1.0)
    squared = (from_start_r - fraction * along_r).square() + (from_start_z - fraction * along_z).square()
    return (squared.min(dim=-1).values + _SQUARE_FLOOR).sqrt()


def profile_radius(height: Tensor, knot_radii: Tensor, knot_heights: Tensor) -> Tensor:
    """Radius [B, P] of a profile at a height: linear between knots [B, K] of increasing height."""
    fraction = (height[..., None] - knot_heights[:, None, :-1]) / knot_heights.diff(dim=-1)[:, None]
    return knot_radii[:, :1] + (fraction.clamp(0.0, 1.0) * knot_radii.diff(dim=-1)[:, None]).sum(dim=-1)


def revolved_solid_distance(radius: Tensor, height: Tensor, knot_radii: Tensor, knot_heights: Tensor) -> Tensor:
    """Signed distance [B, P] to a solid of revolution with flat ends.

    Args:
        radius: [B, P] distance from the axis.
        height: [B, P] position along it.
        knot_radii: [B, K] outer radii.
        knot_heights: [B, K] their heights, strictly increasing.
    """
    axis = torch.zeros_like(knot_radii[:, :1])
    outline_radii = torch.cat([axis, knot_radii, axis], dim=-1)
    outline_heights = torch.cat([knot_heights[:, :1], knot_heights, knot_heights[:, -1:]], dim=-1)
    distance = polyline_distance(radius, height, outline_radii, outline_heights)
    within = (height > knot_heights[:, :1]) & (height < knot_heights[:, -1:])
    inside = within & (radius < profile_radius(height, knot_radii, knot_heights))
    return torch.where(inside, -distance, distance)


def rounded_rectangle_distance(
    first: Tensor, second: Tensor, half_first: Tensor, half_second: Tensor, corner: Tensor
) -> Tensor:
    """Signed distance [B, P] to a rectangle with rounded corners in the plane (first, second); sizes are [B]."""
    beyond_first = first.abs() - (half_first - corner)[:, None]
    beyond_second = second.abs() - (half_second - corner)[:, None]
    outside = length_2d(beyond_first.clamp(min=0.0), beyond_second.clamp(min=0.0))
    return outside + torch.maximum(beyond_first, beyond_second).clamp(max=0.0) - corner[:, None]


def rounded_box_distance(points: Tensor, half_sizes: Tensor, rounding: Tensor) -> Tensor:
    """Signed distance [B, P] to a box around the origin.

    Args:
        points: [B, P, 3].
        half_sizes: [B, 3] half sides, rounding included.
        rounding: [B] radius of edges and corners.
    """
    beyond = points.abs() - (half_sizes - rounding[:, None])[:, None]
    outside = (beyond.clamp(min=0.0).square().sum(dim=-1) + _SQUARE_FLOOR).sqrt()
    return outside + beyond.max(dim=-1).values.clamp(max=0.0) - rounding[:, None]


def rounded_cylinder_distance(
    radius: Tensor, along: Tensor, cylinder_radius: Tensor, half_length: Tensor, rounding: Tensor
) -> Tensor:
    """Signed distance [B, P] to a cylinder around the origin with rounded edges; sizes are [B], rounding included."""
    beyond_radius = radius - (cylinder_radius - rounding)[:, None]
    beyond_end = along.abs() - (half_length - rounding)[:, None]
    outside = length_2d(beyond_radius.clamp(min=0.0), beyond_end.clamp(min=0.0))
    return outside + torch.maximum(beyond_radius, beyond_end).clamp(max=0.0) - rounding[:, None]


def flat_tube_distance(from_centre_line: Tensor, across: Tensor, half_flat: Tensor, tube_radius: Tensor) -> Tensor:
    """Signed distance [B, P] to a tube that is a circle stretched by a flat band.

    Args:
        from_centre_line: [B, P] distance from the centre line within the plane that the tube is bent in.
        across: [B, P] coordinate perpendicular to that plane.
        half_flat: [B] half width of the flat band.
        tube_radius: [B] radius of the rounded sides.
    """
    return length_2d(from_centre_line, (across.abs() - half_flat[:, None]).clamp(min=0.0)) - tube_radius[:, None]
