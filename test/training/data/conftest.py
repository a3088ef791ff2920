"""A small tree in OakInk's layout with virtual objects, handovers and both mesh resolutions."""

import shutil

import pytest


@pytest.fixture(scope="session")
def example_tree(tmp_path_factory):
    pytest.importorskip("skimage", reason="meshing needs scikit-image")
    pytest.importorskip("trimesh", reason="reading meshes needs trimesh")
    from training.data.oakink_example import write_example_tree

    root = tmp_path_factory.mktemp("example") / "shape"
    write_example_tree(root, show_progress=False)
    return root


@pytest.fixture
def example_copy(example_tree, tmp_path):
    return shutil.copytree(example_tree, tmp_path / "shape")
