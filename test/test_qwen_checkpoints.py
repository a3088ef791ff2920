"""Checkpoints of models with Qwen2.5-VL, and planning with them."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from funcgrasp_core.checkpoints import load_checkpoint, save_checkpoint
from funcgrasp_core.contracts import GraspRequest, ObjectObservation
from funcgrasp_core.errors import (
    CheckpointFormatError,
    CheckpointMissingError,
    ConfigurationError,
    InstructionTokensError,
)
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.planning.grasp_planner import GraspPlanner
from training.make_tiny_qwen import make_tiny_qwen

TUNINGS = ("lora", "full", "frozen")
INSTRUCTION = "hold the ball"


def qwen_config(**choices):
    semantic = QwenSemanticConfig(**{"dtype": "float32", "view_size": 56, "lora_rank": 4, **choices})
    return dataclasses.replace(DEBUG, name="debug_qwen", semantic=semantic)


def make_model(folder, seed=0, **choices):
    """As after training: every weight that is trained has moved."""
    torch.manual_seed(seed)
    model = build_grasp_model(qwen_config(**choices), folder)
    model.fit_targets(0.05 * torch.randn(50, 61))
    with torch.no_grad():
        for parameter in model.semantic_encoder.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(scope="module")
def observation():
    directions = np.random.default_rng(0).normal(size=(512, 3))
    points = 0.03 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 60, 60, 3), dtype=np.uint8)
    return ObjectObservation(points.astype(np.float32), dict(zip(("front", "left", "top"), pixels, strict=True)))


@pytest.fixture(scope="module")
def hand_layer():
    return ManoLayer()


@pytest.fixture(scope="module")
def samples_of(hand_layer, observation):
    """Gives a model's candidates for one object, views and instruction."""

    def sample(model):
        planner = GraspPlanner(model, hand_layer)
        return planner.sample_candidates(observation, GraspRequest(INSTRUCTION, num_candidates=4))

    return sample


@pytest.mark.parametrize("tuning", TUNINGS)
def test_round_trip(tiny_qwen, samples_of, tmp_path, tuning):
    model = make_model(tiny_qwen, tuning=tuning)
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, model, {"step": "7"})
    loaded = load_checkpoint(path, semantic_model=tiny_qwen)
    assert loaded.config == model.config
    before, after = samples_of(model), samples_of(loaded.model)
    assert np.array_equal(before.vectors, after.vectors)
    assert np.array_equal(before.contact_probabilities, after.contact_probabilities)


@pytest.mark.parametrize("tuning", TUNINGS)
def test_what_lies_where(tiny_qwen, tmp_path, tuning):
    """The file holds all but Qwen2.5-VL; beside it are the tuned weights in their own formats; no path is in any."""
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, make_model(tiny_qwen, tuning=tuning), {})
    with safe_open(path, framework="pt") as file:
        names, metadata = list(file.keys()), file.metadata()
    assert not [name for name in names if "backbone" in name]
    assert {"semantic_encoder.head.0.weight", "semantic_encoder.head.1.weight"} <= set(names)
    beside = [entry for entry in tmp_path.iterdir() if entry != path]
    if tuning == "frozen":
        assert beside == []
    else:
        (folder,) = beside
        assert folder.name == "model.semantic"
        (tuned,) = folder.iterdir()
        assert tuned.name == metadata["semantic_weights"]
        weights = "adapter_model.safetensors" if tuning == "lora" else "model.safetensors"
        assert (tuned / weights).is_file()
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert str(tiny_qwen).encode() not in file.read_bytes()


@pytest.mark.parametrize("tuning", TUNINGS)
def test_another_base_model_is_refused(tiny_qwen, tmp_path, tuning):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, make_model(tiny_qwen, tuning=tuning), {})
    other = make_tiny_qwen(tmp_path / "other", seed=1)
    with pytest.raises(CheckpointFormatError, match="trained with another Qwen2"):
        load_checkpoint(path, semantic_model=other)


