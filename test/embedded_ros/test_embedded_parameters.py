"""Parameters from files, command lines and code; their rules; their services from another node."""

import pytest
from script_process import spin_until

pytestmark = pytest.mark.ros


@pytest.fixture
def parameter_file(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        """
        /**:
          ros__parameters: {name: first, everyone: true}
        /arm/mover:
          ros__parameters: {speed: 0.5, tiny: 1e-3, nested: {deep: [1, 2]}, name: second}
        /**:
          ros__parameters: {name: third}
        /other:
          ros__parameters: {speed: 9.9}
        /**/mover:
          ros__parameters: {any_namespace: yes}
        """
    )
    return str(path)


def make_node(arguments: list[str], **options):
    import rclpy

    rclpy.init(args=["program", "--ros-args", *arguments])
    return rclpy.create_node("mover", namespace="arm", **options)


@pytest.fixture
def shut_down(domain):
    import rclpy

    yield
    rclpy.try_shutdown()


def test_file_and_command_line(shut_down, parameter_file) -> None:
    from rclpy.parameter import Parameter

    node = make_node(
        ["--params-file", parameter_file, "-p", "speed:=0.75", "-p", "other:speed:=1.0", "-p", "text:='5'"]
    )
    assert node.declare_parameter("speed", 0.1).value == 0.75, "the command line comes after the file"
    assert node.declare_parameter("tiny", 1.0).value == 0.001
    assert node.declare_parameter("nested.deep", [0]).value == [1, 2]
    assert node.declare_parameter("name", "").value == "third", "the last wins, also of equal keys"
    assert node.declare_parameter("everyone", False).value is True
    assert node.declare_parameter("any_namespace", False).value is True
    assert node.declare_parameter("text", Parameter.Type.STRING).value == "5"
    assert node.declare_parameter("untouched", 3).value == 3
    assert node.declare_parameter("kept", 2, ignore_override=True).value == 2
    assert node.get_parameters_by_prefix("nested")["deep"].value == [1, 2]


def test_wrong_types_and_undeclared_names(shut_down) -> None:
    from rcl_interfaces.msg import ParameterDescriptor
    from rclpy.exceptions import (
        InvalidParameterTypeException,
        ParameterAlreadyDeclaredException,
        ParameterNotDeclaredException,
        ParameterUninitializedException,
    )
    from rclpy.parameter import Parameter

    node = make_node(["-p", "count:=many"])
    with pytest.raises(InvalidParameterTypeException, match="'many' of type 'STRING', expecting type 'INTEGER'"):
        node.declare_parameter("count", 1)
    with pytest.raises(ParameterNotDeclaredException):
        node.get_parameter("absent")
    with pytest.raises(ParameterNotDeclaredException):
        node.set_parameters([Parameter("absent", value=1)])
    node.declare_parameter("fine", 1)
    with pytest.raises(ParameterAlreadyDeclaredException):
        node.declare_parameter("fine", 1)
    node.declare_parameter("unset", Parameter.Type.DOUBLE)
    with pytest.raises(ParameterUninitializedException):
        node.get_parameter("unset")
    assert node.get_parameter_or("unset", Parameter("unset", value=2.0)).value == 2.0
    with pytest.raises(ValueError, match="statically typed parameter"):
        node.declare_parameter("nothing", None, ParameterDescriptor())
    with pytest.warns(UserWarning, match="should be declared with a value or a type"):
        assert node.declare_parameter("anything").value is None


