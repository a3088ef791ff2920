import dataclasses
from pathlib import Path

import pytest
import yaml

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_ros.node_parameters import PLANNER_PARAMETERS, PlannerSettings

CONFIG_FILE = Path(__file__).resolve().parents[2] / "config" / "planner.yaml"


def settings(**changes) -> PlannerSettings:
    values = {name: parameter.default for name, parameter in PLANNER_PARAMETERS.items()} | changes
    for name in ("camera_topics", "camera_slots"):
        values[name] = tuple(values[name])
    return PlannerSettings(**values)


def test_every_parameter_is_a_setting_and_tells_what_it_does():
    assert [field.name for field in dataclasses.fields(PlannerSettings)] == list(PLANNER_PARAMETERS)
    for name, parameter in PLANNER_PARAMETERS.items():
        assert len(parameter.description) > 20, name
        is_number = isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool)
        assert is_number == (parameter.limits is not None), name


def test_the_configuration_file_holds_the_defaults():
    written = yaml.safe_load(CONFIG_FILE.read_text())["/**"]["ros__parameters"]
    assert written == {name: PLANNER_PARAMETERS[name].default for name in written}
    for name, value in written.items():
        assert type(value) is type(PLANNER_PARAMETERS[name].default), name


def test_a_single_empty_slot_names_none():
    assert settings().slot_of_camera(3) == ""
    named = settings(camera_topics=["one", "two"], camera_slots=["", "top"])
    assert [named.slot_of_camera(index) for index in range(2)] == ["", "top"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "tpu"}, "'device' is 'tpu'; expected cpu"),
        ({"hand_backend": "chumpy"}, "'hand_backend' is 'chumpy'; expected native or manotorch"),
        ({"num_candidates": 64, "max_candidates": 32}, "lower the first or raise the second"),
        ({"camera_topics": ["not a topic"]}, "cannot be a topic's name"),
        ({"camera_slots": ["above"]}, "expected front, back"),
        ({"camera_slots": ["top", "front"]}, "2 values for 6 'camera_topics'"),
        ({"camera_topics": ["one", "two"], "camera_slots": ["top", "top"]}, "names a slot twice"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        settings(**changes)
