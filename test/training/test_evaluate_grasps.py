"""The evaluation end to end on two small objects, with planners whose figures are known beforehand."""

import json

import numpy as np
import pytest
import torch

from funcgrasp_core.contracts import INTENTS, ContactMap, GraspPlan, PlannedGrasp
from funcgrasp_core.errors import DatasetError, NoFeasibleGraspError
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.mano_layer import ManoLayer
from training import evaluate_grasps
from training.baselines.evaluation_rows import ROW_NAMES
from training.data.frozen_grasps import FrozenGrasps
from training.data.object_families import FAMILIES
from training.data.procedural_dataset import write_procedural_dataset
from training.data.procedural_objects import ProceduralObject
from training.metrics import evaluation_cases
from training.metrics.contact_map_f1 import touched_by_hand
from training.metrics.displacement_six import SixDisplacements
from training.metrics.evaluation_cases import build_cases, pose_hands, surface_shares, turn_about_z
from training.metrics.evaluation_summary import JudgedCase, as_table, breakdown, summarise_row
from training.metrics.grasp_measures import FREE_FALL_M, MEASURES_WITHOUT_GRASP, GraspMeasures

for package in ("pybullet", "open3d", "skimage", "trimesh"):
    pytest.importorskip(package)

REQUIRED_KEYS = {
    "contact_ratio",
    "penetration_depth_cm",
    "intersection_volume_cm3",
    "contact_f1",
    "part_correctness",
    "displacement_six_cm",
    "intent_swap",
}


def touching_vector(item, layer, seed):
    """A flat hand at a random attitude, moved along a random direction until it overlaps the object by 2 mm."""
    generator = torch.Generator().manual_seed(seed)
    vector = torch.zeros(1, 61)
    vector[0, :3] = torch.randn(3, generator=generator)
    direction = torch.nn.functional.normalize(torch.randn(3, generator=generator), dim=0)
    near, far = 0.0, 0.4
    centre = layer.from_vector(vector).vertices[0].mean(dim=0)
    for _ in range(20):
        middle = (near + far) / 2
        vector[0, 58:] = direction * middle - centre
        vertices = layer.from_vector(vector).vertices
        if float(item.family.signed_distance(vertices, item.parameters).min()) < -0.002:
            near = middle
        else:
            far = middle
    return vector[0]


@pytest.fixture(scope="module")
def layer():
    return ManoLayer()


@pytest.fixture(scope="module")
def grasps(layer):
    """One mug and one bottle, two intents each, two grasps for each."""
    objects = tuple(
        ProceduralObject(category, f"{category[:2].upper()}0001", parameters)
        for category in ("mug", "bottle")
        for parameters in [FAMILIES[category].sample_parameters(1, torch.Generator().manual_seed(5))]
    )
    plan = [(o, INTENTS.index(i), s) for o in range(2) for i in ("use", "liftup") for s in range(2)]
    vectors = [touching_vector(objects[o], layer, seed=100 * o + 10 * i + s) for o, i, s in plan]
    owners, intents = (torch.tensor([entry[k] for entry in plan]) for k in (0, 1))
    return FrozenGrasps(objects, torch.stack(vectors), owners, intents)


class KnowingPlanner:
    """Answers with the first known grasp of a case and the contact map that it really makes."""

    def __init__(self, cases, layer):
        self._cases = {case.instruction: case for case in cases}
        self._layer = layer
        self._part_labels = vertex_part_labels(layer.assets).numpy()

    def plan(self, observation, request):
        case = self._cases[request.instruction]
        vertices = case.kept_hands[0] @ turn_about_z(case.yaw_rad).T
        points = observation.points[::5]
        touched = touched_by_hand(points, vertices, self._part_labels)
        best = PlannedGrasp(
            np.zeros(61), 0.9, {}, np.zeros((21, 3)), vertices, np.eye(4), np.eye(4), np.array([0.0, 0.0, 1.0])
        )
        contact_map = ContactMap(points, touched.astype(float))
        return GraspPlan(
            observation.frame, request.instruction, (best,), contact_map, self._layer.closed_faces.numpy(), {}
        )


