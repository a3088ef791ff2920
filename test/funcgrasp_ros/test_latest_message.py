import pytest
from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from funcgrasp_ros.latest_message import InputHealth, LatestMessage, is_too_far, seconds_between, stamp_ns


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def stamped(sec: int, nanosec: int) -> Header:
    return Header(stamp=Time(sec=sec, nanosec=nanosec))


def test_differences_of_stamps_have_a_sign_and_may_be_unknown():
    early, late = stamp_ns(stamped(10, 500_000_000)), stamp_ns(stamped(12, 0))
    assert seconds_between(early, late) == pytest.approx(1.5)
    assert seconds_between(late, early) == pytest.approx(-1.5)
    assert seconds_between(early, stamp_ns(Header())) is None
    assert seconds_between(0, late) is None


@pytest.mark.parametrize(
    ("seconds", "limit_s", "expected"),
    [(2.0, 1.0, True), (-2.0, 1.0, True), (0.5, 1.0, False), (-0.5, 1.0, False), (1e6, 0.0, False), (None, 1.0, False)],
)
def test_a_limit_holds_in_both_directions_unless_it_is_zero(seconds, limit_s, expected):
    assert is_too_far(seconds, limit_s) is expected


def test_the_newest_message_is_kept_and_the_rate_measured():
    clock = Clock()
    latest: LatestMessage[int] = LatestMessage("cloud", clock)
    assert latest.newest is None
    assert latest.health() == InputHealth("cloud", 0.0, None)
    for number in range(21):
        clock.now_s = 100.0 + 0.1 * number
        latest.keep(number)
    assert latest.newest == 20
    health = latest.health()
    assert health.rate_hz == pytest.approx(10.0)
    assert health.silence_s == 0.0


def test_the_rate_falls_when_messages_cease():
    clock = Clock()
    latest: LatestMessage[int] = LatestMessage("cloud", clock)
    for number in range(11):
        clock.now_s = 100.0 + 0.1 * number
        latest.keep(number)
    clock.now_s = 105.0
    assert latest.health().rate_hz == pytest.approx(10 / 5.0)
    clock.now_s = 130.0
    assert latest.health() == InputHealth("cloud", 0.0, 29.0)
