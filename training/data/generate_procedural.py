"""Makes the procedural data set: `python -m training.data.generate_procedural --output DIR`.

With `--from-frozen` the committed grasps are used and nothing is synthesised. Interrupted runs continue where they
stopped. The result has the OakInk-Shape layout, with clouds and rendered views beside it.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from funcgrasp_core.errors import FuncGraspError
from training.data.frozen_grasps import FROZEN_FILE, FrozenGrasps, load_frozen_grasps, save_frozen_grasps
from training.data.oakink_layout import SPLITS
from training.data.procedural_dataset import write_procedural_dataset
from training.data.procedural_objects import make_objects

_SYNTHESIS_FOLDER = ".synthesis"


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make the procedural data set in the OakInk-Shape layout.")
    parser.add_argument("--output", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--split", nargs="+", choices=SPLITS, default=list(SPLITS), help="splits to make (default: all)"
    )
    parser.add_argument(
        "--from-frozen",
        type=Path,
        nargs="?",
        const=FROZEN_FILE,
        metavar="FILE",
        help="use frozen grasps (default: the committed file) instead of synthesising",
    )
    parser.add_argument("--debug", action="store_true", help="only a few objects of each category and split")
    parser.add_argument("--objects-per-category", type=int, default=100, help="over all splits (default: 100)")
    parser.add_argument("--grasps-per-intent", type=int, default=6, help="wanted per object and intent (default: 6)")
    parser.add_argument("--seed", type=int, default=0, help="of shapes and grasps (default: 0)")
    parser.add_argument("--workers", type=int, default=1, help="processes for synthesis (default: 1)")
    parser.add_argument("--freeze", type=Path, metavar="FILE", help="also write all parameters into one frozen file")
    parser.add_argument("--grasps-only", action="store_true", help="synthesise (and freeze), but write no data set")
    options = parser.parse_args(arguments)
    if options.debug and options.from_frozen is None:
        parser.error("--debug chooses among frozen grasps: give --from-frozen as well")
    return options


def synthesise_all(options: argparse.Namespace) -> FrozenGrasps:
    """Grasps for newly made objects."""
    from training.data.grasp_collection import collect_grasps
    from training.data.grasp_synthesis import synthesise_grasps

    return collect_grasps(
        make_objects(options.objects_per_category, options.seed, options.split),
        options.grasps_per_intent,
        options.seed,
        options.output / _SYNTHESIS_FOLDER,
        synthesise_grasps,
        settings_digest(),
        options.workers,
    )


def settings_digest() -> str:
    """Differs whenever the synthesis settings or the hand that grasps differ; hexadecimal."""
    from funcgrasp_core.checkpoints import reference_hand_digest
    from training.data.grasp_synthesis import SynthesisSettings

    return hashlib.sha256(f"{SynthesisSettings()!r}/{reference_hand_digest()}".encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parse_arguments(arguments)
    try:
        if options.from_frozen is not None:
            grasps = load_frozen_grasps(options.from_frozen, options.split)
            grasps = grasps.debug_subset() if options.debug else grasps
        else:
            grasps = synthesise_all(options)
        if options.freeze is not None:
            save_frozen_grasps(grasps, options.freeze)
        if not options.grasps_only:
            write_procedural_dataset(options.output, grasps)
    except FuncGraspError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(grasps.objects)} objects, {len(grasps.vectors)} grasps in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
