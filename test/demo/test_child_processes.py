import signal
import subprocess
import sys
import time

from demo import child_processes
from demo.child_processes import ChildProcess

SLEEP = "import time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('up', flush=True); {SLEEP}"


def is_running(marker: str) -> bool:
    return subprocess.run(["pgrep", "-f", marker], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_leaving_the_block_interrupts_the_program():
    start_s = time.monotonic()
    with ChildProcess([sys.executable, "-c", SLEEP]) as child:
        assert not child.has_ended()
    assert child.has_ended()
    assert time.monotonic() - start_s < 5


def test_a_program_started_from_the_background_is_interrupted_too():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        test_leaving_the_block_interrupts_the_program()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_grandchild_that_ignores_the_interrupt_does_not_stay(monkeypatch):
    monkeypatch.setattr(child_processes, "INTERRUPT_PATIENCE_S", 0.5)
    marker = f"grandchild_{time.monotonic_ns()}"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STUBBORN!r}, {marker!r}])"
    with ChildProcess([sys.executable, "-c", program]):
        while not is_running(marker):
            time.sleep(0.02)
    assert not is_running(marker)
