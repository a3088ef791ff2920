import json

import numpy as np
import pytest
import torch
from std_msgs.msg import Header

from demo import run_demo
from demo.check_grasp import read_exact_object
from funcgrasp_core.assets import DEMO_RECORDING, asset_path
from funcgrasp_core.contracts import ContactMap, GraspPlan, PlannedGrasp
from funcgrasp_core.errors import NoFeasibleGraspError
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_ros.conversions.grasp_plans import message_from_error, message_from_plan


@pytest.fixture(scope="module")
def exact_object():
    return read_exact_object(asset_path(DEMO_RECORDING))


def plan_with_wrist_at(position: np.ndarray) -> GraspPlan:
    """One flat hand with its wrist at a position [3] of the table's frame."""
    vector = np.zeros((1, 61), dtype=np.float32)
    vector[0, 58:] = position
    hand = ManoLayer()
    with torch.no_grad():
        geometry = hand.from_vector(torch.from_numpy(vector))
    wrist_pose = np.eye(4)
    wrist_pose[:3, 3] = position
    joints, vertices = geometry.joints[0].numpy(), geometry.vertices[0].numpy()
    grasp = PlannedGrasp(vector[0], 0.5, {}, joints, vertices, wrist_pose, wrist_pose, np.array([0.0, 0.0, 1.0]))
    contact_map = ContactMap(vertices[::10], np.full((len(vertices[::10]), 6), 0.5, dtype=np.float32))
    return GraspPlan("table", "hold the mug", (grasp,), contact_map, hand.closed_faces.numpy(), {"total": 0.1})


class AnsweringClient:
    """Gives one answer to every request."""

    def __init__(self, answer):
        self.answer = answer

    def plan(self, request, timeout_s):
        return self.answer


def test_a_plan_is_written_and_a_hand_far_away_fails(exact_object, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run_demo, "OUTPUT", tmp_path)
    monkeypatch.setattr(run_demo, "ROOT", tmp_path)
    far_away = exact_object.table_from_object[:3, 3] + np.array([0.0, 0.0, 0.5])
    answer = message_from_plan(plan_with_wrist_at(far_away), Header(frame_id="table"))
    client = AnsweringClient(answer)
    failures = run_demo.plan_and_check(client, "hold the mug", "body", exact_object, ManoLayer())
    assert failures == ['"hold the mug": only 0% of the contact is on the body, 60% are needed']
    folder = tmp_path / "hold-the-mug"
    assert {"plan.json", "plan.html", "plan.png"} <= {entry.name for entry in folder.iterdir()}
    assert json.loads((folder / "plan.json").read_text())["instruction"] == "hold the mug"
    assert "rank" in capsys.readouterr().out


def test_a_hand_pushed_through_the_wall_fails(exact_object, tmp_path, monkeypatch):
    monkeypatch.setattr(run_demo, "OUTPUT", tmp_path)
    monkeypatch.setattr(run_demo, "ROOT", tmp_path)
    monkeypatch.setattr(run_demo, "write_plan_folder", lambda *arguments, **options: None)
    centre = exact_object.table_from_object[:3, 3]
    answer = message_from_plan(plan_with_wrist_at(centre), Header(frame_id="table"))
    failures = run_demo.plan_and_check(AnsweringClient(answer), "hold the mug", "body", exact_object, ManoLayer())
    assert [failure for failure in failures if "mm inside the hand, 10 mm are allowed" in failure]


def test_a_refusal_fails_with_its_code(exact_object):
    answer = message_from_error(NoFeasibleGraspError("Nothing touches."), "hold the mug", Header())
    failures = run_demo.plan_and_check(AnsweringClient(answer), "hold the mug", "body", exact_object, ManoLayer())
    assert failures == ['"hold the mug" was refused: NO_FEASIBLE_GRASP (17): Nothing touches.']
