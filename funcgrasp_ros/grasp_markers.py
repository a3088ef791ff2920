"""A plan as markers for RViz: hand meshes, scores and wrist axes, best first."""

import colorsys

import numpy as np
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from funcgrasp_core.contracts import GraspPlan, PlannedGrasp
from funcgrasp_ros.conversions.transforms import point_from_array, pose_from_matrix

AXIS_LENGTH_M = 0.04
AXIS_WIDTH_M = 0.003
TEXT_HEIGHT_M = 0.02
BEST_OPACITY, OTHER_OPACITY = 0.95, 0.25
AXIS_COLOURS = tuple(ColorRGBA(r=r, g=g, b=b, a=1.0) for r, g, b in ((0.9, 0.1, 0.1), (0.1, 0.7, 0.1), (0.1, 0.2, 0.9)))


def clearing_markers(header: Header) -> MarkerArray:
    """Takes every marker of the plan before away."""
    return MarkerArray(markers=[Marker(header=header, action=Marker.DELETEALL)])


def plan_markers(plan: GraspPlan, header: Header, num_hands: int) -> MarkerArray:
    """Markers of the plan's best grasps.

    Namespaces `hands`, `scores` and `wrists`, with the rank as id, so that RViz can show each by itself. The first
    marker takes those of the plan before away.

    Args:
        plan: grasps, best first, in the header's frame.
        header: frame, and the stamp of the cloud.
        num_hands: how many grasps are shown.
    """
    array = clearing_markers(header)
    for rank, grasp in enumerate(plan.grasps[:num_hands]):
        array.markers.append(_hand(grasp, plan.hand_faces, header, rank))
        array.markers.append(_score(grasp, header, rank))
        array.markers.append(_wrist(grasp, header, rank))
    return array


def _hand(grasp: PlannedGrasp, faces: np.ndarray, header: Header, rank: int) -> Marker:
    marker = _marker(header, "hands", rank, Marker.TRIANGLE_LIST)
    marker.scale = Vector3(x=1.0, y=1.0, z=1.0)
    marker.color = _score_colour(grasp.score, BEST_OPACITY if rank == 0 else OTHER_OPACITY)
    # A vertex is one message object however many triangles share it.
    vertices = [Point(x=x, y=y, z=z) for x, y, z in grasp.vertices.tolist()]
    marker.points = [vertices[index] for index in faces.reshape(-1).tolist()]
    return marker


def _score(grasp: PlannedGrasp, header: Header, rank: int) -> Marker:
    marker = _marker(header, "scores", rank, Marker.TEXT_VIEW_FACING)
    marker.scale = Vector3(x=0.0, y=0.0, z=TEXT_HEIGHT_M)
    marker.color = _score_colour(grasp.score, 1.0)
    marker.pose.position = point_from_array(grasp.joints[0] + (0.0, 0.0, 2 * TEXT_HEIGHT_M))
    marker.text = f"{rank + 1}: {grasp.score:.2f}"
    return marker


def _wrist(grasp: PlannedGrasp, header: Header, rank: int) -> Marker:
    marker = _marker(header, "wrists", rank, Marker.LINE_LIST)
    marker.scale = Vector3(x=AXIS_WIDTH_M, y=0.0, z=0.0)
    marker.pose = pose_from_matrix(grasp.wrist_pose)
    for axis, colour in zip(np.eye(3) * AXIS_LENGTH_M, AXIS_COLOURS, strict=True):
        marker.points += [Point(), point_from_array(axis)]
        marker.colors += [colour, colour]
    return marker


def _marker(header: Header, namespace: str, rank: int, marker_type: int) -> Marker:
    marker = Marker(header=header, ns=namespace, id=rank, type=marker_type, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    return marker


def _score_colour(score: float, opacity: float) -> ColorRGBA:
    """From red at score 0 to green at 1."""
    red, green, blue = colorsys.hsv_to_rgb(max(0.0, min(1.0, score)) / 3, 0.75, 0.9)
    return ColorRGBA(r=red, g=green, b=blue, a=opacity)
