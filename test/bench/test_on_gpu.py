"""bench/on_gpu.sh: which tests it collects and what it brings back; nothing here needs a GPU."""

import re
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "bench" / "on_gpu.sh"
PACKAGES_NOT_THERE = ("cyclonedds", "hypothesis", "open3d", "rosbags", "trimesh")


def collected_folders() -> list[str]:
    (folders,) = re.findall(r"-m pytest -m gpu (.+)", SCRIPT.read_text())
    return folders.split()


def test_the_folders_named_hold_every_gpu_test():
    mark = re.compile(r"^\s*@pytest\.mark\.gpu\b", re.MULTILINE)
    marked = {path for path in (ROOT / "test").rglob("test_*.py") if mark.search(path.read_text())}
    assert {str(path.parent.relative_to(ROOT)) for path in marked} == set(collected_folders())


def test_collecting_them_needs_no_package_that_a_gpu_machine_lacks():
    paths = [path for folder in collected_folders() for path in (ROOT / folder).glob("*.py")]
    assert len(paths) > 10
    at_top = re.compile(rf"^(?:import|from) ({'|'.join(PACKAGES_NOT_THERE)})\b", re.MULTILINE)
    assert {path.name: at_top.findall(path.read_text()) for path in paths if at_top.search(path.read_text())} == {}


def test_logs_curves_and_weights_of_training_are_brought_back(tmp_path):
    run = tmp_path / "exp" / "compact_gpu"
    (run / "logs").mkdir(parents=True)
    (run / "states").mkdir()
    for name in ("logs/train_1.log", "metrics.csv", "model.safetensors", "states/step_1.pt"):
        (run / name).write_text(name)
    (tmp_path / "exp" / "compact").mkdir()
    (tmp_path / "exp" / "compact" / "metrics.csv").write_text("of another machine")
    (tmp_path / "results").mkdir()
    (tmp_path / "out").mkdir()
    (deliver,) = re.findall(r"^deliver\(\) \{.*?^\}", SCRIPT.read_text(), re.MULTILINE | re.DOTALL)
    command = f"{deliver}\nresults=results OUT=out\ndeliver"
    subprocess.run(["bash", "-ec", command], cwd=tmp_path, check=True, timeout=30)
    with tarfile.open(tmp_path / "out" / "gpu_results.tar.gz") as archive:
        files = {member.name for member in archive.getmembers() if member.isfile()}
    assert files == {f"exp/compact_gpu/{name}" for name in ("logs/train_1.log", "metrics.csv", "model.safetensors")}
