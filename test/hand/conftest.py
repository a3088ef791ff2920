from pathlib import Path

import pytest
from official_pickle import official_pickle

from funcgrasp_core.assets import REFERENCE_HAND, asset_path
from funcgrasp_core.hand.mano_assets import ManoAssets, load_mano_assets


@pytest.fixture(scope="session")
def reference_assets() -> ManoAssets:
    return load_mano_assets(asset_path(REFERENCE_HAND))


@pytest.fixture
def mano_pickle_path(reference_assets, tmp_path) -> Path:
    path = tmp_path / "MANO_RIGHT.pkl"
    path.write_bytes(official_pickle(reference_assets))
    return path
