"""What the GPU script runs, in which order, and what it brings back; nothing here needs a GPU."""

import os
import re
import shlex
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "bench" / "on_gpu.sh"
PACKAGES_NOT_THERE = ("cyclonedds", "hypothesis", "mujoco", "open3d", "pybullet", "rosbags", "trimesh")
BENCHMARKS = ["point_sampling", "training_step", "planner_stages", "view_encoding", "training_step_compiled"]


def collected_files() -> list[Path]:
    (search,) = re.findall(r"^gpu_tests=\$\((.+)\)$", SCRIPT.read_text(), re.MULTILINE)
    found = subprocess.run(["bash", "-c", search], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in found.stdout.split()]


def with_conftests(paths):
    conftests = {folder / "conftest.py" for path in paths for folder in path.parents if ROOT / "test" in folder.parents}
    return {*paths, *(path for path in (*conftests, ROOT / "test" / "conftest.py") if path.is_file())}


def test_the_files_found_hold_every_gpu_test():
    mark = re.compile(r"^\s*(?:@|pytestmark.*)pytest\.mark\.gpu\b", re.MULTILINE)
    marked = {path for path in (ROOT / "test").rglob("test_*.py") if mark.search(path.read_text())}
    assert set(collected_files()) == marked
    assert marked


def test_collecting_them_needs_no_package_that_a_gpu_machine_lacks():
    at_top = re.compile(rf"^(?:import|from) ({'|'.join(PACKAGES_NOT_THERE)})\b", re.MULTILINE)
    paths = with_conftests(collected_files())
    assert {path.name: at_top.findall(path.read_text()) for path in paths if at_top.search(path.read_text())} == {}


FAKE_PYTHON = """#!/usr/bin/env bash
echo "$*" >>calls
[[ "$*" == *"bench.planner_stages"* ]] && exit "${PLANNER_STATUS:-0}"
if [[ "$*" == *"--name compact_gpu"* ]]; then
    mkdir -p exp/compact_gpu/logs exp/compact_gpu/states
    for name in logs/train_1.log metrics.csv model.safetensors states/step_1.pt; do
        echo "$name" >"exp/compact_gpu/$name"
    done
    exit "${TRAINING_STATUS:-0}"
fi
exit 0
"""


@pytest.fixture
def checkout(tmp_path):
    """A repository with the script and a program in Python's place that writes down what it is asked for."""
    (tmp_path / "bench").mkdir()
    (tmp_path / "test").mkdir()
    (tmp_path / "data" / "procedural").mkdir(parents=True)
    (tmp_path / "data" / "ablations.safetensors").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "test" / "test_a.py").write_text("@pytest.mark.gpu\ndef test_a(): ...\n")
    for name in ("on_gpu.sh", "pending_training.txt"):
        (tmp_path / "bench" / name).write_text((ROOT / "bench" / name).read_text())
    (tmp_path / "fake_python").write_text(FAKE_PYTHON)
    (tmp_path / "fake_python").chmod(0o755)
    (tmp_path / ".gitignore").write_text("calls\nexp\nout\nbench/results\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "First"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def run_script(checkout, *arguments, **environment):
    """Exit status, and what Python was asked for after it had been looked for a GPU."""
    (checkout / "calls").unlink(missing_ok=True)
    variables = {"PYTHON": f"{checkout}/fake_python", "OUT": f"{checkout}/out", **environment}
    result = subprocess.run(
        ["bash", "bench/on_gpu.sh", *arguments],
        cwd=checkout,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result.returncode, (checkout / "calls").read_text().splitlines()[2:]


def pending_names(checkout):
    lines = (checkout / "bench" / "pending_training.txt").read_text().splitlines()
    return [line.split("|")[0].strip() for line in lines if line and not line.startswith("#")]


def test_tests_come_first_then_benchmarks_then_trainings(checkout):
    status, calls = run_script(checkout)
    assert status == 0
    assert calls[0] == "-m pytest -m gpu test/test_a.py"
    written = [re.search(r"--json bench/results/gpu/(\w+)\.json", call) for call in calls[1:6]]
    assert [match.group(1) for match in written if match] == BENCHMARKS
    assert all("--device cuda" in call for call in calls[1:6])
    trained = [match.group(1) for call in calls[6:] if (match := re.search(r"(?:--name |exp/)(\w+_gpu)", call))]
    assert trained == pending_names(checkout)


def test_what_succeeded_is_not_run_again_until_there_is_another_commit(checkout):
    status, calls = run_script(checkout, PLANNER_STATUS="3", TRAINING_STATUS="124")
    assert status == 1
    assert len(calls) == 6 + len(pending_names(checkout))
    status, calls = run_script(checkout)
    assert status == 0
    assert [("planner_stages" in call, "compact_gpu" in call) for call in calls] == [(True, False), (False, True)]
    assert run_script(checkout) == (0, [])
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "Next"],
        cwd=checkout,
        check=True,
    )
    assert len(run_script(checkout)[1]) == 6 + len(pending_names(checkout))


