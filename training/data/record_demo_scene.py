"""Records the demo's scene: a mug on a table, seen by five simulated depth cameras, as an MCAP file.

    python -m training.data.record_demo_scene --output demo_scene.mcap

The cameras stand roughly where the view slots say, one side (the bottom) stays unseen. Topics: the fused noisy cloud,
images with CameraInfo, static transforms, and `scene_truth`, the exact object as JSON, for checks only. The same seed
writes the same messages.
"""

import argparse
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from funcgrasp_core.visualisation.mesh_renderer import ColouredMesh, MeshRenderer, PinholeCamera, look_at
from training.data.object_families import FAMILIES, Parameters, mesh_from_parameters
from training.data.view_rendering import part_colours

TABLE_FRAME = "table"
RECORDING_TIME_NS = 1_700_000_000_000_000_000
CATEGORY = "mug"

CAMERA_DIRECTIONS = {
    "camera_0": (0.10, -1.0, 0.25),
    "camera_1": (-0.08, 1.0, 0.22),
    "camera_2": (-1.0, -0.12, 0.20),
    "camera_3": (1.0, 0.06, 0.28),
    "camera_4": (0.05, -0.10, 1.0),
}
"""From the object to each camera, table axes, not normalised: front, back, left, right and top, none quite exact."""

MUG_POSITION_M = (0.42, -0.13)
"""Of the mug's box centre on the table."""

MUG_YAW_RAD = 0.6
CAMERA_DISTANCE_M = (0.52, 0.66)
IMAGE_WIDTH, IMAGE_HEIGHT = 320, 240
FOCAL_PX = 420.0
DEPTH_NOISE_M = 0.0010
PIXEL_NOISE = 3.0
DEPTH_JUMP_M = 0.010
"""Pixels at a larger jump of depth are dropped: real sensors invent points there."""
VOXEL_M = 0.0025
BACKGROUND_RGB = (0.82, 0.82, 0.80)

_typestore = get_typestore(Stores.ROS2_JAZZY)
_types = _typestore.types


@dataclass(frozen=True)
class Scene:
    """The exact object.

    Attributes:
        parameters: of the mug's family, [1] each.
        table_from_object: [4, 4].
    """

    parameters: Parameters
    table_from_object: np.ndarray


@dataclass(frozen=True)
class CameraShot:
    """What one camera gives: its model, an image [H, W, 3] uint8, and the points that it sees [n, 3] in the table's
    frame.
    """

    camera: PinholeCamera
    pixels: np.ndarray
    points: np.ndarray


def make_scene(seed: int) -> Scene:
    """A mug of its own, upright on the table, turned by MUG_YAW_RAD."""
    family = FAMILIES[CATEGORY]
    parameters = family.sample_parameters(1, torch.Generator().manual_seed(seed))
    table_from_object = np.eye(4)
    cosine, sine = np.cos(MUG_YAW_RAD), np.sin(MUG_YAW_RAD)
    table_from_object[:2, :2] = [[cosine, -sine], [sine, cosine]]
    table_from_object[:3, 3] = (*MUG_POSITION_M, float(family.half_extents(parameters)[0, 2]))
    return Scene(parameters, table_from_object)


def take_shots(scene: Scene, generator: np.random.Generator) -> dict[str, CameraShot]:
    """Noisy pictures and points of every camera, by the camera's name."""
    family = FAMILIES[CATEGORY]
    vertices, faces = mesh_from_parameters(family, scene.parameters)
    parts = family.part_labels(torch.from_numpy(vertices)[None], scene.parameters)[0].numpy()
    centre = scene.table_from_object[:3, 3]
    on_table = vertices @ scene.table_from_object[:3, :3].T + centre
    colours = part_colours(len(family.part_names), seed=int(generator.integers(2**31)))[parts]
    renderer = MeshRenderer([ColouredMesh(on_table, faces, colours)])
    shots = {}
    for name, direction in CAMERA_DIRECTIONS.items():
        offset = np.array(direction) / np.linalg.norm(direction) * generator.uniform(*CAMERA_DISTANCE_M)
        up = (0.0, 1.0, 0.0) if abs(direction[2]) > 0.7 else (0.0, 0.0, 1.0)
        pose = look_at(tuple(centre + offset), tuple(centre + generator.normal(0, 0.006, 3)), up)
        camera = PinholeCamera(pose, IMAGE_WIDTH, IMAGE_HEIGHT, FOCAL_PX)
        picture = renderer.render(camera, background=BACKGROUND_RGB, supersampling=2)
        noisy = picture.rgb + generator.normal(0, PIXEL_NOISE, picture.rgb.shape)
        pixels = noisy.round().clip(0, 255).astype(np.uint8)
        shots[name] = CameraShot(camera, pixels, _points_from_depth(picture.depth, camera, generator))
    return shots


def fuse_points(shots: dict[str, CameraShot]) -> np.ndarray:
    """One measured point [N, 3] float32 for each voxel that any camera saw."""
    points = np.concatenate([shot.points for shot in shots.values()])
    _, first = np.unique(np.floor(points / VOXEL_M).astype(np.int64), axis=0, return_index=True)
    return points[np.sort(first)].astype(np.float32)


