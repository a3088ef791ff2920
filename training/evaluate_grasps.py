"""Judges planned grasps on unseen objects, beside rows that say what the figures mean.

    python -m training.evaluate_grasps --split test --candidates 16 --json FILE

Every object stands at a random yaw; the best-ranked of the candidates counts. Rows: the model, a known grasp (its
contact map is compared with the *other* known grasps), the same moved by 5 mm and 10 degrees, a random hand, and the
nearest training object's grasp. Measures are means over all cases of one object and one intent; a request without a
grasp counts as a total miss; depth and volumes are means over the grasps that there are.
"""

import argparse
import json
import math
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from funcgrasp_core.contracts import GraspPlan
from funcgrasp_core.errors import FuncGraspError
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.planning.grasp_planner import GraspPlanner
from funcgrasp_core.visualisation.plan_picture import draw_plan
from training.baselines.evaluation_rows import ROW_NAMES, AnswerMaker, RowAnswer, build_library
from training.metrics.contact_map_f1 import best_mode_f1, touched_by_hand
from training.metrics.evaluation_cases import (
    EvaluationCase,
    build_cases,
    load_grasps,
    surface_shares,
    turn_about_z,
)
from training.metrics.evaluation_summary import JudgedCase, as_table, breakdown, summarise_row
from training.metrics.grasp_measures import MEASURES_WITHOUT_GRASP, GraspMeasures, measure_in_processes

Answers = list[dict[str, RowAnswer]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate, print the tables and write the figures."""
    options = _parse(arguments)
    torch.set_num_threads(options.threads)
    started = time.monotonic()
    hand_layer = ManoLayer()
    part_labels = vertex_part_labels(hand_layer.assets).numpy()
    grasps, known = (load_grasps(split, options.data) for split in (options.split, "train"))
    cases = build_cases(grasps, hand_layer, options.seed, options.limit)
    library = build_library(known, hand_layer)
    planner = GraspPlanner.from_checkpoint(options.checkpoint, semantic_model=options.semantic_model)
    maker = AnswerMaker(planner, hand_layer, part_labels, library, options.candidates, options.seed)

    answers: Answers = []
    for case in tqdm(cases, "plans", unit="plan"):
        answer, plan = maker.answers(case)
        answers.append(answer)
        if options.pictures is not None and plan is not None:
            _draw(options.pictures, case, plan)
    measures = _measure(cases, answers, hand_layer.closed_faces.numpy())
    judged = _judge(cases, answers, measures, part_labels)

    shares = surface_shares(cases)
    rows = {name: summarise_row(judged[name], shares) for name in ROW_NAMES}
    print(as_table(rows))
    print("\nmodel, by category and intent")
    by_pair = breakdown(judged["model"])
    print(as_table(by_pair))
    result = {
        "split": options.split,
        "num_objects": len({case.judged.object_id for case in cases}),
        "num_grasps": len(cases),
        "rows": rows,
        "by_category_and_intent": {name: breakdown(judged[name]) for name in ROW_NAMES},
        "part_surface_share": {" ".join(pair): share for pair, share in sorted(shares.items())},
        "num_requests_without_grasp": sum(answer["model"].hand is None for answer in answers),
        "settings": {"candidates": options.candidates, "seed": options.seed, "machine": platform.platform()},
        "seconds": round(time.monotonic() - started, 1),
    }
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(_without_nan(result), indent=1) + "\n")


def _measure(cases: list[EvaluationCase], answers: Answers, closed_faces: np.ndarray) -> list[dict[str, GraspMeasures]]:
    """Exact measures of every row's hand, one object after the other, in two processes."""
    present = [[name for name in ROW_NAMES if answer[name].hand is not None] for answer in answers]
    jobs = []
    for case, answer, names in zip(cases, answers, present, strict=True):
        jobs.append((case.judged, [hand for name in names if (hand := answer[name].hand) is not None]))
    results = tqdm(measure_in_processes(jobs, closed_faces), "measures", total=len(jobs), unit="case")
    return [
        dict.fromkeys(ROW_NAMES, MEASURES_WITHOUT_GRASP) | dict(zip(names, measured, strict=True))
        for names, measured in zip(present, results, strict=True)
    ]


def _judge(
    cases: list[EvaluationCase],
    answers: Answers,
    measures: list[dict[str, GraspMeasures]],
    part_labels: np.ndarray,
) -> dict[str, list[JudgedCase]]:
    """Every row's answers with their contact maps compared with the known grasps."""
    judged: dict[str, list[JudgedCase]] = {name: [] for name in ROW_NAMES}
    for case, answer, measured in zip(cases, answers, measures, strict=True):
        for name in ROW_NAMES:
            judged[name].append(
                JudgedCase(
                    case.judged.object_id,
                    case.pair,
                    case.judged.part_called_for(case.intent),
                    measured[name],
                    *_contact_f1(case, answer[name], part_labels),
                )
            )
    return judged


def _contact_f1(case: EvaluationCase, answer: RowAnswer, part_labels: np.ndarray) -> tuple[float, float]:
    """F1 of the stated map and of the hand's own map with the best-matching known grasp."""
    others = [hand for index, hand in enumerate(case.kept_hands) if index != answer.is_kept_grasp]
    if not others:
        return math.nan, math.nan
    modes = [touched_by_hand(answer.points, hand, part_labels) for hand in others]
    symmetry_order = case.judged.family.symmetry_order
    stated = best_mode_f1(answer.points, answer.touched, modes, symmetry_order)
    if answer.hand is None:
        return stated, 0.0
    of_hand = touched_by_hand(answer.points, answer.hand, part_labels)
    return stated, best_mode_f1(answer.points, of_hand, modes, symmetry_order)


def _draw(folder: Path, case: EvaluationCase, plan: GraspPlan) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    mesh = case.judged.mesh
    turned = mesh.vertices @ turn_about_z(case.yaw_rad).T
    picture = draw_plan(plan, (turned, mesh.faces.astype(np.int64)))
    picture.save(folder / f"{case.judged.category}_{case.judged.object_id}_{case.intent}.png")


def _without_nan(value: object) -> object:
    """The same with null for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Judge planned grasps on unseen objects.")
    parser.add_argument("--split", choices=("train", "val", "test"), default="test")
    parser.add_argument("--candidates", type=int, default=16, help="sampled for each request; the best-ranked counts")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--data", type=Path, help="a generated data set; default: the frozen parameters")
    parser.add_argument("--checkpoint", type=Path, help="of the model; default: the one that ships")
    parser.add_argument("--semantic-model", type=Path, help="folder of the Qwen2.5-VL that it was trained with, if any")
    parser.add_argument("--limit", type=int, help="evaluate this many objects only")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of every plan")
    parser.add_argument("--seed", type=int, default=0, help="of yaws, instructions and samples")
    parser.add_argument("--threads", type=int, default=2, help="of the planner")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        main()
    except FuncGraspError as error:
        raise SystemExit(f"error: {error}") from error
