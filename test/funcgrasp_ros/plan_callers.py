"""Clients of `plan_grasp` that call it all at once, and know from an answer whether it is theirs.

As a program (`plan_callers.py --names A B --num-calls N`) it calls from a process of its own, to be killed.
"""

import argparse
import threading
from dataclasses import dataclass, field

import rclpy
from rclpy.executors import SingleThreadedExecutor

from bench.valid_messages import valid_cloud
from funcgrasp_ros import msg, qos_profiles, srv

PATIENCE_S = 120.0
SEED_NOTE = "The seed was"
FIRST_ANSWER = "answered"
"""What the program prints when its first answer has come."""


@dataclass
class CallerReport:
    """What one caller met.

    Attributes:
        codes: of the answers, in the order of the calls.
        num_withdrawn: calls whose answers were not waited for.
        objections: answers that belong to another call, or never came.
    """

    codes: list[int] = field(default_factory=list)
    num_withdrawn: int = 0
    objections: list[str] = field(default_factory=list)


class PlanCaller:
    """A node of its own, spun by a thread of its own.

    Args:
        name: of the node; also part of every instruction.
    """

    def __init__(self, name: str):
        self.name = name
        self.report = CallerReport()
        self._node = rclpy.create_node(name, start_parameter_services=False)
        self._client = self._node.create_client(srv.PlanGrasp, "plan_grasp", qos_profile=qos_profiles.PLAN_SERVICE)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._spinning = threading.Thread(target=self._executor.spin, daemon=True)
        self._spinning.start()

    def wait_for_planner(self) -> None:
        """Returns once the service is discovered."""
        if not self._client.wait_for_service(timeout_sec=PATIENCE_S):
            raise TimeoutError(f"{self.name} has found no planner")

    def close(self) -> None:
        """Ends thread and node."""
        self._executor.shutdown()
        self._spinning.join(PATIENCE_S)
        self._node.destroy_node()

    def call(self, index: int) -> int | None:
        """One call; its code is reported, or why the answer is not its own. None: there was none in time."""
        request = self._request(index)
        response = self._client.call(srv.PlanGrasp.Request(request=request), timeout_sec=PATIENCE_S)
        if response is None:
            self.report.objections.append(f"{self.name}: call {index} was not answered")
            return None
        plan = response.plan
        self.report.codes.append(plan.code)
        if plan.instruction != request.instruction:
            self.report.objections.append(f"{self.name}: call {index} was answered '{plan.instruction}'")
        if plan.code == msg.GraspPlan.SUCCESS and f"{SEED_NOTE} {request.seed}." not in plan.notes:
            self.report.objections.append(f"{self.name}: call {index} was planned as {list(plan.notes)}")
        return plan.code

    def withdraw(self, index: int) -> None:
        """One call whose answer is not waited for."""
        future = self._client.call_async(srv.PlanGrasp.Request(request=self._request(index)))
        self._client.remove_pending_request(future)
        self.report.num_withdrawn += 1

    def _request(self, index: int) -> msg.GraspRequest:
        return msg.GraspRequest(
            instruction=f"hold it for {self.name}, call {index}",
            cloud=valid_cloud(),
            num_candidates=1 + index % 3,
            seed=abs(hash((self.name, index))) % 2**32,
        )


def main() -> None:
    """Calls from all callers at once until every one is through, or somebody kills it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", nargs="+", required=True)
    parser.add_argument("--num-calls", type=int, required=True)
    arguments = parser.parse_args()
    rclpy.init(args=[])
    callers = [PlanCaller(name) for name in arguments.names]
    for caller in callers:
        caller.wait_for_planner()
    print("found", flush=True)

    def call_all(caller: PlanCaller) -> None:
        for index in range(arguments.num_calls):
            caller.call(index)
            print(FIRST_ANSWER, flush=True)

    threads = [threading.Thread(target=call_all, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