def write_recording(path: Path, scene: Scene, shots: dict[str, CameraShot]) -> None:
    """Writes the scene's messages to an MCAP file, each topic once."""
    messages: list[tuple[str, object]] = [
        ("/tf_static", _transforms(shots)),
        ("/object_cloud", _cloud(fuse_points(shots))),
        ("/scene_truth", _types["std_msgs/msg/String"](data=_truth_text(scene))),
    ]
    for name, shot in shots.items():
        messages += [(f"/{name}/camera_info", _camera_info(name, shot)), (f"/{name}/image", _image(name, shot))]
    with tempfile.TemporaryDirectory() as folder:
        bag = Path(folder) / "bag"
        with Writer(bag, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            for topic, message in messages:
                message_type = message.__msgtype__  # pyright: ignore[reportAttributeAccessIssue]
                connection = writer.add_connection(topic, message_type, typestore=_typestore)
                writer.write(connection, RECORDING_TIME_NS, _typestore.serialize_cdr(message, message_type))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(bag / "bag.mcap", path)


def _points_from_depth(depth: np.ndarray, camera: PinholeCamera, generator: np.random.Generator) -> np.ndarray:
    neighbours = [np.roll(depth, shift, axis) for axis in (0, 1) for shift in (-1, 1)]
    with np.errstate(invalid="ignore"):
        is_smooth = np.all([np.abs(depth - neighbour) < DEPTH_JUMP_M for neighbour in neighbours], axis=0)
    rows, columns = np.nonzero(np.isfinite(depth) & is_smooth)
    measured = depth[rows, columns] + generator.normal(0, DEPTH_NOISE_M, len(rows))
    centre_column, centre_row = camera.principal_point
    in_camera = np.stack([(columns - centre_column) / FOCAL_PX, (rows - centre_row) / FOCAL_PX, np.ones(len(rows))], 1)
    in_camera *= measured[:, None]
    return in_camera @ camera.world_from_camera[:3, :3].T + camera.world_from_camera[:3, 3]


def _truth_text(scene: Scene) -> str:
    parameters = {name: float(value[0]) for name, value in scene.parameters.items()}
    truth = {"category": CATEGORY, "parameters": parameters, "table_from_object": scene.table_from_object.tolist()}
    return json.dumps(truth, sort_keys=True)


def _header(frame: str):
    seconds, nanoseconds = divmod(RECORDING_TIME_NS, 10**9)
    stamp = _types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds)
    return _types["std_msgs/msg/Header"](stamp=stamp, frame_id=frame)


def _optical_frame(camera_name: str) -> str:
    return f"{camera_name}_optical_frame"


def _cloud(points: np.ndarray):
    field, float32 = _types["sensor_msgs/msg/PointField"], 7
    return _types["sensor_msgs/msg/PointCloud2"](
        header=_header(TABLE_FRAME),
        height=1,
        width=len(points),
        fields=[field(name=axis, offset=4 * i, datatype=float32, count=1) for i, axis in enumerate("xyz")],
        is_bigendian=False,
        point_step=12,
        row_step=12 * len(points),
        data=points.reshape(-1).view(np.uint8),
        is_dense=True,
    )


def _image(name: str, shot: CameraShot):
    return _types["sensor_msgs/msg/Image"](
        header=_header(_optical_frame(name)),
        height=IMAGE_HEIGHT,
        width=IMAGE_WIDTH,
        encoding="rgb8",
        is_bigendian=0,
        step=3 * IMAGE_WIDTH,
        data=shot.pixels.reshape(-1),
    )


def _camera_info(name: str, shot: CameraShot):
    column, row = shot.camera.principal_point
    k = np.array([FOCAL_PX, 0, column, 0, FOCAL_PX, row, 0, 0, 1], dtype=np.float64)
    p = np.hstack([k.reshape(3, 3), np.zeros((3, 1))]).reshape(-1)
    region = _types["sensor_msgs/msg/RegionOfInterest"](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return _types["sensor_msgs/msg/CameraInfo"](
        header=_header(_optical_frame(name)),
        height=IMAGE_HEIGHT,
        width=IMAGE_WIDTH,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=k,
        r=np.eye(3).reshape(-1),
        p=p,
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def _transforms(shots: dict[str, CameraShot]):
    from scipy.spatial.transform import Rotation

    transforms = []
    for name, shot in shots.items():
        pose = shot.camera.world_from_camera
        x, y, z, w = (float(value) for value in Rotation.from_matrix(pose[:3, :3]).as_quat())
        translation = _types["geometry_msgs/msg/Vector3"](*(float(value) for value in pose[:3, 3]))
        rotation = _types["geometry_msgs/msg/Quaternion"](x=x, y=y, z=z, w=w)
        transforms.append(
            _types["geometry_msgs/msg/TransformStamped"](
                header=_header(TABLE_FRAME),
                child_frame_id=_optical_frame(name),
                transform=_types["geometry_msgs/msg/Transform"](translation=translation, rotation=rotation),
            )
        )
    return _types["tf2_msgs/msg/TFMessage"](transforms=transforms)


def main() -> None:
    """Writes the recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="the .mcap file to write")
    parser.add_argument("--seed", type=int, default=20_001, help="of the mug's shape and all noise")
    arguments = parser.parse_args()
    scene = make_scene(arguments.seed)
    shots = take_shots(scene, np.random.default_rng(arguments.seed))
    write_recording(arguments.output, scene, shots)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.2f} MB, {len(fuse_points(shots))} points")


if __name__ == "__main__":
    main()
