"""Latency of the planner with Qwen2.5-VL at its 3B shape, stage by stage, and its results against the CPU's.

python -m bench.planner_stages --device cuda --json FILE [--shape 3b|tiny] [--calls N] [--candidates K]

Weights are random; nothing is downloaded. Three cases: pictures that were never seen, the same pictures with another
instruction, and the very same request again. Totals are of calls that nothing is put between; stages are of other
calls, in which the device is waited for after every stage, so their sum is larger.
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.qwen_shapes import SHAPES, Shape, make_random_qwen
from bench.side_by_side import LEAST_CALLS, machine_facts, percentiles_ms
from bench.training_recipes import MODEL_CONFIGS, grasp_model_around
from funcgrasp_core.contracts import VIEW_SLOTS, GraspRequest, ObjectObservation
from funcgrasp_core.grasp_model.grasp_model import GraspModel
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.hand.hand_layer_factory import build_hand_layer
from funcgrasp_core.planning.grasp_planner import GraspPlanner
from funcgrasp_core.planning.stage_timer import StageTimer

WARM_UP_CALLS = 5
NUM_CANDIDATES = 64
PICTURE_SHAPE = (480, 640, 3)
BALL_RADIUS_M = 0.035
POSE_DEVIATION_RAD, SHAPE_DEVIATION, TRANSLATION_DEVIATION_M = 0.2, 0.3, 0.01
INSTRUCTIONS = ("hold the ball", "hand me the ball", "lift the ball up", "use the ball")
CASES = ("cold images", "unchanged images", "unchanged observation and instruction")


class Requests:
    """Observations of one ball and requests for it.

    Args:
        num_points: of its cloud.
        num_candidates: K.
    """

    def __init__(self, num_points: int, num_candidates: int) -> None:
        random = np.random.default_rng(0)
        directions = random.normal(size=(2 * num_points, 3))
        points = BALL_RADIUS_M * directions / np.linalg.norm(directions, axis=1, keepdims=True)
        self._points = points.astype(np.float32)
        self._pictures = {slot: random.integers(0, 256, PICTURE_SHAPE, dtype=np.uint8) for slot in VIEW_SLOTS}
        self._num_candidates = num_candidates

    def make(self, case: str, number: int) -> tuple[ObjectObservation, GraspRequest]:
        """The observation and request of a case's call with this number."""
        pictures = self._pictures
        if case == "cold images":
            pictures = {slot: np.roll(picture, number + 1, axis=1) for slot, picture in pictures.items()}
        text = INSTRUCTIONS[number % len(INSTRUCTIONS)] if case == "unchanged images" else INSTRUCTIONS[0]
        return ObjectObservation(self._points, pictures), GraspRequest(text, num_candidates=self._num_candidates)


def make_model(shape: Shape, device: torch.device, tokenizer_folder: Path) -> GraspModel:
    """`funcgrasp_v2` whose random candidates are spread around a grasp that holds the ball, so that some touch it."""
    config = MODEL_CONFIGS[shape]
    assert isinstance(config.semantic, QwenSemanticConfig)
    qwen = make_random_qwen(shape, config.semantic, config.semantic_size, device, tokenizer_folder)
    model = grasp_model_around(qwen.encoder, config, tokenizer_folder).to(device).eval()
    known = GraspPlanner.from_checkpoint(warm_up=False).plan(*Requests(1024, 8).make(CASES[1], 0)).grasps[0]
    deviation = torch.full((61,), POSE_DEVIATION_RAD)
    deviation[48:58], deviation[58:] = SHAPE_DEVIATION, TRANSLATION_DEVIATION_M
    model.targets.mean.copy_(model.parameterisation.encode(torch.from_numpy(known.vector)))
    model.targets.deviation.copy_(deviation)
    return model


def planner_on(model: GraspModel, device: torch.device) -> GraspPlanner:
    """A planner with the reference hand, all of it on one device."""
    hand = build_hand_layer(None, "native")
    assert isinstance(hand, torch.nn.Module)
    hand.to(device)
    return GraspPlanner(model.to(device), hand, device=device)


def total_seconds(planner: GraspPlanner, requests: Requests, case: str, num_calls: int) -> list[float]:
    """Of whole calls; a plan is on the CPU when it is returned, so there is nothing left to wait for."""
    seconds = []
    for number in range(WARM_UP_CALLS + num_calls):
        observation, request = requests.make(case, number)
        start = time.perf_counter()
        planner.plan(observation, request)
        seconds.append(time.perf_counter() - start)
    return seconds[WARM_UP_CALLS:]


