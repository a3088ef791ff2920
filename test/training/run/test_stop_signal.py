import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from small_runs import QUICK, make_trainer

from training.experiments import with_optimisation
from training.run.stop_signal import StopSignal

NUM_STEPS = 2000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_a_step_with_a_state_to_go_on_from(tmp_path, number):
    runs = Path(__file__).with_name("small_runs.py")
    process = subprocess.Popen(
        [sys.executable, runs, tmp_path, str(NUM_STEPS)],
        env=os.environ | {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "[2/3]" in line:
            break
    process.send_signal(number)
    process.stdout.read()
    assert process.wait(timeout=60) == 0
    last = (tmp_path / "logs" / "run.log").read_text().splitlines()[-1]
    step = int(last.split("stopped after step ")[1].split()[0])
    assert last.endswith(f"by {number.name}")
    assert step < NUM_STEPS
    state = torch.load(tmp_path / "states" / f"state_{step:08d}.pt", weights_only=True)
    assert state["progress"]["step"] == step
    resumed = make_trainer(tmp_path, with_optimisation(QUICK, num_steps=NUM_STEPS))
    resumed.run(last_step=step + 1)
    assert resumed.step == step + 1


def test_a_second_signal_is_not_held_back():
    with StopSignal() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)
        assert stop.name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_leaves_signals_alone():
    before = signal.getsignal(signal.SIGTERM)
    found = []

    def watch() -> None:
        with StopSignal() as stop:
            found.append((stop.name, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=watch)
    thread.start()
    thread.join()
    assert found == [(None, before)]
