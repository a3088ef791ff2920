"""Executors, callback groups, timers, futures and the ends of a process."""

import signal
import threading
import time

import pytest
from script_process import spin_until

pytestmark = pytest.mark.ros


def test_timer_counts_cancels_and_resets(ros) -> None:
    import rclpy

    node = rclpy.create_node("clockwork")
    ticks: list[float] = []
    timer = node.create_timer(0.05, lambda: ticks.append(time.monotonic()))
    assert spin_until(node, lambda: len(ticks) >= 5)
    assert 0.15 <= ticks[4] - ticks[0] <= 0.6
    timer.cancel()
    seen = len(ticks)
    spin_until(node, lambda: False, 0.15)
    assert len(ticks) == seen
    assert timer.is_canceled()
    timer.reset()
    assert spin_until(node, lambda: len(ticks) > seen)


def test_spin_once_returns_at_its_timeout(ros) -> None:
    import rclpy

    node = rclpy.create_node("idle")
    start = time.monotonic()
    rclpy.spin_once(node, timeout_sec=0.1)
    assert 0.08 <= time.monotonic() - start < 1.0
    future = rclpy.Future()
    start = time.monotonic()
    rclpy.spin_until_future_complete(node, future, timeout_sec=0.1)
    assert not future.done()
    assert 0.08 <= time.monotonic() - start < 1.0


def test_future_set_by_another_thread_ends_the_spin(ros) -> None:
    import rclpy

    node = rclpy.create_node("waiting")
    future = rclpy.Future()
    threading.Timer(0.1, future.set_result, [42]).start()
    start = time.monotonic()
    rclpy.spin_until_future_complete(node, future, timeout_sec=30.0)
    assert future.result() == 42
    assert time.monotonic() - start < 2.0


def count_overlaps(group_of) -> int:
    """The most callbacks that ran at once, of two timers in the groups that `group_of` gives."""
    import rclpy
    from rclpy.executors import MultiThreadedExecutor

    node = rclpy.create_node("busy")
    running, most, calls = [], [0], [0]

    def work() -> None:
        running.append(1)
        most[0] = max(most[0], len(running))
        time.sleep(0.03)
        running.pop()
        calls[0] += 1

    for index in range(2):
        node.create_timer(0.01, work, callback_group=group_of(index))
    executor = MultiThreadedExecutor(num_threads=4)
    executor.add_node(node)
    end = time.monotonic() + 5.0
    while calls[0] < 8 and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    executor.shutdown()
    assert calls[0] >= 8
    return most[0]


def test_mutually_exclusive_callbacks_never_overlap(ros) -> None:
    from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

    group = MutuallyExclusiveCallbackGroup()
    assert count_overlaps(lambda index: group) == 1


def test_callbacks_of_different_groups_overlap(ros) -> None:
    from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

    groups = [MutuallyExclusiveCallbackGroup(), MutuallyExclusiveCallbackGroup()]
    assert count_overlaps(lambda index: groups[index]) == 2


def test_reentrant_callbacks_overlap_themselves(ros) -> None:
    from rclpy.callback_groups import ReentrantCallbackGroup

    group = ReentrantCallbackGroup()
    assert count_overlaps(lambda index: group) >= 3


@pytest.mark.parametrize("executor_name", ["SingleThreadedExecutor", "MultiThreadedExecutor"])
def test_an_exception_in_a_callback_leaves_spin(ros, executor_name: str) -> None:
    import rclpy
    from rclpy import executors

    node = rclpy.create_node("broken")
    node.create_timer(0.01, lambda: 1 / 0)
    executor = getattr(executors, executor_name)(**({"num_threads": 2} if "Multi" in executor_name else {}))
    executor.add_node(node)
    with pytest.raises(ZeroDivisionError):
        executor.spin()
    executor.shutdown()


def test_tasks_and_coroutines(ros) -> None:
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    executor = SingleThreadedExecutor()
    gate = rclpy.Future()

    async def double(number: int) -> int:
        return number * await gate

    task = executor.create_task(double, 21)
    executor.spin_once(timeout_sec=0.05)
    assert not task.done()
    gate.set_result(2)
    executor.spin_until_future_complete(task, timeout_sec=2.0)
    assert task.result() == 42
    failing = executor.create_task(lambda: [][0])
    with pytest.raises(IndexError):
        executor.spin_until_future_complete(failing, timeout_sec=2.0)
    assert isinstance(failing.exception(), IndexError)


