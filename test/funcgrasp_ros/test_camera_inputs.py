"""Camera topics of the running node: compressed images, ages, skews and lenses."""

import array
import io

import numpy as np
import PIL.Image
import pytest
from geometry_msgs.msg import TransformStamped
from node_bench import NodeBench, object_points
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from funcgrasp_core.visualisation.mesh_renderer import look_at
from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.conversions.clouds import cloud_from_points
from funcgrasp_ros.conversions.images import image_from_rgb
from funcgrasp_ros.conversions.transforms import transform_from_matrix

pytestmark = pytest.mark.ros

PIXELS = np.full((60, 80, 3), (10, 20, 30), dtype=np.uint8)
MATRIX = np.array([80.0, 0, 39.5, 0, 80.0, 29.5, 0, 0, 1])
NAMED_TOP = {"camera_topics": ["one"], "camera_slots": ["top"]}


def shifted(header: Header, seconds: int) -> Header:
    """The same frame, another time."""
    header.stamp.sec += seconds
    return header


def png(header: Header, message_format: str = "png") -> CompressedImage:
    file = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(file, "PNG")
    return CompressedImage(header=header, format=message_format, data=array.array("B", file.getvalue()))


def answer_when(bench: NodeBench, publish, condition) -> msg.GraspPlan:
    """Publishes and plans until the condition on answer and views holds."""
    answers = []

    def is_so() -> bool:
        publish()
        answers.append(bench.plan())
        views = dict(bench.planner.observations[-1].views) if bench.planner.observations else {}
        return condition(answers[-1], views)

    bench.wait_until(is_so)
    return answers[-1]


def test_compressed_images_become_views():
    with NodeBench({**NAMED_TOP, "camera_transports": ["compressed"]}) as bench:
        images = bench.publisher(CompressedImage, "one/image/compressed")
        answer_when(bench, lambda: images.publish(png(bench.header("lens"))), lambda _, views: list(views) == ["top"])
        np.testing.assert_array_equal(bench.planner.observations[-1].views["top"], PIXELS)


def test_compressed_depth_is_refused_and_named():
    with NodeBench({**NAMED_TOP, "camera_transports": ["compressed"]}) as bench:
        images = bench.publisher(CompressedImage, "one/image/compressed")
        depth_format = "16UC1; compressedDepth png"
        answer = answer_when(
            bench,
            lambda: images.publish(png(bench.header("lens"), depth_format)),
            lambda answer, _: answer.code == msg.GraspPlan.BAD_IMAGE,
        )
        assert "is depth, not colour" in answer.message


@pytest.mark.parametrize(
    ("parameters", "seconds", "note"),
    [
        ({"max_image_age": 5.0, "max_camera_skew": 0.0}, -30, "s old, 'max_image_age' allows 5 s"),
        ({"max_image_age": 0.0, "max_camera_skew": 5.0}, -30, "s before the cloud, 'max_camera_skew' allows 5 s"),
        ({"max_image_age": 0.0, "max_camera_skew": 5.0}, 30, "s after the cloud, 'max_camera_skew' allows 5 s"),
        ({"max_image_age": 5.0, "max_camera_skew": 0.0}, 30, "s in the future, 'max_image_age' allows 5 s"),
    ],
)
def test_an_image_of_another_time_is_left_out_with_a_note(parameters, seconds, note):
    with NodeBench({**NAMED_TOP, **parameters}) as bench:
        images = bench.publisher(Image, "one/image")
        answer = answer_when(
            bench,
            lambda: images.publish(image_from_rgb(PIXELS, shifted(bench.header("lens"), seconds))),
            lambda answer, _: any("image of one is not used" in note for note in answer.notes),
        )
        assert answer.code == msg.GraspPlan.SUCCESS
        assert any(note in text for text in answer.notes), answer.notes
        assert not bench.planner.observations[-1].views


def test_without_limits_an_image_of_any_time_is_used():
    with NodeBench({**NAMED_TOP, "max_image_age": 0.0, "max_camera_skew": 0.0}) as bench:
        images = bench.publisher(Image, "one/image")
        old = image_from_rgb(PIXELS, shifted(bench.header("lens"), -3000))
        answer_when(bench, lambda: images.publish(old), lambda _, views: list(views) == ["top"])


def request_with_camera(bench: NodeBench, **info_fields) -> msg.GraspRequest:
    info = CameraInfo(header=bench.header("lens"), width=80, height=60, k=MATRIX, **info_fields)
    return bench.request(images=[image_from_rgb(PIXELS, bench.header("lens"))], camera_infos=[info])


