import numpy as np
import pytest
import torch

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import BadImageError, ConfigurationError
from funcgrasp_core.preprocessing.object_views import (
    float_views,
    prepare_views,
    prepare_views_uint8,
    rotate_view_mask,
    rotate_view_slots,
)

RENDER_SIZE = 16

CAMERAS = {
    "front": ([0, -1, 0], [0, 0, 1]),
    "back": ([0, 1, 0], [0, 0, 1]),
    "left": ([-1, 0, 0], [0, 0, 1]),
    "right": ([1, 0, 0], [0, 0, 1]),
    "top": ([0, 0, 1], [0, 1, 0]),
    "bottom": ([0, 0, -1], [0, 1, 0]),
}
"""Where each camera stands and which way is up in its image, as contracts.VIEW_SLOTS says."""

QUARTER_TURN = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
"""By +90 degrees about +z: +x goes to +y."""


def splat(cells: np.ndarray, colours: np.ndarray) -> torch.Tensor:
    """Orthographic pictures [6, S, S, 3] of points [P, 3] on odd coordinates -15..15; near ones hide far ones."""
    images = np.zeros((6, RENDER_SIZE, RENDER_SIZE, 3), dtype=np.uint8)
    for image, slot in zip(images, VIEW_SLOTS, strict=True):
        position, up = (np.array(vector) for vector in CAMERAS[slot])
        right = np.cross(-position, up)
        farthest_first = np.argsort(cells @ position)
        columns = (cells @ right + RENDER_SIZE - 1) // 2
        rows = (RENDER_SIZE - 1 - cells @ up) // 2
        image[rows[farthest_first], columns[farthest_first]] = colours[farthest_first]
    return torch.from_numpy(images)


