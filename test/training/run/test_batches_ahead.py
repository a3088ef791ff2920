import threading

import pytest

from training.run.batches_ahead import BatchesAhead


class Source:
    """Remembers which step was drawn by which thread."""

    def __init__(self) -> None:
        self.drawn: list[tuple[int, bool]] = []
        self.began = {step: threading.Event() for step in range(9)}

    def __call__(self, step):
        self.drawn.append((step, threading.current_thread() is threading.main_thread()))
        self.began[step].set()
        if step == 3:
            raise ValueError("step 3 cannot be drawn")
        return [f"batch of step {step}"]


def test_the_next_step_is_drawn_beside_the_current_one():
    source = Source()
    batches = BatchesAhead(source, num_steps=3)
    assert batches.of(0) == ["batch of step 0"]
    assert source.began[1].wait(10), "nobody has asked for step 1 yet"
    assert [batches.of(1), batches.of(2)] == [["batch of step 1"], ["batch of step 2"]]
    assert source.drawn == [(0, True), (1, False), (2, False)], "each once, and none beyond the last"


def test_any_step_can_be_asked_for():
    batches = BatchesAhead(Source(), num_steps=9)
    for step in (0, 0, 7, 2, 1, 8):
        assert batches.of(step) == [f"batch of step {step}"]


def test_an_error_arrives_with_its_own_step():
    batches = BatchesAhead(Source(), num_steps=9)
    assert batches.of(2) == ["batch of step 2"]
    with pytest.raises(ValueError, match="step 3 cannot"):
        batches.of(3)
    assert batches.of(4) == ["batch of step 4"]


def test_nothing_is_drawn_ahead_where_that_is_not_wanted():
    source = Source()
    batches = BatchesAhead(source, num_steps=0)
    assert [batches.of(0), batches.of(1)] == [["batch of step 0"], ["batch of step 1"]]
    assert source.drawn == [(0, True), (1, True)]
