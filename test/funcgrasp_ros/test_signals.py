"""SIGINT and SIGTERM at any instant: the planner's process ends soon, cleanly, and leaves none behind."""

import contextlib
import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import rclpy
import torch
from plan_callers import PlanCaller

from funcgrasp_core.checkpoints import save_checkpoint
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
START_PATIENCE_S = 240.0
PATIENT_S, LIMIT_S = 20.0, 2.0
"""How long the process may take to end: where the machine may be busy with other tests, and where it must be quick."""

GOODBYE_S = 5.0
"""A participant that says no goodbye is seen until its lease ends, after ten seconds."""

INTERPRETER_START_S = 0.5
"""Python must have begun to run the script: before that no program can handle a signal."""

LONGEST_WAIT_S = 1.5
CALL_PERIOD_S = 0.02
SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""That the planner ends on. A launch is ended with SIGINT: on SIGTERM ROS 2's own leaves its processes running."""

READY = "Ready to plan."


@pytest.fixture(scope="module")
def random_checkpoint(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("checkpoint") / "debug.safetensors"
    save_checkpoint(path, build_grasp_model(DEBUG), {"training": "none: random weights"})
    return path


@pytest.fixture(scope="module")
def caller():
    rclpy.init()
    caller = PlanCaller("caller")
    yield caller
    caller.close()
    rclpy.try_shutdown()


@contextlib.contextmanager
def started(command: Sequence[str], log_file: Path) -> Iterator[subprocess.Popen]:
    """A program in a process group of its own; what it prints goes to the file."""
    with log_file.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def planner_command(checkpoint: Path) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / "planner"), "--ros-args", "-p", f"checkpoint:={checkpoint}"]


def launch_command(checkpoint: Path) -> list[str]:
    is_real = importlib.util.find_spec("ros2launch")
    launch = ["ros2", "launch"] if is_real else [sys.executable, "-m", "embedded_ros", "launch"]
    return [*launch, str(ROOT / "launch" / "planner.launch.py"), f"checkpoint:={checkpoint}"]


def wait_for_text(process: subprocess.Popen, log_file: Path, text: str) -> None:
    deadline_s = time.monotonic() + START_PATIENCE_S
    while text not in log_file.read_text():
        assert process.poll() is None, log_file.read_text()
        assert time.monotonic() < deadline_s, log_file.read_text()
        time.sleep(0.01)


def wait_until(condition: Callable[[], bool], patience_s: float) -> None:
    deadline_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def end_with(process: subprocess.Popen, number: signal.Signals, log_file: Path, limit_s: float) -> None:
    """Sends the signal; the process and all that it started must be gone in time, without complaint."""
    process.send_signal(number)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(limit_s)
    output = log_file.read_text()
    assert process.poll() == 0, f"{number.name} after:\n{output}"
    assert "Traceback" not in output, output
    assert "has died" not in output, output
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def end_while_calls_come(process, caller: PlanCaller, number, log_file: Path, wait_s: float, limit_s: float) -> None:
    caller.wait_for_planner()
    end_s = time.monotonic() + wait_s
    index = 0
    while time.monotonic() < end_s:
        caller.withdraw(index)
        index += 1
        time.sleep(CALL_PERIOD_S)
    end_with(process, number, log_file, limit_s)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_planner_ends_while_it_plans(random_checkpoint, caller, tmp_path, number):
    log_file = tmp_path / "planner.log"
    with started(planner_command(random_checkpoint), log_file) as process:
        wait_for_text(process, log_file, READY)
        end_while_calls_come(process, caller, number, log_file, 0.3, PATIENT_S)


def test_an_ended_planner_is_no_longer_seen(random_checkpoint, caller, tmp_path):
    # Not the usual name: planners of earlier tests in this process may not have been collected yet.
    name, log_file = "leaving_planner", tmp_path / "planner.log"
    watcher = rclpy.create_node("watcher")
    try:
        command = [*planner_command(random_checkpoint), "-r", f"__node:={name}"]
        with started(command, log_file) as process:
            wait_for_text(process, log_file, READY)
            wait_until(lambda: name in watcher.get_node_names(), START_PATIENCE_S)
            end_with(process, signal.SIGINT, log_file, PATIENT_S)
            wait_until(lambda: name not in watcher.get_node_names(), GOODBYE_S)
    finally:
        watcher.destroy_node()


def test_a_launch_ends_that_has_just_begun(random_checkpoint, tmp_path):
    log_file = tmp_path / "launch.log"
    with started(launch_command(random_checkpoint), log_file) as process:
        wait_for_text(process, log_file, "process started")
        # It imports PyTorch for a while now.
        time.sleep(INTERPRETER_START_S)
        end_with(process, signal.SIGINT, log_file, PATIENT_S)


def test_a_second_interrupt_while_the_planner_ends_changes_nothing(random_checkpoint, tmp_path):
    log_file = tmp_path / "planner.log"
    with started(planner_command(random_checkpoint), log_file) as process:
        wait_for_text(process, log_file, READY)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        end_with(process, signal.SIGINT, log_file, PATIENT_S)


@pytest.mark.slow
@pytest.mark.parametrize("repetition", range(25))
def test_the_planner_ends_at_random_instants_after_its_first_line(random_checkpoint, caller, tmp_path, repetition):
    generator = random.Random(repetition)
    number, wait_s = SIGNALS[repetition % 2], generator.uniform(0.0, LONGEST_WAIT_S)
    log_file = tmp_path / "planner.log"
    with started(planner_command(random_checkpoint), log_file) as process:
        wait_for_text(process, log_file, "\n")
        if generator.random() < 0.5:
            end_while_calls_come(process, caller, number, log_file, wait_s, LIMIT_S)
        else:
            time.sleep(wait_s)
            end_with(process, number, log_file, LIMIT_S)


@pytest.mark.slow
@pytest.mark.parametrize("repetition", range(10))
def test_a_launch_ends_at_random_instants_after_its_first_line(random_checkpoint, tmp_path, repetition):
    generator = random.Random(100 + repetition)
    log_file = tmp_path / "launch.log"
    with started(launch_command(random_checkpoint), log_file) as process:
        wait_for_text(process, log_file, "process started")
        time.sleep(INTERPRETER_START_S + generator.uniform(0.0, 3 * LONGEST_WAIT_S))
        end_with(process, signal.SIGINT, log_file, LIMIT_S)
