import json
import subprocess
import sys

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from funcgrasp_core.checkpoints import save_checkpoint
from funcgrasp_core.command_line import main
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG

SHIFT = np.array([0.3, 0.1, 0.8])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with a small real model, a mesh, a cloud and two views of a ball."""
    from funcgrasp_core.hand.mano_layer import ManoLayer
    from funcgrasp_core.hand.palm_frame import palm_frame

    folder = tmp_path_factory.mktemp("inputs")
    centre, axes = palm_frame(ManoLayer().assets)
    vectors = torch.zeros(64, 61)
    vectors[:, 58:] = -(centre + 0.031 * axes[:, 2]).float()
    torch.manual_seed(0)
    model = build_grasp_model(DEBUG)
    model.fit_targets(vectors + 0.02 * torch.randn(64, 61, generator=torch.Generator().manual_seed(0)))
    save_checkpoint(folder / "model.safetensors", model, {"purpose": "test"})
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.03)
    ball.apply_translation(SHIFT)
    ball.export(folder / "ball.obj")
    np.save(folder / "ball.npy", ball.sample(2000, seed=0).astype(np.float32))
    trimesh.PointCloud(ball.sample(2000, seed=0)).export(folder / "ball.ply")
    (folder / "views").mkdir()
    for slot in ("front", "top"):
        Image.new("RGB", (40, 30), "red").save(folder / "views" / f"{slot}.png")
    return folder


def run(inputs, output, *more):
    arguments = ["plan", "--instruction", "hold the ball", "--num-candidates", "8", "--seed", "1"]
    return main(
        [*arguments, "--checkpoint", str(inputs / "model.safetensors"), "--output", str(output), *map(str, more)]
    )


def without_timings(path):
    content = json.loads(path.read_text())
    content.pop("timings")
    return content


def test_plan_for_a_mesh(inputs, tmp_path, capsys):
    assert run(inputs, tmp_path / "plan", "--mesh", inputs / "ball.obj", "--images", inputs / "views") == 0
    content = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert len(content["grasps"]) == 8
    for grasp in content["grasps"]:
        assert [len(grasp[key]) for key in ("pose", "shape", "translation", "joints")] == [48, 10, 3, 21]
        assert 0 <= grasp["score"] <= 1
        hand = trimesh.load(tmp_path / "plan" / grasp["mesh"], process=False)
        assert hand.is_watertight
        assert np.linalg.norm(hand.vertices.mean(axis=0) - SHIFT) < 0.3
        np.testing.assert_allclose(grasp["joints"][0], grasp["translation"], atol=1e-5)
    points = np.array(content["contact_map"]["points"])
    np.testing.assert_allclose(np.linalg.norm(points - SHIFT, axis=1), 0.03, atol=1e-3)
    assert (tmp_path / "plan" / "plan.html").stat().st_size > 100_000
    printed = capsys.readouterr().out
    assert "agreement" in printed
    assert "Views without an image: back, left, right, bottom." in printed


@pytest.mark.parametrize("name", ["ball.ply", "ball.npy"])
def test_plan_for_a_cloud(inputs, tmp_path, name):
    assert run(inputs, tmp_path / "plan", "--cloud", inputs / name) == 0
    assert (tmp_path / "plan" / "grasp_007.ply").exists()


def test_same_seed_gives_the_same_plan_in_a_new_process(inputs, tmp_path):
    run(inputs, tmp_path / "here", "--mesh", inputs / "ball.obj")
    command = "import sys; from funcgrasp_core.command_line import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["plan", "--instruction", "hold the ball", "--num-candidates", "8", "--seed", "1", "--checkpoint"]
    paths = [inputs / "model.safetensors", "--output", tmp_path / "there", "--mesh", inputs / "ball.obj"]
    subprocess.run([sys.executable, "-c", command, *arguments, *paths], check=True, timeout=120)
    assert without_timings(tmp_path / "here" / "plan.json") == without_timings(tmp_path / "there" / "plan.json")
    first, second = ((tmp_path / place / "grasp_000.ply").read_bytes() for place in ("here", "there"))
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--cloud or a mesh with --mesh"),
        (["--cloud", "nothing.ply"], "nothing.ply"),
        (["--cloud", "{inputs}/model.safetensors"], "model.safetensors"),
        (["--mesh", "{inputs}/ball.obj", "--images", "nowhere"], "nowhere"),
        (["--mesh", "{inputs}/ball.obj", "--num-candidates", "0"], "num_candidates must be 1 to 256"),
        (["--mesh", "{inputs}/ball.obj", "--seed", "-1"], "seed must be 0 to 2^63 - 1, got -1"),
        (["--mesh", "nothing.obj", "--num-candidates", "0"], "num_candidates must be 1 to 256"),
        (["--mesh", "nothing.obj", "--seed", "-1"], "seed must be 0 to 2^63 - 1, got -1"),
        (["--mesh", "{inputs}/ball.obj", "--instruction", " "], "instruction"),
        (["--mesh", "{inputs}/ball.obj", "--instruction", "<|image_pad|>"], "image_pad"),
        (["--mesh", "{inputs}/ball.obj", "--checkpoint", "none.safetensors"], "none.safetensors"),
        (["--mesh", "{inputs}/ball.obj", "--checkpoint", "{inputs}/ball.obj"], "ball.obj"),
        (["--mesh", "{inputs}/ball.obj", "--device", "quantum"], "'quantum' is no device"),
        (["--mesh", "{inputs}/ball.obj", "--device", "meta"], "'meta' is no device"),
        (["--mesh", "{inputs}/ball.obj", "--hand-file", "MANO_RIGHT.pkl"], "MANO_RIGHT.pkl"),
        (["--mesh", "{inputs}/ball.obj", "--hand-backend", "manotorch"], "manotorch needs MANO's own pickle"),
        (["--mesh", "{inputs}/ball.obj", "--output", "{inputs}"], "name a new folder"),
    ],
)
def test_bad_input_gives_one_sentence_and_writes_nothing(inputs, tmp_path, capsys, arguments, message):
    output = tmp_path / "deep" / "plan"
    assert run(inputs, output, *[argument.format(inputs=inputs) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_cloud_in_millimetres_is_refused(inputs, tmp_path, capsys):
    np.save(tmp_path / "mm.npy", 1000 * np.load(inputs / "ball.npy"))
    assert run(inputs, tmp_path / "plan", "--cloud", tmp_path / "mm.npy") == 2
    assert "1000" in capsys.readouterr().err
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "--output", "x", "--mesh", "y"], "--instruction"),
        (["plan", "--seed", "one", "--instruction", "a", "--output", "x"], "invalid int value: 'one'"),
        (["plan", "--hand-backend", "clay", "--instruction", "a", "--output", "x"], "invalid choice: 'clay'"),
        (["dance"], "dance"),
        ([], "COMMAND"),
    ],
)
def test_bad_arguments_give_one_sentence(capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_help_needs_no_heavy_package():
    script = (
        "import sys; from funcgrasp_core.command_line import main\n"
        "try: main(['plan', '--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'trimesh', 'k3d'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)
