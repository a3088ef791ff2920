"""Draws markers and clouds as RViz would show them, where there is no RViz to look at.

Run as a program it plans for the recorded scene and draws what the node publishes, seen as rviz/planner.rviz sees it,
with the hands and without:

    PYTHONPATH=.:embedded_ros/site python test/funcgrasp_ros/render_markers.py docs/rviz_markers.png
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image, ImageDraw, ImageFont
from sensor_msgs.msg import PointCloud2
from sensor_msgs_py import point_cloud2
from solid_shapes import arrow, balls, rods
from visualization_msgs.msg import Marker, MarkerArray

from funcgrasp_core.visualisation.mesh_renderer import (
    ColouredMesh,
    MeshRenderer,
    PinholeCamera,
    focal_from_field_of_view,
    look_at,
)
from funcgrasp_ros.conversions.transforms import matrix_from_pose, transform_points

RVIZ_VIEW = Path(__file__).resolve().parents[2] / "rviz" / "planner.rviz"
RVIZ_FIELD_OF_VIEW_RAD = np.deg2rad(45.0)
"""Height of RViz's view."""

BACKGROUND = np.full(3, 48 / 255)
SUPERSAMPLING = 2
PANEL_SIZE, PANEL_CUT = (860, 620), (210, 45, 790, 575)
"""Of one half of the picture: as it is rendered, and what of it is kept."""

OPAQUE = 0.9998
"""RViz takes greater opacities as opaque."""


@dataclass(frozen=True)
class MarkerPicture:
    """A picture and where its parts are.

    Attributes:
        image: RGB.
        is_solid: [H, W] whether a pixel shows a mesh, a line or a point of the cloud.
        text_boxes: left, top, right, bottom in pixels of each text, by namespace and id.
    """

    image: Image.Image
    is_solid: np.ndarray
    text_boxes: dict[tuple[str, int], tuple[float, float, float, float]]


class MarkerScene:
    """What RViz holds after some messages."""

    def __init__(self):
        self.markers: dict[tuple[str, int], Marker] = {}
        self.cloud: PointCloud2 | None = None

    def receive(self, array: MarkerArray) -> None:
        """Adds, replaces and deletes markers, one after another, as the array says."""
        for marker in array.markers:
            if marker.action == Marker.DELETEALL:
                self.markers.clear()
            elif marker.action == Marker.DELETE:
                self.markers.pop((marker.ns, marker.id), None)
            else:
                self.markers[marker.ns, marker.id] = marker

    def render(self, camera: PinholeCamera, hidden: Sequence[str] = ()) -> MarkerPicture:
        """Draws cloud and markers; solids first, then what is seen through, far to near, then texts.

        Args:
            camera: where the picture is taken.
            hidden: namespaces that are not ticked.
        """
        shown = {key: marker for key, marker in self.markers.items() if key[0] not in hidden}
        fine = PinholeCamera(
            camera.world_from_camera,
            SUPERSAMPLING * camera.width,
            SUPERSAMPLING * camera.height,
            SUPERSAMPLING * camera.focal_px,
        )
        solids = [_cloud_mesh(self.cloud)] if self.cloud is not None and self.cloud.width else []
        translucent: list[tuple[ColouredMesh, float]] = []
        for marker in shown.values():
            if marker.type == Marker.TEXT_VIEW_FACING:
                continue
            mesh = _marker_mesh(marker)
            if marker.color.a > OPAQUE or marker.colors:
                solids.append(mesh)
            else:
                translucent.append((mesh, marker.color.a))
        pixels, depths = _render(solids, fine)
        is_solid = np.isfinite(depths)
        translucent.sort(key=lambda entry: -fine.project(entry[0].vertices)[1].mean())
        for mesh, opacity in translucent:
            colours, mesh_depths = _render([mesh], fine)
            is_seen = mesh_depths < depths
            pixels[is_seen] += opacity * (colours[is_seen] - pixels[is_seen])
            is_solid |= is_seen
        boxes = {}
        for key, marker in shown.items():
            if marker.type == Marker.TEXT_VIEW_FACING:
                box = _write(pixels, depths, marker, fine)
                boxes[key] = tuple(value / SUPERSAMPLING for value in box)
        image = Image.fromarray((pixels.clip(0, 1) * 255 + 0.5).astype(np.uint8))
        shape = (camera.height, SUPERSAMPLING, camera.width, SUPERSAMPLING)
        return MarkerPicture(
            image.resize((camera.width, camera.height), Image.Resampling.BOX),
            is_solid.reshape(shape).max(axis=(1, 3)),
            boxes,
        )


def orbit_camera(
    focal_point: np.ndarray, distance: float, yaw: float, pitch: float, width: int, height: int
) -> PinholeCamera:
    """RViz's orbiting camera: metres and radians, `pitch` above the horizon."""
    direction = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    position = np.asarray(focal_point) + distance * direction
    pose = look_at(position.tolist(), list(focal_point), (0.0, 0.0, 1.0))
    return PinholeCamera(pose, width, height, focal_from_field_of_view(float(RVIZ_FIELD_OF_VIEW_RAD), height))


