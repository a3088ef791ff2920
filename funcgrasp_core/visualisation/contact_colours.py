"""The one home of colours: hand parts, hands and untouched objects, in pages, pictures, markers and clouds alike."""

import numpy as np

from funcgrasp_core.contracts import PART_NAMES

PART_COLOURS = np.array(
    [[230, 159, 0], [213, 94, 0], [0, 114, 178], [0, 158, 115], [204, 121, 167], [240, 228, 66]], dtype=np.uint8
)
"""[6, 3] RGB of the parts in the order of PART_NAMES; the palette of Okabe and Ito, safe for colour-blind eyes."""

UNTOUCHED_COLOUR = np.array([190, 190, 190], dtype=np.uint8)
"""RGB of an object point that no part touches."""

BEST_HAND_COLOUR = np.array([224, 172, 140], dtype=np.uint8)
"""RGB of the best candidate's hand."""

OTHER_HAND_COLOUR = np.array([150, 170, 200], dtype=np.uint8)
"""RGB of the hands of all other candidates."""

PART_COLOUR_OF_NAME = {name: tuple(int(value) for value in PART_COLOURS[i]) for i, name in enumerate(PART_NAMES)}
"""Part name -> (red, green, blue), for legends."""


def contact_point_colours(probabilities: np.ndarray) -> np.ndarray:
    """Colours [N, 3] uint8 of object points with contact probabilities [N, 6].

    The likeliest part gives the hue and its probability the strength: from UNTOUCHED_COLOUR at 0 to its full colour
    at 1.
    """
    strength = probabilities.max(axis=1, keepdims=True).clip(0.0, 1.0)
    colours = PART_COLOURS[probabilities.argmax(axis=1)].astype(np.float64)
    return np.rint(strength * colours + (1.0 - strength) * UNTOUCHED_COLOUR).astype(np.uint8)


def packed_colours(colours: np.ndarray) -> np.ndarray:
    """RGB colours [N, 3] uint8 as [N] uint32 0x00RRGGBB, as point clouds and k3d carry them."""
    red, green, blue = (colours[:, channel].astype(np.uint32) for channel in range(3))
    return (red << 16) | (green << 8) | blue
