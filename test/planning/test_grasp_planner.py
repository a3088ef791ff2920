import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from funcgrasp_core.checkpoints import load_checkpoint, save_checkpoint
from funcgrasp_core.contracts import GraspRequest, ObjectObservation
from funcgrasp_core.errors import (
    CheckpointMissingError,
    ConfigurationError,
    HandFileError,
    InvalidRequestError,
    NoFeasibleGraspError,
    NoInstructionError,
    OutOfMemoryError,
)
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG
from funcgrasp_core.hand.mano_assets import save_mano_assets
from funcgrasp_core.planning import grasp_planner
from funcgrasp_core.planning.grasp_planner import GraspPlanner

ORIGIN = np.array([0.5, -0.2, 1.1], dtype=np.float32)


@pytest.fixture
def planner(hand_layer, fixed_sampler, palm_at_height):
    gaps = (0.05, 0.001, -0.006)
    return GraspPlanner(fixed_sampler(torch.stack([palm_at_height(gap) for gap in gaps])), hand_layer)


@pytest.fixture
def observation(ball_points):
    return ObjectObservation(ball_points + ORIGIN, frame="table")


@pytest.fixture(scope="module")
def debug_checkpoint(tmp_path_factory, palm_at_height):
    """A small real model, untrained but for its statistics, so that its hands come near the object."""
    torch.manual_seed(0)
    model = build_grasp_model(DEBUG)
    noise = torch.randn(64, 61, generator=torch.Generator().manual_seed(0))
    spread = torch.cat(
        [torch.full((3,), 0.05), torch.full((45,), 0.05), torch.full((10,), 0.1), torch.full((3,), 0.004)]
    )
    model.fit_targets(palm_at_height() + noise * spread)
    path = tmp_path_factory.mktemp("checkpoint") / "debug.safetensors"
    save_checkpoint(path, model, {"purpose": "test"})
    return path


def test_grasps_come_best_first_in_the_frame_of_the_cloud(planner, observation, palm_at_height):
    plan = planner.plan(observation, GraspRequest("hold the ball", num_candidates=3))
    assert plan.frame == "table"
    scores = [grasp.score for grasp in plan.grasps]
    assert scores == sorted(scores, reverse=True)
    best = plan.grasps[0]
    np.testing.assert_allclose(best.vector[58:], palm_at_height(0.001)[58:].numpy() + ORIGIN, atol=2e-3)
    np.testing.assert_allclose(best.wrist_pose[:3, 3], best.joints[0], atol=1e-5)
    np.testing.assert_allclose(best.joints[0], best.vector[58:], atol=1e-5)
    gap = np.linalg.norm(best.vertices[:, None] - observation.points[None], axis=-1).min()
    assert gap < 0.005
    assert set(plan.timings) == {"preprocess", "encode_views", "sample", "rank", "total"}
    assert plan.timings["total"] >= plan.timings["sample"] + plan.timings["rank"]


def test_contact_map_lies_on_the_cloud_and_belongs_to_the_best(planner, observation):
    plan = planner.plan(observation, GraspRequest("hold the ball", num_candidates=3))
    assert plan.contact_map.points.shape == (256, 3)
    assert plan.contact_map.probabilities.shape == (256, 6)
    distances = np.linalg.norm(plan.contact_map.points[:, None] - observation.points[None], axis=-1).min(axis=1)
    assert distances.max() < 1e-5


def test_moving_the_cloud_moves_the_plan(planner, ball_points):
    request = GraspRequest("hold the ball", num_candidates=3)
    here = planner.plan(ObjectObservation(ball_points), request)
    there = planner.plan(ObjectObservation(ball_points + ORIGIN), request)
    for grasp_here, grasp_there in zip(here.grasps, there.grasps, strict=True):
        np.testing.assert_allclose(grasp_there.vertices - grasp_here.vertices, np.tile(ORIGIN, (778, 1)), atol=1e-5)
        assert grasp_there.score == pytest.approx(grasp_here.score, abs=1e-3)


def test_pregrasp_lies_back_along_the_approach(planner, observation):
    grasp = planner.plan(observation, GraspRequest("hold", num_candidates=3)).grasps[0]
    moved = grasp.wrist_pose[:3, 3] - grasp.pregrasp_pose[:3, 3]
    np.testing.assert_allclose(moved, 0.10 * grasp.approach_direction, atol=1e-5)
    towards_object = observation.points.mean(axis=0) - grasp.vertices.mean(axis=0)
    assert towards_object @ grasp.approach_direction > 0


