"""Transitions again and again, quietly and while clients call: the node always comes back, and nothing piles up."""

import threading
from collections import Counter

import pytest
from fuzzed_run import resident_bytes
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_bench import NodeBench
from plan_callers import PATIENCE_S, PlanCaller

from funcgrasp_ros import msg

pytestmark = pytest.mark.ros

CYCLE = (
    Transition.TRANSITION_DEACTIVATE,
    Transition.TRANSITION_CLEANUP,
    Transition.TRANSITION_CONFIGURE,
    Transition.TRANSITION_ACTIVATE,
)
WARM_UP_CYCLES = 3
MAX_GROWTH_BYTES = 16 * 2**20
NUM_CYCLES = [4, pytest.param(100, marks=pytest.mark.slow)]


class LifecycleManager:
    """Sends transitions to the planner as nav2's manager does."""

    def __init__(self, bench: NodeBench):
        self._bench = bench
        self._changes = bench.node.create_client(ChangeState, "grasp_planner/change_state")
        self._states = bench.node.create_client(GetState, "grasp_planner/get_state")
        assert self._changes.wait_for_service(timeout_sec=PATIENCE_S)
        assert self._states.wait_for_service(timeout_sec=PATIENCE_S)

    def change(self, transition_id: int) -> None:
        future = self._changes.call_async(ChangeState.Request(transition=Transition(id=transition_id)))
        self._bench.wait_until(future.done)
        assert future.result().success, f"transition {transition_id}"

    def state(self) -> int:
        future = self._states.call_async(GetState.Request())
        self._bench.wait_until(future.done)
        return future.result().current_state.id

    def cycle(self) -> None:
        for transition_id in CYCLE:
            self.change(transition_id)


def belongings(bench: NodeBench) -> tuple[int, int, int, int]:
    """How many subscriptions, publishers, services and threads there are."""
    node = bench.planner_node
    counts = [len(list(entities)) for entities in (node.subscriptions, node.publishers, node.services)]
    # The executor starts threads as it needs them, up to a limit.
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith(("executor", "ThreadPool"))]
    return (*counts, len(threads))


@pytest.mark.parametrize("num_cycles", NUM_CYCLES)
def test_after_each_cycle_the_node_plans_and_holds_no_more_than_before(num_cycles):
    with NodeBench() as bench:
        manager = LifecycleManager(bench)
        for _ in range(WARM_UP_CYCLES):
            manager.cycle()
            assert bench.plan().code == msg.GraspPlan.SUCCESS
        held, memory_bytes = belongings(bench), resident_bytes()
        for _ in range(num_cycles):
            manager.cycle()
            assert bench.plan().code == msg.GraspPlan.SUCCESS
            bench.planner.observations.clear()
        assert manager.state() == State.PRIMARY_STATE_ACTIVE
        assert belongings(bench) == held
        assert resident_bytes() - memory_bytes < MAX_GROWTH_BYTES


@pytest.mark.parametrize("num_cycles", NUM_CYCLES)
def test_clients_that_call_meanwhile_are_all_answered(num_cycles):
    stop = threading.Event()

    def call_until_stopped(caller: PlanCaller) -> None:
        index = 0
        while not stop.is_set():
            caller.call(index)
            index += 1

    with NodeBench() as bench:
        manager = LifecycleManager(bench)
        callers = [PlanCaller(f"caller_{index}") for index in range(3)]
        for caller in callers:
            caller.wait_for_planner()
        threads = [threading.Thread(target=call_until_stopped, args=(caller,)) for caller in callers]
        for thread in threads:
            thread.start()
        try:
            for _ in range(num_cycles):
                manager.cycle()
        finally:
            stop.set()
            for thread in threads:
                thread.join(PATIENCE_S)
        assert not any(thread.is_alive() for thread in threads)
        reports = [caller.report for caller in callers]
        for caller in callers:
            caller.close()
        assert bench.plan().code == msg.GraspPlan.SUCCESS
    lost = [objection for report in reports for objection in report.objections if "not answered" in objection]
    assert not lost
    codes = Counter(code for report in reports for code in report.codes)
    plan = msg.GraspPlan
    assert codes.keys() <= {plan.SUCCESS, plan.BUSY, plan.CANCELLED, plan.MODEL_NOT_READY}, codes