def test_guard_condition_and_shutdown_from_a_thread(ros) -> None:
    import rclpy
    from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

    node = rclpy.create_node("guarded")
    triggered: list[int] = []
    guard = node.create_guard_condition(lambda: triggered.append(1))
    threading.Timer(0.05, guard.trigger).start()
    assert spin_until(node, lambda: triggered == [1])
    threading.Timer(0.1, rclpy.shutdown).start()
    with pytest.raises(ExternalShutdownException):
        rclpy.spin(node, SingleThreadedExecutor())
    assert not rclpy.ok()


def test_init_twice_and_use_before_init(domain) -> None:
    import rclpy
    from rclpy.exceptions import NotInitializedException

    with pytest.raises(NotInitializedException):
        rclpy.create_node("early")
    rclpy.init(args=[])
    with pytest.raises(RuntimeError, match="must only be called once"):
        rclpy.init(args=[])
    rclpy.shutdown()
    rclpy.init(args=[])
    assert rclpy.ok()
    rclpy.shutdown()


SPINNER = """
    import rclpy
    from rclpy.executors import ExternalShutdownException

    rclpy.init()
    node = rclpy.create_node("spinner")
    print("READY")
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException) as error:
        print(type(error).__name__, rclpy.ok())
    node.destroy_node()
    rclpy.try_shutdown()
    print("CLEAN")
"""


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "ExternalShutdownException")]
)
def test_signals_end_a_spin_that_waits_for_ever(start_script, number: int, name: str) -> None:
    script = start_script(SPINNER)
    script.wait_for_line("READY")
    script.process.send_signal(number)
    assert script.wait() == 0
    assert script.lines[-2:] == [f"{name} False", "CLEAN"]


def test_shutdown_waits_for_callbacks_of_other_threads(ros) -> None:
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    started, release, results = threading.Event(), threading.Event(), []
    executor, node = SingleThreadedExecutor(), rclpy.create_node("busy")
    executor.add_node(node)

    def callback() -> None:
        started.set()
        release.wait(30.0)
        results.append(executor.shutdown())

    node.create_guard_condition(callback).trigger()
    spinning = threading.Thread(target=executor.spin)
    spinning.start()
    assert started.wait(30.0)
    assert not executor.shutdown(timeout_sec=0.05)
    release.set()
    assert executor.shutdown()
    spinning.join(30.0)
    assert results == [True], "a callback does not wait for itself"


def test_ready_callbacks_one_by_one(ros) -> None:
    """What a program's own executor builds on."""
    import rclpy
    from rclpy.executors import ConditionReachedException, SingleThreadedExecutor, TimeoutException

    executor, node = SingleThreadedExecutor(), rclpy.create_node("stepped")
    executor.add_node(node)
    called: list[str] = []
    guard = node.create_guard_condition(lambda: called.append("guard"))
    executor.create_task(lambda: called.append("task"))
    guard.trigger()
    task, entity, owner = executor.wait_for_ready_callbacks(timeout_sec=1.0)
    assert (entity, owner) == (None, None)
    task()
    task, entity, owner = executor.wait_for_ready_callbacks(timeout_sec=1.0)
    assert (entity, owner) == (guard, node)
    task()
    assert called == ["task", "guard"]
    with pytest.raises(TimeoutException):
        executor.wait_for_ready_callbacks(timeout_sec=0.0)
    with pytest.raises(ConditionReachedException):
        executor.wait_for_ready_callbacks(condition=lambda: True)
    guard.trigger()
    with pytest.raises(TimeoutException):
        executor.wait_for_ready_callbacks(timeout_sec=0.0, nodes=[])


def test_what_is_created_while_spinning_is_waited_for(ros) -> None:
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from std_msgs.msg import String
    from std_srvs.srv import Trigger

    executor, node = SingleThreadedExecutor(), rclpy.create_node("growing")
    executor.add_node(node)
    spinning = threading.Thread(target=executor.spin)
    spinning.start()
    called: dict[str, threading.Event] = {
        name: threading.Event() for name in ("subscription", "service", "guard", "timer")
    }

    def answer(request, response):
        called["service"].set()
        return response

    node.create_timer(0.01, called["timer"].set)
    node.create_guard_condition(called["guard"].set).trigger()
    node.create_subscription(String, "late", lambda _: called["subscription"].set(), 1)
    node.create_publisher(String, "late", 1).publish(String())
    node.create_service(Trigger, "late_service", answer)
    client = node.create_client(Trigger, "late_service")
    assert client.wait_for_service(30.0)
    assert client.call(Trigger.Request(), timeout_sec=30.0) is not None
    assert [name for name, event in called.items() if not event.wait(30.0)] == []
    assert executor.shutdown()
    spinning.join(30.0)
