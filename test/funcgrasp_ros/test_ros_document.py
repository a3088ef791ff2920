"""What docs/ros.md says is so."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from node_bench import NodeBench

from funcgrasp_core.assets import REFERENCE_HAND, asset_path
from funcgrasp_core.hand.mano_assets import load_mano_assets
from funcgrasp_core.hand.palm_frame import palm_axes
from funcgrasp_core.planning.grasp_poses import PREGRASP_DISTANCE_M

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "ros.md"
sys.path.insert(0, str(ROOT / "docs"))

from ros_tables import all_tables, markdown_table, show_value, with_tables  # noqa: E402 (beside the document)


@pytest.mark.ros
def test_the_tables_are_those_of_the_code():
    document = DOCUMENT.read_text()
    assert with_tables(document, all_tables()) == document, "docs/ros.md is out of date: run `make docs`"


@pytest.mark.ros
def test_the_example_runs_and_prints_a_plan(tmp_path):
    (program,) = re.findall(r"```python\n(.+?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(program)
    with NodeBench() as bench:
        run = subprocess.run([sys.executable, script], capture_output=True, text=True, env=os.environ, timeout=120)
        (observation,) = bench.planner.observations
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert re.fullmatch(r"16 grasps in the frame table, the best with score 1\.00:", lines[0])
    assert [line.split("(")[0] for line in lines[1:]] == ["the wrist waits at ", "and grasps at "]
    assert (observation.points.min(axis=0) > (0.36, -0.04, -0.01)).all()
    assert (observation.points.max(axis=0) < (0.44, 0.04, 0.16)).all()


def test_the_wrist_axes_are_as_described():
    axes = palm_axes(load_mano_assets(asset_path(REFERENCE_HAND)).rest_joints)
    described = "x points away from the fingers, z to the thumb's side, and y out of the\nback of the hand"
    assert described in DOCUMENT.read_text()
    np.testing.assert_allclose(axes.fingers, (-1, 0, 0), atol=0.1)
    np.testing.assert_allclose(axes.thumb_side, (0, 0, 1), atol=0.1)
    np.testing.assert_allclose(axes.outward, (0, -1, 0), atol=0.1)
    assert f"{100 * PREGRASP_DISTANCE_M:.0f} cm back" in DOCUMENT.read_text()


def test_pictures_and_links_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", DOCUMENT.read_text()):
        assert (DOCUMENT.parent / target).is_file(), target


def test_files_and_commands_that_are_named_exist():
    document = DOCUMENT.read_text()
    for name in re.findall(r"\b(\w+\.launch\.py)", document):
        assert (ROOT / "launch" / name).is_file(), name
    for name in ("constraints-jazzy.txt", "config/planner.yaml", "rviz/planner.rviz", "launch/demo.launch.py"):
        assert name in document
        assert (ROOT / name).is_file()


def test_a_table_needs_its_place():
    place = "<!-- a: made by docs/ros_tables.py -->\nold\n<!-- end -->\n"
    assert with_tables(f"before\n{place}after\n", {"a": "new\n"}) == f"before\n{place.replace('old', 'new')}after\n"
    with pytest.raises(ValueError, match="'b'"):
        with_tables(place, {"a": "", "b": ""})
    with pytest.raises(ValueError, match=r"places for \['a'\]"):
        with_tables(place, {})


def test_cells_are_written_as_markdown():
    assert markdown_table(("x", "y"), [("a|b", "")]) == "| x | y |\n| --- | --- |\n| a\\|b |  |\n"
    assert [show_value(value) for value in (True, 0.5, "", [""], [1.0, 2.0])] == [
        "`true`",
        "`0.5`",
        "",
        '`[""]`',
        "`[1.0, 2.0]`",
    ]