def stage_seconds(planner: GraspPlanner, requests: Requests, case: str, num_calls: int) -> dict[str, list[float]]:
    """Of every stage: the planner's own, and in place of its `sample` the parts of the model."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(WARM_UP_CALLS + num_calls):
        timer = StageTimer(planner.device)
        with timed_parts(planner.model, timer):
            timings = planner.plan(*requests.make(case, number)).timings
        parts = {name: value for name, value in timer.timings().items() if name != "total"}
        other = timings["sample"] - sum(parts.values())
        stages = {
            "preprocess": timings["preprocess"],
            "views": timings["encode_views"],
            **parts,
            "other": other,
            "rank": timings["rank"],
        }
        if number >= WARM_UP_CALLS:
            for name, value in stages.items():
                seconds[name].append(value)
    return dict(seconds)


@contextmanager
def timed_parts(model: Any, timer: StageTimer) -> Iterator[None]:
    """Times the parts of a model's sampling inside this context: language, geometry, fusion and flow."""
    parts = (
        ("language", model.semantic_encoder, "forward"),
        ("geometry", model.geometric_encoder, "abstract"),
        ("geometry", model.geometric_encoder, "propagate"),
        ("fusion", model.fusion, "forward"),
        ("flow", model.flow, "sample_pairs"),
    )
    for stage, part, method in parts:
        setattr(part, method, _timed(getattr(part, method), stage, timer))
    try:
        yield
    finally:
        for _, part, method in parts:
            delattr(part, method)  # the class's own is seen again


def _timed(function: Callable[..., Any], stage: str, timer: StageTimer) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        with timer.stage(stage):
            return function(*arguments, **named)

    return call


def results_of(planner: GraspPlanner, requests: Requests) -> dict[str, Tensor]:
    """What a planner on any device makes of one request: features, candidates and their vertices, in float32."""
    observation, request = requests.make(CASES[0], -1)
    kept: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda _part, _inputs, output: kept.update({name: output.float().cpu()})

    model: Any = planner.model
    hooks = [
        part.register_forward_hook(keep(name))
        for name, part in (("semantic vector", model.semantic_encoder), ("fused features", model.fusion))
    ]
    try:
        candidates = planner.sample_candidates(observation, request)
    finally:
        for hook in hooks:
            hook.remove()
    vectors = torch.from_numpy(candidates.vectors)
    hand: Any = build_hand_layer(None, "native")
    kept["contact map"] = torch.from_numpy(candidates.contact_probabilities[0])
    kept["vectors"] = vectors
    kept["vertices"] = hand.from_vector(vectors).vertices
    return kept


def equality(found: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, float]:
    """Cosines of features, and distances of the candidates' MANO vertices in millimetres."""
    figures = {
        f"cosine of {name}": float(
            torch.nn.functional.cosine_similarity(found[name].double().flatten(), expected[name].double().flatten(), 0)
        )
        for name in ("semantic vector", "fused features", "contact map", "vectors")
    }
    distances_mm = 1e3 * (found["vertices"] - expected["vertices"]).norm(dim=-1)
    return {
        **figures,
        "vertices_mean_mm": float(distances_mm.mean()),
        "vertices_largest_mm": float(distances_mm.max()),
        "candidates_spread_mm": 1e3 * float((expected["vertices"] - expected["vertices"].mean(0)).norm(dim=-1).mean()),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure all cases, then compare with the CPU."""
    parser = argparse.ArgumentParser(description="Time the planner with Qwen2.5-VL stage by stage.")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--shape", default="3b", choices=SHAPES, help="of Qwen2.5-VL")
    parser.add_argument("--calls", type=int, default=LEAST_CALLS, help="timed calls of each case")
    parser.add_argument("--candidates", type=int, default=NUM_CANDIDATES, help="of a request")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    with tempfile.TemporaryDirectory() as temporary:
        model = make_model(options.shape, device, Path(temporary) / "tokenizer")
    requests = Requests(2 * model.config.num_points, options.candidates)
    planner = planner_on(model, device)
    cases: dict[str, Any] = {}
    for case in CASES:
        stages = stage_seconds(planner, requests, case, options.calls)
        cases[case] = {
            "total_ms": percentiles_ms(total_seconds(planner, requests, case, options.calls)),
            "stages_ms": {name: percentiles_ms(values) for name, values in stages.items()},
        }
        print(f"{case}: " + json.dumps(cases[case]))
    facts = {"machine": machine_facts(), "shape": options.shape, "num_candidates": options.candidates}
    content = {**facts, "num_calls": options.calls, "cases": cases}
    write(content, options.json)
    found = results_of(planner, requests)
    expected = results_of(planner_on(model, torch.device("cpu")), requests)
    content["against_cpu"] = equality(found, expected)
    print("against the CPU: " + json.dumps(content["against_cpu"]))
    write(content, options.json)


def write(content: dict[str, Any], json_file: Path | None) -> None:
    """Write the figures, if a file is named."""
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
