"""Rows of an evaluation as figures: means over cases, a breakdown by category and intent, a printed table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.metrics.grasp_measures import GraspMeasures
from training.metrics.intent_swap import swap_successes
from training.metrics.part_correctness import mean_over_pairs

CENTIMETRES = 1e2
CUBIC_CENTIMETRES = 1e6

PRINTED_COLUMNS = (
    ("contact_ratio", "contact"),
    ("penetration_depth_cm", "depth cm"),
    ("intersection_volume_cm3", "vol cm3"),
    ("intersection_volume_fine_cm3", "fine cm3"),
    ("contact_f1", "map F1"),
    ("contact_f1_of_hand", "hand F1"),
    ("part_correctness", "part"),
    ("intent_swap", "swap"),
    ("displacement_six_cm", "slip cm"),
    ("displacement_six_worst_cm", "worst cm"),
)


@dataclass(frozen=True)
class JudgedCase:
    """One row's answer to one case, judged.

    Attributes:
        object_id: of the case.
        pair: category and intent.
        part_called_for: index of the part that the intent wants touched.
        measures: of the grasp.
        contact_f1: of the stated contact map with the best-matching right answer; NaN if there is none to compare with.
        contact_f1_of_hand: of the map that the hand really makes.
    """

    object_id: str
    pair: tuple[str, str]
    part_called_for: int
    measures: GraspMeasures
    contact_f1: float
    contact_f1_of_hand: float

    @property
    def is_part_right(self) -> bool:
        """Whether the majority of contact is on the part called for."""
        return self.measures.touched_part == self.part_called_for


def summarise_row(cases: Sequence[JudgedCase], part_surface_share: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """The figures of one row; means over its cases, lengths in cm, volumes in cm^3."""
    measures = [case.measures for case in cases]
    swaps = swap_successes(
        {(case.object_id, case.pair[1]): case.measures.touched_part for case in cases},
        {(case.object_id, case.pair[1]): case.part_called_for for case in cases},
    )
    correct, pairs = [case.is_part_right for case in cases], [case.pair for case in cases]
    return {
        "contact_ratio": _mean([item.touches for item in measures]),
        "penetration_depth_cm": _mean([item.penetration_depth for item in measures]) * CENTIMETRES,
        "intersection_volume_cm3": _mean([item.intersection_volume for item in measures]) * CUBIC_CENTIMETRES,
        "intersection_volume_fine_cm3": _mean([item.fine_intersection_volume for item in measures]) * CUBIC_CENTIMETRES,
        "contact_f1": _mean([case.contact_f1 for case in cases]),
        "contact_f1_of_hand": _mean([case.contact_f1_of_hand for case in cases]),
        "part_correctness": mean_over_pairs(correct, pairs, part_surface_share),
        "part_correctness_all_pairs": mean_over_pairs(correct, pairs, dict.fromkeys(part_surface_share, 0.0)),
        "intent_swap": _mean(list(swaps.values())),
        "displacement_six_cm": _mean([item.displacement.mean for item in measures]) * CENTIMETRES,
        "displacement_six_worst_cm": _mean([item.displacement.worst for item in measures]) * CENTIMETRES,
    }


def breakdown(cases: Sequence[JudgedCase]) -> dict[str, dict[str, float]]:
    """The main figures of one row for each category and intent."""
    figures = {}
    for pair in sorted({case.pair for case in cases}):
        of_pair = [case for case in cases if case.pair == pair]
        figures[" ".join(pair)] = {
            "num_grasps": len(of_pair),
            "contact_ratio": _mean([case.measures.touches for case in of_pair]),
            "penetration_depth_cm": _mean([case.measures.penetration_depth for case in of_pair]) * CENTIMETRES,
            "intersection_volume_cm3": _mean([case.measures.intersection_volume for case in of_pair])
            * CUBIC_CENTIMETRES,
            "contact_f1": _mean([case.contact_f1 for case in of_pair]),
            "part_correctness": _mean([case.is_part_right for case in of_pair]),
            "displacement_six_cm": _mean([case.measures.displacement.mean for case in of_pair]) * CENTIMETRES,
        }
    return figures


def as_table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Rows of figures under PRINTED_COLUMNS, those that a row lacks left blank."""
    columns = [(key, title) for key, title in PRINTED_COLUMNS if any(key in row for row in rows.values())]
    width = max(len(name) for name in rows)
    lines = [" " * width + "".join(f"{title:>10}" for _, title in columns)]
    for name, row in rows.items():
        values = (f"{row[key]:10.3f}" if key in row else " " * 10 for key, _ in columns)
        lines.append(name.ljust(width) + "".join(values))
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> float:
    """Mean without NaN; NaN if nothing is left."""
    finite = np.asarray(values, dtype=float)
    finite = finite[~np.isnan(finite)]
    return float(finite.mean()) if len(finite) else float("nan")