def test_notes_tell_dropped_points_and_missing_views(planner, observation):
    points = observation.points.copy()
    points[:7] = np.nan
    views = {"front": np.zeros((20, 30, 3), np.uint8), "top": np.zeros((20, 20, 3), np.uint8)}
    plan = planner.plan(ObjectObservation(points, views), GraspRequest("hold", num_candidates=3))
    assert any("7" in note for note in plan.notes)
    assert "Views without an image: back, left, right, bottom." in plan.notes
    assert planner.model.seen["mask"].tolist() == [[True, False, False, False, True, False]]
    plan = planner.plan(observation, GraspRequest("hold", num_candidates=3))
    assert plan.notes == ("No views were given: planned from the cloud alone.",)


def test_model_gets_the_cleaned_instruction(planner, observation):
    planner.plan(observation, GraspRequest("  hold \n it ", num_candidates=3))
    assert planner.model.seen["texts"] == ["hold it"]


def test_nothing_touching_is_no_success(hand_layer, fixed_sampler, palm_at_height, observation):
    planner = GraspPlanner(fixed_sampler(palm_at_height(0.05)[None]), hand_layer)
    with pytest.raises(NoFeasibleGraspError, match="None of the 1 sampled grasps touches the object"):
        planner.plan(observation, GraspRequest("hold", num_candidates=1))


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (GraspRequest("hold", num_candidates=0), InvalidRequestError, "num_candidates must be 1 to 256, got 0"),
        (GraspRequest("hold", num_candidates=257), InvalidRequestError, "got 257"),
        (GraspRequest("hold", seed=-1), InvalidRequestError, "seed must be 0"),
        (GraspRequest("   "), NoInstructionError, "instruction"),
    ],
)
def test_bad_requests_are_refused(planner, observation, request_, error, message):
    with pytest.raises(error, match=message):
        planner.plan(observation, request_)


@pytest.mark.parametrize(
    "failure",
    [torch.cuda.OutOfMemoryError("CUDA"), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_memory_running_out_has_its_own_error(planner, observation, failure):
    def sample(*arguments):
        raise failure

    planner.model.sample = sample
    with pytest.raises(OutOfMemoryError, match="fewer candidates"):
        planner.plan(observation, GraspRequest("hold"))


def test_other_runtime_errors_stay_what_they_are(planner, observation):
    def sample(*arguments):
        raise RuntimeError("shapes differ")

    planner.model.sample = sample
    with pytest.raises(RuntimeError, match="shapes differ"):
        planner.plan(observation, GraspRequest("hold"))


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointMissingError, match=r"none\.safetensors"):
        GraspPlanner.from_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.parametrize("device", ["quantum", "mps", "meta", "xpu", "cpu:1", "cuda:-1", "cuda:", ""])
def test_devices_other_than_cpu_and_cuda_are_refused(device):
    with pytest.raises(ConfigurationError, match=f"'{device}' is no device that can be planned on: use cpu"):
        GraspPlanner.from_checkpoint(device=device)


def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ConfigurationError, match="'cuda:99' was asked for"):
        GraspPlanner.from_checkpoint(device="cuda:99")


def test_a_left_hand_is_refused(debug_checkpoint, hand_layer, tmp_path):
    save_mano_assets(dataclasses.replace(hand_layer.assets, side="left"), tmp_path / "hand.safetensors")
    with pytest.raises(HandFileError, match=r"hand\.safetensors' is of a left hand.*MANO_RIGHT\.pkl"):
        GraspPlanner.from_checkpoint(debug_checkpoint, tmp_path / "hand.safetensors")


def test_hand_backend_is_handed_on(debug_checkpoint, hand_layer, monkeypatch):
    asked = []

    def build(hand_file, backend):
        asked.append((hand_file, backend))
        return hand_layer

    monkeypatch.setattr(grasp_planner, "build_hand_layer", build)
    GraspPlanner.from_checkpoint(debug_checkpoint, Path("MANO_RIGHT.pkl"), warm_up=False, hand_backend="manotorch")
    GraspPlanner.from_checkpoint(debug_checkpoint, warm_up=False)
    assert asked == [(Path("MANO_RIGHT.pkl"), "manotorch"), (None, "native")]


def test_manotorch_without_its_hand_file_is_refused(debug_checkpoint):
    with pytest.raises(ConfigurationError, match="manotorch needs MANO's own pickle"):
        GraspPlanner.from_checkpoint(debug_checkpoint, hand_backend="manotorch")


