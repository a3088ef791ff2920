"""Managed nodes: transitions from another process, failures, and the publishers that follow."""

import pytest
from script_process import spin_until

pytestmark = pytest.mark.ros

NODE = """
    import rclpy
    from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
    from std_msgs.msg import String

    class Machine(LifecycleNode):
        def __init__(self):
            super().__init__("machine")
            self.num_failures = 1
            self.output = self.create_lifecycle_publisher(String, "~/output", 10)
            self.create_timer(0.05, lambda: self.output.publish(String(data="running")))

        def on_configure(self, state):
            if self.num_failures:
                self.num_failures -= 1
                return TransitionCallbackReturn.FAILURE
            return super().on_configure(state)

        def on_cleanup(self, state):
            raise RuntimeError("cleanup is broken")

    rclpy.init()
    node = Machine()
    print("READY")
    rclpy.spin(node)
"""


def test_transitions_from_another_process(ros, start_script) -> None:
    import rclpy
    from lifecycle_msgs.msg import Transition, TransitionEvent
    from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
    from std_msgs.msg import String

    machine = start_script(NODE)
    machine.wait_for_line("READY")
    node = rclpy.create_node("manager")
    events, outputs = [], []
    node.create_subscription(TransitionEvent, "/machine/transition_event", events.append, 10)
    node.create_subscription(String, "/machine/output", outputs.append, 10)

    def ask(srv_type, service: str, request):
        client = node.create_client(srv_type, f"/machine/{service}")
        assert client.wait_for_service(timeout_sec=30.0)
        future = client.call_async(request)
        rclpy.spin_until_future_complete(node, future, timeout_sec=30.0)
        node.destroy_client(client)
        return future.result()

    def change(transition_id: int = 0, label: str = "") -> bool:
        request = ChangeState.Request(transition=Transition(id=transition_id, label=label))
        return ask(ChangeState, "change_state", request).success

    def state() -> str:
        return ask(GetState, "get_state", GetState.Request()).current_state.label

    assert state() == "unconfigured"
    assert not change(Transition.TRANSITION_ACTIVATE), "not possible from here"
    assert not change(Transition.TRANSITION_CONFIGURE), "the callback failed"
    assert state() == "unconfigured"
    assert change(label="configure")
    possible = ask(GetAvailableTransitions, "get_available_transitions", GetAvailableTransitions.Request())
    labels = {description.transition.label for description in possible.available_transitions}
    assert labels == {"activate", "cleanup", "shutdown"}
    graph = ask(GetAvailableTransitions, "get_transition_graph", GetAvailableTransitions.Request())
    assert len(graph.available_transitions) == 25
    assert outputs == [], "a lifecycle publisher is silent until its node is active"
    assert change(Transition.TRANSITION_ACTIVATE)
    assert state() == "active"
    assert spin_until(node, lambda: bool(outputs), 30.0)
    assert change(Transition.TRANSITION_DEACTIVATE)
    assert not change(Transition.TRANSITION_CLEANUP), "the callback raised"
    machine.wait_for_line("cleanup is broken")
    assert state() == "unconfigured", "on_error succeeded"
    assert change(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert state() == "finalized"
    goals = [event.goal_state.label for event in events]
    assert goals[:4] == ["configuring", "unconfigured", "configuring", "inactive"]


def test_triggers_and_the_error_of_an_impossible_one(ros) -> None:
    from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

    from embedded_ros.errors import RCLError

    before: list[LifecycleState] = []

    class Quiet(LifecycleNode):
        def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
            before.append(state)
            return super().on_activate(state)

        def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
            return TransitionCallbackReturn.FAILURE

        def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
            return TransitionCallbackReturn.ERROR

    node = Quiet("quiet", enable_communication_interface=False)
    assert not any(service.service_name.endswith("change_state") for service in node.services)
    with pytest.raises(RCLError, match="'activate' is not possible from state 'unconfigured'"):
        node.trigger_activate()
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert before == [LifecycleState("inactive", 2)]
    assert node.trigger_deactivate() == TransitionCallbackReturn.ERROR
    with pytest.raises(RCLError, match="'finalized'"):
        node.trigger_configure()
