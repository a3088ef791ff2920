import time

import pytest
import torch

from funcgrasp_core.planning.stage_timer import StageTimer


def test_stages_add_up_within_the_total():
    timer = StageTimer(torch.device("cpu"))
    for _ in range(2):
        with timer.stage("sample"):
            time.sleep(0.02)
    with timer.stage("rank"):
        time.sleep(0.01)
    timings = timer.timings()
    assert list(timings) == ["sample", "rank", "total"]
    assert timings["sample"] >= 0.04
    assert timings["rank"] >= 0.01
    assert timings["total"] >= timings["sample"] + timings["rank"]
    assert timings["total"] == pytest.approx(0.05, abs=0.5)
