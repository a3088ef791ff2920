"""Services and clients between two processes, in rclpy's ways of calling."""

import threading
import time

import pytest
from script_process import spin_until

pytestmark = pytest.mark.ros

SERVER = """
    import rclpy
    from rclpy.callback_groups import ReentrantCallbackGroup
    from rcl_interfaces.srv import GetParameters
    from rcl_interfaces.msg import ParameterValue
    from std_srvs.srv import SetBool, Trigger

    rclpy.init()
    node = rclpy.create_node("server")
    client_group = ReentrantCallbackGroup()
    inner = node.create_client(Trigger, "inner", callback_group=client_group)

    def answer(request, response):
        sevens = [bytes([7])] * 10
        values = [ParameterValue(type=5, byte_array_value=sevens, string_value=name) for name in request.names]
        values.append(ParameterValue(type=8, double_array_value=[0.5] * 150_000))
        response.values = values
        return response

    async def ask_inside(request, response):
        result = await inner.call_async(Trigger.Request())
        response.message = f"inner said {result.message}"
        return response

    def fill(request, response):
        response.message = "hello"
        return response

    node.create_service(GetParameters, "big", answer)
    # In a group of its own: the callback that waits for it holds the node's default group.
    node.create_service(Trigger, "inner", fill, callback_group=client_group)
    node.create_service(SetBool, "outer", ask_inside)
    print("READY")
    rclpy.spin(node)
"""


def test_nested_reply_of_1200_kilobytes(ros, start_script) -> None:
    import rclpy
    from rcl_interfaces.srv import GetParameters

    start_script(SERVER).wait_for_line("READY")
    node = rclpy.create_node("caller")
    client = node.create_client(GetParameters, "big")
    assert client.wait_for_service(timeout_sec=30.0)
    times_s = []
    for index in range(10):
        start = time.perf_counter()
        future = client.call_async(GetParameters.Request(names=[f"n{index}", "é"]))
        rclpy.spin_until_future_complete(node, future, timeout_sec=30.0)
        times_s.append(time.perf_counter() - start)
        values = future.result().values
        assert [value.string_value for value in values] == [f"n{index}", "é", ""]
        assert values[0].byte_array_value == [b"\x07"] * 10
        assert len(values[2].double_array_value) == 150_000
        assert values[2].double_array_value[-1] == 0.5
    assert sorted(times_s)[5] < 0.25


def test_first_call_of_a_new_client_is_answered(ros, start_script) -> None:
    """The server waits for the discovery of the client's reader before it answers for the first time."""
    import rclpy
    from std_srvs.srv import Trigger

    start_script(SERVER).wait_for_line("READY")
    for index in range(5):
        node = rclpy.create_node(f"caller_{index}")
        client = node.create_client(Trigger, "inner")
        assert client.wait_for_service(timeout_sec=30.0)
        future = client.call_async(Trigger.Request())
        rclpy.spin_until_future_complete(node, future, timeout_sec=30.0)
        assert future.result().message == "hello"
        node.destroy_node()


def test_service_callback_that_awaits_another_service(ros, start_script) -> None:
    import rclpy
    from std_srvs.srv import SetBool

    start_script(SERVER).wait_for_line("READY")
    node = rclpy.create_node("caller")
    client = node.create_client(SetBool, "outer")
    assert client.wait_for_service(timeout_sec=30.0)
    future = client.call_async(SetBool.Request(data=True))
    rclpy.spin_until_future_complete(node, future, timeout_sec=30.0)
    assert future.result().message == "inner said hello"


def test_blocking_call_beside_a_spinning_thread(ros, start_script) -> None:
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from std_srvs.srv import Trigger

    start_script(SERVER).wait_for_line("READY")
    node = rclpy.create_node("caller")
    client = node.create_client(Trigger, "inner")
    absent = node.create_client(Trigger, "absent")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    try:
        assert client.wait_for_service(timeout_sec=30.0)
        assert client.call(Trigger.Request()).message == "hello"
        assert not absent.wait_for_service(timeout_sec=0.1)
        assert absent.call(Trigger.Request(), timeout_sec=0.1) is None
        with pytest.raises(TypeError, match="Expected"):
            client.call(Trigger.Response())
    finally:
        executor.shutdown()
        thread.join(5.0)
    assert not thread.is_alive()


def test_abandoned_request_and_wrong_answer(ros) -> None:
    import rclpy
    from std_srvs.srv import Trigger

    node = rclpy.create_node("both")
    node.create_service(Trigger, "nothing", lambda request, response: None)
    client = node.create_client(Trigger, "nothing")
    assert client.wait_for_service(timeout_sec=30.0)
    future = client.call_async(Trigger.Request())
    with pytest.raises(TypeError, match="Service callback must return"):
        spin_until(node, future.done, 30.0)
    client.remove_pending_request(future)
    assert not future.done()
