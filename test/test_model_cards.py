"""The card of the model that ships says what its file and its evaluation say."""

import json
import re
from pathlib import Path

import pytest

from funcgrasp_core.assets import asset_path
from funcgrasp_core.checkpoints import load_checkpoint
from training.run.model_card import count_parameters

ROOT = Path(__file__).parents[1]
CARD = (ROOT / "docs/model_cards/compact.md").read_text()


@pytest.fixture(scope="module")
def shipped():
    return load_checkpoint(asset_path("compact.safetensors"))


def test_size_and_steps_are_those_of_the_file(shipped):
    assert f"{count_parameters(shipped.model)[0]:,} parameters" in CARD
    assert f"{int(shipped.provenance['step']):,} steps" in CARD
    assert f"{float(shipped.provenance['cpu_seconds']) / 3600:.2f} CPU hours" in CARD
    assert f"{int(shipped.provenance['num_train_grasps']):,} grasps to train" in CARD
    assert f"{shipped.config.semantic.view_size} x {shipped.config.semantic.view_size} pixels" in CARD
    assert f"{shipped.config.num_points} points" in CARD


def test_figures_are_those_of_the_evaluation():
    measured = json.loads((ROOT / "bench/results/grasps.json").read_text())["by_category_and_intent"]["model"]
    rows = re.findall(r"^\| (\w+ \w+) \| (.*) \|$", CARD, flags=re.MULTILINE)
    assert len(rows) == len(measured)
    for name, cells in rows:
        row = measured[name]
        assert cells == (
            f"{row['contact_ratio']:.0%} | {row['penetration_depth_cm']:.2f} | {row['intersection_volume_cm3']:.1f} | "
            f"{row['contact_f1']:.2f} | {row['part_correctness']:.0%} | {row['displacement_six_cm']:.1f}"
        ).replace("%", " %")
