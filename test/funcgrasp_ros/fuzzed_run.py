"""Feeds a planner node fuzzed messages, its callbacks called directly, and looks at every answer.

As a program (`python -O fuzzed_run.py --num-messages N --seed S`) it prints what happened as JSON.
"""

import argparse
import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.parameter import Parameter
from sample_plans import SamplePlanner
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from bench.fuzzed_messages import MessageFuzzer
from bench.valid_messages import (
    CAMERA_FRAME,
    CLOUD_FRAME,
    valid_camera_info,
    valid_cloud,
    valid_compressed_image,
    valid_image,
    valid_request,
)
from funcgrasp_core.errors import SUCCESS_CODE, FuncGraspError, error_codes
from funcgrasp_core.visualisation.mesh_renderer import look_at
from funcgrasp_ros import msg, srv
from funcgrasp_ros.conversions.transforms import transform_from_matrix
from funcgrasp_ros.grasp_planner_node import GraspPlannerNode

PATIENCE_S = 60.0
WARM_UP_SHARE = 0.3
LEAST_SENTENCE = 15
LEAST_CODES = 8
"""Were all messages refused for one reason, the checks behind it would not be tried."""
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
KNOWN_CODES = frozenset(error_codes().values()) - {FuncGraspError.code}

PARAMETERS = {
    "camera_topics": ["raw", "packed"],
    "camera_transports": ["raw", "compressed"],
    "transform_timeout": 0.0,
    "num_candidates": 1,
    "num_marker_hands": 1,
}
"""Of the node that is fed; frames that nobody knows are not waited for."""

VALID_INPUTS = {
    "/object_cloud": valid_cloud,
    "/raw/image": valid_image,
    "/raw/camera_info": valid_camera_info,
    "/packed/image/compressed": valid_compressed_image,
    "/packed/camera_info": valid_camera_info,
}


@dataclass
class FuzzReport:
    """What came of the messages.

    Attributes:
        num_messages: that were fed.
        num_valid: of them were not mutated.
        codes: how often each code was answered.
        objections: what is wrong with answers.
        growth_bytes: of the process's memory, after the first part of the messages.
    """

    num_messages: int = 0
    num_valid: int = 0
    codes: Counter = field(default_factory=Counter)
    objections: list[str] = field(default_factory=list)
    growth_bytes: int = 0


class InProcessNode:
    """An active planner node without an executor: its callbacks are called by hand.

    Args:
        parameters: overrides of PARAMETERS.
    """

    def __init__(self, parameters: dict[str, Any] | None = None):
        self._parameters = {**PARAMETERS, **(parameters or {})}

    def __enter__(self) -> "InProcessNode":
        rclpy.init()
        overrides = [Parameter(name, value=value) for name, value in self._parameters.items()]
        self._node = GraspPlannerNode(lambda settings: SamplePlanner(), parameter_overrides=overrides)
        if not self._node.start():
            raise RuntimeError("the node cannot be started")
        self._topics = {subscription.topic_name: subscription.callback for subscription in self._node.subscriptions}
        (self._service,) = (entity for entity in self._node.services if entity.service_name == "/plan_grasp")
        # A callback that hangs must not hang the test.
        self._calls = ThreadPoolExecutor(max_workers=1)
        self.deliver("/tf_static", TFMessage(transforms=[_lens_beside_the_table()]))
        return self

    def __exit__(self, *exception: object) -> None:
        self._calls.shutdown(wait=False)
        self._node.destroy_node()
        rclpy.try_shutdown()

    def deliver(self, topic: str, message: Any) -> None:
        """A message comes on a topic."""
        self._calls.submit(self._topics[topic], message).result(PATIENCE_S)

    def ask(self, request: msg.GraspRequest) -> msg.GraspPlan:
        """The answer of the service."""
        call = self._calls.submit(
            self._service.callback, srv.PlanGrasp.Request(request=request), srv.PlanGrasp.Response()
        )
        return call.result(PATIENCE_S).plan


def run(node: InProcessNode, num_messages: int, seed: int) -> FuzzReport:
    """Feeds the node messages of every kind in turn, each followed by a request, and then by a valid one again."""
    fuzzer = MessageFuzzer(seed)
    report = FuzzReport()
    for topic, make in VALID_INPUTS.items():
        node.deliver(topic, make())
    warm_at = int(WARM_UP_SHARE * num_messages)
    for index in range(num_messages):
        if index == warm_at:
            report.growth_bytes = -resident_bytes()
        kind = KINDS[index % len(KINDS)]
        answer = kind(node, fuzzer)
        report.num_messages += 1
        report.num_valid += fuzzer.is_valid
        report.codes[answer.code] += 1
        objection = objection_to(answer)
        if fuzzer.is_valid and answer.code != SUCCESS_CODE:
            objection = f"a valid message was refused: {answer.message}"
        if objection:
            report.objections.append(f"message {index}, {kind.__name__}: {objection}")
    report.growth_bytes += resident_bytes()
    return report


def objection_to(answer: msg.GraspPlan) -> str:
    """What is wrong with an answer, be it a plan or a refusal; empty if nothing."""
    if answer.code == SUCCESS_CODE:
        numbers = [value for grasp in answer.grasps for value in (*grasp.mano_vector, grasp.score)]
        if not numbers or not np.isfinite(numbers).all():
            return f"a plan of {len(answer.grasps)} grasps that are not all finite"
        if 3 * len(answer.contact_map.probabilities) != len(answer.contact_map.points) * msg.ContactMap.NUM_PARTS:
            return "a contact map of contradicting lengths"
        return ""
    if answer.code not in KNOWN_CODES:
        return f"code {answer.code}: {answer.message[:500]}"
    if answer.grasps or len(answer.message) < LEAST_SENTENCE:
        return f"a refusal with {len(answer.grasps)} grasps and the message '{answer.message}'"
    return ""


def resident_bytes() -> int:
    """Memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def _on_topic(topic: str, make: str):
    """A kind of message that comes on a topic and is used by the next request that brings nothing itself."""

    def feed(node: InProcessNode, fuzzer: MessageFuzzer) -> msg.GraspPlan:
        node.deliver(topic, getattr(fuzzer, make)())
        answer = node.ask(msg.GraspRequest(instruction="hold it"))
        node.deliver(topic, VALID_INPUTS[topic]())
        return answer

    feed.__name__ = make
    return feed


def _text(node: InProcessNode, fuzzer: MessageFuzzer) -> msg.GraspPlan:
    return node.ask(valid_request(instruction=fuzzer.text()))


def _request(node: InProcessNode, fuzzer: MessageFuzzer) -> msg.GraspPlan:
    return node.ask(fuzzer.request())


KINDS = (
    _on_topic("/object_cloud", "cloud"),
    _on_topic("/raw/image", "image"),
    _on_topic("/raw/camera_info", "camera_info"),
    _on_topic("/packed/image/compressed", "compressed_image"),
    _text,
    _request,
)


def _lens_beside_the_table() -> TransformStamped:
    stamped = TransformStamped(header=Header(frame_id=CLOUD_FRAME), child_frame_id=CAMERA_FRAME)
    stamped.transform = transform_from_matrix(look_at((0.1, 0.6, 0.0), (0, 0, 0), (0, 0, 1)))
    return stamped


def main() -> None:
    """Runs once and prints the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-messages", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    with InProcessNode() as node:
        report = run(node, arguments.num_messages, arguments.seed)
    print(json.dumps({**vars(report), "is_optimised": not __debug__}))


if __name__ == "__main__":
    main()
