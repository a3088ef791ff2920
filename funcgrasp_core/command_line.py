"""`funcgrasp plan`: grasps for an object in a file, without ROS."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from funcgrasp_core.contracts import GraspPlan, GraspRequest, ObjectObservation
from funcgrasp_core.errors import FuncGraspError, InvalidRequestError

BAD_INPUT_EXIT_CODE = 2
NUM_MESH_POINTS = 8192
"""Points sampled on a mesh when no cloud is given; the planner thins them out as it does with any cloud."""

INPUT_FRAME = "input"
"""Name that a file's own frame gets in a plan."""


class OneSentenceParser(argparse.ArgumentParser):
    """A parser that reports a bad argument in one sentence, without the usage text."""

    def error(self, message: str) -> NoReturn:
        """Leaves with the exit code for bad input."""
        self.exit(BAD_INPUT_EXIT_CODE, f"{self.prog}: {message}; see {self.prog} --help.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code: 0, or 2 after one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except FuncGraspError as error:
        print(f"funcgrasp: {error}", file=sys.stderr)
        return BAD_INPUT_EXIT_CODE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = OneSentenceParser(
        prog="funcgrasp", description="Functional grasps from a cloud, views and an instruction."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    plan = commands.add_parser(
        "plan",
        help="plan grasps for the object in a file",
        description="Writes plan.json, a hand mesh per grasp and plan.html. Inputs are in metres with z up.",
    )
    plan.add_argument("--cloud", type=Path, metavar="FILE", help="point cloud (.ply, .xyz, .npy)")
    plan.add_argument("--mesh", type=Path, metavar="FILE", help="mesh (.obj, .ply, .stl); sampled if there is no cloud")
    plan.add_argument("--images", type=Path, metavar="DIR", help="views front.png ... bottom.png, any may be missing")
    plan.add_argument("--instruction", required=True, metavar="TEXT", help='what to do, such as "pour me a drink"')
    plan.add_argument("--num-candidates", type=int, default=16, metavar="K", help="grasps to sample (default 16)")
    plan.add_argument("--seed", type=int, default=0, metavar="S", help="the same seed gives the same plan (default 0)")
    plan.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to make; replaces a plan")
    plan.add_argument("--checkpoint", type=Path, metavar="FILE", help="trained model (default: the one that ships)")
    plan.add_argument(
        "--semantic-model",
        type=Path,
        metavar="DIR",
        help="folder of the Qwen2.5-VL checkpoint that --checkpoint was trained with; nothing is downloaded",
    )
    plan.add_argument("--hand-file", type=Path, metavar="FILE", help="MANO_RIGHT.pkl (default: reference hand)")
    plan.add_argument(
        "--hand-backend",
        choices=("native", "manotorch"),
        default="native",
        help="what poses the hand; manotorch must be installed and wants --hand-file (default native)",
    )
    plan.add_argument("--device", default="cpu", help="cpu, cuda or cuda:1 (default cpu)")
    plan.set_defaults(run=_plan)
    return parser


def _plan(options: argparse.Namespace) -> None:
    # Imported here, so that --help and a bad argument answer at once.
    from funcgrasp_core.planning.grasp_planner import GraspPlanner, check_request
    from funcgrasp_core.visualisation.plan_files import check_plan_folder, write_plan_folder

    request = GraspRequest(options.instruction, options.num_candidates, options.seed)
    check_request(request)
    check_plan_folder(options.output)
    observation, object_mesh = _read_observation(options)
    planner = GraspPlanner.from_checkpoint(
        options.checkpoint,
        options.hand_file,
        options.device,
        warm_up=False,
        hand_backend=options.hand_backend,
        semantic_model=options.semantic_model,
    )
    plan = planner.plan(observation, request)
    write_plan_folder(plan, options.output, object_mesh)
    print(summary(plan))
    print(f"Written to {options.output}; open {options.output / 'plan.html'} to see it.")


def _read_observation(
    options: argparse.Namespace,
) -> tuple[ObjectObservation, tuple[np.ndarray, np.ndarray] | None]:
    """The observation, and the mesh (vertices, faces) to draw if one was given."""
    from funcgrasp_core.preprocessing.file_inputs import read_cloud, read_mesh, read_views, sample_mesh

    mesh = None if options.mesh is None else read_mesh(options.mesh)
    if options.cloud is not None:
        points = read_cloud(options.cloud)
    elif mesh is not None:
        points = sample_mesh(mesh, NUM_MESH_POINTS, options.seed)
    else:
        raise InvalidRequestError("There is no object: give a point cloud with --cloud or a mesh with --mesh.")
    views = {} if options.images is None else read_views(options.images)
    drawn = None if mesh is None else (np.asarray(mesh.vertices), np.asarray(mesh.faces))
    return ObjectObservation(points, views, INPUT_FRAME), drawn


def summary(plan: GraspPlan) -> str:
    """The ranked table of a plan's grasps, its notes and its timings, as text."""
    names = list(plan.grasps[0].score_terms)
    lines = ["rank  score  " + "  ".join(f"{name:>9}" for name in names)]
    for rank, grasp in enumerate(plan.grasps):
        terms = "  ".join(f"{grasp.score_terms[name]:9.3f}" for name in names)
        lines.append(f"{rank:4d}  {grasp.score:5.3f}  {terms}")
    timings = ", ".join(f"{stage} {1000 * seconds:.0f}" for stage, seconds in plan.timings.items())
    return "\n".join([*lines, *plan.notes, f"Milliseconds: {timings}."])
