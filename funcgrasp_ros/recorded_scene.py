"""Reads a recorded MCAP scene; needs no ROS."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from funcgrasp_core.errors import InvalidFileError, MissingDependencyError

TRUTH_TOPIC = "/scene_truth"
"""std_msgs/String with the exact object of a simulated scene as JSON."""


@dataclass(frozen=True)
class RecordedMessage:
    """One message of a recording.

    Attributes:
        topic: absolute name.
        message_type: as "sensor_msgs/msg/Image".
        data: the message as CDR, header included.
    """

    topic: str
    message_type: str
    data: bytes


def read_recording(path: Path) -> list[RecordedMessage]:
    """Every message of an MCAP file, in the order of time.

    Raises:
        InvalidFileError: the file is missing or no MCAP recording of ROS 2.
        MissingDependencyError: rosbags is not installed.
    """
    try:
        from rosbags.rosbag2.storage_mcap import McapReader
    except ImportError as error:
        raise MissingDependencyError("Reading a recording needs rosbags: pip install rosbags.") from error
    reader = McapReader(path)
    try:
        reader.open()
        with contextlib.closing(reader):
            return [
                RecordedMessage(connection.topic, connection.msgtype, bytes(data))
                for connection, _, data in reader.messages(reader.connections)
            ]
    except Exception as error:  # the reader trips over damaged files in many ways
        raise InvalidFileError(
            f"The recording '{path}' cannot be read as MCAP ({error}); name a file that was recorded from ROS 2."
        ) from error
