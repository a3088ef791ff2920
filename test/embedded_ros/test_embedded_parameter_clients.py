"""Another node's parameters: the client of its services, and being told of changes; waiting for one message."""

import pytest

pytestmark = pytest.mark.ros


@pytest.fixture
def nodes(ros):
    """A node that asks, and one that has parameters."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    asking, owning = (rclpy.create_node(name, namespace="space") for name in ("asking", "owning"))
    owning.declare_parameter("speed", 1.5)
    owning.declare_parameter("arm.joints", ["a", "b"])
    executor = SingleThreadedExecutor()
    executor.add_node(owning)
    executor.add_node(asking)
    yield asking, owning, executor
    executor.shutdown()


def test_client_gets_sets_and_loads(nodes, tmp_path) -> None:
    from rclpy.parameter import Parameter
    from rclpy.parameter_client import AsyncParameterClient

    asking, owning, executor = nodes
    client, done = AsyncParameterClient(asking, "owning"), []
    assert client.wait_for_services(30.0)

    def answer(future):
        executor.spin_until_future_complete(future, 30.0)
        return future.result()

    assert [v.double_value for v in answer(client.get_parameters(["speed"], done.append)).values] == [1.5]
    assert spin_until_true(executor, lambda: len(done) == 1)
    assert set(answer(client.list_parameters(["arm"], 2)).result.names) == {"arm.joints"}
    assert answer(client.get_parameter_types(["arm.joints"])).types[0] == Parameter.Type.STRING_ARRAY.value
    assert answer(client.describe_parameters(["speed"])).descriptors[0].name == "speed"
    results = answer(client.set_parameters([Parameter("speed", value=2.5), Parameter("speed", value="fast")])).results
    assert [result.successful for result in results] == [True, False]
    assert not answer(client.delete_parameters(["speed"])).results[0].successful
    assert not AsyncParameterClient(asking, "nobody").wait_for_services(0.0)

    path = tmp_path / "parameters.yaml"
    path.write_text("/**: {ros__parameters: {speed: 3.5}}\nowning: {ros__parameters: {arm: {joints: [c]}}}")
    assert answer(client.load_parameter_file_atomically(str(path), use_wildcard=True)).result.successful
    assert (owning.get_parameter("speed").value, owning.get_parameter("arm.joints").value) == (3.5, ["c"])
    with pytest.raises(FileNotFoundError):
        client.load_parameter_file(str(tmp_path / "absent.yaml"))


def test_changes_are_told_of(nodes) -> None:
    from rclpy.parameter import Parameter
    from rclpy.parameter_event_handler import ParameterEventHandler

    asking, owning, executor = nodes
    handler, seen = ParameterEventHandler(asking), []
    handler.add_parameter_callback("speed", "owning", lambda parameter: seen.append(("first", parameter)))
    last = handler.add_parameter_callback("speed", "/space/owning", lambda parameter: seen.append(("last", parameter)))
    events = handler.add_parameter_event_callback(lambda event: seen.append(("event", event.node)))
    owning.set_parameters([Parameter("speed", value=9.0)])
    assert spin_until_true(executor, lambda: len(seen) == 3)
    assert [who for who, _ in seen] == ["last", "first", "event"]
    assert seen[0][1].value.double_value == 9.0
    assert seen[2][1] == "/space/owning"
    handler.remove_parameter_callback(last)
    handler.remove_parameter_event_callback(events)
    for remove, handle in (
        (handler.remove_parameter_callback, last),
        (handler.remove_parameter_event_callback, events),
    ):
        with pytest.raises(RuntimeError, match="doesn't exist"):
            remove(handle)
    owning.set_parameters([Parameter("arm.joints", value=["c"]), Parameter("speed", value=8.0)])
    assert spin_until_true(executor, lambda: len(seen) == 4)
    assert seen[3][0] == "first"
    handler.destroy()
    assert asking.count_subscribers("/parameter_events") == 0


def spin_until_true(executor, condition) -> bool:
    """Spin an executor until a condition comes true; whether it did."""
    for _ in range(600):
        if condition():
            return True
        executor.spin_once(timeout_sec=0.05)
    return False


def test_waiting_for_one_message(ros, start_script) -> None:
    import rclpy
    from rclpy.wait_for_message import wait_for_message
    from std_msgs.msg import String

    node = rclpy.create_node("patient")
    assert wait_for_message(String, node, "said", time_to_wait=0.05) == (False, None)
    start_script(
        """
        import rclpy
        from std_msgs.msg import String

        rclpy.init()
        node = rclpy.create_node("talker")
        publisher = node.create_publisher(String, "said", 1)
        node.create_timer(0.02, lambda: publisher.publish(String(data="now")))
        rclpy.spin(node)
        """
    )
    received, message = wait_for_message(String, node, "said", time_to_wait=60.0)
    assert received
    assert message.data == "now"
    assert node.count_subscribers("said") == 0
