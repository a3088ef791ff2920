"""Where a camera's lens puts the rays that enter it: the distortion models of sensor_msgs/CameraInfo."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

NUM_FOLD_SAMPLES = 256
"""Radii at which a lens is probed for the one beyond which its formula folds back."""


@dataclass(frozen=True)
class Lens:
    """A lens that bends rays.

    Attributes:
        model: one of LENS_MODELS.
        coefficients: of the model, in CameraInfo's order; missing ones are 0.
    """

    model: str
    coefficients: tuple[float, ...]

    def distort(self, rays: np.ndarray) -> np.ndarray:
        """Image coordinates, before the camera matrix, of rays.

        A formula holds for the field of view in which the lens was calibrated; beyond it folds back and would put a
        point far outside of the picture into its middle. Such rays are taken at the last radius before the fold.

        Args:
            rays: [N, 2] x / z and y / z in the camera's optical frame.

        Returns:
            [N, 2].
        """
        formula, num_coefficients = LENS_MODELS[self.model]
        padded = np.zeros(num_coefficients)
        padded[: len(self.coefficients)] = self.coefficients
        radii = np.linalg.norm(rays, axis=1, keepdims=True)
        limit = _fold_radius(formula, padded, float(radii.max(initial=0.0)))
        return formula(np.where(radii > limit, rays * limit / np.maximum(radii, 1e-12), rays), padded)


def lens_from_camera_info(model: str, coefficients: Sequence[float]) -> tuple[Lens | None, str]:
    """The lens that a CameraInfo describes; None if it bends nothing.

    Args:
        model: `distortion_model`; empty where the picture is rectified or the camera ideal.
        coefficients: `d`.

    Returns:
        The lens, and what keeps it from being used; empty if nothing does.
    """
    if not np.any(coefficients):
        return None, ""
    if model not in LENS_MODELS:
        return None, f"its distortion model '{model}' is not one of {', '.join(LENS_MODELS)}"
    if not np.isfinite(coefficients).all():
        return None, "its distortion coefficients are not finite"
    num_coefficients = LENS_MODELS[model][1]
    if len(coefficients) > num_coefficients and np.any(coefficients[num_coefficients:]):
        return None, f"it has {len(coefficients)} distortion coefficients, '{model}' takes {num_coefficients}"
    return Lens(model, tuple(float(value) for value in coefficients[:num_coefficients])), ""


def _distort_polynomially(rays: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Brown and Conrady's radial and tangential distortion, as OpenCV writes it: k1 k2 p1 p2 k3 [k4 k5 k6]."""
    k1, k2, p1, p2, k3, k4, k5, k6 = np.pad(coefficients, (0, 8 - len(coefficients)))
    x, y = rays.T
    square = x * x + y * y
    radial = (1 + square * (k1 + square * (k2 + square * k3))) / (1 + square * (k4 + square * (k5 + square * k6)))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=1,
    )


def _distort_equidistantly(rays: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Kannala and Brandt's fisheye lens: the image radius grows with the ray's angle; k1 k2 k3 k4."""
    radii = np.linalg.norm(rays, axis=1, keepdims=True)
    angles = np.arctan(radii)
    squares = angles * angles
    k1, k2, k3, k4 = coefficients
    image_radii = angles * (1 + squares * (k1 + squares * (k2 + squares * (k3 + squares * k4))))
    return rays * np.where(radii > 1e-9, image_radii / np.maximum(radii, 1e-9), 1.0)


LENS_MODELS: dict[str, tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], int]] = {
    "plumb_bob": (_distort_polynomially, 5),
    "rational_polynomial": (_distort_polynomially, 8),
    "equidistant": (_distort_equidistantly, 4),
}
"""Names as in CameraInfo, their formulas and how many coefficients they take."""


def _fold_radius(formula: Callable, coefficients: np.ndarray, largest_radius: float) -> float:
    """The radius up to which the image radius grows with the ray's, at most `largest_radius`.

    Only the radial part counts: the tangential one is small in any lens that is used.
    """
    radii = np.linspace(0.0, largest_radius, NUM_FOLD_SAMPLES)
    radial_only = coefficients.copy()
    if formula is _distort_polynomially:
        radial_only[2:4] = 0.0
    image_radii = formula(np.stack([radii, np.zeros_like(radii)], axis=1), radial_only)[:, 0]
    folds = np.flatnonzero(np.diff(image_radii) <= 0)
    return float(radii[folds[0]]) if len(folds) else largest_radius
