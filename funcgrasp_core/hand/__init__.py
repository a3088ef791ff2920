"""The hand: a MANO layer, the reference hand, parts, joint limits and parameterisations."""

from funcgrasp_core.hand.hand_layer_factory import build_hand_layer
from funcgrasp_core.hand.mano_assets import ManoAssets, load_mano_assets, save_mano_assets
from funcgrasp_core.hand.mano_layer import HandGeometry, HandLayer, ManoLayer

__all__ = [
    "HandGeometry",
    "HandLayer",
    "ManoAssets",
    "ManoLayer",
    "build_hand_layer",
    "load_mano_assets",
    "save_mano_assets",
]
