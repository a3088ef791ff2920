import threading

import pytest

from funcgrasp_core.errors import BusyError, CancelledError, ConfigurationError, ModelNotReadyError
from funcgrasp_core.planning.request_queue import RequestQueue

PATIENCE_S = 5.0


class GatedHandler:
    """Answers nothing until its gate opens, and remembers the order of what it answered."""

    def __init__(self):
        self.gate = threading.Event()
        self.started = threading.Event()
        self.answered: list[int] = []

    def __call__(self, request: int) -> int:
        self.started.set()
        assert self.gate.wait(PATIENCE_S)
        self.answered.append(request)
        return 10 * request


@pytest.fixture
def handler():
    return GatedHandler()


@pytest.fixture
def queue(handler):
    queue = RequestQueue(handler, capacity=2)
    yield queue
    handler.gate.set()
    assert queue.close(PATIENCE_S)


def test_answers_in_order_of_arrival(queue, handler):
    tickets = [queue.submit(number) for number in (3, 1, 2)]
    handler.gate.set()
    assert [ticket.result(PATIENCE_S) for ticket in tickets] == [30, 10, 20]
    assert handler.answered == [3, 1, 2]


def test_one_request_too_many_is_refused_and_room_comes_back(queue, handler):
    tickets = [queue.submit(number) for number in range(3)]
    with pytest.raises(BusyError, match="3 requests are unfinished, and while one runs only 2 may wait"):
        queue.submit(99)
    assert len(queue) == 3
    handler.gate.set()
    for ticket in tickets:
        ticket.result(PATIENCE_S)
    assert queue.submit(4).result(PATIENCE_S) == 40


def test_withdrawn_request_is_skipped_and_frees_its_place(queue, handler):
    running = queue.submit(1)
    assert handler.started.wait(PATIENCE_S)
    withdrawn, kept = queue.submit(2), queue.submit(3)
    assert withdrawn.cancel()
    added = queue.submit(4)
    assert not running.cancel()
    handler.gate.set()
    assert added.result(PATIENCE_S) == 40
    assert kept.done()
    assert handler.answered == [1, 3, 4]
    with pytest.raises(CancelledError, match="withdrawn"):
        withdrawn.result(PATIENCE_S)


def test_failure_reaches_its_own_caller_only():
    queue: RequestQueue[int, float] = RequestQueue(lambda number: 1 / number)
    failing, good = queue.submit(0), queue.submit(4)
    with pytest.raises(ZeroDivisionError):
        failing.result(PATIENCE_S)
    assert good.result(PATIENCE_S) == 0.25
    assert queue.close(PATIENCE_S)


def test_close_withdraws_the_waiting_and_finishes_the_running(handler):
    queue = RequestQueue(handler, capacity=2)
    running = queue.submit(1)
    assert handler.started.wait(PATIENCE_S)
    waiting = queue.submit(2)
    assert not queue.close(timeout_s=0.01)
    with pytest.raises(CancelledError):
        waiting.result(PATIENCE_S)
    with pytest.raises(ModelNotReadyError, match="activate"):
        queue.submit(3)
    handler.gate.set()
    assert running.result(PATIENCE_S) == 10
    assert queue.close(PATIENCE_S)


def test_close_can_abandon_the_running_request_whose_answer_is_lost(handler):
    queue = RequestQueue(handler)
    running = queue.submit(1)
    assert handler.started.wait(PATIENCE_S)
    assert not queue.close(timeout_s=0, abandon_running=True)
    with pytest.raises(CancelledError, match="withdrawn"):
        running.result(timeout_s=0)
    handler.gate.set()
    assert queue.close(PATIENCE_S)
    assert handler.answered == [1]
    with pytest.raises(CancelledError):
        running.result(timeout_s=0)


def test_an_answered_request_cannot_be_abandoned(queue, handler):
    handler.gate.set()
    ticket = queue.submit(1)
    assert ticket.result(PATIENCE_S) == 10
    ticket.abandon()
    assert ticket.result(PATIENCE_S) == 10


def test_callbacks_come_once_for_answers_and_withdrawals(queue, handler):
    called: list[int] = []
    first = queue.submit(1)
    assert handler.started.wait(PATIENCE_S)
    second = queue.submit(2)
    for ticket in (first, second):
        ticket.add_done_callback(lambda done_ticket: called.append(done_ticket.request))
    second.cancel()
    assert called == [2]
    handler.gate.set()
    first.result(PATIENCE_S)
    queue.close(PATIENCE_S)
    assert called == [2, 1]


def test_waiting_too_long_times_out_but_keeps_the_request(queue, handler):
    ticket = queue.submit(5)
    with pytest.raises(TimeoutError, match="still in the queue"):
        ticket.result(timeout_s=0.01)
    handler.gate.set()
    assert ticket.result(PATIENCE_S) == 50


def test_many_threads_lose_no_request():
    queue: RequestQueue[int, int] = RequestQueue(lambda number: number, capacity=1000)
    answers: list[int] = []

    def send(first: int) -> None:
        answers.extend(queue.submit(first + step).result(PATIENCE_S) for step in range(50))

    threads = [threading.Thread(target=send, args=(first,)) for first in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(answers) == [first + step for first in (0, 100, 200, 300) for step in range(50)]
    assert queue.close(PATIENCE_S)


def test_a_queue_without_waiting_room_takes_the_next_request_after_each_answer():
    queue: RequestQueue[int, int] = RequestQueue(lambda number: number, capacity=0)
    assert [queue.submit(number).result(PATIENCE_S) for number in range(100)] == list(range(100))
    assert queue.close(PATIENCE_S)


def test_negative_capacity_is_refused():
    with pytest.raises(ConfigurationError, match="capacity"):
        RequestQueue(lambda request: request, capacity=-1)
