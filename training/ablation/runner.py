"""All runs of an ablation: which are missing, in which order, in how many processes; and the results together."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tqdm import tqdm

from funcgrasp_core.errors import ConfigurationError, FuncGraspError
from training.ablation.judged_cases import judged_cases
from training.ablation.measures import known_diversity_mm
from training.ablation.packed_stores import packed_digest
from training.ablation.results import AblationResults, RunResult, VariantRow, read_runs, valid_runs
from training.ablation.run_job import Job, JudgingSettings, run_job
from training.ablation.training_run import run_of
from training.ablation.variant import Variant
from training.ablation.variant_data import VariantData
from training.data.block_cache import BlockCache, content_key

_DIGEST_LENGTH = 12


@dataclass(frozen=True)
class Ablation:
    """Variants on one data set, and the folder that keeps their runs.

    Attributes:
        variants: all, by name.
        packed: file of the data.
        folder: of runs, results and distances.
        known: results of earlier runs, here or on other machines.
        judging: how models are looked at.
        device: cpu or cuda.
        threads: of each process.
    """

    variants: Mapping[str, Variant]
    packed: Path
    folder: Path
    known: Sequence[RunResult] = ()
    judging: JudgingSettings = field(default_factory=JudgingSettings)
    device: str = "cpu"
    threads: int = 1

    @property
    def results_folder(self) -> Path:
        """One file for each variant and seed."""
        return self.folder / "results"

    def digest(self, name: str) -> str:
        """Of everything that decides a variant's figures."""
        variant = self.variants[name]
        return content_key(variant.digest(self._data, self._teacher_digest(variant)), repr(self.judging))

    def training_digest(self, name: str) -> str:
        """Equal for variants that train to the same weights."""
        variant = self.variants[name]
        return variant.training_digest(self._data, self._teacher_digest(variant))

    def results(self, command: str, budget: Sequence[str]) -> AblationResults:
        """Everything that is known of the variants as they are now."""
        rows = tuple(VariantRow.of(variant, self.digest(name)) for name, variant in self.variants.items())
        runs = valid_runs(rows, [*self.known, *read_runs(self.results_folder)])
        return AblationResults(tuple(budget), command, self._known_diversity_mm, rows, runs)

    def missing_jobs(self, names: Sequence[str], seeds: Sequence[int]) -> list[Job]:
        """Jobs for the results that are not there, seed by seed for each training, teachers before their students.

        Raises:
            ConfigurationError: there is no variant of a name.
        """
        unknown = [name for name in names if name not in self.variants]
        if unknown:
            raise ConfigurationError(f"no variant {', '.join(unknown)}; there are {', '.join(self.variants)}")
        done = {(run.variant, run.seed) for run in self._done()}
        trainings: dict[str, list[str]] = {}
        for name in names:
            trainings.setdefault(self.training_digest(name), []).append(name)
        jobs = []
        for together in trainings.values():
            for seed in seeds:
                wanted = [name for name in together if (name, seed) not in done]
                if wanted:
                    jobs.append(self._job(wanted, seed))
        first = [self._job([t], seed) for t, seed in self._missing_teachers(jobs)]
        return first + jobs

    @cached_property
    def _data(self) -> str:
        """Digest of the data."""
        return packed_digest(self.packed)

    @cached_property
    def _known_diversity_mm(self) -> float:
        data = VariantData(self.packed, BlockCache(self.folder / "cache"))
        points, judging = self.variants["base"].experiment.model.num_points, self.judging
        cases = judged_cases(data.validation_store(), data.hand_layer, points, judging.seed, judging.max_cases)
        return round(known_diversity_mm(cases), 2)

    def _done(self) -> tuple[RunResult, ...]:
        rows = [VariantRow.of(variant, self.digest(name)) for name, variant in self.variants.items()]
        return valid_runs(rows, [*self.known, *read_runs(self.results_folder)])

    def _missing_teachers(self, jobs: Sequence[Job]) -> list[tuple[str, int]]:
        """Teachers whose weights are not here, as after results that another machine made."""
        planned = {job.run_folder for job in jobs}
        wanted = []
        for job in jobs:
            if job.teacher is not None:
                variant, folder = job.teacher
                if folder not in planned and run_of(folder) is None:
                    wanted.append((variant.name, job.seed))
                    planned.add(folder)
        return wanted

    def _job(self, names: Sequence[str], seed: int) -> Job:
        variants = tuple((self.variants[name], self.digest(name)) for name in names)
        teacher_name = variants[0][0].teacher
        teacher = None
        if teacher_name is not None:
            teacher = (self.variants[teacher_name], self._run_folder(teacher_name, seed))
        return Job(
            self.variants["base"].experiment,
            variants,
            seed,
            self._run_folder(names[0], seed),
            teacher,
            self.packed,
            self.folder / "cache",
            self.results_folder,
            self.judging,
            self.device,
            self.threads,
        )

    def _run_folder(self, name: str, seed: int) -> Path:
        return self.folder / "runs" / f"{self.training_digest(name)[:_DIGEST_LENGTH]}_seed_{seed}"

    def _teacher_digest(self, variant: Variant) -> str:
        return "" if variant.teacher is None else self.training_digest(variant.teacher)


def run_jobs(jobs: Sequence[Job], num_processes: int) -> Iterator[tuple[Job, str | None]]:
    """Run jobs, with a progress bar, each in a fresh process; a student waits for its teacher.

    Args:
        jobs: of `Ablation.missing_jobs`.
        num_processes: at a time; 0 runs all jobs in this process.

    Yields:
        Each job that ended, and why it failed; the others go on.
    """
    bar = tqdm(total=len(jobs), desc="ablation runs", unit="run")
    waiting, running = list(jobs), dict[Future, tuple[Job, ProcessPoolExecutor]]()
    # Forked workers could inherit a locked thread pool of torch.
    context = multiprocessing.get_context("spawn")
    try:
        while waiting or running:
            unfinished = {job.run_folder for job in waiting} | {job.run_folder for job, _ in running.values()}
            ready = [job for job in waiting if job.teacher is None or job.teacher[1] not in unfinished]
            if num_processes == 0:
                waiting.remove(ready[0])
                bar.set_postfix_str(ready[0].title)
                yield ready[0], _complaint(ready[0], lambda job=ready[0]: run_job(job))
                bar.update()
                continue
            for job in ready[: num_processes - len(running)]:
                waiting.remove(job)
                # A process for each job: its memory is given back, and its CPU seconds are of this run alone.
                pool = ProcessPoolExecutor(1, context)
                running[pool.submit(run_job, job)] = job, pool
            bar.set_postfix_str(", ".join(job.title for job, _ in running.values()))
            future = next(as_completed(running))
            job, pool = running.pop(future)
            yield job, _complaint(job, future.result)
            pool.shutdown()
            bar.update()
    finally:
        bar.close()
        for _, pool in running.values():
            pool.shutdown(wait=False, cancel_futures=True)


def _complaint(job: Job, result: Callable[[], object]) -> str | None:
    try:
        result()
    except FuncGraspError as error:
        return f"{job.title}: {error}"
    except BrokenProcessPool:
        return f"{job.title}: its process was killed, perhaps for want of memory; give the command again to go on"
    return None
