import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from killed_runs import INTERVAL


@pytest.mark.slow
def test_a_run_that_is_killed_fifty_times_ends_with_the_weights_of_one_that_never_was(tmp_path):
    result = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed_runs.py"), tmp_path, "50", "0"],
        env=os.environ | {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["kills"] == 50
    assert found["inside_save"] >= 10
    assert found["unloadable"] == found["different"] == 0
    assert found["finished"] >= 1
    assert found["most_steps_lost"] <= INTERVAL