def test_a_copy_without_history_goes_by_the_commit_that_it_is_told(checkout):
    shutil.rmtree(checkout / ".git")
    assert len(run_script(checkout, "60", "training_step")[1]) == 1
    assert len(run_script(checkout, "60", "training_step")[1]) == 1
    assert len(run_script(checkout, "60", "training_step", FUNCGRASP_COMMIT="v1")[1]) == 1
    assert run_script(checkout, "60", "training_step", FUNCGRASP_COMMIT="v1") == (0, [])


@pytest.mark.parametrize("name", ["compact_gpu", "funcgrasp_v2_gpu", "ablations_gpu"])
def test_pending_commands_are_understood_by_the_scripts_that_they_name(name):
    lines = (ROOT / "bench" / "pending_training.txt").read_text().splitlines()
    (command,) = [line.split("|")[2] for line in lines if line.split("|")[0].strip() == name]
    python, flag, module, *arguments = shlex.split(command)
    assert (python, flag) == ("python3", "-m")
    script = pytest.importorskip(module, exc_type=ModuleNotFoundError)
    options = script.parse_arguments(arguments)
    assert name in (getattr(options, "name", None), str(getattr(options, "output", None)).removeprefix("exp/"))


def test_single_steps_can_be_chosen(checkout):
    _, calls = run_script(checkout, "60", "training_step", "compact_gpu")
    assert len(calls) == 2
    assert calls[0].startswith("-m bench.training_step --device cuda --json")
    assert "--name compact_gpu" in calls[1]


def test_a_step_that_takes_too_long_is_no_failure_and_is_run_again(checkout):
    slow = FAKE_PYTHON.replace('    exit "${TRAINING_STATUS:-0}"', "    sleep 20")
    (checkout / "fake_python").write_text(slow)
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "Slow"], cwd=checkout, check=True
    )
    for _ in range(2):
        status, calls = run_script(checkout, "1", "compact_gpu")
        assert (status, len(calls)) == (0, 1)


def test_training_is_skipped_without_its_data(checkout):
    (checkout / "data" / "procedural").rmdir()
    status, calls = run_script(checkout)
    assert status == 0
    assert [call.split()[1] for call in calls[6:]] == ["training.ablate"]


def test_logs_curves_and_weights_of_training_are_brought_back(checkout):
    (checkout / "exp" / "compact").mkdir(parents=True)
    (checkout / "exp" / "compact" / "metrics.csv").write_text("of another machine")
    run_script(checkout, "60", "compact_gpu")
    files = {}
    for archive in (checkout / "out").iterdir():
        with tarfile.open(archive) as opened:
            files[archive.name] = {member.name for member in opened.getmembers() if member.isfile()}
    assert set(files) == {"gpu_results.tar.gz", "compact_gpu_weights.tar.gz"}
    assert files["compact_gpu_weights.tar.gz"] == {"exp/compact_gpu/model.safetensors"}
    of_runs = {name for name in files["gpu_results.tar.gz"] if name.startswith("exp/")}
    assert of_runs == {"exp/compact_gpu/logs/train_1.log", "exp/compact_gpu/metrics.csv"}
    assert "bench/results/gpu/machine.json" in files["gpu_results.tar.gz"]
    assert "bench/results/gpu/compact_gpu.log" in files["gpu_results.tar.gz"]