def test_real_model_repeats_itself_and_heeds_the_seed(debug_checkpoint, observation):
    planner = GraspPlanner.from_checkpoint(debug_checkpoint)
    first, again = (planner.plan(observation, GraspRequest("hold", 8, seed=3)) for _ in range(2))
    other = planner.plan(observation, GraspRequest("hold", 8, seed=4))
    for grasp_first, grasp_again in zip(first.grasps, again.grasps, strict=True):
        np.testing.assert_array_equal(grasp_first.vector, grasp_again.vector)
    assert not np.allclose(first.grasps[0].vector, other.grasps[0].vector)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_plans_on_a_gpu_as_on_a_cpu(debug_checkpoint, observation):
    request = GraspRequest("hold", 8, seed=3)
    plan = GraspPlanner.from_checkpoint(debug_checkpoint, device="cuda").plan(observation, request)
    assert len(plan.grasps) == 8
    on_cpu = GraspPlanner.from_checkpoint(debug_checkpoint, device="cpu")
    for grasp in plan.grasps:
        vertices = on_cpu.hand_layer.from_vector(torch.from_numpy(grasp.vector)[None]).vertices[0].numpy()
        np.testing.assert_allclose(grasp.vertices, vertices, atol=1e-4)


PLAN_IN_NEW_PROCESS = """
import sys
import numpy as np
from pathlib import Path
from funcgrasp_core.contracts import GraspRequest, ObjectObservation
from funcgrasp_core.planning.grasp_planner import GraspPlanner

planner = GraspPlanner.from_checkpoint(Path(sys.argv[1]), warm_up=False)
plan = planner.plan(ObjectObservation(np.load(sys.argv[2])), GraspRequest("hold", 8, seed=3))
np.savez(sys.argv[3], vectors=[g.vector for g in plan.grasps], scores=[g.score for g in plan.grasps])
"""


def test_same_seed_gives_the_same_plan_in_a_new_process(debug_checkpoint, observation, tmp_path):
    np.save(tmp_path / "cloud.npy", observation.points)
    command = [sys.executable, "-c", PLAN_IN_NEW_PROCESS, debug_checkpoint, tmp_path / "cloud.npy"]
    subprocess.run([*command, tmp_path / "plan.npz"], check=True, timeout=120)
    plan = GraspPlanner.from_checkpoint(debug_checkpoint).plan(observation, GraspRequest("hold", 8, seed=3))
    with np.load(tmp_path / "plan.npz") as elsewhere:
        np.testing.assert_array_equal(elsewhere["vectors"], [grasp.vector for grasp in plan.grasps])
        np.testing.assert_array_equal(elsewhere["scores"], [grasp.score for grasp in plan.grasps])


def test_views_are_encoded_once_for_several_instructions(planner, observation):
    views = {"front": np.full((20, 20, 3), 77, np.uint8)}
    seen = ObjectObservation(observation.points, views)
    for instruction in ("hold the ball", "hand me the ball"):
        planner.plan(seen, GraspRequest(instruction, num_candidates=3))
    assert planner.model.num_encoded == 1
    planner.plan(observation, GraspRequest("hold the ball", num_candidates=3))
    assert planner.model.num_encoded == 2


def test_plans_with_kept_views_are_those_without(debug_checkpoint, hand_layer, ball_points):
    """The same grasps, scores and contacts to the last bit, on a real model."""
    model = load_checkpoint(debug_checkpoint).model
    views = {"front": np.full((20, 20, 3), 200, np.uint8), "top": np.eye(20, dtype=np.uint8)[..., None] * [9, 90, 250]}
    seen = ObjectObservation(ball_points, {slot: view.astype(np.uint8) for slot, view in views.items()})
    requests = [GraspRequest(text, num_candidates=4) for text in ("hold it", "hand it over", "hold it")]
    keeping, encoding = GraspPlanner(model, hand_layer), GraspPlanner(model, hand_layer, num_kept_view_sets=0)
    for request in requests:
        kept, encoded = keeping.plan(seen, request), encoding.plan(seen, request)
        for one, other in zip(kept.grasps, encoded.grasps, strict=True):
            assert np.array_equal(one.vector, other.vector)
            assert one.score == other.score
        assert np.array_equal(kept.contact_map.probabilities, encoded.contact_map.probabilities)
        assert kept.notes == encoded.notes
