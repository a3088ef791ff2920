"""What the colours of the contact cloud mean, as text in the scene: RViz has no legend of its own."""

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

from funcgrasp_core.visualisation.contact_colours import PART_COLOUR_OF_NAME, UNTOUCHED_COLOUR
from funcgrasp_ros.conversions.transforms import point_from_array

ROW_HEIGHT_M = 0.015
TEXT_HEIGHT_M = 0.012
HEADING_COLOUR = (255, 255, 255)

STEEPEST_VIEW_RAD = 0.35
"""Seen from any side and from no higher than this above the horizon, the legend hides neither object nor hands. The
view in rviz/planner.rviz looks down at this angle."""

MAX_HEADING_LENGTH = 60


def legend_markers(
    instruction: str, object_points: np.ndarray, hands: Sequence[np.ndarray], header: Header
) -> list[Marker]:
    """Rows of text that stand over the object: the instruction, each hand part in its colour, and "untouched".

    Args:
        instruction: heads the legend; cut short if it is long.
        object_points: [N, 3] metres, N > 0.
        hands: vertices [V, 3] of each shown hand.
        header: frame of the points and hands.
    """
    rows = [(_shortened(instruction), HEADING_COLOUR), *PART_COLOUR_OF_NAME.items()]
    rows.append(("untouched", tuple(int(value) for value in UNTOUCHED_COLOUR)))
    foot = _foot_of_legend(object_points, hands)
    return [
        _row(text, colour, foot + np.array([0.0, 0.0, ROW_HEIGHT_M * (len(rows) - 0.5 - index)]), header, index)
        for index, (text, colour) in enumerate(rows)
    ]


def _foot_of_legend(object_points: np.ndarray, hands: Sequence[np.ndarray]) -> np.ndarray:
    """[3] over the middle of the object, so high that a view at the steepest angle sees nothing behind the legend."""
    middle = (object_points.min(axis=0) + object_points.max(axis=0)) / 2
    everything = np.concatenate([object_points, *hands])
    distances = np.linalg.norm(everything[:, :2] - middle[:2], axis=1)
    height = (everything[:, 2] + np.tan(STEEPEST_VIEW_RAD) * distances).max()
    return np.array([middle[0], middle[1], height], dtype=np.float64)


def _row(text: str, colour: tuple[int, ...], position: np.ndarray, header: Header, index: int) -> Marker:
    marker = Marker(header=header, ns="legend", id=index, type=Marker.TEXT_VIEW_FACING, action=Marker.ADD, text=text)
    marker.pose.position = point_from_array(position)
    marker.pose.orientation.w = 1.0
    marker.scale = Vector3(x=0.0, y=0.0, z=TEXT_HEIGHT_M)
    red, green, blue = (value / 255 for value in colour)
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    return marker


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_HEADING_LENGTH else text[: MAX_HEADING_LENGTH - 3] + "..."
