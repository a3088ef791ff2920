"""Messages of every kind, nearly all broken: each is planned with or refused with its code, and nothing piles up."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzzed_run import LEAST_CODES, FuzzReport, InProcessNode, run

from bench.valid_messages import valid_request
from funcgrasp_ros import msg

pytestmark = pytest.mark.ros

MAX_VALID_SHARE = 0.05
MAX_GROWTH_BYTES = 32 * 2**20
CHILD_PATIENCE_S = 300.0


def check(report: FuzzReport, num_messages: int) -> None:
    assert not report.objections, "\n".join(report.objections[:20])
    assert report.num_messages == num_messages == sum(report.codes.values())
    assert 0 < report.num_valid <= MAX_VALID_SHARE * num_messages + 5
    assert report.growth_bytes < MAX_GROWTH_BYTES
    assert len(report.codes) >= LEAST_CODES, report.codes


@pytest.mark.parametrize("num_messages", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_broken_messages_are_planned_with_or_refused(num_messages):
    with InProcessNode() as node:
        check(run(node, num_messages, seed=num_messages), num_messages)
        assert node.ask(valid_request()).code == msg.GraspPlan.SUCCESS


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("open3d") is None, reason="scenes need open3d")
def test_broken_messages_of_scenes_are_planned_with_or_refused():
    with InProcessNode({"object_source": "scene", "planning_frame": "table"}) as node:
        check(run(node, 1000, seed=5), 1000)


def test_without_assertions_broken_messages_are_refused_all_the_same():
    program = Path(__file__).with_name("fuzzed_run.py")
    child = subprocess.run(
        [sys.executable, "-O", str(program), "--num-messages", "200", "--seed", "7"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=CHILD_PATIENCE_S,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    report = json.loads(child.stdout)
    assert report.pop("is_optimised")
    check(FuzzReport(**report), 200)
