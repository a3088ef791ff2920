import numpy as np

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.visualisation.contact_colours import (
    PART_COLOUR_OF_NAME,
    PART_COLOURS,
    UNTOUCHED_COLOUR,
    contact_point_colours,
    packed_colours,
)


def test_every_part_has_its_own_colour():
    assert list(PART_COLOUR_OF_NAME) == list(PART_NAMES)
    assert len(set(PART_COLOUR_OF_NAME.values())) == len(PART_NAMES)


def test_colour_goes_from_untouched_to_the_likeliest_part():
    probabilities = np.zeros((3, 6))
    probabilities[1, 4], probabilities[1, 0] = 1.0, 0.4
    probabilities[2, 1] = 0.5
    colours = contact_point_colours(probabilities)
    assert colours.dtype == np.uint8
    np.testing.assert_array_equal(colours[0], UNTOUCHED_COLOUR)
    np.testing.assert_array_equal(colours[1], PART_COLOURS[4])
    np.testing.assert_array_equal(colours[2], np.rint((PART_COLOURS[1].astype(float) + UNTOUCHED_COLOUR) / 2))


def test_packed_colours_put_red_first():
    np.testing.assert_array_equal(packed_colours(np.array([[1, 2, 3]], dtype=np.uint8)), [0x010203])