def saved_view_camera(width: int, height: int) -> PinholeCamera:
    """The camera that rviz/planner.rviz starts with."""
    view = _saved("Views")["Current"]
    focal_point = np.array([view["Focal Point"][axis] for axis in "XYZ"])
    return orbit_camera(focal_point, view["Distance"], view["Yaw"], view["Pitch"], width, height)


def _saved(name: str) -> Any:
    """A part of rviz/planner.rviz."""
    return yaml.safe_load(RVIZ_VIEW.read_text())["Visualization Manager"][name]


def _render(meshes: list[ColouredMesh], camera: PinholeCamera) -> tuple[np.ndarray, np.ndarray]:
    """Colours [H, W, 3] in [0, 1] and depths [H, W]; the light comes from the camera, as in RViz."""
    if not meshes:
        shape = (camera.height, camera.width)
        return np.tile(BACKGROUND, (*shape, 1)), np.full(shape, np.inf)
    light = -camera.world_from_camera[:3, 2] - 0.4 * camera.world_from_camera[:3, 1]
    rendering = MeshRenderer(meshes).render(camera, light_direction=light, background=BACKGROUND.tolist())
    return rendering.rgb / 255, rendering.depth


def _cloud_mesh(cloud: PointCloud2) -> ColouredMesh:
    points = point_cloud2.read_points_numpy(cloud, field_names=["x", "y", "z"])
    packed = point_cloud2.read_points(cloud, field_names=["rgb"])["rgb"].copy().view(np.uint32)
    colours = np.stack([packed >> shift & 255 for shift in (16, 8, 0)], axis=1) / 255
    (display,) = (display for display in _saved("Displays") if display["Name"] == "Contact map")
    return balls(points, colours, radius=display["Size (m)"] / 2)


def _marker_mesh(marker: Marker) -> ColouredMesh:
    points = np.array([(point.x, point.y, point.z) for point in marker.points])
    points = transform_points(matrix_from_pose(marker.pose), points)
    colours = np.array([(c.r, c.g, c.b) for c in marker.colors or [marker.color] * len(points)])
    if marker.type == Marker.TRIANGLE_LIST:
        return ColouredMesh(points, np.arange(len(points)).reshape(-1, 3), colours)
    if marker.type == Marker.LINE_LIST:
        return rods(points[::2], points[1::2], colours[::2], radius=marker.scale.x / 2)
    if marker.type == Marker.ARROW:
        start, end = points
        return arrow(start, end, colours[0], marker.scale.x / 2, marker.scale.y / 2, marker.scale.z)
    raise ValueError(f"markers of type {marker.type} are not drawn")


def _write(pixels: np.ndarray, depths: np.ndarray, marker: Marker, camera: PinholeCamera) -> tuple:
    """Writes a text into `pixels` where nothing stands before it. Returns its box."""
    position = marker.pose.position
    (place,), (depth,) = camera.project(np.array([[position.x, position.y, position.z]]))
    mask = Image.new("L", (camera.width, camera.height))
    draw = ImageDraw.Draw(mask)
    font = ImageFont.load_default(size=max(1.0, camera.focal_px * marker.scale.z / depth))
    draw.text(tuple(place), marker.text, fill=255, font=font, anchor="mm")
    opacity = marker.color.a * np.asarray(mask)[..., None] / 255 * (depths > depth)[..., None]
    pixels += opacity * (np.array([marker.color.r, marker.color.g, marker.color.b]) - pixels)
    return draw.textbbox(tuple(place), marker.text, font=font, anchor="mm")


def main() -> None:
    """Plans for the recorded scene and draws what is published."""
    from node_bench import NodeBench
    from rclpy.serialization import deserialize_message

    from funcgrasp_core.assets import DEMO_RECORDING, asset_path
    from funcgrasp_ros import msg
    from funcgrasp_ros.grasp_planner_node import build_planner
    from funcgrasp_ros.recorded_scene import read_recording

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--instruction", default="drink from the mug")
    arguments = parser.parse_args()
    recording = read_recording(asset_path(DEMO_RECORDING))
    cloud = next(entry.data for entry in recording if entry.topic == "/object_cloud")
    scene = MarkerScene()
    with NodeBench(planner_builder=build_planner) as bench:
        markers = bench.listen(MarkerArray, "grasp_planner/markers")
        clouds = bench.listen(PointCloud2, "grasp_planner/contact_cloud")
        request = msg.GraspRequest(instruction=arguments.instruction, cloud=deserialize_message(cloud, PointCloud2))
        answer = bench.client.plan(request, timeout_s=120.0)
        assert answer.code == msg.GraspPlan.SUCCESS, answer.message
        bench.wait_until(lambda: bool(markers and clouds))
    scene.receive(markers[-1])
    scene.cloud = clouds[-1]
    panels = [scene.render(saved_view_camera(*PANEL_SIZE), hidden).image.crop(PANEL_CUT) for hidden in ((), ("hands",))]
    picture = Image.new("RGB", (sum(panel.width for panel in panels), panels[0].height))
    for index, panel in enumerate(panels):
        picture.paste(panel, (index * panel.width, 0))
    picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4).save(arguments.output, optimize=True)


if __name__ == "__main__":
    main()
