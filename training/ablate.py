"""Compare options on small trainings: `python -m training.ablate [--only NAME ...] [--seeds 0 1 2]`.

Every variant is trained with the same seeds and judged on the same questions; docs/results/ablations.md says which
differences the seeds carry. Stopped or killed, the same command goes on: finished runs are kept, a training goes on
from its newest state, and a variant whose settings changed is run again, alone.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from funcgrasp_core.errors import FuncGraspError
from training.ablation.base_experiment import BASES
from training.ablation.packed_stores import check_sizes, pack_stores
from training.ablation.results import AblationResults, read_results, write_results
from training.ablation.run_job import JudgingSettings
from training.ablation.runner import Ablation, run_jobs
from training.ablation.table import ablation_page
from training.ablation.variants import ablation_variants
from training.data.build_store import StoreSettings
from training.data.data_sets import open_store, resolve_data
from training.data.observation_store import ObservationStore
from training.experiments import Experiment, with_optimisation
from training.run.output_files import write_whole_text

RESULTS_FILE = Path("bench/results/ablations.json")
TABLE_FILE = Path("docs/results/ablations.md")
COMMAND = "OMP_WAIT_POLICY=PASSIVE python -m training.ablate"


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these variants (default: all; --list names them)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the trainings (default: 0 1 2)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time; 0: all in this one (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of each process (default: 1)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--steps", type=int, help="of every training (default: the base's)")
    parser.add_argument("--base", choices=sorted(BASES), default="ablation", help="what the variants vary")
    parser.add_argument(
        "--data", default="procedural", help="as for train_grasp_model, or a .safetensors file that --pack made"
    )
    parser.add_argument("--output", type=Path, default=Path("exp/ablations"), help="folder of runs and caches")
    parser.add_argument("--results", type=Path, default=RESULTS_FILE, help=f"all results (default: {RESULTS_FILE})")
    parser.add_argument("--page", type=Path, default=TABLE_FILE, help=f"the table (default: {TABLE_FILE})")
    parser.add_argument("--max-cases", type=int, help="judge this many validation cases only")
    parser.add_argument("--pack", type=Path, help="only write the data into this file, to run on another machine")
    parser.add_argument("--list", action="store_true", help="only name the variants, and say what is missing")
    parser.add_argument("--table", action="store_true", help="only make the table again from the results")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, and write results and table after every run."""
    options = parse_arguments(arguments)
    if options.table:
        write_whole_text(options.page, ablation_page(read_results(options.results)))
        return
    base = BASES[options.base]
    if options.steps is not None:
        base = with_optimisation(base, num_steps=options.steps, num_epochs=None)
    if options.pack is not None:
        pack_data(options.data, options.pack, base, options.output / "cache")
        return
    packed = Path(options.data) if options.data.endswith(".safetensors") else options.output / "data.safetensors"
    if not packed.is_file():
        pack_data(options.data, packed, base, options.output / "cache")
    check_sizes(packed, base.model.num_points, view_size_of(base))
    ablation = Ablation(
        ablation_variants(base),
        packed,
        options.output,
        read_results(options.results).runs if options.results.is_file() else (),
        JudgingSettings(max_cases=options.max_cases),
        options.device,
        options.threads,
    )
    jobs = ablation.missing_jobs(options.only or list(ablation.variants), options.seeds)
    if options.list:
        for name, variant in ablation.variants.items():
            print(f"{name}: {variant.option}")
        print(f"{len(jobs)} trainings or judgements are missing for seeds {options.seeds}")
        return
    budget = budget_sentences(base, ablation.judging)
    # Once without a run, so that the distances are there before several processes want them.
    write_all(options, ablation.results(COMMAND, budget))
    complaints = []
    for _, complaint in run_jobs(jobs, options.jobs):
        write_all(options, ablation.results(COMMAND, budget))
        complaints += [complaint] if complaint else []
    if complaints:
        raise SystemExit("\n".join([f"{len(complaints)} of {len(jobs)} runs failed:", *complaints]))


def pack_data(data: str, path: Path, base: Experiment, cache_folder: Path) -> None:
    """Write the splits of a data set into one file, at the sizes of the base."""
    settings = StoreSettings(view_size_of(base), base.model.num_points, keep_pictures=False)
    stores = {split: open_store(resolve_data(data), split, settings, cache_folder) for split in ("train", "val")}
    pack_stores(path, {split: store for split, store in stores.items() if isinstance(store, ObservationStore)})


def view_size_of(base: Experiment) -> int:
    """Pixels of the views that the base's model takes."""
    assert base.model.semantic is not None  # the bases have the embedded encoder
    return base.model.semantic.view_size


def write_all(options: argparse.Namespace, results: AblationResults) -> None:
    """Results and page, each whole."""
    write_results(options.results, results)
    write_whole_text(options.page, ablation_page(results))


def budget_sentences(base: Experiment, judging: JudgingSettings) -> list[str]:
    """What a run is."""
    items, model = base.items, base.model
    cases = "all validation objects and intents" if judging.max_cases is None else f"{judging.max_cases} cases"
    return [
        f"A run: {base.optimisation.num_steps} steps of {items.batch_size} observations with {items.grasps_per_item} "
        f"grasps each, {model.num_points} points a cloud, views of {view_size_of(base)} pixels, float32; "
        "`compact` with everything smaller.",
        f"Judged: {cases}, {judging.num_samples} samples each.",
    ]


if __name__ == "__main__":
    try:
        main()
    except FuncGraspError as error:
        raise SystemExit(f"error: {error}") from error
