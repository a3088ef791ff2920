"""Messages as broken publishers and clients send them: seeded mutations of valid ones, few of which stay valid."""

import array
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Vector3
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2, PointField

from bench.valid_messages import (
    CLOUD_FRAME,
    INSTRUCTION,
    valid_camera_info,
    valid_cloud,
    valid_compressed_image,
    valid_image,
    valid_points,
    valid_request,
)
from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_ros import msg

VALID_SHARE = 0.04
MAX_MUTATIONS = 3

GIANTS = (0, 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
STRANGE_NUMBERS = (0.0, -1.0, 1e-300, 1e30, -3e38, float("nan"), float("inf"), float("-inf"))
STRANGE_TEXTS = (
    "",
    " \n\t ",
    "\x00",
    "hold\x07it",
    "<|im_start|>system",
    "hold <image> it </s>",
    "[INST] hold it [/INST]",
    "\uff1c|endoftext|\uff1e",
    "\u200b\u200e\ufeff",
    "\U0001f91a" * 40,
    "\u0627\u0645\u0633\u0643",
    "e\u0301" * 600,
    "x" * 1001,
    "hold it " * 20_000,
    "/",
    "//table",
    "a b",
    "%s%n{0}{}\\",
    "'; drop table grasps; --",
    "../../etc/passwd",
)
ENCODINGS = (
    "",
    "rgb8",
    "bgr8",
    "rgba8",
    "mono8",
    "mono16",
    "16UC1",
    "32FC1",
    "yuv422",
    "bayer_rggb8",
    "RGB8",
    "rgb8\0",
)

Choice = TypeVar("Choice")
Message = TypeVar("Message")
Mutation = Callable[["MessageFuzzer", Message], None]


class MessageFuzzer:
    """Makes messages of every kind that the planner node reads; the same seed gives the same ones.

    Args:
        seed: of every choice.
        valid_share: of the messages that are left as they should be.
    """

    def __init__(self, seed: int, valid_share: float = VALID_SHARE):
        self._random = np.random.default_rng(seed)
        self._valid_share = valid_share
        self._is_valid = False

    @property
    def is_valid(self) -> bool:
        """Whether the last message was left as it should be."""
        return self._is_valid

    def cloud(self) -> PointCloud2:
        """A cloud, mutated."""
        return self._mutated(valid_cloud(), CLOUD_MUTATIONS)

    def image(self) -> Image:
        """A raw image, mutated."""
        return self._mutated(valid_image(), IMAGE_MUTATIONS)

    def compressed_image(self) -> CompressedImage:
        """A JPEG or PNG image, mutated."""
        return self._mutated(valid_compressed_image(self.choose(("JPEG", "PNG"))), COMPRESSED_IMAGE_MUTATIONS)

    def camera_info(self) -> CameraInfo:
        """A calibration, mutated."""
        return self._mutated(valid_camera_info(), CAMERA_INFO_MUTATIONS)

    def text(self) -> str:
        """An instruction: strange texts, whole or in the middle of a good one."""
        self._is_valid = bool(self._random.random() < self._valid_share)
        if self._is_valid:
            return INSTRUCTION
        text = self.choose(STRANGE_TEXTS)
        return text if self._random.random() < 0.5 else f"hold {text} it"

    def request(self) -> msg.GraspRequest:
        """A request with cloud, images and cameras, mutated in any of them."""
        return self._mutated(valid_request(), REQUEST_MUTATIONS)

    def choose(self, choices: Sequence[Choice]) -> Choice:
        """One of several."""
        return choices[self.whole_number(len(choices))]

    def whole_number(self, limit: int) -> int:
        """From 0 to below the limit."""
        return int(self._random.integers(limit))

    def giant(self) -> int:
        """An unsigned 32-bit number, mostly an extreme one."""
        return self.choose((*GIANTS, self.whole_number(2**32), self.whole_number(100)))

    def number(self) -> float:
        """A strange 64-bit number."""
        return self.choose((*STRANGE_NUMBERS, float(self._random.normal())))

    def text_or(self, usual: str) -> str:
        """A strange text, or now and then the usual one."""
        return self.choose((*STRANGE_TEXTS, usual))

    def damaged(self, data: bytes) -> array.array:
        """Bytes cut off, added, or changed."""
        changed = bytearray(data)
        kind = self.whole_number(4)
        if kind == 0:
            del changed[self.whole_number(len(changed) + 1) :]
        elif kind == 1:
            changed += self._random.bytes(1 + self.whole_number(64))
        elif kind == 2 and changed:
            for position in self._random.integers(len(changed), size=8):
                changed[position] = self.whole_number(256)
        else:
            changed = bytearray(self._random.bytes(len(changed)))
        return array.array("B", bytes(changed))

    def _mutated(self, message: Message, mutations: Sequence[Mutation]) -> Message:
        self._is_valid = bool(self._random.random() < self._valid_share)
        if not self._is_valid:
            for _ in range(1 + self.whole_number(MAX_MUTATIONS)):
                self.choose(mutations)(self, message)
        return message


def _strange_header(fuzzer: MessageFuzzer, message) -> None:
    message.header.frame_id = fuzzer.text_or(message.header.frame_id)
    seconds = fuzzer.choose((-(2**31), -1, 0, 1, 2**31 - 1))
    message.header.stamp = fuzzer.choose((Time(), Time(sec=seconds, nanosec=fuzzer.giant())))


def _strange_data(fuzzer: MessageFuzzer, message) -> None:
    message.data = fuzzer.damaged(bytes(message.data))


def _strange_cloud_size(fuzzer: MessageFuzzer, cloud: PointCloud2) -> None:
    setattr(cloud, fuzzer.choose(("width", "height", "point_step", "row_step")), fuzzer.giant())


def _strange_cloud_shape(fuzzer: MessageFuzzer, cloud: PointCloud2) -> None:
    cloud.width, cloud.height = fuzzer.giant(), fuzzer.giant()
    cloud.point_step = fuzzer.choose((0, 1, 12, 2**32 - 1))
    cloud.row_step = fuzzer.choose((0, min(cloud.width * cloud.point_step, 2**32 - 1)))


def _strange_field(fuzzer: MessageFuzzer, cloud: PointCloud2) -> None:
    field = fuzzer.choose([*cloud.fields, PointField(name="x")])
    kind = fuzzer.whole_number(5)
    if kind == 0:
        field.datatype = fuzzer.whole_number(256)
    elif kind == 1:
        field.offset = fuzzer.giant()
    elif kind == 2:
        field.count = fuzzer.giant()
    elif kind == 3:
        field.name = fuzzer.text_or("X")
    else:
        cloud.fields = [other for other in cloud.fields if other is not field]


def _strange_coordinates(fuzzer: MessageFuzzer, cloud: PointCloud2) -> None:
    points = valid_points()
    kind = fuzzer.whole_number(4)
    with np.errstate(over="ignore"):
        if kind == 0:
            points[:] = fuzzer.number()
        elif kind == 1:
            points[: fuzzer.whole_number(len(points) + 1)] = fuzzer.number()
        elif kind == 2:
            points *= np.float32(fuzzer.choose((0.0, 1e-3, 15.0, 1e3, 1e30)))
        else:
            points = points[: fuzzer.whole_number(12)]
    cloud.data = array.array("B", points.tobytes())
    cloud.width, cloud.height, cloud.row_step = len(points), 1, points.nbytes


def _other_byte_order(fuzzer: MessageFuzzer, cloud: PointCloud2) -> None:
    cloud.is_bigendian = not cloud.is_bigendian


def _strange_image_size(fuzzer: MessageFuzzer, image: Image) -> None:
    setattr(image, fuzzer.choose(("width", "height", "step")), fuzzer.giant())


def _strange_encoding(fuzzer: MessageFuzzer, image: Image) -> None:
    image.encoding = fuzzer.choose((*ENCODINGS, fuzzer.choose(STRANGE_TEXTS)))


def _strange_format(fuzzer: MessageFuzzer, image: CompressedImage) -> None:
    image.format = fuzzer.choose(("", "16UC1; compressedDepth png", "rgb8; jpeg compressed bgr8", "gif"))


def _picture_that_claims_to_be_large(fuzzer: MessageFuzzer, image: CompressedImage) -> None:
    size = struct.pack(">II", *(fuzzer.choose((0, 1, 70_000, 2**31 - 1)) for _ in range(2)))
    chunk = b"IHDR" + size + bytes((fuzzer.choose((1, 8, 16, 99)), fuzzer.choose((0, 2, 3, 6, 7)), 0, 0, 0))
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    image.data = array.array("B", start + bytes(image.data)[33:])


def _file_of_another_kind(fuzzer: MessageFuzzer, image: CompressedImage) -> None:
    start = fuzzer.choose((b"GIF89a", b"BM", b"II*\0", b"RIFF0000WEBP", b"%!PS-Adobe", b"\xff\xd8\xff"))
    image.data = array.array("B", start + bytes(image.data))


def _strange_camera_matrix(fuzzer: MessageFuzzer, info: CameraInfo) -> None:
    name = fuzzer.choose(("k", "r", "p"))
    matrix = np.array(getattr(info, name))
    matrix[fuzzer.whole_number(len(matrix))] = fuzzer.number()
    setattr(info, name, matrix)


def _strange_distortion(fuzzer: MessageFuzzer, info: CameraInfo) -> None:
    info.distortion_model = fuzzer.choose(("plumb_bob", "rational_polynomial", "equidistant", "", "fish\0eye"))
    info.d = array.array("d", [fuzzer.number() for _ in range(fuzzer.whole_number(16))])


def _strange_camera_size(fuzzer: MessageFuzzer, info: CameraInfo) -> None:
    part, names = fuzzer.choose(
        ((info, ("width", "height", "binning_x", "binning_y")), (info.roi, ("x_offset", "y_offset", "width", "height")))
    )
    setattr(part, fuzzer.choose(names), fuzzer.giant())


def _strange_request_cloud(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    fuzzer.choose(CLOUD_MUTATIONS)(fuzzer, request.cloud)


def _strange_request_image(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    for image in request.images:
        fuzzer.choose(IMAGE_MUTATIONS)(fuzzer, image)


def _strange_request_camera(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    for info in request.camera_infos:
        fuzzer.choose(CAMERA_INFO_MUTATIONS)(fuzzer, info)


def _rectified_pictures(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    request.images_are_rectified = True
    _strange_request_camera(fuzzer, request)


def _compressed_pictures(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    request.images = request.images[: fuzzer.whole_number(2)]
    request.compressed_images = [valid_compressed_image()]
    fuzzer.choose(COMPRESSED_IMAGE_MUTATIONS)(fuzzer, request.compressed_images[0])


def _lists_of_other_lengths(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    request.images = [valid_image() for _ in range(fuzzer.whole_number(4))]
    request.camera_infos = [valid_camera_info() for _ in range(fuzzer.whole_number(4))]
    slots = (*VIEW_SLOTS, fuzzer.choose(STRANGE_TEXTS))
    request.view_slots = [fuzzer.choose(slots) for _ in range(fuzzer.whole_number(4))]


def _strange_instruction(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    request.instruction = fuzzer.choose(STRANGE_TEXTS)


def _strange_numbers(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    request.num_candidates = fuzzer.choose((0, 129, 2**16 - 1))
    request.seed = fuzzer.giant()


def _hint(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    hint = request.object_hint
    hint.header.frame_id = fuzzer.text_or(CLOUD_FRAME)
    hint.point = Point(x=fuzzer.number(), y=fuzzer.number(), z=fuzzer.number())
    hint.size = Vector3(x=fuzzer.number(), y=fuzzer.number(), z=fuzzer.number())


def _reserved_fields(fuzzer: MessageFuzzer, request: msg.GraspRequest) -> None:
    if fuzzer.whole_number(2):
        request.contact_constraints = [msg.ContactConstraint()]
    else:
        request.demonstration = [msg.HandObjectEstimate()]


CLOUD_MUTATIONS: tuple[Mutation, ...] = (
    _strange_header,
    _strange_data,
    _strange_cloud_size,
    _strange_cloud_shape,
    _strange_field,
    _strange_coordinates,
    _other_byte_order,
)
IMAGE_MUTATIONS: tuple[Mutation, ...] = (_strange_header, _strange_data, _strange_image_size, _strange_encoding)
COMPRESSED_IMAGE_MUTATIONS: tuple[Mutation, ...] = (
    _strange_header,
    _strange_data,
    _strange_format,
    _picture_that_claims_to_be_large,
    _file_of_another_kind,
)
CAMERA_INFO_MUTATIONS: tuple[Mutation, ...] = (
    _strange_header,
    _strange_camera_matrix,
    _strange_distortion,
    _strange_camera_size,
)
REQUEST_MUTATIONS: tuple[Mutation, ...] = (
    _strange_request_cloud,
    _strange_request_cloud,
    _strange_request_image,
    _strange_request_camera,
    _rectified_pictures,
    _compressed_pictures,
    _lists_of_other_lengths,
    _strange_instruction,
    _strange_numbers,
    _hint,
    _reserved_fields,
)
