"""Many clients at once, some of which withdraw calls and some of which are killed: no answer is lost or swapped."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_bench import NodeBench
from plan_callers import FIRST_ANSWER, SEED_NOTE, PlanCaller
from sample_plans import SamplePlanner

from funcgrasp_core.contracts import GraspPlan, GraspRequest, ObjectObservation
from funcgrasp_ros import msg

pytestmark = pytest.mark.ros

PLANNING_S = 0.005
QUEUE_SIZE = 8
PATIENCE_S = 300.0
WITHDRAWN_EVERY = 3


class SeedTellingPlanner(SamplePlanner):
    """A fast planner whose plans tell the seed they were made with."""

    def plan(self, observation: ObjectObservation, request: GraspRequest) -> GraspPlan:
        time.sleep(PLANNING_S)
        plan = super().plan(observation, request)
        return GraspPlan(**{**vars(plan), "notes": (f"{SEED_NOTE} {request.seed}.",)})


@contextlib.contextmanager
def callers_in_another_process(names: list[str]) -> Iterator[subprocess.Popen]:
    """Callers that go on calling until they are killed; they have had an answer when the block begins."""
    program = Path(__file__).with_name("plan_callers.py")
    process = subprocess.Popen(
        [sys.executable, str(program), "--num-calls", "1000000", "--names", *names],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout is not None
        assert FIRST_ANSWER in (line.strip() for line in process.stdout)
        yield process
    finally:
        process.kill()
        process.wait()


def call_again_and_again(caller: PlanCaller, num_calls: int, does_withdraw: bool) -> None:
    for index in range(num_calls):
        if does_withdraw and index % WITHDRAWN_EVERY == 0:
            caller.withdraw(index)
        else:
            caller.call(index)


@pytest.mark.parametrize(
    ("num_patient", "num_withdrawing", "num_killed", "num_calls"),
    [(5, 2, 1, 4), pytest.param(20, 4, 8, 20, marks=pytest.mark.slow)],
)
def test_every_call_gets_its_own_answer_or_busy(num_patient, num_withdrawing, num_killed, num_calls):
    planner = SeedTellingPlanner()
    doomed = [f"doomed_{index}" for index in range(num_killed)]
    with NodeBench({"queue_size": QUEUE_SIZE}, lambda settings: planner) as bench:
        callers = [PlanCaller(f"caller_{index}") for index in range(num_patient + num_withdrawing)]
        for caller in callers:
            caller.wait_for_planner()
        threads = [
            threading.Thread(target=call_again_and_again, args=(caller, num_calls, index >= num_patient))
            for index, caller in enumerate(callers)
        ]
        with callers_in_another_process(doomed) as process:
            for thread in threads:
                thread.start()
            while sum(len(caller.report.codes) for caller in callers) < len(callers):
                assert any(thread.is_alive() for thread in threads)
                time.sleep(0.01)
            process.kill()
            for thread in threads:
                thread.join(PATIENCE_S)
        assert not any(thread.is_alive() for thread in threads)
        reports = [caller.report for caller in callers]
        for caller in callers:
            caller.close()
        assert bench.plan().code == msg.GraspPlan.SUCCESS
    objections = [objection for report in reports for objection in report.objections]
    assert not objections, "\n".join(objections[:20])
    assert all(len(report.codes) + report.num_withdrawn == num_calls for report in reports)
    codes = Counter(code for report in reports for code in report.codes)
    assert codes.keys() <= {msg.GraspPlan.SUCCESS, msg.GraspPlan.BUSY}
    assert 0 < codes[msg.GraspPlan.SUCCESS] < len(planner.observations)


def test_clients_beyond_the_queue_are_refused_and_nobody_else():
    """One request runs and two wait; of six at once three are planned, whoever they are."""
    go_on = threading.Event()
    planner = SeedTellingPlanner(before_planning=lambda: go_on.wait(PATIENCE_S))
    with NodeBench({"queue_size": 2}, lambda settings: planner) as bench:
        callers = [PlanCaller(f"caller_{index}") for index in range(6)]
        for caller in callers:
            caller.wait_for_planner()
        threads = [threading.Thread(target=caller.call, args=(0,)) for caller in callers]
        for thread in threads:
            thread.start()
        bench.wait_until(lambda: sum(len(caller.report.codes) for caller in callers) == 3)
        assert bench.planner_node.num_unfinished_requests() == 3
        go_on.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        reports = [caller.report for caller in callers]
        for caller in callers:
            caller.close()
    codes = sorted(code for report in reports for code in report.codes)
    assert codes == [msg.GraspPlan.SUCCESS] * 3 + [msg.GraspPlan.BUSY] * 3
    assert not [objection for report in reports for objection in report.objections]
