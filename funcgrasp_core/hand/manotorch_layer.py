"""manotorch's MANO layer behind this project's interface, for users who have it installed.

manotorch (Yang et al., "CPF: Learning a Contact Potential Field to Model the Hand-Object Interaction", ICCV 2021) is
published under the GPL-3.0 and is not a dependency of this project.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from funcgrasp_core.errors import HandFileError, MissingDependencyError
from funcgrasp_core.hand.mano_assets import load_mano_assets
from funcgrasp_core.hand.mano_layer import HandGeometry, close_wrist, translate_geometry


class ManotorchLayer(nn.Module):
    """Poses hands with manotorch; see `ManoLayer` for what goes in and comes out.

    manotorch unpickles without care, so the file goes through our allow-listed reader first.

    Args:
        hand_file: MANO_RIGHT.pkl or MANO_LEFT.pkl, by that name.
        center_idx: the joint (of the 21) that becomes the origin; None keeps the model's own origin.
        flat_hand_mean: whether zero pose is the flat hand.
    """

    finger_mean: Tensor
    faces: Tensor
    closed_faces: Tensor

    def __init__(self, hand_file: Path, center_idx: int | None = 0, flat_hand_mean: bool = True):
        super().__init__()
        self.assets = load_mano_assets(hand_file)
        self.center_idx = center_idx
        self.inner = _make_manotorch_layer(hand_file, self.assets.side)
        finger_mean = torch.zeros(45) if flat_hand_mean else torch.as_tensor(self.assets.hands_mean).float()
        self.register_buffer("finger_mean", finger_mean, persistent=False)
        self.register_buffer("faces", torch.as_tensor(self.assets.f, dtype=torch.long), persistent=False)
        self.register_buffer("closed_faces", close_wrist(self.faces), persistent=False)

    def forward(self, pose: Tensor, shape: Tensor) -> HandGeometry:
        """Pose hands; pose [B, 48] axis-angle, shape [B, 10]."""
        with_mean = torch.cat([pose[:, :3], pose[:, 3:] + self.finger_mean.to(pose)], dim=1)
        geometry = self._pose_hands(with_mean, shape)
        if self.center_idx is None:
            return geometry
        return translate_geometry(geometry, -geometry.joints[:, self.center_idx])

    def from_vector(self, vectors: Tensor) -> HandGeometry:
        """Pose hands from MANO vectors [B, 61]: flat-mean pose, shape, and the wrist's position."""
        pose, shape, translation = vectors.split([48, 10, 3], dim=-1)
        geometry = self._pose_hands(pose, shape)
        return translate_geometry(geometry, translation - geometry.joints[:, 0])

    def _pose_hands(self, pose: Tensor, shape: Tensor) -> HandGeometry:
        output = self.inner(pose, shape)
        return HandGeometry(output.verts, output.joints, output.transforms_abs)


def _make_manotorch_layer(hand_file: Path, side: str) -> Any:
    try:
        from manotorch.manolayer import ManoLayer as Manotorch  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingDependencyError(
            f"The hand backend 'manotorch' cannot be imported ({error}). Install manotorch from its authors, with "
            "chumpy, or use the native backend, which needs nothing."
        ) from error
    # manotorch looks for <root>/MANO_RIGHT.pkl or <root>/models/MANO_RIGHT.pkl, depending on its version.
    for root in (hand_file.parent, hand_file.parent.parent):
        try:
            return Manotorch(
                rot_mode="axisang", side=side, center_idx=None, mano_assets_root=str(root), flat_hand_mean=True
            )
        except FileNotFoundError:
            continue
    raise HandFileError(
        f"manotorch does not find {hand_file}; it wants MANO_{side.upper()}.pkl in a folder, or in a folder 'models'."
    )