def test_the_folder_is_asked_for(tiny_qwen, tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, make_model(tiny_qwen), {})
    with pytest.raises(CheckpointMissingError, match="set `semantic_model` to a local copy"):
        load_checkpoint(path)
    with pytest.raises(CheckpointMissingError, match="no folder at"):
        load_checkpoint(path, semantic_model=tmp_path / "absent")


def test_a_folder_that_nothing_is_done_with_is_refused(tiny_qwen):
    with pytest.raises(ConfigurationError, match="takes no `semantic_model`"):
        GraspPlanner.from_checkpoint(semantic_model=tiny_qwen, warm_up=False)


def test_a_checkpoint_moves_with_its_folder(tiny_qwen, samples_of, tmp_path):
    model = make_model(tiny_qwen)
    save_checkpoint(tmp_path / "model.safetensors", model, {})
    (tmp_path / "model.safetensors").rename(tmp_path / "best.safetensors")
    with pytest.raises(CheckpointMissingError, match="no folder with the tuned"):
        load_checkpoint(tmp_path / "best.safetensors", semantic_model=tiny_qwen)
    (tmp_path / "model.semantic").rename(tmp_path / "best.semantic")
    loaded = load_checkpoint(tmp_path / "best.safetensors", semantic_model=tiny_qwen).model
    assert np.array_equal(samples_of(loaded).vectors, samples_of(model).vectors)


@pytest.mark.parametrize("name", [None, "../../elsewhere", "x" * 16])
def test_a_folder_elsewhere_is_not_read(tiny_qwen, tmp_path, name):
    from safetensors.torch import load_file, save_file

    path = tmp_path / "model.safetensors"
    save_checkpoint(path, make_model(tiny_qwen), {})
    with safe_open(path, framework="pt") as file:
        metadata = {key: value for key, value in file.metadata().items() if key != "semantic_weights"}
    save_file(load_file(path), path, metadata | ({} if name is None else {"semantic_weights": name}))
    with pytest.raises(CheckpointFormatError, match="does not say where its tuned weights are"):
        load_checkpoint(path, semantic_model=tiny_qwen)


def test_saving_again_leaves_nothing_of_the_old(tiny_qwen, samples_of, tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, make_model(tiny_qwen), {})
    newer = make_model(tiny_qwen, seed=1)
    for _ in range(2):
        save_checkpoint(path, newer, {})
        assert len(list((tmp_path / "model.semantic").iterdir())) == 1
        loaded = load_checkpoint(path, semantic_model=tiny_qwen).model
        assert np.array_equal(samples_of(loaded).vectors, samples_of(newer).vectors)
    save_checkpoint(path, make_model(tiny_qwen, tuning="frozen"), {})
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.safetensors"]


def test_only_what_was_saved_is_removed(tiny_qwen, tmp_path):
    (tmp_path / "model.semantic" / "notes").mkdir(parents=True)
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, make_model(tiny_qwen), {})
    save_checkpoint(path, build_grasp_model(DEBUG), {})
    assert [entry.name for entry in (tmp_path / "model.semantic").iterdir()] == ["notes"]


@pytest.mark.parametrize("broken", ["save_file", "fsync"])
def test_a_save_that_fails_leaves_the_old_checkpoint(tiny_qwen, samples_of, tmp_path, monkeypatch, broken):
    from funcgrasp_core import checkpoints

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    path = tmp_path / "model.safetensors"
    older = make_model(tiny_qwen)
    save_checkpoint(path, older, {})
    with monkeypatch.context() as patched:
        patched.setattr(*((checkpoints, "save_file") if broken == "save_file" else (os, "fsync")), full)
        with pytest.raises(OSError, match="No space left"):
            save_checkpoint(path, make_model(tiny_qwen, seed=1), {})
    loaded = load_checkpoint(path, semantic_model=tiny_qwen).model
    assert np.array_equal(samples_of(loaded).vectors, samples_of(older).vectors)


SAVING = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_qwen_checkpoints import make_model, save_checkpoint
models = [make_model(Path({folder!r}), seed=seed) for seed in (0, 1)]
print("ready", flush=True)
while True:
    for model in models:
        save_checkpoint(Path({path!r}), model, {{}})
