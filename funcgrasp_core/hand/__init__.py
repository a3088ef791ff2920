"""The hand: a MANO layer, the reference hand, parts, joint limits and parameterisations."""

from funcgrasp_core.hand.mano_assets import ManoAssets, load_mano_assets, save_mano_assets
from funcgrasp_core.hand.mano_layer import HandGeometry, HandLayer, ManoLayer

__all__ = ["HandGeometry", "HandLayer", "ManoAssets", "ManoLayer", "load_mano_assets", "save_mano_assets"]
