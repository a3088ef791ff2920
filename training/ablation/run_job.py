"""One job of an ablation, in a process of its own: a training, and the figures of every variant that shares it."""

import os
import platform
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import torch

from funcgrasp_core.grasp_model.grasp_model import GraspModel
from training.ablation.judged_cases import judged_cases
from training.ablation.measures import judge_samples
from training.ablation.results import RunResult, write_run
from training.ablation.training_run import TrainedRun, train_variant
from training.ablation.validation_losses import validation_losses
from training.ablation.variant import Variant
from training.ablation.variant_data import VariantData
from training.data.block_cache import BlockCache
from training.experiments import Experiment


@dataclass(frozen=True)
class JudgingSettings:
    """How every model is looked at, the same for all.

    Attributes:
        num_samples: K, of each case.
        max_cases: validation objects and intents, the first ones; None: all.
        seed: of turns, sentences, noise and samples.
    """

    num_samples: int = 8
    max_cases: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Job:
    """What one process does.

    Attributes:
        base: experiment whose losses, batches and points are judged by.
        variants: with their digests; all train to the same weights.
        seed: of the training.
        run_folder: of the training.
        teacher: variant and folder of the finished run whose flows are learned, if any.
        packed: file of the data.
        cache_folder: of distances.
        results_folder: where the figures go.
        judging: how models are looked at.
        device: cpu or cuda.
        threads: of the CPU.
    """

    base: Experiment
    variants: tuple[tuple[Variant, str], ...]
    seed: int
    run_folder: Path
    teacher: tuple[Variant, Path] | None
    packed: Path
    cache_folder: Path
    results_folder: Path
    judging: JudgingSettings
    device: str
    threads: int

    @property
    def title(self) -> str:
        """For progress and complaints."""
        return f"{self.variants[0][0].name} seed {self.seed}"


def run_job(job: Job) -> list[RunResult]:
    """Train, or go on training, then judge; each variant's result is on disk before the next one is judged.

    What the training says goes to `output.log` in the run's folder: several jobs share the screen.
    """
    torch.set_num_threads(job.threads)
    job.run_folder.mkdir(parents=True, exist_ok=True)
    with (job.run_folder / "output.log").open("a") as log, redirect_stdout(log), redirect_stderr(log):
        return _train_and_judge(job)


def _train_and_judge(job: Job) -> list[RunResult]:
    data = VariantData(job.packed, BlockCache(job.cache_folder))
    teacher = None
    if job.teacher is not None:
        teacher = TrainedRun(job.teacher[1], 0.0).load(job.teacher[0], job.device)
    run = train_variant(job.variants[0][0], job.seed, data, job.run_folder, teacher, job.device)
    return [_judge(job, variant, digest, run, data) for variant, digest in job.variants]


def result_file(folder: Path, variant: str, seed: int) -> Path:
    """Of a variant and seed."""
    return folder / f"{variant}.seed_{seed}.json"


def describe_machine(device: str, threads: int) -> str:
    """Processor or GPU, and threads."""
    if device != "cpu":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    return f"{_processor()}, {threads} thread{'s' * (threads > 1)}, torch {torch.__version__}"


def current_commit() -> str:
    """Short name of the commit that runs, "+" after it where tracked code was changed; "unknown" outside git."""
    folder = Path(__file__).parent
    try:
        name = subprocess.run(
            ["git", "rev-parse", "--short=9", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "diff", "--quiet", "HEAD", "--", "../../training", "../../funcgrasp_core"], cwd=folder, check=False
        ).returncode
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + "+" * bool(changed)


def _judge(job: Job, variant: Variant, digest: str, run: TrainedRun, data: VariantData) -> RunResult:
    model: GraspModel = run.load(variant, job.device)
    store, settings, points = data.validation_store(), job.judging, job.base.model.num_points
    cases = judged_cases(store, data.hand_layer, points, settings.seed, settings.max_cases)
    tau_m = variant.experiment.losses.soft_target_tau_m
    figures = judge_samples(model, cases, data.hand_layer, settings.num_samples, tau_m, variant.shows_views, job.device)
    figures |= validation_losses(model, store, job.base, settings.seed, settings.max_cases, job.device)
    figures["train_cpu_s"] = run.cpu_seconds
    result = RunResult(
        variant.name,
        digest,
        job.seed,
        {name: float(f"{value:.5g}") for name, value in figures.items()},
        describe_machine(job.device, job.threads),
        current_commit(),
    )
    write_run(result_file(job.results_folder, variant.name, job.seed), result)
    return result


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name} ({os.cpu_count()} CPUs)"
