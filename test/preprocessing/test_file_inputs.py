import sys

import numpy as np
import pytest
from PIL import Image

from funcgrasp_core.errors import ConfigurationError, InvalidFileError, MissingDependencyError
from funcgrasp_core.preprocessing.file_inputs import MESH_SUFFIXES, read_cloud, read_mesh, read_views, sample_mesh

trimesh = pytest.importorskip("trimesh")


@pytest.fixture
def points():
    points = np.random.default_rng(0).random((40, 3)).astype(np.float32).astype(np.float64)
    points[5] = np.nan
    return points


def test_ply_cloud(tmp_path, points):
    trimesh.PointCloud(points).export(tmp_path / "cloud.ply")
    np.testing.assert_array_equal(read_cloud(tmp_path / "cloud.ply"), points)


def test_ply_mesh_read_as_a_cloud_gives_its_vertices(tmp_path):
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    box.export(tmp_path / "box.ply")
    np.testing.assert_allclose(read_cloud(tmp_path / "box.ply"), box.vertices, atol=1e-7)


def test_pcd_cloud(tmp_path, points):
    open3d = pytest.importorskip("open3d")
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
    open3d.io.write_point_cloud(tmp_path / "cloud.pcd", cloud)
    np.testing.assert_array_equal(read_cloud(tmp_path / "cloud.pcd"), points)


def test_pcd_without_open3d(tmp_path, monkeypatch):
    (tmp_path / "cloud.pcd").touch()
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'funcgrasp\[scene\]'"):
        read_cloud(tmp_path / "cloud.pcd")


def test_npy_and_xyz_clouds_with_further_columns(tmp_path, points):
    with_colour = np.concatenate([points, np.ones((40, 3))], axis=1)
    np.save(tmp_path / "cloud.npy", with_colour)
    np.savetxt(tmp_path / "cloud.XYZ", with_colour)
    np.testing.assert_array_equal(read_cloud(str(tmp_path / "cloud.npy")), points)
    np.testing.assert_allclose(read_cloud(tmp_path / "cloud.XYZ"), points)


@pytest.mark.parametrize("reader", [read_cloud, read_mesh])
def test_a_missing_file(reader, tmp_path):
    with pytest.raises(InvalidFileError, match=r"nothing\.ply: no such file; expected a"):
        reader(tmp_path / "nothing.ply")


@pytest.mark.parametrize(("reader", "expected"), [(read_cloud, ".pcd, .npy, .xyz"), (read_mesh, ".obj, .ply, .stl")])
def test_an_unknown_kind(reader, expected, tmp_path):
    (tmp_path / "cloud.docx").touch()
    with pytest.raises(InvalidFileError, match=rf"unknown kind '.docx'; expected .*{expected}"):
        reader(tmp_path / "cloud.docx")


@pytest.mark.parametrize("name", ["cloud.ply", "cloud.npy", "cloud.xyz"])
def test_a_damaged_cloud(name, tmp_path):
    (tmp_path / name).write_bytes(b"junk \x00\xff junk")
    with pytest.raises(InvalidFileError, match=rf"{name}: cannot be read as a point cloud \(.*export it again"):
        read_cloud(tmp_path / name)


