"""A plan as markers for RViz: hands, scores, wrist axes and approaches of the best grasps, and a legend."""

import colorsys

import numpy as np
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from funcgrasp_core.contracts import GraspPlan, PlannedGrasp
from funcgrasp_core.visualisation.contact_colours import BEST_HAND_COLOUR, OTHER_HAND_COLOUR
from funcgrasp_ros.conversions.transforms import point_from_array, pose_from_matrix
from funcgrasp_ros.legend_markers import legend_markers

AXIS_LENGTH_M = 0.04
AXIS_WIDTH_M = 0.003
AXIS_COLOURS = tuple(ColorRGBA(r=r, g=g, b=b, a=1.0) for r, g, b in ((0.9, 0.1, 0.1), (0.1, 0.7, 0.1), (0.1, 0.2, 0.9)))

ARROW_DIAMETERS_M = (0.004, 0.010)
"""Of an approach's shaft and head."""

ARROW_HEAD_LENGTH_M = 0.015

SCORE_HEIGHT_M = 0.014
SCORE_LIFT_M = 0.015
"""How far above the start of its approach, clear of the hand, the best grasp's score stands; the next ones stand a line
higher each, since the best grasps often are neighbours."""

BEST_OPACITY, OTHER_OPACITY = 1.0, 0.3
"""The best hand is opaque: RViz draws no depth for see-through meshes, and its fingers would shine through its palm."""


def clearing_markers(header: Header) -> MarkerArray:
    """Takes every marker of the plan before away."""
    return MarkerArray(markers=[Marker(header=header, action=Marker.DELETEALL)])


def plan_markers(plan: GraspPlan, header: Header, num_hands: int) -> MarkerArray:
    """Markers of the plan's best grasps, and what the colours of the contact cloud mean.

    Namespaces `hands`, `scores`, `wrists` and `approaches`, with the rank as id, and `legend`, so that RViz can show
    each by itself. The first marker takes those of the plan before away.

    Args:
        plan: grasps, best first, in the header's frame.
        header: frame, and the stamp of the cloud.
        num_hands: how many grasps are shown. 0: the legend alone.
    """
    array = clearing_markers(header)
    shown = plan.grasps[:num_hands]
    for rank, grasp in enumerate(shown):
        array.markers.append(_hand(grasp, plan.hand_faces, header, rank))
        array.markers.append(_score(grasp, header, rank))
        array.markers.append(_wrist(grasp, header, rank))
        array.markers.append(_approach(grasp, header, rank))
    hands = [grasp.vertices for grasp in shown]
    array.markers += legend_markers(plan.instruction, plan.contact_map.points, hands, header)
    return array


def _hand(grasp: PlannedGrasp, faces: np.ndarray, header: Header, rank: int) -> Marker:
    marker = _marker(header, "hands", rank, Marker.TRIANGLE_LIST)
    marker.scale = Vector3(x=1.0, y=1.0, z=1.0)
    red, green, blue = (BEST_HAND_COLOUR if rank == 0 else OTHER_HAND_COLOUR) / 255
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=_opacity(rank))
    # A vertex is one message object however many triangles share it.
    vertices = [Point(x=x, y=y, z=z) for x, y, z in grasp.vertices.tolist()]
    marker.points = [vertices[index] for index in faces.reshape(-1).tolist()]
    return marker


def _score(grasp: PlannedGrasp, header: Header, rank: int) -> Marker:
    """The grasp's name, as its tf frames have it, and its score, red at 0 and green at 1."""
    marker = _marker(header, "scores", rank, Marker.TEXT_VIEW_FACING)
    marker.scale = Vector3(x=0.0, y=0.0, z=SCORE_HEIGHT_M)
    red, green, blue = colorsys.hsv_to_rgb(max(0.0, min(1.0, grasp.score)) / 3, 0.6, 1.0)
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    lift = np.array([0.0, 0.0, SCORE_LIFT_M + 1.2 * SCORE_HEIGHT_M * rank])
    marker.pose.position = point_from_array(grasp.pregrasp_pose[:3, 3] + lift)
    marker.text = f"grasp_{rank}: {grasp.score:.2f}"
    return marker


def _wrist(grasp: PlannedGrasp, header: Header, rank: int) -> Marker:
    """The wrist's axes: x red, y green, z blue."""
    marker = _marker(header, "wrists", rank, Marker.LINE_LIST)
    marker.scale = Vector3(x=AXIS_WIDTH_M, y=0.0, z=0.0)
    marker.pose = pose_from_matrix(grasp.wrist_pose)
    for axis, colour in zip(np.eye(3) * AXIS_LENGTH_M, AXIS_COLOURS, strict=True):
        marker.points += [Point(), point_from_array(axis)]
        marker.colors += [colour, colour]
    return marker


def _approach(grasp: PlannedGrasp, header: Header, rank: int) -> Marker:
    """An arrow from where the wrist waits to where it is in the grasp."""
    marker = _marker(header, "approaches", rank, Marker.ARROW)
    shaft, head = ARROW_DIAMETERS_M
    marker.scale = Vector3(x=shaft, y=head, z=ARROW_HEAD_LENGTH_M)
    marker.color = ColorRGBA(r=0.95, g=0.95, b=0.95, a=_opacity(rank))
    marker.points = [point_from_array(pose[:3, 3]) for pose in (grasp.pregrasp_pose, grasp.wrist_pose)]
    return marker


def _opacity(rank: int) -> float:
    return BEST_OPACITY if rank == 0 else OTHER_OPACITY


def _marker(header: Header, namespace: str, rank: int, marker_type: int) -> Marker:
    marker = Marker(header=header, ns=namespace, id=rank, type=marker_type, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    return marker
