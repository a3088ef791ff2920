"""A small tree in DexFuncGrasp's layout, made once."""

import shutil

import pytest

pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from training.data.dexfuncgrasp.dataset import DexFuncGraspDataset
from training.data.dexfuncgrasp.example import write_example_tree
from training.data.dexfuncgrasp.retargeting import RetargetingSettings


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """Two mugs, the second with transferred grasps, and two bottles; two grasps each. Not to be written to."""
    root = tmp_path_factory.mktemp("dexfuncgrasp")
    write_example_tree(root, ("mug", "bottle"), objects_per_category=2, grasps_per_object=2, mesh_spacing_m=0.005)
    return root


@pytest.fixture
def copied_tree(tree, tmp_path):
    """The tree, to be changed."""
    root = tmp_path / "tree"
    shutil.copytree(tree, root)
    return root


@pytest.fixture(scope="session")
def retargeted_tree(tree, tmp_path_factory):
    """A copy of the tree that is retargeted in earnest."""
    root = tmp_path_factory.mktemp("retargeted") / "tree"
    shutil.copytree(tree, root)
    DexFuncGraspDataset(root, "all", views_required=False, show_progress=False)
    return root


@pytest.fixture(scope="session")
def hasty():
    """Retargeting that is wrong by centimetres, for tests of everything around it."""
    return RetargetingSettings(num_steps=2)