def test_a_pickle_in_npy_is_not_opened(tmp_path):
    np.save(tmp_path / "cloud.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidFileError, match="cannot be read as a point cloud"):
        read_cloud(tmp_path / "cloud.npy")


@pytest.mark.parametrize("array", [np.zeros((5, 2)), np.zeros(6), np.zeros((5, 3), complex)])
def test_an_array_that_is_no_cloud(array, tmp_path):
    np.save(tmp_path / "cloud.npy", array)
    with pytest.raises(InvalidFileError, match="expected rows of at least three numbers x y z"):
        read_cloud(tmp_path / "cloud.npy")


def test_a_cloud_without_points(tmp_path):
    np.save(tmp_path / "cloud.npy", np.zeros((0, 3)))
    with pytest.raises(InvalidFileError, match="the file has no points"):
        read_cloud(tmp_path / "cloud.npy")


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_meshes(suffix, tmp_path):
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    box.export(tmp_path / f"box{suffix}")
    mesh = read_mesh(tmp_path / f"box{suffix}")
    assert len(mesh.faces) == 12
    np.testing.assert_allclose(mesh.bounds, [[-0.05, -0.1, -0.15], [0.05, 0.1, 0.15]], atol=1e-7)


def test_a_mesh_of_several_parts_is_joined(tmp_path):
    boxes = [trimesh.creation.box((0.1, 0.1, 0.1)).apply_translation([0.0, 0.0, shift]) for shift in (0.0, 0.5)]
    trimesh.Scene(boxes).export(tmp_path / "boxes.glb")
    mesh = read_mesh(tmp_path / "boxes.glb")
    assert len(mesh.faces) == 24
    assert mesh.extents.max() == pytest.approx(0.6)


def test_a_cloud_given_as_a_mesh(tmp_path):
    trimesh.PointCloud(np.random.default_rng(0).random((40, 3))).export(tmp_path / "cloud.ply")
    with pytest.raises(InvalidFileError, match="has no triangles; give a mesh, or pass points as a cloud"):
        read_mesh(tmp_path / "cloud.ply")


def test_a_damaged_mesh(tmp_path):
    (tmp_path / "mesh.off").write_text("junk")
    with pytest.raises(InvalidFileError, match="cannot be read as a mesh"):
        read_mesh(tmp_path / "mesh.off")


@pytest.mark.parametrize("third", ["v 2 0 0", "v nan 0 1"], ids=["flat", "not_finite"])
def test_a_mesh_without_surface(third, tmp_path):
    (tmp_path / "mesh.obj").write_text(f"v 0 0 0\nv 1 0 0\n{third}\nf 1 2 3\n")
    with pytest.raises(InvalidFileError, match="vertices that are not finite, or no surface"):
        read_mesh(tmp_path / "mesh.obj")


def test_mesh_samples_lie_on_the_surface_and_are_uniform_by_area():
    vertices = np.array([[0.0, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 5], [1, 0, 5], [0, 1, 5]])
    mesh = trimesh.Trimesh(vertices, [[0, 1, 2], [3, 4, 5]], process=False)
    points = sample_mesh(mesh, 20_000, seed=1)
    lower = points[points[:, 2] == 0]
    assert len(lower) / len(points) == pytest.approx(0.75, abs=0.015)
    assert set(np.unique(points[:, 2])) == {0.0, 5.0}
    assert (points[:, :2] >= 0).all()
    assert (lower[:, 0] / 3 + lower[:, 1]).max() <= 1 + 1e-12
    np.testing.assert_allclose(lower.mean(axis=0), [1.0, 1 / 3, 0.0], atol=0.02)
    # uniform on a triangle: the part nearer to a corner than half way is a quarter of the area
    assert (lower[:, 0] > 1.5).mean() == pytest.approx(0.25, abs=0.015)


def test_mesh_samples_repeat_with_their_seed():
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    np.testing.assert_array_equal(sample_mesh(box, 50, seed=4), sample_mesh(box, 50, seed=4))
    assert not np.array_equal(sample_mesh(box, 50, seed=4), sample_mesh(box, 50, seed=5))
    with pytest.raises(ConfigurationError, match="num_points must be at least 1, got 0"):
        sample_mesh(box, 0)


def test_views_by_name(tmp_path):
    colours = {"front": (255, 0, 0), "bottom": (0, 0, 255)}
    for slot, colour in colours.items():
        Image.new("RGB", (6, 4), colour).save(tmp_path / f"{slot}.png")
    Image.new("RGB", (6, 4)).save(tmp_path / "side.png")
    views = read_views(tmp_path)
    assert set(views) == set(colours)
    for slot, colour in colours.items():
        assert views[slot].shape == (4, 6, 3)
        assert views[slot].dtype == np.uint8
        assert (views[slot] == colour).all()


def test_grey_and_transparent_views(tmp_path):
    Image.new("L", (2, 2), 70).save(tmp_path / "front.png")
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(tmp_path / "back.png")
    views = read_views(tmp_path)
    assert (views["front"] == 70).all()
    assert (views["back"] == 255).all()


def test_a_directory_without_views(tmp_path):
    with pytest.raises(InvalidFileError, match=r"no view found; expected at least one of front\.png, back\.png"):
        read_views(tmp_path)


def test_a_missing_directory(tmp_path):
    with pytest.raises(InvalidFileError, match=r"no such directory; give one that holds front\.png"):
        read_views(tmp_path / "nothing")


def test_a_damaged_picture(tmp_path):
    Image.new("RGB", (60, 40)).save(tmp_path / "top.png")
    (tmp_path / "top.png").write_bytes((tmp_path / "top.png").read_bytes()[:60])
    with pytest.raises(InvalidFileError, match=r"top\.png: cannot be read as a PNG picture"):
        read_views(tmp_path)
