"""Commands against a running robot: two nodes in a process of their own, over DDS."""

import signal
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from script_process import Script, wait_until

from demo.ros_runtime import free_domain
from embedded_ros.__main__ import main

pytestmark = pytest.mark.ros

HERE = Path(__file__).resolve().parent
INFO = """\
header:
  stamp:
    sec: 0
    nanosec: 0
  frame_id: optical
height: 480
width: 640
distortion_model: plumb_bob
d:
- 0.5
- -0.25
"""


@pytest.fixture(scope="module")
def robot() -> Iterator[Script]:
    """One robot for all tests here, in a domain of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(free_domain()))
        script = Script(HERE / "robot_for_commands.py", ())
        script.wait_for_line("ready")
        yield script
        script.process.send_signal(signal.SIGINT)
        assert script.wait() == 0
        script.stop()


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(robot: Script, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process: exit status, output and error output."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(list(arguments))
        output = capsys.readouterr()
        return status, output.out, output.err

    return run


def succeed(command: Command, *arguments: str) -> str:
    status, output, error = command(*arguments)
    assert status == 0, error
    return output


@pytest.fixture
def process(robot: Script) -> Iterator[Callable[..., Script]]:
    """Starts a command as a process."""
    started: list[Script] = []

    def start(*arguments: str) -> Script:
        started.append(Script(HERE / "embedded_ros_starter.py", arguments))
        return started[-1]

    yield start
    for script in started:
        script.stop()


@pytest.fixture
def ros_script(robot: Script, tmp_path: Path) -> Iterator[Callable[[str], Script]]:
    """Starts Python source as a process in the robot's domain, and waits until it prints `ready`."""
    started: list[Script] = []

    def start(source: str) -> Script:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(source))
        started.append(Script(path, ()))
        started[-1].wait_for_line("ready")
        return started[-1]

    yield start
    for script in started:
        script.stop()


@pytest.mark.parametrize(
    ("arguments", "expected", "absent"),
    [
        (["node", "list"], ["/camera", "/cell/arm"], "_ros2cli"),
        (["topic", "list", "-t"], ["/info [sensor_msgs/msg/CameraInfo]", "/stream [std_msgs/msg/String]"], "_ros2cli"),
        (["topic", "list"], ["/cell/arm/transition_event", "/info", "/rosout"], "["),
        (["service", "list", "-t"], ["/light [std_srvs/srv/SetBool]"], "_ros2cli"),
        (["service", "list"], ["/camera/get_parameters", "/light"], "["),
        (["param", "list"], ["/camera:", "  drive.speed", "  serial", "/cell/arm:", "  is_broken"], "_ros2cli"),
        (["lifecycle", "nodes"], ["/cell/arm"], "/camera"),
    ],
)
def test_lists(command: Command, arguments: list[str], expected: list[str], absent: str) -> None:
    output = succeed(command, *arguments, "--spin-time", "2")
    lines = output.splitlines()
    assert set(expected) <= set(lines)
    assert [line for line in lines if line in expected] == expected
    assert absent not in output


def test_echo_shows_a_message_that_was_kept(command: Command) -> None:
    output = succeed(command, "topic", "echo", "/info", "--once")
    assert output.startswith(INFO)
    assert output.endswith("---\n")
    (document,) = list(yaml.safe_load_all(output.removesuffix("---\n")))
    assert document["k"] == [0.0] * 9
    assert document["roi"]["do_rectify"] is False


def test_echo_of_arrays_and_fields(command: Command) -> None:
    short = succeed(command, "topic", "echo", "info", "sensor_msgs/CameraInfo", "--once", "--no-arr")
    assert "d: '<sequence type: double, length: 2>'\nk: '<array type: double[9]>'\n" in short
    assert succeed(command, "topic", "echo", "/info", "--once", "--field", "d[1]") == "-0.25\n---\n"
    stamp = succeed(command, "topic", "echo", "/info", "--once", "--field", "header.stamp")
    assert stamp == "sec: 0\nnanosec: 0\n---\n"


def test_echo_hears_best_effort(command: Command) -> None:
    assert succeed(command, "topic", "echo", "/stream", "--once") == "data: frame\n---\n"


def test_echo_runs_until_interrupted(process) -> None:
    script = process("topic", "echo", "/stream")
    assert wait_until(lambda: script.lines.count("---") >= 3, 60.0), script.lines
    script.process.send_signal(signal.SIGINT)
    assert script.wait() == 0
    assert set(script.lines) <= {"data: frame", "---"}


def test_waiting_is_interrupted(process) -> None:
    script = process("service", "call", "/silent", "std_srvs/srv/Trigger")
    script.wait_for_line("requester: making request: std_srvs.srv.Trigger_Request()")
    script.process.send_signal(signal.SIGINT)
    assert script.wait() == 130
    assert not any("Traceback" in text for text in script.lines)


def test_service_call(command: Command) -> None:
    output = succeed(command, "service", "call", "/light", "std_srvs/SetBool", "{data: true}")
    assert output == (
        "requester: making request: std_srvs.srv.SetBool_Request(data=True)\n\n"
        "response:\nstd_srvs.srv.SetBool_Response(success=True, message='on')\n\n"
    )


