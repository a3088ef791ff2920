"""The same broken messages over DDS, and bytes that are no message at all: the node answers, and goes on."""

from collections.abc import Callable

import pytest
from fuzzed_run import KNOWN_CODES, LEAST_CODES, PARAMETERS, objection_to
from node_bench import NodeBench
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import String

from bench.fuzzed_messages import MessageFuzzer
from bench.valid_messages import INSTRUCTION, valid_request
from funcgrasp_ros import msg, qos_profiles

pytestmark = pytest.mark.ros

DAMAGED_SHARE = 0.2
"""Of the messages of topics are sent with damaged bytes."""


class DdsFeeder:
    """Publishes fuzzed messages to the planner of a bench.

    Args:
        bench: running, with the parameters of `fuzzed_run`.
        seed: of every choice.
    """

    def __init__(self, bench: NodeBench, seed: int):
        self._bench = bench
        self._fuzzer = MessageFuzzer(seed)
        self._topics = [
            (bench.publisher(PointCloud2, "object_cloud"), self._fuzzer.cloud),
            (bench.publisher(Image, "raw/image"), self._fuzzer.image),
            (bench.publisher(CameraInfo, "raw/camera_info"), self._fuzzer.camera_info),
            (bench.publisher(CompressedImage, "packed/image/compressed"), self._fuzzer.compressed_image),
        ]
        self._instructions = bench.publisher(String, "instruction", qos_profiles.COMMAND_INPUT)
        self._shown = bench.listen(msg.GraspPlan, "grasp_planner/grasps")
        self.num_damaged = 0

    def publish(self, index: int) -> msg.GraspPlan:
        """A message on a topic, then the answer to a request that uses what came last."""
        publisher, make = self._topics[index % len(self._topics)]
        message = make()
        if self._fuzzer.whole_number(100) < 100 * DAMAGED_SHARE:
            self.num_damaged += 1
            # The first four bytes say how the others are written: DDS itself refuses what it does not know.
            content = serialize_message(message)
            publisher.publish(content[:4] + (bytes(self._fuzzer.damaged(content[4:])) or b"\0"))
        else:
            publisher.publish(message)
        return self._bench.plan(msg.GraspRequest(instruction=INSTRUCTION))

    def request(self, index: int) -> msg.GraspPlan:
        """The answer to a broken request."""
        return self._bench.plan(self._fuzzer.request())

    def instruct(self, index: int) -> msg.GraspPlan:
        """What is shown for a strange instruction."""
        # Told apart from the last one by what cannot be seen.
        text = "\u200b" * (1 + index % 7) + self._fuzzer.text()
        self._shown.clear()
        self._instructions.publish(String(data=text))
        # Texts end at their first zero on the wire, as C's do.
        heard = text.partition("\0")[0]
        self._bench.wait_until(lambda: any(plan.instruction == heard for plan in self._shown))
        return next(plan for plan in self._shown if plan.instruction == heard)


@pytest.mark.parametrize("num_messages", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_broken_messages_are_planned_with_or_refused(num_messages):
    with NodeBench({**PARAMETERS, "max_cloud_age": 0.0}) as bench:
        feeder = DdsFeeder(bench, seed=num_messages)
        kinds: list[Callable[[int], msg.GraspPlan]] = [feeder.publish, feeder.request, feeder.instruct]
        codes, objections = set(), []
        for index in range(num_messages):
            answer = kinds[index % len(kinds)](index // len(kinds))
            codes.add(answer.code)
            objection = objection_to(answer)
            if objection:
                objections.append(f"message {index}: {objection}")
        assert not objections, "\n".join(objections[:20])
        assert feeder.num_damaged
        assert codes <= KNOWN_CODES
        assert len(codes) >= LEAST_CODES
        assert bench.plan(valid_request()).code == msg.GraspPlan.SUCCESS


def test_a_message_of_another_type_on_the_wire_does_not_end_the_node():
    with NodeBench(PARAMETERS) as bench:
        instructions = bench.publisher(String, "instruction", qos_profiles.COMMAND_INPUT)
        shown = bench.listen(msg.GraspPlan, "grasp_planner/grasps")
        for length in range(1, 9):
            instructions.publish(b"\x00\x01\x00\x00" + b"\xff" * length)
        instructions.publish(String(data="hold it"))
        bench.wait_until(lambda: any(plan.instruction == "hold it" for plan in shown))
        assert bench.plan().code == msg.GraspPlan.SUCCESS