def coloured_points(seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    numbers = generator.choice(RENDER_SIZE**3, 300, replace=False)
    cells = np.stack(np.unravel_index(numbers, (RENDER_SIZE,) * 3), axis=-1) * 2 - (RENDER_SIZE - 1)
    return cells, generator.integers(1, 256, (300, 3), dtype=np.uint8)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_renderer_shows_what_the_cameras_should_see():
    """A red point at +x is in the middle of the right picture, right in front and top, left in back and bottom."""
    images = dict(zip(VIEW_SLOTS, splat(np.array([[15, 1, 1]]), np.array([[255, 0, 0]], np.uint8)), strict=True))
    columns = {slot: int(image[..., 0].nonzero()[0, 1]) for slot, image in images.items()}
    assert columns == {"front": 15, "back": 0, "left": 7, "right": 8, "top": 15, "bottom": 0}


@pytest.mark.parametrize("num_quarter_turns", [-1, 0, 1, 2, 3, 4, 5])
def test_rotated_slots_are_the_views_of_the_turned_object(num_quarter_turns):
    cells, colours = coloured_points(0)
    turned = cells @ np.linalg.matrix_power(QUARTER_TURN, num_quarter_turns % 4).T
    expected = splat(turned, colours)
    rotated = rotate_view_slots(splat(cells, colours), num_quarter_turns)
    for index, slot in enumerate(VIEW_SLOTS):
        assert torch.equal(rotated[index], expected[index]), slot


def test_the_test_tells_the_slots_apart():
    images = splat(*coloured_points(0))
    for first in range(6):
        for second in range(first):
            assert not torch.equal(images[first], images[second])


def test_rotation_is_batched_and_leaves_its_argument():
    images = torch.stack([splat(*coloured_points(seed)) for seed in range(4)]).reshape(2, 2, 6, 16, 16, 3)
    before = images.clone()
    rotated = rotate_view_slots(images, 1)
    assert torch.equal(images, before)
    assert torch.equal(rotated[1, 0], rotate_view_slots(images[1, 0], 1))
    rotate_view_slots(images, 0).zero_()
    assert torch.equal(images, before), "no turn still gives a new tensor"


@pytest.mark.parametrize("num_quarter_turns", [-1, 0, 1, 2, 3])
def test_the_mask_moves_with_the_views(num_quarter_turns):
    images = splat(*coloured_points(1))
    mask = torch.tensor([True, False, False, True, False, True])
    images[~mask] = 0
    exists = rotate_view_slots(images, num_quarter_turns).flatten(1).any(dim=1)
    assert torch.equal(rotate_view_mask(mask, num_quarter_turns), exists)
    assert torch.equal(rotate_view_mask(mask[None].repeat(3, 1), num_quarter_turns)[2], exists)


def test_views_are_ordered_and_masked():
    views = {"top": picture(32, 32, 1), "front": picture(32, 32, 2)}
    images, mask = prepare_views(views, 32)
    assert images.shape == (6, 3, 32, 32)
    assert images.dtype == np.float32
    assert mask.tolist() == [True, False, False, False, True, False]
    np.testing.assert_allclose(images[4], views["top"].transpose(2, 0, 1) / 255, atol=1e-6)
    np.testing.assert_allclose(images[0], views["front"].transpose(2, 0, 1) / 255, atol=1e-6)
    assert not images[[1, 2, 3, 5]].any()


def test_no_views_at_all():
    images, mask = prepare_views({}, 8)
    assert not images.any()
    assert not mask.any()


def test_stored_bytes_give_the_same_numbers_as_direct_preparation():
    views = {slot: picture(50, 70, seed) for seed, slot in enumerate(VIEW_SLOTS)}
    stored, stored_mask = prepare_views_uint8(views, 24)
    images, mask = prepare_views(views, 24)
    assert stored.dtype == np.uint8
    batch = float_views(torch.from_numpy(np.stack([stored, stored])))
    assert torch.equal(batch[1], torch.from_numpy(images))
    np.testing.assert_array_equal(mask, stored_mask)


@pytest.mark.parametrize("shape", [(20, 40), (40, 20), (21, 40)])
def test_the_middle_square_is_kept(shape):
    image = np.zeros((*shape, 3), np.uint8)
    side = min(shape)
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    image[top : top + side, left : left + side] = picture(side, side)
    prepared, _ = prepare_views_uint8({"back": image}, side)
    np.testing.assert_array_equal(prepared[1], image[top : top + side, left : left + side])


def test_shrinking_averages_instead_of_picking():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    prepared, _ = prepare_views_uint8({"left": stripes}, 16)
    assert np.abs(prepared[2].astype(int) - 127).max() <= 12


def test_shrinking_and_growing_keep_a_flat_colour():
    flat = np.full((50, 50, 3), (10, 120, 250), np.uint8)
    for size in (7, 200):
        prepared, _ = prepare_views_uint8({"front": flat}, size)
        assert (prepared[0] == (10, 120, 250)).all()


def test_views_in_other_memory_layouts():
    image = picture(40, 30)
    views = {"front": np.asfortranarray(image), "back": image[:, ::-1][:, ::-1], "left": image.copy()}
    views["left"].flags.writeable = False
    prepared, _ = prepare_views_uint8(views, 12)
    np.testing.assert_array_equal(prepared[0], prepared[1])
    np.testing.assert_array_equal(prepared[0], prepared[2])


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, bool])
def test_images_of_other_types_are_refused(dtype):
    with pytest.raises(BadImageError, match=rf"view 'top' must be an array of uint8.*got {np.dtype(dtype)}"):
        prepare_views({"top": np.zeros((8, 8, 3), dtype)}, 8)


def test_what_is_no_array_is_refused():
    with pytest.raises(BadImageError, match=r"view 'top' must be an array of uint8.*got list"):
        prepare_views({"top": [[0, 0, 0]]}, 8)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (8, 8, 1), (3, 8, 8), (0, 8, 3), (8, 0, 3), (1, 8, 8, 3)])
def test_images_of_other_shapes_are_refused(shape):
    with pytest.raises(BadImageError, match=r"view 'right' must have the shape \[height, width, 3\]"):
        prepare_views({"right": np.zeros(shape, np.uint8)}, 8)


def test_unknown_slots_are_refused():
    with pytest.raises(BadImageError, match=r"no view slots \['side'\]: expected front, back"):
        prepare_views({"side": picture(8, 8)}, 8)


def test_a_picture_needs_pixels():
    with pytest.raises(ConfigurationError, match="at least 1 pixel, got 0"):
        prepare_views({}, 0)