class HelplessPlanner:
    def plan(self, observation, request):
        raise NoFeasibleGraspError("nothing")


def evaluate(monkeypatch, tmp_path, grasps, planner, *options):
    monkeypatch.setattr(evaluate_grasps, "load_grasps", lambda split, folder: grasps)
    monkeypatch.setattr(evaluate_grasps.GraspPlanner, "from_checkpoint", lambda *_, **__: planner)
    file = tmp_path / "figures.json"
    evaluate_grasps.main(["--json", str(file), "--candidates", "2", "--threads", "1", *options])
    return json.loads(file.read_text())


def test_a_planner_that_answers_with_a_known_grasp_scores_as_one(monkeypatch, tmp_path, grasps, layer, capsys):
    """The frames agree: at a random yaw the turned answer, turned back, is the known grasp."""
    cases = build_cases(grasps, layer, seed=0)
    figures = evaluate(
        monkeypatch, tmp_path, grasps, KnowingPlanner(cases, layer), "--pictures", str(tmp_path / "pictures")
    )
    assert (figures["split"], figures["num_objects"], figures["num_grasps"]) == ("test", 2, 4)
    assert set(figures["rows"]) == set(ROW_NAMES)
    assert all(set(row) >= REQUIRED_KEYS for row in figures["rows"].values())
    model, truth = figures["rows"]["model"], figures["rows"]["ground_truth"]
    assert model["contact_f1"] == 1.0
    assert model["contact_f1_of_hand"] == 1.0
    assert model["contact_ratio"] == truth["contact_ratio"] == 1.0
    assert 0.15 <= model["penetration_depth_cm"] <= 0.25
    assert truth["contact_f1"] < 1.0
    assert figures["num_requests_without_grasp"] == 0
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 4
    printed = capsys.readouterr().out
    assert all(name in printed for name in (*ROW_NAMES, "mug use", "bottle liftup"))


def test_requests_without_a_grasp_are_total_misses(monkeypatch, tmp_path, grasps):
    figures = evaluate(monkeypatch, tmp_path, grasps, HelplessPlanner(), "--limit", "1")
    model = figures["rows"]["model"]
    assert figures["num_objects"] == 1
    assert figures["num_requests_without_grasp"] == figures["num_grasps"] == 2
    assert (model["contact_ratio"], model["contact_f1"], model["part_correctness"]) == (0.0, 0.0, 0.0)
    assert model["displacement_six_cm"] == pytest.approx(10.7, abs=0.05)
    assert (model["penetration_depth_cm"], model["intersection_volume_cm3"]) == (None, None)


def test_cases_turn_the_cloud_and_use_test_phrasings(grasps, layer):
    cases = build_cases(grasps, layer, seed=0)
    assert len({case.yaw_rad for case in cases}) == 2
    for case in cases:
        assert np.abs(case.judged.mesh.signed_distances(case.judged_points)).max() < 1e-4
        assert len(case.observation.views) == 6
        assert case.kept_hands.shape == (2, 778, 3)
    again = build_cases(grasps, layer, seed=0)
    assert [case.instruction for case in again] == [case.instruction for case in cases]
    assert [case.yaw_rad for case in build_cases(grasps, layer, seed=1)] != [case.yaw_rad for case in cases]


def test_surface_shares_are_of_the_part_called_for(grasps, layer):
    shares = surface_shares(build_cases(grasps, layer, seed=0))
    assert set(shares) == {("mug", "use"), ("mug", "liftup"), ("bottle", "use"), ("bottle", "liftup")}
    assert shares["mug", "use"] < 0.3
    assert shares["bottle", "use"] > 0.5
    assert shares["bottle", "use"] + shares["bottle", "liftup"] == pytest.approx(1.0)


