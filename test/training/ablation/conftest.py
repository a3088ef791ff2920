import pytest
from small_ablation import small_store

from funcgrasp_core.hand.mano_layer import ManoLayer


@pytest.fixture(scope="module")
def layer():
    return ManoLayer()


@pytest.fixture(scope="module")
def store(layer):
    """One validation object of each category; not to be written to."""
    return small_store("val", layer, objects_per_category=1)
