"""`bag play`: what it publishes, how fast, and how late subscriptions hear it."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from script_process import Script, spin_until

pytestmark = pytest.mark.ros

HERE = Path(__file__).resolve().parent
STEP_NS = 200_000_000


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five texts 0.2 s apart, a kept text, a best effort number, and a message of a type that nobody knows."""
    from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    def policies(reliability: QosReliability, durability: QosDurability) -> list[Qos]:
        ever = QosTime(2147483647, 4294967295)
        return [Qos(QosHistory.KEEP_LAST, 7, reliability, durability, ever, ever, QosLiveliness.AUTOMATIC, ever, False)]

    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg("int32 value", "unknown_pkg/msg/Thing"))
    folder = tmp_path_factory.mktemp("bags") / "recorded"
    reliable, best_effort = QosReliability.RELIABLE, QosReliability.BEST_EFFORT
    kept, volatile = QosDurability.TRANSIENT_LOCAL, QosDurability.VOLATILE
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic, type_name, qos, messages in (
            ("/words", "std_msgs/msg/String", [], [{"data": f"word {index}"} for index in range(5)]),
            ("/kept", "std_msgs/msg/String", policies(reliable, kept), [{"data": "kept"}]),
            ("/number", "std_msgs/msg/Int32", policies(best_effort, volatile), [{"data": 4}]),
            ("/odd", "unknown_pkg/msg/Thing", [], [{"value": 1}]),
        ):
            connection = writer.add_connection(topic, type_name, typestore=store, offered_qos_profiles=qos)
            for index, fields in enumerate(messages):
                data = store.serialize_cdr(store.types[type_name](**fields), type_name)
                writer.write(connection, 10**18 + index * STEP_NS, data)
    return folder


@pytest.fixture
def play(domain: int) -> Iterator[Callable[..., Script]]:
    """Starts `bag play` as a process."""
    started: list[Script] = []

    def start(*arguments: str) -> Script:
        started.append(Script(HERE / "embedded_ros_starter.py", ("bag", "play", *arguments)))
        return started[-1]

    yield start
    for script in started:
        script.stop()


def test_pace_policies_and_unknown_types(bag: Path, ros, play) -> None:
    import rclpy
    from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
    from std_msgs.msg import Int32, String

    node = rclpy.create_node("listener")
    words: list[tuple[str, float]] = []
    numbers: list[int] = []
    node.create_subscription(String, "/words", lambda message: words.append((message.data, time.monotonic())), 10)
    node.create_subscription(Int32, "/number", lambda message: numbers.append(message.data), qos_profile_sensor_data)
    script = play(str(next(bag.glob("*.mcap"))), "--rate", "0.5", "--loop", "--delay", "2")
    assert spin_until(node, lambda: len(words) >= 5 and bool(numbers), 60.0)
    assert [word for word, _ in words[:5]] == [f"word {index}" for index in range(5)]
    # 0.8 s of recording at half speed, give or take what a busy machine delays.
    assert 1.2 < words[4][1] - words[0][1] < 10.0
    assert numbers == [4]
    script.wait_for_line("Ignoring topic '/odd': interface unknown_pkg/msg/Thing is not in the embedded subset")

    late: list[str] = []
    kept = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(String, "/kept", lambda message: late.append(message.data), kept)
    assert spin_until(node, lambda: bool(late), 60.0)
    assert spin_until(node, lambda: len(words) >= 6, 60.0)
    assert words[5][0] == "word 0"
    script.process.send_signal(signal.SIGINT)
    assert script.wait() == 0
    assert not any("Traceback" in line for line in script.lines)


def test_clock_tells_the_time_of_the_recording(bag: Path, ros, play) -> None:
    import rclpy
    from rclpy.qos import qos_profile_sensor_data
    from rosgraph_msgs.msg import Clock

    node = rclpy.create_node("listener")
    times_s: list[float] = []

    def keep(message: Clock) -> None:
        times_s.append(message.clock.sec - 1e9 + message.clock.nanosec * 1e-9)

    node.create_subscription(Clock, "/clock", keep, qos_profile_sensor_data)
    script = play(str(bag), "--clock", "20", "--delay", "3")
    assert spin_until(node, lambda: script.process.poll() is not None, 60.0)
    assert script.wait() == 0
    assert times_s[0] == 0.0
    assert times_s == sorted(times_s)
    assert 0.7 < times_s[-1] < 20.0


def test_a_bag_folder_is_played_once(bag: Path, ros, play) -> None:
    import rclpy
    from std_msgs.msg import String

    node = rclpy.create_node("listener")
    words: list[str] = []
    node.create_subscription(String, "/words", lambda message: words.append(message.data), 10)
    script = play(str(bag), "--rate", "4", "--delay", "2")
    assert spin_until(node, lambda: len(words) >= 5, 60.0)
    assert script.wait() == 0
    assert words == [f"word {index}" for index in range(5)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("broken.mcap", "cannot be read: File magic is invalid"),
        ("old.db3", "playing 'old.db3' is not in the embedded subset of ROS 2: only MCAP bags are played"),
    ],
)
def test_errors(domain, tmp_path: Path, capsys, name: str, text: str) -> None:
    from embedded_ros.__main__ import main

    path = tmp_path / name
    path.write_bytes(b"no bag" * 20)
    assert main(["bag", "play", str(path)]) == 1
    assert text in capsys.readouterr().err


def test_a_damaged_bag(bag: Path, domain, tmp_path: Path, capsys) -> None:
    from embedded_ros.__main__ import main

    content = bytearray(next(bag.glob("*.mcap")).read_bytes())
    # Behind the first record, the header, follow the chunks.
    content[60:400] = b"\xff" * 340
    path = tmp_path / "damaged.mcap"
    path.write_bytes(content)
    assert main(["bag", "play", str(path)]) == 1
    assert "the bag is damaged: Chunk checksum mismatch" in capsys.readouterr().err


def test_a_bag_of_one_moment_is_repeated_with_pauses(ros, play) -> None:
    """The scene of the package: all its messages bear the same time."""
    import rclpy
    from sensor_msgs.msg import CameraInfo

    node = rclpy.create_node("listener")
    arrivals: list[float] = []
    node.create_subscription(CameraInfo, "/camera_0/camera_info", lambda _: arrivals.append(time.monotonic()), 10)
    scene = HERE.parents[1] / "funcgrasp_core" / "assets" / "demo_scene.mcap"
    script = play(str(scene), "--loop", "--rate", "0.5")
    assert spin_until(node, lambda: len(arrivals) >= 6, 60.0)
    assert arrivals[5] - arrivals[0] > 5 * 0.2 * 0.8
    script.process.send_signal(signal.SIGTERM)
    assert script.wait() == 0
