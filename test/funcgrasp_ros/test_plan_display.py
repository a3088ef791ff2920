import threading
import time
import weakref
from collections.abc import Iterator

import pytest
import rclpy
from rclpy.node import Node

from funcgrasp_ros.plan_display import SHOWING_DELAY_S, PlanDisplay

pytestmark = pytest.mark.ros


@pytest.fixture
def node() -> Iterator[Node]:
    rclpy.init()
    node = rclpy.create_node("display")
    yield node
    node.destroy_node()
    rclpy.try_shutdown()


@pytest.fixture
def display(node) -> Iterator[PlanDisplay]:
    display = PlanDisplay(node)
    yield display
    display.close()


def test_showing_waits_and_happens_in_another_thread(display):
    shown = []
    start_s = time.monotonic()
    display.show(lambda: shown.append((time.monotonic() - start_s, threading.current_thread())), is_only_shown=False)
    assert not shown
    display.wait()
    ((delay_s, thread),) = shown
    assert delay_s >= SHOWING_DELAY_S
    assert thread is not threading.current_thread()


def test_of_several_only_the_newest_is_shown_and_what_is_told_nowhere_else(display):
    shown = []
    all_are_there = threading.Event()
    display.show(all_are_there.wait, is_only_shown=True)
    for name, is_only_shown in (("answered", False), ("refusal", True), ("answered too", False), ("newest", False)):
        display.show(lambda name=name: shown.append(name), is_only_shown)
    all_are_there.set()
    display.wait()
    assert shown == ["refusal", "newest"]


def test_what_was_shown_is_not_kept(display):
    class Plan:
        def show(self):
            pass

    plan = Plan()
    kept = weakref.ref(plan)
    display.show(plan.show, is_only_shown=False)
    display.wait()
    del plan
    assert kept() is None


def test_what_fails_is_logged_and_the_next_is_shown(display, capfd):
    shown = []
    display.show(lambda: 1 / 0, is_only_shown=True)
    display.show(lambda: shown.append("next"), is_only_shown=True)
    display.wait()
    assert shown == ["next"]
    assert "The plan could not be published: ZeroDivisionError" in "".join(capfd.readouterr())


def test_a_closed_display_shows_nothing_more_and_keeps_nobody_waiting(display):
    shown = []
    display.show(lambda: time.sleep(2 * SHOWING_DELAY_S), is_only_shown=True)
    display.show(lambda: shown.append("late"), is_only_shown=True)
    display.close()
    display.show(lambda: shown.append("later"), is_only_shown=True)
    display.wait()
    assert not shown