def test_parameters(command: Command) -> None:
    names = succeed(command, "param", "list", "camera").splitlines()
    assert names == ["  drive.speed", "  offsets", "  serial", "  use_sim_time"]
    assert succeed(command, "param", "get", "/camera", "drive.speed") == "Double value is: 0.5\n"
    assert succeed(command, "param", "get", "/camera", "serial", "--hide-type") == "A7\n"
    assert succeed(command, "param", "set", "/camera", "offsets", "[3.0, -0.5]") == "Set parameter successful\n"
    assert succeed(command, "param", "get", "/camera", "offsets") == "Double values are: [3.0, -0.5]\n"
    assert succeed(command, "param", "describe", "/camera", "drive.speed", "serial") == (
        "Parameter name: drive.speed\n  Type: double\n  Description: metres per second\n  Constraints:\n"
        "    Min value: 0.0\n    Max value: 2.0\n"
        "Parameter name: serial\n  Type: string\n  Constraints:\n    Read only: true\n"
    )


def test_a_node_that_does_not_answer_is_named_and_the_others_are_listed(command: Command, ros_script) -> None:
    ros_script("""
        import time
        import rclpy
        from rclpy.node import Node
        rclpy.init()
        node = Node("asleep")
        print("ready", flush=True)
        time.sleep(600)
    """)
    status, output, error = command("param", "list", "--spin-time", "2", "--timeout", "2")
    assert status == 1
    assert error == "'/asleep/list_parameters' did not answer within 2 s; give a longer --timeout\n"
    assert "/camera:\n  drive.speed\n" in output
    assert "/asleep" not in output


def test_a_server_that_goes_away(robot: Script, process, ros_script) -> None:
    server = ros_script("""
        import time
        import rclpy
        from std_srvs.srv import Trigger
        rclpy.init()
        node = rclpy.create_node("leaving")
        node.create_service(Trigger, "leave", lambda request, response: response)
        print("ready", flush=True)
        time.sleep(600)
    """)
    call = process("service", "call", "/leave", "std_srvs/srv/Trigger", "--timeout", "60")
    call.wait_for_line("requester: making request")
    time.sleep(2.0)
    server.process.send_signal(signal.SIGINT)
    call.wait_for_line("the server of '/leave' went away before it answered")
    assert call.wait() == 1


def test_refused_parameters(command: Command) -> None:
    assert command("param", "set", "/camera", "offsets", "[-2.0]") == (
        1, "", "Setting parameter failed: no offsets below -1\n",
    )  # fmt: skip
    status, _, error = command("param", "set", "/camera", "drive.speed", "3.0")
    assert status == 1
    assert "Setting parameter failed: Parameter drive.speed out of range" in error
    status, _, error = command("param", "set", "/camera", "serial", "B8")
    assert status == 1
    assert "read-only" in error


def test_lifecycle(command: Command) -> None:
    assert succeed(command, "lifecycle", "get", "/cell/arm") == "unconfigured [1]\n"
    assert succeed(command, "lifecycle", "list", "/cell/arm") == (
        "- configure [1]\n\tStart: unconfigured\n\tGoal: configuring\n"
        "- shutdown [5]\n\tStart: unconfigured\n\tGoal: shuttingdown\n"
    )
    assert succeed(command, "lifecycle", "set", "/cell/arm", "configure") == "Transitioning successful\n"
    assert succeed(command, "param", "set", "/cell/arm", "is_broken", "true") == "Set parameter successful\n"
    assert command("lifecycle", "set", "/cell/arm", "3") == (1, "", "Transitioning failed\n")
    assert succeed(command, "lifecycle", "get", "/cell/arm") == "inactive [2]\n"
    assert succeed(command, "lifecycle", "set", "/cell/arm", "cleanup") == "Transitioning successful\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["topic", "echo", "/infos"], "its type to wait for it; the topics are: /cell/arm/transition_event, /info, "),
        (["topic", "echo", "/info", "std_msgs/msg/String"], "topic '/info' is of type sensor_msgs/msg/CameraInfo, not"),
        (["topic", "echo", "/info", "std_msgs/msg/Strong"], "the types of std_msgs/msg are: Bool, Byte"),
        (["topic", "echo", "/info", "String"], "'String' is not the name of a type; write it as std_msgs/msg/String"),
        (["topic", "echo", "/later", "std_msgs/msg/String"], "nobody published '/later' within 2 s"),
        (["topic", "echo", "/bad name"], "topic name must not contain characters other than alphanumerics"),
        (["topic", "echo", "/info", "--once", "--field", "header.time"], "no field 'time'; the fields are: frame_id, "),
        (["topic", "echo", "/info", "--once", "--field", "d[2]"], "there is no element [2], the array has 2"),
        (["service", "call", "/lite", "std_srvs/srv/SetBool"], "service '/lite' is not available; the services are: "),
        (
            ["service", "call", "/light", "std_srvs/srv/Trigger"],
            "service '/light' is of type std_srvs/srv/SetBool",
        ),
        (
            ["service", "call", "/light", "std_srvs/srv/SetBool", "{date: true}"],
            "has no field 'date'; the fields",
        ),
        (["service", "call", "/silent", "std_srvs/srv/Trigger"], "'/silent' did not answer within 2 s"),
        (["param", "get", "/camra", "serial"], "Node not found: '/camra'; the nodes are: /camera, /cell/arm"),
        (["param", "get", "/camera", "cereal"], "no parameter 'cereal'; the parameters are: drive.speed, offsets"),
        (
            ["lifecycle", "get", "/camera"],
            "'/camera' is no managed (lifecycle) node; the managed nodes are: /cell",
        ),
        (["lifecycle", "set", "/cell/arm", "fly"], "available ones are:\n- configure [1]\n- shutdown [5]"),
    ],
)
def test_errors_say_what_there_is(command: Command, arguments: list[str], message: str) -> None:
    status, _, error = command(*arguments, "--timeout", "2")
    assert status == 1
    assert message in error
