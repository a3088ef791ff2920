"""Events of publishers and subscriptions, policies that parameters change, and who is on a topic."""

import pytest
from script_process import spin_until

DEADLINE_S = 0.05


@pytest.mark.ros
def test_matches_and_refusals_are_reported(ros) -> None:
    import rclpy
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
    from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy
    from std_msgs.msg import String

    node, seen = rclpy.create_node("listening"), []
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = node.create_publisher(
        String, "topic", best_effort,
        event_callbacks=PublisherEventCallbacks(matched=seen.append, incompatible_qos=seen.append),
    )  # fmt: skip
    assert [handler.event_type.name for handler in publisher.event_handlers] == [
        "RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS",
        "RCL_PUBLISHER_MATCHED",
    ]
    subscription = node.create_subscription(String, "topic", print, best_effort)
    assert spin_until(node, lambda: len(seen) == 1)
    assert (seen[0].current_count, seen[0].current_count_change) == (1, 1)
    node.destroy_subscription(subscription)
    assert spin_until(node, lambda: len(seen) == 2)
    assert (seen[1].current_count, seen[1].current_count_change) == (0, -1)
    silent = SubscriptionEventCallbacks(use_default_callbacks=False)
    assert node.create_subscription(String, "topic", print, 1, event_callbacks=silent).event_handlers == []
    assert spin_until(node, lambda: len(seen) == 3)
    assert (seen[2].total_count, seen[2].last_policy_kind) == (1, QoSPolicyKind.RELIABILITY)


@pytest.mark.ros
def test_missed_deadlines_and_lost_liveliness(ros) -> None:
    import rclpy
    from rclpy.duration import Duration
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
    from rclpy.qos import LivelinessPolicy, QoSProfile
    from std_msgs.msg import String

    node = rclpy.create_node("late")
    sent, received = {}, {}
    qos = QoSProfile(
        depth=1, deadline=Duration(seconds=DEADLINE_S), liveliness=LivelinessPolicy.MANUAL_BY_TOPIC,
        liveliness_lease_duration=Duration(seconds=DEADLINE_S),
    )  # fmt: skip
    publisher = node.create_publisher(
        String, "topic", qos,
        event_callbacks=PublisherEventCallbacks(
            deadline=lambda info: sent.update(deadline=info), liveliness=lambda info: sent.update(liveliness=info)
        ),
    )  # fmt: skip
    node.create_subscription(
        String, "topic", print, qos,
        event_callbacks=SubscriptionEventCallbacks(
            deadline=lambda info: received.update(deadline=info),
            liveliness=lambda info: received.update(liveliness=info),
        ),
    )  # fmt: skip
    publisher.publish(String(data="once"))
    publisher.assert_liveliness()
    assert spin_until(node, lambda: len(sent) == 2 and len(received) == 2)
    assert sent["deadline"].total_count >= 1
    assert sent["liveliness"].total_count >= 1
    assert received["deadline"].total_count >= 1
    assert spin_until(node, lambda: received["liveliness"].not_alive_count == 1)


@pytest.mark.ros
def test_policies_can_be_changed_by_parameters(ros) -> None:
    import rclpy
    from rclpy.parameter import Parameter
    from rclpy.qos import QoSProfile
    from rclpy.qos_overriding_options import InvalidQosOverridesError, QosCallbackResult, QoSOverridingOptions
    from std_msgs.msg import String

    overrides = [
        Parameter("qos_overrides./topic.publisher.depth", value=7),
        Parameter("qos_overrides./topic.subscription.reliability", value="best_effort"),
        Parameter("qos_overrides./other.subscription.history", value="keep_some"),
    ]
    node = rclpy.create_node("tuned", parameter_overrides=overrides)
    options = QoSOverridingOptions.with_default_policies()
    publisher = node.create_publisher(String, "topic", 3, qos_overriding_options=options)
    assert publisher.qos_profile == QoSProfile(depth=7)
    subscription = node.create_subscription(String, "topic", print, 3, qos_overriding_options=options)
    assert subscription.qos_profile.reliability.short_key == "best_effort"
    with pytest.raises(RuntimeError, match="keep_some"):
        node.create_subscription(String, "other", print, 3, qos_overriding_options=options)
    picky = QoSOverridingOptions.with_default_policies(
        callback=lambda qos: QosCallbackResult(successful=qos.depth > 5, reason="too shallow"), entity_id="b"
    )
    with pytest.raises(InvalidQosOverridesError, match="too shallow"):
        node.create_publisher(String, "topic", 3, qos_overriding_options=picky)


@pytest.mark.ros
def test_graph_queries_know_nodes_and_policies(ros) -> None:
    import rclpy
    from rclpy.duration import Duration, Infinite
    from rclpy.qos import QoSProfile
    from std_msgs.msg import String

    node = rclpy.create_node("asking", namespace="/space", start_parameter_services=False)
    node.create_publisher(String, "topic", QoSProfile(depth=1, deadline=Duration(seconds=2)))
    node.create_subscription(String, "topic", print, 1)
    (info,) = node.get_publishers_info_by_topic("topic")
    assert (info.node_name, info.node_namespace, info.topic_type) == ("asking", "/space", "std_msgs/msg/String")
    assert str(info.topic_type_hash) == "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
    assert info.qos_profile.deadline == Duration(seconds=2)
    assert info.qos_profile.lifespan == Infinite
    assert "Deadline: 2000000000 nanoseconds" in str(info)
    assert len(node.get_subscriptions_info_by_topic("/space/topic")) == 1
    published = node.get_publisher_names_and_types_by_node("asking", "/space")
    assert ("/space/topic", ["std_msgs/msg/String"]) in published
    assert node.get_subscriber_names_and_types_by_node("asking", "/space") == [
        ("/space/topic", ["std_msgs/msg/String"])
    ]
    with pytest.raises(RuntimeError, match="/nowhere/nobody"):
        node.get_publisher_names_and_types_by_node("nobody", "/nowhere")
    assert node.wait_for_node("/space/asking", 10.0)
    assert not node.wait_for_node("/space/nobody", 0.0)
