import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from official_processor import official_image_processor
from random_views import random_views

from funcgrasp_core.errors import CheckpointFormatError, ConfigurationError
from funcgrasp_core.grasp_model.qwen.checkpoint_folder import QwenFolder
from funcgrasp_core.grasp_model.qwen.view_patches import PatchLayout, ViewPatches


def layout_of(folder):
    return PatchLayout.of_folder(QwenFolder.open(folder))


def as_pictures(views):
    return [(255 * view).round().to(torch.uint8).permute(1, 2, 0).numpy().astype(np.uint8) for view in views]


def rewrite(folder, name, **values):
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("size", [56, 84, 224])
def test_patches_are_those_of_the_official_processor(tiny_qwen, size):
    views = random_views(3, size=size)
    official = official_image_processor(tiny_qwen)(as_pictures(views), return_tensors="pt")
    patches = ViewPatches(layout_of(tiny_qwen), size)
    torch.testing.assert_close(patches(views), official["pixel_values"], rtol=0, atol=1e-6)
    assert torch.equal(patches.grid(3), official["image_grid_thw"])
    assert patches.tokens_per_view == (size // 28) ** 2


def test_means_and_deviations_are_the_folders(broken_qwen):
    views = random_views(1)
    usual = ViewPatches(layout_of(broken_qwen), 56)(views)
    rewrite(broken_qwen, "preprocessor_config.json", image_mean=[0.1, 0.2, 0.3], image_std=[0.5, 0.25, 1.0])
    patches = ViewPatches(layout_of(broken_qwen), 56)(views)
    official = official_image_processor(broken_qwen)(as_pictures(views), return_tensors="pt")
    torch.testing.assert_close(patches, official["pixel_values"], rtol=0, atol=1e-6)
    assert not torch.allclose(patches, usual)


def test_hand_worked_order(tiny_qwen):
    """Each pixel carries its row: the second patch lies right of the first, the third below it."""
    rows = (torch.arange(56.0) / 255)[:, None].expand(56, 56)
    layout = layout_of(tiny_qwen)
    patches = ViewPatches(layout, 56)(rows.expand(1, 3, 56, 56))
    first_value = 255 * (patches[:, 0] * layout.std[0] + layout.mean[0])
    expected = torch.tensor([0.0, 0, 14, 14, 0, 0, 14, 14, 28, 28, 42, 42, 28, 28, 42, 42])
    torch.testing.assert_close(first_value, expected, rtol=0, atol=1e-3)


def test_sizes_that_the_checkpoint_would_change_are_refused(tiny_qwen, broken_qwen):
    layout = layout_of(tiny_qwen)
    with pytest.raises(ConfigurationError, match="784 pixels, this checkpoint takes 3136 to"):
        ViewPatches(layout, 28)
    with pytest.raises(ConfigurationError, match="no multiple of 28"):
        ViewPatches(layout, 70)
    rewrite(broken_qwen, "preprocessor_config.json", max_pixels=50000)
    with pytest.raises(ConfigurationError, match="takes 3136 to 50000"):
        ViewPatches(layout_of(broken_qwen), 224)


def test_newer_names_of_the_pixel_limits_are_read(broken_qwen):
    path = broken_qwen / "preprocessor_config.json"
    settings = json.loads(path.read_text())
    del settings["min_pixels"], settings["max_pixels"]
    path.write_text(json.dumps({**settings, "size": {"shortest_edge": 4000, "longest_edge": 5000}}))
    layout = layout_of(broken_qwen)
    assert (layout.min_pixels, layout.max_pixels) == (4000, 5000)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"do_normalize": False}, "sets do_normalize to False"),
        ({"do_rescale": False}, "sets do_rescale to False"),
        ({"rescale_factor": 1.0}, "sets rescale_factor to 1.0"),
        ({"merge_size": 4}, "merge_size 4, the vision tower 2"),
        ({"patch_size": 16}, "patch_size 16, the vision tower 14"),
        ({"image_mean": [0.5]}, "image_mean must be three numbers"),
    ],
)
def test_settings_that_are_not_done_are_refused(broken_qwen, values, message):
    rewrite(broken_qwen, "preprocessor_config.json", **values)
    with pytest.raises(CheckpointFormatError, match=message):
        layout_of(broken_qwen)


BLOCKED = "import sys\nsys.modules['torchvision'] = None\n"
INSTALLED = """
import importlib.abc, importlib.machinery, sys

class Names(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return f"{cls.__name__}.{name}"

    def __call__(cls, *arguments, **options):
        raise AssertionError(f"torchvision's {cls.__name__} was used")

class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def exec_module(self, module):
        def name_in_it(name):
            if name.startswith("__"):
                raise AttributeError(name)
            return Names(name, (), {})
        module.__getattr__, module.__version__ = name_in_it, '0.28.0'

sys.meta_path.insert(0, StandIn())
"""
ENCODE = """
import torch
from pathlib import Path
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.encoder import build_qwen_encoder
torch.manual_seed(0)
config = QwenSemanticConfig(tuning="frozen", dtype="float32", view_size=56)
encoder = build_qwen_encoder(config, Path({folder!r}), 4)
images = torch.linspace(0, 1, 6 * 3 * 56 * 56).view(1, 6, 3, 56, 56)
print(encoder(encoder.encode_views(images), torch.ones(1, 6, dtype=torch.bool), ["hold it"]).tolist())
"""


@pytest.mark.slow
def test_torchvision_makes_no_difference(tiny_qwen):
    """Not there at all; or there, with every name that is imported from it, none of which may be called."""
    printed = []
    for preamble in (BLOCKED, INSTALLED):
        script = preamble + ENCODE.format(folder=str(tiny_qwen))
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        printed.append(result.stdout.splitlines()[-1])
    assert printed[0] == printed[1]
    assert np.isfinite(json.loads(printed[0])).all()
