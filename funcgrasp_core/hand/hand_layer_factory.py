"""Makes the hand layer that the user's settings ask for."""

from pathlib import Path
from typing import Literal

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.hand.mano_assets import load_mano_assets
from funcgrasp_core.hand.mano_layer import HandLayer, ManoLayer
from funcgrasp_core.hand.manotorch_layer import ManotorchLayer

HandBackend = Literal["native", "manotorch"]


def build_hand_layer(
    hand_file: Path | str | None = None,
    backend: HandBackend = "native",
    center_idx: int | None = 0,
    flat_hand_mean: bool = True,
) -> HandLayer:
    """The hand layer for a hand file.

    Args:
        hand_file: MANO's pickle or a hand in our format; the reference hand when left out.
        backend: "native" is this project's layer; "manotorch" runs that package on MANO's pickle.
        center_idx: the joint (of the 21) that becomes the origin; None keeps the model's own origin.
        flat_hand_mean: whether zero pose is the flat hand.

    Raises:
        HandFileError: the hand file is missing or unusable.
        MissingDependencyError: manotorch is asked for and not installed.
        ConfigurationError: the backend is unknown, or manotorch is asked for without MANO's pickle.
    """
    if backend == "native":
        assets = None if hand_file is None else load_mano_assets(hand_file)
        return ManoLayer(assets, center_idx=center_idx, flat_hand_mean=flat_hand_mean)
    if backend == "manotorch":
        if hand_file is None or Path(hand_file).suffix != ".pkl":
            raise ConfigurationError(
                f"manotorch needs MANO's own pickle, the hand file is {hand_file}; give the path of MANO_RIGHT.pkl or "
                "use the native backend."
            )
        return ManotorchLayer(Path(hand_file), center_idx=center_idx, flat_hand_mean=flat_hand_mean)
    raise ConfigurationError(f"The hand backend is {backend!r}; choose 'native' or 'manotorch'.")
