"""The ROS benchmarks start what they measure, and write figures that can be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.ros_runtime import free_domain

pytestmark = [pytest.mark.ros, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300.0


def figures_of(bench: str, tmp_path: Path, *arguments: str) -> dict:
    json_file = tmp_path / "results" / "figures.json"
    run = subprocess.run(
        [sys.executable, str(ROOT / "bench" / bench), "--json", str(json_file), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, "ROS_DOMAIN_ID": str(free_domain())},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    return json.loads(json_file.read_text())


def test_the_overhead_of_ros_is_part_of_a_call_and_refusals_are_measured(tmp_path):
    figures = figures_of("ros_overhead.py", tmp_path, "--calls", "3", "--rejections", "20", "--candidates", "4")
    assert (figures["num_calls"], figures["num_rejections"], figures["cloud_bytes"]) == (3, 20, 1_200_000)
    assert 0 < figures["overhead_p50_s"] <= figures["overhead_p95_s"]
    assert 0 < figures["rejection_p50_s"] <= figures["rejection_p99_s"]


def test_the_planner_hears_all_sensors_of_the_load(tmp_path):
    figures = figures_of("ros_load.py", tmp_path, "--minutes", "0.1")
    topics = {"/object_cloud", *(f"/camera_{index}/image" for index in range(6))}
    assert set(figures["num_sent"]) == set(figures["num_heard"]) == topics
    assert all(0 < figures["num_heard"][topic] <= figures["num_sent"][topic] for topic in topics)
    num_heard, num_sent = (sum(figures[name].values()) for name in ("num_heard", "num_sent"))
    assert figures["share_heard"] == pytest.approx(num_heard / num_sent)
    assert figures["num_dropped_packets"] >= 0
    assert figures["planner_core_share"] > 0
    assert figures["window_s"] == pytest.approx(3.0, rel=0.1)
    for part in ("first", "last"):
        assert 0 < figures[f"age_{part}_p50_s"] <= figures[f"age_{part}_p95_s"]
    assert figures["age_p95_ratio"] == pytest.approx(figures["age_last_p95_s"] / figures["age_first_p95_s"])