def test_descriptors_and_callbacks(shut_down) -> None:
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
    from rclpy.exceptions import InvalidParameterValueException
    from rclpy.parameter import Parameter

    node = make_node(["-p", "bounded:=11"])
    bounds = ParameterDescriptor(integer_range=[IntegerRange(from_value=0, to_value=10, step=2)])
    with pytest.raises(InvalidParameterValueException, match="out of range"):
        node.declare_parameter("bounded", 4, bounds)
    node.declare_parameter("bounded", 4, bounds, ignore_override=True)
    gains = ParameterDescriptor(floating_point_range=[FloatingPointRange(from_value=0.0, to_value=1.0)])
    node.declare_parameter("gain", 0.5, gains)
    node.declare_parameter("fixed", 1, ParameterDescriptor(read_only=True))

    def reason(name: str, value) -> str:
        return node.set_parameters([Parameter(name, value=value)])[0].reason

    assert "out of range" in reason("bounded", 12)
    assert "not a valid step" in reason("bounded", 5)
    assert reason("bounded", 6) == ""
    assert "out of range" in reason("gain", 1.5)
    assert "read-only" in reason("fixed", 2)
    assert "Wrong parameter type" in reason("gain", "high")

    seen = []

    def refuse_half(parameters):
        seen.extend(parameter.name for parameter in parameters)
        return SetParametersResult(successful=parameters[0].value != 0.25, reason="not a quarter")

    node.add_on_set_parameters_callback(refuse_half)
    assert reason("gain", 0.25) == "not a quarter"
    assert reason("gain", 0.75) == "not a quarter" or node.get_parameter("gain").value == 0.75
    assert node.get_parameter("gain").value == 0.75
    both = [Parameter("gain", value=0.1), Parameter("bounded", value=99)]
    assert not node.set_parameters_atomically(both).successful
    assert node.get_parameter("gain").value == 0.75, "all or none"
    node.remove_on_set_parameters_callback(refuse_half)
    assert reason("gain", 0.25) == ""
    assert seen == ["gain", "gain"]


OWNER = """
    import rclpy
    from rcl_interfaces.msg import ParameterDescriptor

    rclpy.init()
    node = rclpy.create_node("owner")
    node.declare_parameter("speed", 0.5, ParameterDescriptor(description="how fast"))
    node.declare_parameter("a.b", [1, 2])
    node.declare_parameter("fixed", True, ParameterDescriptor(read_only=True))
    print("READY")
    rclpy.spin(node)
"""


def test_the_six_services_from_another_process(ros, start_script) -> None:
    import rclpy
    from rcl_interfaces import srv
    from rclpy.parameter import Parameter, parameter_value_to_python

    start_script(OWNER, "--ros-args", "-p", "speed:=0.9").wait_for_line("READY")
    node = rclpy.create_node("asker")
    events = []
    node.create_subscription(
        __import__("rcl_interfaces.msg").msg.ParameterEvent, "/parameter_events", events.append, 10
    )

    def ask(srv_type, service: str, **request):
        client = node.create_client(srv_type, f"/owner/{service}")
        assert client.wait_for_service(timeout_sec=30.0)
        future = client.call_async(srv_type.Request(**request))
        rclpy.spin_until_future_complete(node, future, timeout_sec=30.0)
        return future.result()

    values = ask(srv.GetParameters, "get_parameters", names=["speed", "a.b"]).values
    assert [parameter_value_to_python(value) for value in values] == [0.9, [1, 2]]
    assert ask(srv.GetParameters, "get_parameters", names=["absent"]).values == []
    assert list(ask(srv.GetParameterTypes, "get_parameter_types", names=["speed", "a.b"]).types) == [3, 7]
    described = ask(srv.DescribeParameters, "describe_parameters", names=["speed"]).descriptors[0]
    assert (described.name, described.description, described.type) == ("speed", "how fast", 3)
    listed = ask(srv.ListParameters, "list_parameters", prefixes=["a"]).result
    assert (listed.names, listed.prefixes) == (["a.b"], ["a"])
    messages = [Parameter(name, value=value).to_parameter_msg() for name, value in (("speed", 1.0), ("fixed", False))]
    results = ask(srv.SetParameters, "set_parameters", parameters=messages).results
    assert [result.successful for result in results] == [True, False]
    undeclared = [Parameter("absent", value=1).to_parameter_msg()]
    refused = ask(srv.SetParametersAtomically, "set_parameters_atomically", parameters=undeclared).result
    assert "undeclared" in refused.reason
    assert spin_until(node, lambda: any(event.changed_parameters for event in events), 30.0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--unknown"], "unknown ROS arguments"),
        (["-p"], "No value found"),
        (["-p", "nothing"], "Expected \\[node:\\]name:=value"),
        (["--params-file", "/does/not/exist.yaml"], "Couldn't parse params file"),
    ],
)
def test_bad_arguments(domain, arguments: list[str], text: str) -> None:
    import rclpy

    from embedded_ros.errors import RCLError

    context = rclpy.Context()
    with pytest.raises(RCLError, match=text):
        context.init(["program", "--ros-args", *arguments])


def test_own_arguments_are_left() -> None:
    from rclpy.utilities import remove_ros_args

    arguments = ["prog", "a", "--ros-args", "-p", "x:=1", "--", "b"]
    assert remove_ros_args(arguments) == ["prog", "a", "b"]
