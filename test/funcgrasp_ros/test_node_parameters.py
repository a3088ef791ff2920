import dataclasses
from pathlib import Path

import pytest
import yaml

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_ros.node_parameters import PLANNER_PARAMETERS, READ_WHEN, setting_from_value
from funcgrasp_ros.planner_settings import PlannerSettings
from funcgrasp_ros.scene_segmentation import SegmentationConfig

CONFIG_FILE = Path(__file__).resolve().parents[2] / "config" / "planner.yaml"


def settings(**changes) -> PlannerSettings:
    values = {name: parameter.default for name, parameter in PLANNER_PARAMETERS.items()} | changes
    return PlannerSettings(**{name: setting_from_value(name, value) for name, value in values.items()})


def test_every_parameter_is_a_setting_and_tells_what_it_does():
    assert [field.name for field in dataclasses.fields(PlannerSettings)] == list(PLANNER_PARAMETERS)
    for name, parameter in PLANNER_PARAMETERS.items():
        assert len(parameter.description) > 20, name
        assert parameter.read_when in READ_WHEN
        is_number = isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool)
        assert is_number == (parameter.limits is not None), name
        if parameter.limits is not None:
            assert parameter.limits[0] <= parameter.default <= parameter.limits[1], name


def test_the_configuration_file_holds_the_defaults():
    written = yaml.safe_load(CONFIG_FILE.read_text())["/**"]["ros__parameters"]
    assert written == {name: PLANNER_PARAMETERS[name].default for name in written}
    for name, value in written.items():
        assert type(value) is type(PLANNER_PARAMETERS[name].default), name


def test_the_configuration_file_holds_every_parameter_that_is_no_launch_argument():
    text = CONFIG_FILE.read_text()
    written = yaml.safe_load(text)["/**"]["ros__parameters"]
    comment = text.partition("/**:")[0]
    assert all(name in comment for name in set(PLANNER_PARAMETERS) - set(written))


def test_the_defaults_are_those_of_the_segmentation():
    assert settings().segmentation == SegmentationConfig()


def test_a_single_empty_slot_names_none():
    assert settings().slot_of_camera(3) == ""
    named = settings(camera_topics=["one", "two"], camera_slots=["", "top"])
    assert [named.slot_of_camera(index) for index in range(2)] == ["", "top"]


def test_a_single_transport_is_every_cameras():
    assert settings(camera_transports=["compressed"]).transport_of_camera(4) == "compressed"
    mixed = settings(camera_topics=["one", "two"], camera_transports=["raw", "compressed"])
    assert [mixed.transport_of_camera(index) for index in range(2)] == ["raw", "compressed"]


def test_pictures_are_raw_unless_they_are_said_to_be_rectified():
    assert not settings().is_rectified(5)
    assert settings(camera_pictures=["rectified"]).is_rectified(5)
    mixed = settings(camera_topics=["one", "two"], camera_pictures=["raw", "rectified"])
    assert [mixed.is_rectified(index) for index in range(2)] == [False, True]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "tpu"}, "'device' is 'tpu'; expected cpu"),
        ({"hand_backend": "chumpy"}, "'hand_backend' holds 'chumpy'; expected native, manotorch"),
        ({"object_source": "mesh"}, "'object_source' holds 'mesh'; expected cloud, scene"),
        ({"num_candidates": 64, "max_candidates": 32}, "lower the first or raise the second"),
        ({"camera_topics": ["not a topic"]}, "'camera_topics' holds 'not a topic', which cannot be a topic's name"),
        ({"camera_topics": ["one", "one"]}, "'camera_topics' names a topic twice"),
        ({"cloud_topics": ["3d"]}, "'cloud_topics' holds '3d', which cannot be a topic's name"),
        ({"cloud_topics": ["left", "right"]}, "2 topics, but 'planning_frame' is empty"),
        ({"camera_transports": ["theora"]}, "'camera_transports' holds 'theora'; expected raw, compressed"),
        ({"camera_transports": ["raw", "raw"]}, "'camera_transports' has 2 values for 6 'camera_topics'"),
        ({"camera_pictures": ["straight"]}, "'camera_pictures' holds 'straight'; expected raw, rectified"),
        ({"camera_pictures": ["raw"] * 3}, "'camera_pictures' has 3 values for 6 'camera_topics'"),
        ({"camera_slots": ["above"]}, "'camera_slots' holds 'above'; expected front, back.*, an empty text"),
        ({"camera_slots": ["top", "front"]}, "2 values for 6 'camera_topics'"),
        ({"camera_topics": ["one", "two"], "camera_slots": ["top", "top"]}, "names a slot twice"),
        ({"workspace_min": [0.0, 0.0]}, r"'workspace_min' is \[0.0, 0.0\]; expected x, y and z"),
        ({"workspace_max": [1.0, 1.0, float("nan")]}, "'workspace_max' is .*; expected x, y and z"),
        ({"workspace_max": [1.0, 1.0, 1000.0]}, "at most 100 m"),
        ({"workspace_min": [1.0, -1.0, 0.0]}, "the first must be lower in x, y and z"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        settings(**changes)


def test_several_clouds_need_a_frame_to_be_put_together_in():
    assert settings(cloud_topics=["left", "right"], planning_frame="world").cloud_topics == ("left", "right")