def place_lens(bench: NodeBench):
    """Tells tf that the lens looks at the object from behind; the publisher must be kept."""
    stamped = TransformStamped(header=Header(frame_id="table"), child_frame_id="lens")
    stamped.transform = transform_from_matrix(look_at((0.1, 0.6, 0.0), (0, 0, 0), (0, 0, 1)))
    transforms = bench.publisher(TFMessage, "/tf_static", qos_profiles.LATCHED_OUTPUT)
    transforms.publish(TFMessage(transforms=[stamped]))
    return transforms


def test_lenses_are_followed_or_their_model_is_named():
    with NodeBench() as bench:
        transforms = place_lens(bench)

        def sides(**info_fields) -> int:
            answers = []

            def back_is_seen() -> bool:
                answers.append(bench.plan(request_with_camera(bench, **info_fields)))
                return "back" in bench.planner.observations[-1].views

            bench.wait_until(back_is_seen)
            notes.append([note for note in answers[-1].notes if "lens" in note])
            return bench.planner.observations[-1].views["back"].shape[0]

        notes: list[list[str]] = []
        straight = sides(distortion_model="plumb_bob", d=array.array("d", [0.0] * 5))
        barrel = sides(distortion_model="plumb_bob", d=array.array("d", [-20.0, 0.0, 0.0, 0.0, 0.0]))
        unknown = sides(distortion_model="mei", d=array.array("d", [0.5]))
        assert barrel < straight == unknown
        assert notes[:2] == [[], []]
        assert "cropped as if its lens were straight: its distortion model 'mei'" in notes[2][0]
        del transforms


# Focal lengths of the rectified picture are twice those of the raw one.
RECTIFIED = {"r": np.eye(3).reshape(-1), "p": np.array([160.0, 0, 39.5, 0, 0, 160.0, 29.5, 0, 0, 0, 1, 0])}


def test_pictures_of_a_topic_are_raw_or_rectified_as_the_parameter_says():
    with NodeBench({"camera_topics": ["one"]}) as bench:
        transforms = place_lens(bench)
        images, infos = bench.publisher(Image, "one/image"), bench.publisher(CameraInfo, "one/camera_info")
        info = CameraInfo(width=80, height=60, k=MATRIX, **RECTIFIED)

        def side(picture: str) -> int:
            bench.planner_node.set_parameters([Parameter("camera_pictures", value=[picture])])
            bench.planner.observations.clear()

            def publish() -> None:
                images.publish(image_from_rgb(PIXELS, bench.header("lens")))
                infos.publish(info)

            answer_when(bench, publish, lambda _, views: list(views) == ["back"])
            return bench.planner.observations[-1].views["back"].shape[0]

        assert side("rectified") == pytest.approx(2 * side("raw"), abs=2)
        del transforms


def test_a_request_carries_a_compressed_picture_that_is_rectified():
    with NodeBench() as bench:
        transforms = place_lens(bench)
        info = CameraInfo(width=80, height=60, k=MATRIX, **RECTIFIED)

        def view(**fields) -> np.ndarray:
            def is_seen() -> bool:
                answer = bench.plan(bench.request(camera_infos=[info], **fields))
                assert answer.code == msg.GraspPlan.SUCCESS, answer.message
                return "back" in bench.planner.observations[-1].views

            bench.wait_until(is_seen)
            return bench.planner.observations[-1].views["back"]

        raw, packed = image_from_rgb(PIXELS, bench.header("lens")), png(bench.header("lens"))
        expected = view(images=[raw], images_are_rectified=True)
        np.testing.assert_array_equal(view(compressed_images=[packed], images_are_rectified=True), expected)
        assert view(compressed_images=[packed]).shape[0] < expected.shape[0]
        del transforms


def test_a_camera_matrix_that_is_none_leaves_the_image_out():
    with NodeBench() as bench:
        request = request_with_camera(bench)
        request.camera_infos[0].k = np.full(9, np.nan)
        answer = bench.plan(request)
        assert answer.code == msg.GraspPlan.SUCCESS
        assert any("images[0] is not used: its CameraInfo holds no camera matrix K" in note for note in answer.notes)


def test_a_picture_of_a_frame_without_transform_is_left_out_with_a_note():
    with NodeBench({"transform_timeout": 0.0}) as bench:
        answer = bench.plan(request_with_camera(bench))
        assert answer.code == msg.GraspPlan.SUCCESS
        assert any("there is no transform from its frame 'lens' to 'table'" in note for note in answer.notes)


def test_images_without_a_stamp_are_used():
    with NodeBench(NAMED_TOP) as bench:
        images = bench.publisher(Image, "one/image")
        unstamped = image_from_rgb(PIXELS, Header(frame_id="lens"))
        answer_when(bench, lambda: images.publish(unstamped), lambda _, views: list(views) == ["top"])
        request = bench.request(cloud=cloud_from_points(object_points(), Header(frame_id="table")))
        assert bench.plan(request).code == msg.GraspPlan.SUCCESS
        assert list(bench.planner.observations[-1].views) == ["top"]