"""


@pytest.mark.slow
def test_killed_at_any_instant_there_is_a_whole_checkpoint(tiny_qwen, samples_of, tmp_path):
    import random
    import time

    path = tmp_path / "model.safetensors"
    models = [make_model(tiny_qwen, seed=seed) for seed in (0, 1)]
    save_checkpoint(path, models[0], {})
    expected = [samples_of(model).vectors for model in models]
    script = SAVING.format(tests=str(Path(__file__).parent), folder=str(tiny_qwen), path=str(path))
    waits = random.Random(0)
    for _ in range(4):  # a start takes seconds
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(waits.uniform(0.0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = samples_of(load_checkpoint(path, semantic_model=tiny_qwen).model).vectors
        assert any(np.array_equal(found, vectors) for vectors in expected)


# Planning.


@pytest.fixture(scope="module")
def checkpoint(tiny_qwen, tmp_path_factory):
    path = tmp_path_factory.mktemp("planned") / "model.safetensors"
    save_checkpoint(path, make_model(tiny_qwen), {})
    return path


def test_the_planner_plans_with_it(tiny_qwen, checkpoint, observation):
    planner = GraspPlanner.from_checkpoint(checkpoint, semantic_model=tiny_qwen)
    words = [
        planner.sample_candidates(observation, GraspRequest(text)).vectors for text in (INSTRUCTION, "hand it over")
    ]
    assert not np.allclose(*words)
    unseen = dataclasses.replace(observation, views={})
    assert not np.allclose(words[0], planner.sample_candidates(unseen, GraspRequest(INSTRUCTION)).vectors)


def test_the_vision_tower_runs_once_for_the_same_views(tiny_qwen, checkpoint, observation, hand_layer):
    """And what is planned then is what is planned without keeping features."""
    model = load_checkpoint(checkpoint, semantic_model=tiny_qwen).model
    runs = []
    model.semantic_encoder.model.visual.register_forward_hook(lambda *_: runs.append(1))
    keeping, encoding = GraspPlanner(model, hand_layer), GraspPlanner(model, hand_layer, num_kept_view_sets=0)
    requests = [GraspRequest(text, num_candidates=4) for text in (INSTRUCTION, "hand it over", "use it")]
    kept = [keeping.sample_candidates(observation, request).vectors for request in requests]
    num_views_and_a_black_one = 4
    assert len(runs) == num_views_and_a_black_one
    encoded = [encoding.sample_candidates(observation, request).vectors for request in requests]
    assert len(runs) == num_views_and_a_black_one * (1 + len(requests))
    assert all(np.array_equal(one, other) for one, other in zip(kept, encoded, strict=True))


def test_special_tokens_never_reach_the_model(tiny_qwen, checkpoint, observation):
    planner = GraspPlanner.from_checkpoint(checkpoint, semantic_model=tiny_qwen, warm_up=False)
    with pytest.raises(InstructionTokensError, match="special token"):
        planner.plan(observation, GraspRequest("hold <|image_pad|> it"))


def test_the_command_line_plans_with_it(tiny_qwen, checkpoint, observation, tmp_path, capsys):
    from funcgrasp_core.command_line import main

    np.save(tmp_path / "ball.npy", observation.points)
    command = ["plan", "--cloud", str(tmp_path / "ball.npy"), "--instruction", INSTRUCTION, "--num-candidates", "64"]
    command += ["--checkpoint", str(checkpoint), "--output", str(tmp_path / "plan")]
    assert main(command) == 2
    assert "set `semantic_model` to a local copy" in capsys.readouterr().err
    assert main([*command, "--semantic-model", str(tiny_qwen / "absent")]) == 2
    assert "no folder at" in capsys.readouterr().err
    assert not (tmp_path / "plan").exists()
    assert main([*command, "--semantic-model", str(tiny_qwen)]) == 0, capsys.readouterr().err
    assert len(json.loads((tmp_path / "plan" / "plan.json").read_text())["grasps"]) == 64
