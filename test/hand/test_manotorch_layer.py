"""The adapter's own arithmetic, with a package that has manotorch's interface; parity is tested in test_mano_layer."""

import sys
from collections import namedtuple
from pathlib import Path
from types import ModuleType

import pytest
import torch

from funcgrasp_core.hand.hand_layer_factory import build_hand_layer
from funcgrasp_core.hand.mano_assets import load_mano_assets
from funcgrasp_core.hand.mano_layer import ManoLayer

Output = namedtuple(
    "Output", ["verts", "joints", "center_idx", "center_joint", "full_poses", "betas", "transforms_abs"]
)


class FakeManotorchLayer(torch.nn.Module):
    """Looks for MANO's file in `models/`, and answers in manotorch's form."""

    def __init__(self, rot_mode, side, center_idx, mano_assets_root, flat_hand_mean):
        super().__init__()
        assert (rot_mode, side, center_idx, flat_hand_mean) == ("axisang", "right", None, True)
        path = Path(mano_assets_root) / "models" / "MANO_RIGHT.pkl"
        if not path.is_file():
            raise FileNotFoundError(path)
        self.layer = ManoLayer(load_mano_assets(path), center_idx=None)

    def forward(self, pose_coeffs, betas):
        geometry = self.layer(pose_coeffs, betas)
        return Output(geometry.vertices, geometry.joints, None, None, pose_coeffs, betas, geometry.transforms)


@pytest.fixture
def hand_file(monkeypatch, mano_pickle_path) -> Path:
    module = ModuleType("manotorch.manolayer")
    module.ManoLayer = FakeManotorchLayer  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "manotorch", ModuleType("manotorch"))
    monkeypatch.setitem(sys.modules, "manotorch.manolayer", module)
    path = mano_pickle_path.parent / "models" / "MANO_RIGHT.pkl"
    path.parent.mkdir()
    mano_pickle_path.rename(path)
    return path


@pytest.mark.parametrize("center_idx", [None, 0, 9])
@pytest.mark.parametrize("flat_hand_mean", [True, False])
def test_adapter_centres_and_adds_the_mean_as_the_native_layer_does(hand_file, center_idx, flat_hand_mean):
    options = {"center_idx": center_idx, "flat_hand_mean": flat_hand_mean}
    adapted = build_hand_layer(hand_file, backend="manotorch", **options)
    native = build_hand_layer(hand_file, **options)
    generator = torch.Generator().manual_seed(0)
    vectors = 0.5 * torch.randn(3, 61, generator=generator)
    for found, expected in (
        (adapted(vectors[:, :48], vectors[:, 48:58]), native(vectors[:, :48], vectors[:, 48:58])),
        (adapted.from_vector(vectors), native.from_vector(vectors)),
    ):
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
    assert torch.equal(adapted.closed_faces, native.closed_faces)
