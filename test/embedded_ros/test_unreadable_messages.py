"""What cannot be read as a message is passed over by an executor that spins, and answers to others by a client."""

import threading

import pytest
from script_process import spin_until

pytestmark = pytest.mark.ros


@pytest.fixture
def spinning(ros):
    """A node that another thread spins, with what it has heard on `words` and a publisher there."""
    import rclpy
    from rclpy.executors import MultiThreadedExecutor
    from std_msgs.msg import String

    node = rclpy.create_node("listener")
    heard: list = []
    node.create_subscription(String, "words", lambda message: heard.append(message.data), 10)
    executor = MultiThreadedExecutor(num_threads=2)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield node, heard, node.create_publisher(String, "words", 10)
    executor.shutdown()
    thread.join(10)
    node.destroy_node()


def test_a_spinning_executor_passes_over_what_it_cannot_read(spinning, capfd):
    from std_msgs.msg import String

    _, heard, publisher = spinning
    wait_until(lambda: publisher.get_subscription_count() > 0)
    publisher.publish(b"\x00\x01\x00\x00\xff\xff\xff\xff")
    publisher.publish(String(data="still here"))
    wait_until(lambda: heard == ["still here"])
    assert "A message is passed over: std_msgs/msg/String" in capfd.readouterr().err


def test_a_server_passes_over_a_request_that_is_too_short(spinning):
    import rclpy
    from std_srvs.srv import Trigger

    node, _, _ = spinning
    node.create_service(Trigger, "do", lambda request, response: response)
    other = rclpy.create_node("caller")
    client = other.create_client(Trigger, "do")
    assert client.wait_for_service(timeout_sec=10)
    client.writer.write(b"\x01" * 4)
    future = client.call_async(Trigger.Request())
    assert spin_until(other, future.done)
    other.destroy_node()


def test_many_answers_to_others_do_not_push_out_ones_own(spinning):
    """The slow client looks only after the fast one was answered more often than ROS's queue of ten holds."""
    import rclpy
    from std_srvs.srv import Trigger

    node, _, _ = spinning
    node.create_service(Trigger, "do", lambda request, response: response)
    fast, slow = rclpy.create_node("fast"), rclpy.create_node("slow")
    fast_client, slow_client = fast.create_client(Trigger, "do"), slow.create_client(Trigger, "do")
    assert fast_client.wait_for_service(timeout_sec=10)
    assert slow_client.wait_for_service(timeout_sec=10)
    waited_for = slow_client.call_async(Trigger.Request())
    for _ in range(30):
        future = fast_client.call_async(Trigger.Request())
        assert spin_until(fast, future.done)
    assert spin_until(slow, waited_for.done)
    fast.destroy_node()
    slow.destroy_node()


def wait_until(condition) -> None:
    """Waits; another thread spins."""
    event = threading.Event()
    for _ in range(1000):
        if condition():
            return
        event.wait(0.01)
    raise AssertionError("the condition did not come true in time")
