import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from funcgrasp_core.assets import COMPACT_CHECKPOINT, DEMO_RECORDING, REFERENCE_HAND, asset_path

ROOT = Path(__file__).resolve().parent.parent
PRINT_PATH = "from funcgrasp_core.assets import REFERENCE_HAND, asset_path; print(asset_path(REFERENCE_HAND))"


@pytest.mark.parametrize("name", [REFERENCE_HAND, DEMO_RECORDING, COMPACT_CHECKPOINT])
def test_every_named_asset_ships(name):
    assert asset_path(name).stat().st_size > 0


def test_assets_are_found_through_symlinked_files(tmp_path):
    """As `colcon build --symlink-install` lays the package out."""
    for source in (ROOT / "funcgrasp_core" / "__init__.py", ROOT / "funcgrasp_core" / "assets" / "__init__.py"):
        link = tmp_path / source.relative_to(ROOT)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(source)
    command = [sys.executable, "-c", PRINT_PATH]
    found = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
    assert Path(found.stdout.strip()) == asset_path(REFERENCE_HAND)


@pytest.mark.slow
def test_wheel_carries_the_assets_and_the_licences(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "funcgrasp_core", source / "funcgrasp_core")
    command = [sys.executable, "-m", "pip", "wheel", str(source), "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path)], check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    names = {Path(name).name for name in zipfile.ZipFile(wheel).namelist()}
    assert {REFERENCE_HAND, DEMO_RECORDING, COMPACT_CHECKPOINT, "LICENSE", "NOTICE", "entry_points.txt"} <= names
