"""A plan's best grasp as a picture: hand and object from two sides, contact in the colours of the hand parts."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from funcgrasp_core.contracts import ContactMap, GraspPlan
from funcgrasp_core.visualisation.contact_colours import (
    BEST_HAND_COLOUR,
    PART_COLOUR_OF_NAME,
    contact_point_colours,
)
from funcgrasp_core.visualisation.mesh_renderer import (
    ColouredMesh,
    MeshRenderer,
    PinholeCamera,
    focal_from_field_of_view,
    look_at,
)

VIEW_SIZE_PX = 480
CAPTION_HEIGHT_PX = 64
FIELD_OF_VIEW_RAD = 0.5
CAMERA_ELEVATION_RAD = 0.45
POINT_RADIUS_M = 0.002
TEXT_COLOUR = (30, 30, 30)


def draw_plan(plan: GraspPlan, object_mesh: tuple[np.ndarray, np.ndarray] | None = None) -> Image.Image:
    """The best grasp from two opposite sides, with the instruction and a legend of part colours beneath.

    Args:
        plan: whose best grasp is drawn.
        object_mesh: vertices [V, 3] and faces [F, 3] in the plan's frame, coloured by the nearest contact points;
            None: the contact points are drawn as small balls.

    Raises:
        MissingDependencyError: open3d is not installed.
    """
    best = plan.grasps[0]
    hand = ColouredMesh(best.vertices, plan.hand_faces, BEST_HAND_COLOUR / 255)
    object_drawn = _coloured_mesh(plan.contact_map, object_mesh) if object_mesh else _balls(plan.contact_map)
    renderer = MeshRenderer([object_drawn, hand])
    picture = Image.new("RGB", (2 * VIEW_SIZE_PX, VIEW_SIZE_PX + CAPTION_HEIGHT_PX), "white")
    for column, camera in enumerate(_cameras(plan)):
        forward, down = camera.world_from_camera[:3, 2], camera.world_from_camera[:3, 1]
        view = renderer.render(camera, light_direction=-forward - 0.4 * down, supersampling=2).rgb
        picture.paste(Image.fromarray(view), (column * VIEW_SIZE_PX, 0))
    _write_caption(picture, plan)
    return picture


def _cameras(plan: GraspPlan) -> list[PinholeCamera]:
    """Two cameras on opposite sides, looking square to the direction from the object to the hand."""
    hand, points = plan.grasps[0].vertices, plan.contact_map.points
    everything = np.concatenate([hand, points])
    centre = (everything.min(axis=0) + everything.max(axis=0)) / 2
    radius = float(np.linalg.norm(everything - centre, axis=1).max())
    towards_hand = hand.mean(axis=0) - points.mean(axis=0)
    azimuth = np.arctan2(towards_hand[1], towards_hand[0]) + np.pi / 2
    distance = 1.05 * radius / np.sin(FIELD_OF_VIEW_RAD / 2)
    focal_px = focal_from_field_of_view(FIELD_OF_VIEW_RAD, VIEW_SIZE_PX)
    cameras = []
    for side_azimuth in (azimuth, azimuth + np.pi):
        horizontal = np.array([np.cos(side_azimuth), np.sin(side_azimuth), 0.0]) * np.cos(CAMERA_ELEVATION_RAD)
        position = centre + distance * (horizontal + np.array([0.0, 0.0, np.sin(CAMERA_ELEVATION_RAD)]))
        pose = look_at(position.tolist(), centre.tolist(), (0.0, 0.0, 1.0))
        cameras.append(PinholeCamera(pose, VIEW_SIZE_PX, VIEW_SIZE_PX, focal_px))
    return cameras


def _coloured_mesh(contact_map: ContactMap, object_mesh: tuple[np.ndarray, np.ndarray]) -> ColouredMesh:
    """The object, every vertex in the colour of its nearest contact point."""
    from scipy.spatial import KDTree

    vertices, faces = object_mesh
    _, nearest = KDTree(contact_map.points).query(vertices)
    return ColouredMesh(vertices, faces, contact_point_colours(contact_map.probabilities)[nearest] / 255)


def _balls(contact_map: ContactMap) -> ColouredMesh:
    """An octahedron for every contact point; smooth shading makes balls of them."""
    corners = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=float)
    triangles = np.array(
        [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]], dtype=np.int64
    )
    points = contact_map.points
    vertices = (points[:, None] + POINT_RADIUS_M * corners).reshape(-1, 3)
    faces = (len(corners) * np.arange(len(points))[:, None, None] + triangles).reshape(-1, 3)
    colours = np.repeat(contact_point_colours(contact_map.probabilities), len(corners), axis=0) / 255
    return ColouredMesh(vertices, faces, colours)


def _write_caption(picture: Image.Image, plan: GraspPlan) -> None:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=17)
    top = VIEW_SIZE_PX + 6
    shown = plan.instruction if len(plan.instruction) <= 80 else plan.instruction[:79] + "\N{HORIZONTAL ELLIPSIS}"
    draw.text((14, top), f"{shown}   (score {plan.grasps[0].score:.2f})", TEXT_COLOUR, font)
    left = 14.0
    for name, colour in PART_COLOUR_OF_NAME.items():
        draw.rectangle((left, top + 32, left + 16, top + 48), fill=colour)
        draw.text((left + 22, top + 29), name, TEXT_COLOUR, font)
        left += 46 + draw.textlength(name, font)
