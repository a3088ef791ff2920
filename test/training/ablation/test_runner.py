import dataclasses

import pytest
from small_ablation import pack_small_data

from funcgrasp_core.errors import ConfigurationError
from training.ablation.base_experiment import BASES
from training.ablation.results import RunResult, write_run
from training.ablation.run_job import JudgingSettings, result_file
from training.ablation.runner import Ablation, run_jobs
from training.ablation.variants import ablation_variants


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return pack_small_data(tmp_path_factory.mktemp("packed") / "data.safetensors")


@pytest.fixture
def ablation(packed, tmp_path):
    return Ablation(ablation_variants(BASES["debug"]), packed, tmp_path, judging=JudgingSettings(max_cases=3))


def names(jobs):
    return [([variant.name for variant, _ in job.variants], job.seed) for job in jobs]


def result(ablation, name, seed):
    return RunResult(name, ablation.digest(name), seed, {"hand_f1": 0.5}, "machine", "commit")


def test_variants_that_share_weights_are_one_job_and_students_know_their_teachers(ablation):
    jobs = ablation.missing_jobs(["focal", "base", "heun", "reflow"], [0, 1])
    assert names(jobs) == [
        (["focal"], 0),
        (["focal"], 1),
        (["base", "heun"], 0),
        (["base", "heun"], 1),
        (["reflow"], 0),
        (["reflow"], 1),
    ]
    reflow = jobs[-1]
    assert reflow.teacher is not None
    assert reflow.teacher[1] in {job.run_folder for job in jobs}


def test_a_student_alone_brings_its_teacher(ablation):
    assert names(ablation.missing_jobs(["reflow"], [4])) == [(["base"], 4), (["reflow"], 4)]


def test_results_of_any_machine_count_and_a_changed_variant_runs_alone(ablation):
    wanted, seeds = ["base", "focal", "spatial"], [0, 1]
    here = [result(ablation, "base", seed) for seed in seeds]
    elsewhere = [result(ablation, name, seed) for name in ("focal", "spatial") for seed in seeds]
    for one in here:
        write_run(result_file(ablation.results_folder, one.variant, one.seed), one)
    known = dataclasses.replace(ablation, known=elsewhere)
    assert known.missing_jobs(wanted, seeds) == []
    assert names(known.missing_jobs(wanted, [0, 1, 2])) == [(["base"], 2), (["focal"], 2), (["spatial"], 2)]

    focal = ablation.variants["focal"]
    losses = dataclasses.replace(focal.experiment.losses, focal_gamma=3.0)
    changed = dataclasses.replace(focal, experiment=dataclasses.replace(focal.experiment, losses=losses))
    other = dataclasses.replace(known, variants={**ablation.variants, "focal": changed})
    assert names(other.missing_jobs(wanted, seeds)) == [(["focal"], 0), (["focal"], 1)]
    other_judging = dataclasses.replace(known, judging=JudgingSettings(max_cases=2))
    assert len(other_judging.missing_jobs(wanted, seeds)) == 6


def test_unknown_variants_are_named(ablation):
    with pytest.raises(ConfigurationError, match=r"no variant fokal; there are base, .*focal"):
        ablation.missing_jobs(["fokal"], [0])


@pytest.mark.parametrize("num_processes", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_failed_run_is_told_and_the_others_go_on(ablation, tmp_path, num_processes):
    jobs = ablation.missing_jobs(["base", "focal"], [0])
    broken = dataclasses.replace(jobs[0], packed=tmp_path / "missing.safetensors")
    ended = dict(run_jobs([broken, jobs[1]], num_processes))
    complaint = ended[broken]
    assert complaint is not None
    assert complaint.startswith("base seed 0: ")
    assert "pack the data again" in complaint
    assert ended[jobs[1]] is None
    assert names(ablation.missing_jobs(["base", "focal"], [0])) == [(["base"], 0)]
