"""What the node publishes for RViz, drawn: what a person would see."""

import numpy as np
import pytest
from geometry_msgs.msg import Point, Vector3
from node_bench import NodeBench
from render_markers import MarkerPicture, MarkerScene, orbit_camera, saved_view_camera
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import ColorRGBA, Header, String
from visualization_msgs.msg import Marker, MarkerArray

from funcgrasp_core.visualisation.contact_colours import BEST_HAND_COLOUR, PART_COLOURS
from funcgrasp_ros import qos_profiles
from funcgrasp_ros.grasp_markers import clearing_markers
from funcgrasp_ros.legend_markers import STEEPEST_VIEW_RAD

SIZE = (400, 300)
VIEWS = [(yaw, pitch) for yaw in (0.3, 2.4, 4.5) for pitch in (0.0, STEEPEST_VIEW_RAD)]


def camera(yaw: float = 0.5, pitch: float = 0.3):
    return orbit_camera(np.array([0.0, 0.0, 0.05]), 1.2, yaw, pitch, *SIZE)


def has_colour(picture: MarkerPicture, rgb: np.ndarray, tolerance: float = 0.03) -> bool:
    """Whether some pixel has the colour, whatever its brightness."""
    pixels = np.asarray(picture.image, dtype=float).reshape(-1, 3)
    pixels = pixels[pixels.max(axis=1) > 60]
    hues = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    return bool((np.abs(hues - rgb / np.linalg.norm(rgb)).max(axis=1) < tolerance).any())


def box_of(picture: MarkerPicture, key: tuple[str, int]) -> tuple[slice, slice]:
    left, top, right, bottom = picture.text_boxes[key]
    return slice(max(0, int(top)), int(np.ceil(bottom))), slice(max(0, int(left)), int(np.ceil(right)))


@pytest.fixture(scope="module")
def published() -> dict[str, list]:
    """What the topics carry for a plan of three grasps, one of a single grasp, and a failure."""
    pytest.importorskip("open3d")
    with NodeBench() as bench:
        received = {
            "markers": bench.listen(MarkerArray, "grasp_planner/markers"),
            "clouds": bench.listen(PointCloud2, "grasp_planner/contact_cloud"),
        }
        for index, num_candidates in enumerate((3, 1), start=1):
            bench.plan(bench.request(num_candidates=num_candidates))
            bench.wait_until(lambda index=index: all(len(messages) == index for messages in received.values()))
        bench.publisher(String, "instruction", qos_profiles.COMMAND_INPUT).publish(String(data="lift it"))
        bench.wait_until(lambda: all(len(messages) == 3 for messages in received.values()))
    return received


def scene_after(published: dict[str, list], num_messages: int) -> MarkerScene:
    scene = MarkerScene()
    for array in published["markers"][:num_messages]:
        scene.receive(array)
    scene.cloud = published["clouds"][num_messages - 1]
    return scene


@pytest.mark.ros
def test_a_plan_is_seen_with_hand_cloud_and_texts(published):
    picture = scene_after(published, 1).render(camera())
    assert has_colour(picture, BEST_HAND_COLOUR)
    assert {key for key in picture.text_boxes if key[0] == "scores"} == {("scores", rank) for rank in range(3)}
    without_hands = scene_after(published, 1).render(camera(), hidden=["hands", "wrists", "legend", "scores"])
    assert any(has_colour(without_hands, colour) for colour in PART_COLOURS)
    assert not has_colour(without_hands, BEST_HAND_COLOUR)


@pytest.mark.ros
@pytest.mark.parametrize(("yaw", "pitch"), VIEWS)
def test_the_legend_is_written_and_stands_before_nothing(published, yaw, pitch):
    scene = scene_after(published, 1)
    legend = [key for key in scene.markers if key[0] == "legend"]
    hidden = ["approaches", "wrists", "scores"]
    picture = scene.render(camera(yaw, pitch), hidden)
    assert len(legend) == 8
    for key in legend:
        rows, columns = box_of(picture, key)
        assert not picture.is_solid[rows, columns].any(), key
        assert np.asarray(picture.image)[rows, columns].max() > 90, key


@pytest.mark.ros
def test_a_new_plan_replaces_the_old_one_and_a_failure_leaves_nothing(published):
    ranks = [{key[1] for key in scene_after(published, count).markers if key[0] == "hands"} for count in (1, 2)]
    assert ranks == [{0, 1, 2}, {0}]
    empty = scene_after(published, 3).render(camera())
    assert not empty.is_solid.any()
    assert not empty.text_boxes
    assert len(np.unique(np.asarray(empty.image).reshape(-1, 3), axis=0)) == 1


def box_marker(**fields) -> Marker:
    """A square of 10 cm across the view from +x."""
    corners = [(0, -0.05, -0.05), (0, 0.05, -0.05), (0, 0.05, 0.05), (0, -0.05, 0.05)]
    points = [Point(x=float(x), y=y, z=z) for x, y, z in corners]
    marker = Marker(header=Header(frame_id="table"), ns="square", type=Marker.TRIANGLE_LIST, **fields)
    marker.pose.orientation.w = 1.0
    marker.scale = Vector3(x=1.0, y=1.0, z=1.0)
    marker.points = [points[index] for index in (0, 1, 2, 0, 2, 3)]
    return marker


def test_a_mesh_is_drawn_where_it_is_and_shows_what_is_behind_it_if_it_is_translucent():
    pytest.importorskip("open3d")
    front = orbit_camera(np.zeros(3), 1.0, 0.0, 0.0, 100, 100)
    opaque, glassy = MarkerScene(), MarkerScene()
    opaque.receive(MarkerArray(markers=[box_marker(color=ColorRGBA(r=1.0, a=1.0))]))
    glassy.receive(MarkerArray(markers=[box_marker(color=ColorRGBA(r=1.0, a=0.25))]))
    solid, thin = opaque.render(front), glassy.render(front)
    side = solid.is_solid.sum() ** 0.5
    assert side == pytest.approx(0.1 * front.focal_px, abs=2)
    red, background, mixed = (
        np.asarray(picture.image)[place][0] / 255
        for picture, place in ((solid, (50, 50)), (solid, (2, 2)), (thin, (50, 50)))
    )
    assert red > 0.8
    assert mixed == pytest.approx(background + 0.25 * (red - background), abs=0.01)


def test_markers_are_replaced_and_deleted_as_in_rviz():
    scene = MarkerScene()
    scene.receive(MarkerArray(markers=[box_marker(id=1), box_marker(id=2), box_marker(id=2, text="new")]))
    assert [(key, marker.text) for key, marker in scene.markers.items()] == [
        (("square", 1), ""),
        (("square", 2), "new"),
    ]
    scene.receive(MarkerArray(markers=[box_marker(id=1, action=Marker.DELETE)]))
    assert list(scene.markers) == [("square", 2)]
    scene.receive(clearing_markers(Header()))
    assert not scene.markers


def test_the_saved_view_looks_down_no_steeper_than_the_legend_allows():
    camera_of_file = saved_view_camera(*SIZE)
    forward = camera_of_file.world_from_camera[:3, 2]
    assert np.arcsin(-forward[2]) <= STEEPEST_VIEW_RAD + 1e-6
