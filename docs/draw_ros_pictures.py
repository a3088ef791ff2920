"""Draws the pictures of docs/ros.md: the tf frames, and the poses that an arm goes to.

PYTHONPATH=.:embedded_ros/site .venv/bin/python docs/draw_ros_pictures.py
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from funcgrasp_core.assets import DEMO_RECORDING, asset_path
from funcgrasp_core.contracts import GraspPlan, GraspRequest, ObjectObservation, PlannedGrasp
from funcgrasp_core.planning.grasp_planner import GraspPlanner
from funcgrasp_core.visualisation.mesh_renderer import PinholeCamera
from funcgrasp_ros.conversions.clouds import contact_cloud, points_from_cloud
from funcgrasp_ros.conversions.transforms import pose_from_matrix, transform_points
from funcgrasp_ros.grasp_frames import WITHDRAWN_FRAME, pregrasp_frame, wrist_frame
from funcgrasp_ros.grasp_markers import AXIS_LENGTH_M, plan_markers
from funcgrasp_ros.recorded_scene import read_recording

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "test" / "funcgrasp_ros"))

from render_markers import MarkerScene, orbit_camera  # noqa: E402  # pyright: ignore[reportMissingImports] (the tests' own)

INSTRUCTION = "drink from the mug"
WAITING_OPACITY = 0.5
FOCAL_POINT, ORBIT = np.array([0.485, -0.065, 0.05]), (0.37, -0.45, 0.7)
"""Where the camera looks, metres; its distance, and its yaw and pitch in radians."""

SIZE = (900, 430)
LINE = "#d8d8d8"


def plan_of_the_recorded_scene() -> GraspPlan:
    """What the shipped model plans for the recorded mug."""
    cloud = next(entry.data for entry in read_recording(asset_path(DEMO_RECORDING)) if entry.topic == "/object_cloud")
    points = points_from_cloud(deserialize_message(cloud, PointCloud2))
    return GraspPlanner.from_checkpoint().plan(ObjectObservation(points, frame="table"), GraspRequest(INSTRUCTION))


def draw_poses(plan: GraspPlan, path: Path) -> None:
    """The best hand where it waits, seen through, and where it grasps, with both wrists' axes."""
    grasp, header = plan.grasps[0], Header(frame_id=plan.frame)
    scene = MarkerScene()
    scene.receive(plan_markers(plan, header, num_hands=1))
    scene.receive(MarkerArray(markers=_waiting_markers(grasp, list(scene.markers.values()))))
    scene.cloud = contact_cloud(plan.contact_map, header)
    camera = orbit_camera(FOCAL_POINT, *ORBIT, *SIZE)
    picture = scene.render(camera, hidden=["legend", "scores"]).image
    figure = Figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(picture)
    axes.axis("off")
    _label_poses(axes, camera, grasp)
    _save(figure, path)


def draw_frames(path: Path) -> None:
    """The tree of frames: what the robot gives, what the planner adds, and what became of withdrawn grasps."""
    figure = Figure(figsize=(10, 2.4), dpi=90, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 10), ylim=(0.4, 2.8))
    axes.axis("off")
    given, added, gone = "#cfe2f3", "#d9ead3", "#eeeeee"
    root = _box(axes, 3.3, 2.55, "table: planning_frame, z up", given)
    cameras = [_box(axes, x, 1.55, name, given) for x, name in ((0.9, "camera_0"), (2.35, "camera_1 ..."))]
    grasps = [_box(axes, 4.1, 1.55, wrist_frame(0), added), _box(axes, 5.75, 1.55, pregrasp_frame(0), added)]
    nowhere = _box(axes, 8.35, 2.55, WITHDRAWN_FRAME, gone)
    withdrawn = [_box(axes, 7.5, 1.55, wrist_frame(1), gone), _box(axes, 9.15, 1.55, pregrasp_frame(1), gone)]
    for parent, children in ((root, cameras + grasps), (nowhere, withdrawn)):
        for child in children:
            axes.annotate(
                "", (child[0], child[1] + 0.19), (parent[0], parent[1] - 0.19), arrowprops={"arrowstyle": "-|>"}
            )
    notes = (
        (1.65, "published by the robot\non /tf or /tf_static"),
        (4.9, "sent by the planner on /tf_static\nwith grasp_frames:=1 or more"),
        (8.35, "grasps that no longer hold:\nconnected to nothing, so that\nlooking them up fails"),
    )
    for x, text in notes:
        axes.text(x, 1.05, text, ha="center", va="top", fontsize=10, color="#444444")
    _save(figure, path)


def _waiting_markers(grasp: PlannedGrasp, shown: list[Marker]) -> list[Marker]:
    """Hand and axes of the grasp, moved to where the wrist waits."""
    waiting_from_grasp = grasp.pregrasp_pose @ np.linalg.inv(grasp.wrist_pose)
    markers = []
    for marker in shown:
        if marker.ns in ("hands", "wrists"):
            pose = waiting_from_grasp if marker.ns == "hands" else grasp.pregrasp_pose
            markers.append(
                Marker(
                    header=marker.header,
                    ns=f"waiting {marker.ns}",
                    type=marker.type,
                    pose=pose_from_matrix(pose),
                    scale=marker.scale,
                    color=ColorRGBA(r=0.6, g=0.7, b=0.85, a=WAITING_OPACITY),
                    points=marker.points,
                    colors=marker.colors,
                )
            )
    return markers


def _label_poses(axes: Axes, camera: PinholeCamera, grasp: PlannedGrasp) -> None:
    wrist, waiting = grasp.wrist_pose[:3, 3], grasp.pregrasp_pose[:3, 3]
    (at_wrist, at_waiting, at_middle), _ = camera.project(np.stack([wrist, waiting, (wrist + waiting) / 2]))
    line = {"arrowstyle": "-", "color": LINE, "linewidth": 0.9}
    labels = (
        (f"wrist_pose\n({wrist_frame(0)})", at_wrist, (-170, 120)),
        (f"pregrasp_pose\n({pregrasp_frame(0)})", at_waiting, (120, 105)),
        ("approach_direction, 10 cm", at_middle, (60, 150)),
    )
    for text, place, offset in labels:
        corner = place + np.array(offset)
        axes.annotate(text, place, corner, color="white", fontsize=12, ha="center", arrowprops=line)
    tips = transform_points(grasp.wrist_pose, 1.25 * AXIS_LENGTH_M * np.eye(3))
    for name, (column, row) in zip("xyz", camera.project(tips)[0] + (0.0, -8.0), strict=True):
        axes.text(column, row, name, color="white", fontsize=12, ha="center", va="center", weight="bold")


def _box(axes: Axes, x: float, y: float, text: str, colour: str) -> tuple[float, float]:
    style = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "#666666"}
    axes.text(x, y, text, ha="center", va="center", fontsize=11, bbox=style)
    return x, y


def _save(figure: Figure, path: Path) -> None:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4).save(path, optimize=True)


if __name__ == "__main__":
    draw_frames(DOCS / "ros_frames.png")
    draw_poses(plan_of_the_recorded_scene(), DOCS / "ros_grasp_poses.png")