def test_a_generated_folder_is_read(monkeypatch, tmp_path, grasps, layer):
    write_procedural_dataset(tmp_path, grasps, show_progress=False)
    monkeypatch.setattr(evaluation_cases, "find_grasps", lambda root, split: _all_grasps(root))
    loaded = evaluation_cases.load_grasps("test", tmp_path)
    assert {item.object_id for item in loaded.objects} == {item.object_id for item in grasps.objects}
    order = lambda found: found.vectors[found.vectors[:, 58].argsort()]  # noqa: E731
    torch.testing.assert_close(order(loaded), order(grasps))
    np.testing.assert_allclose(
        np.sort(pose_hands(layer, loaded.vectors).mean(axis=(1, 2))),
        np.sort(pose_hands(layer, grasps.vectors).mean(axis=(1, 2))),
        atol=1e-6,
    )


def _all_grasps(root):
    from training.data.oakink_index import find_grasps

    return find_grasps(root, "all")


def test_a_folder_without_the_split_is_refused_and_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.png").write_bytes(b"")
    command = f"python -m training.data.generate_procedural --output {tmp_path} --from-frozen --split test"
    with pytest.raises(DatasetError, match=f"no grasp of split 'test'.*{command}"):
        evaluation_cases.load_grasps("test", tmp_path)
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["photos", "holiday.png"]


def test_a_split_without_grasps_is_refused(monkeypatch, grasps):
    empty = FrozenGrasps((), torch.zeros(0, 61), torch.zeros(0).long(), torch.zeros(0).long())
    monkeypatch.setattr(evaluation_cases, "load_frozen_grasps", lambda splits: empty)
    with pytest.raises(DatasetError, match="no grasp of split 'test'"):
        evaluation_cases.load_grasps("test", None)


def judged_case(object_id, intent, called_for, touched, f1, depth):
    measures = GraspMeasures(True, depth, 2e-6, 1e-6, touched, SixDisplacements(0.01, 0.03, 0.02))
    return JudgedCase(object_id, ("mug", intent), called_for, measures, f1, f1)


def test_a_row_s_figures_by_hand():
    """Handle 10 % and rim 30 % of the surface count, the body with 60 % does not."""
    shares = {("mug", "use"): 0.1, ("mug", "liftup"): 0.3, ("mug", "hold"): 0.6}
    cases = [
        judged_case("a", "use", 0, 0, 0.5, 0.002),
        judged_case("a", "liftup", 2, 2, 0.7, 0.004),
        judged_case("a", "hold", 1, 0, float("nan"), 0.006),
        JudgedCase("b", ("mug", "use"), 0, MEASURES_WITHOUT_GRASP, 0.0, 0.0),
    ]
    row = summarise_row(cases, shares)
    assert row["contact_ratio"] == pytest.approx(3 / 4)
    # The request without a grasp has no depth and no volume, and is a miss in everything else.
    assert row["penetration_depth_cm"] == pytest.approx((0.2 + 0.4 + 0.6) / 3)
    assert row["intersection_volume_cm3"] == pytest.approx(2)
    assert row["intersection_volume_fine_cm3"] == pytest.approx(1)
    assert row["contact_f1"] == pytest.approx((0.5 + 0.7 + 0.0) / 3)
    assert row["part_correctness"] == pytest.approx((0.5 + 1.0) / 2)
    assert row["part_correctness_all_pairs"] == pytest.approx((0.5 + 1.0 + 0.0) / 3)
    assert row["displacement_six_cm"] == pytest.approx((3 + 100 * FREE_FALL_M) / 4)
    # Of the six ordered swaps on object a, use -> liftup, liftup -> use and hold -> liftup change to the right part.
    assert row["intent_swap"] == pytest.approx(3 / 6)
    assert breakdown(cases)["mug use"]["num_grasps"] == 2
    assert breakdown(cases)["mug use"]["part_correctness"] == 0.5
    assert breakdown(cases)["mug use"]["penetration_depth_cm"] == pytest.approx(0.2)


def test_the_table_has_a_line_for_each_row_and_leaves_missing_figures_blank():
    table = as_table({"model": {"contact_ratio": 0.5, "contact_f1": 0.25}, "random": {"contact_ratio": 1.0}})
    header, model, random = table.splitlines()
    assert header.split() == ["contact", "map", "F1"]
    assert model.split() == ["model", "0.500", "0.250"]
    assert random.split() == ["random", "1.000"]
