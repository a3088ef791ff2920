"""A step shared out over two processes is the step of one process: float64, on the CPU, over gloo."""

import pytest
import torch
from small_runs import make_trainer
from two_processes import CASES, in_double, measure, run_in_two_processes

TOLERANCE = 1e-10

pytestmark = pytest.mark.slow  # three interpreters start and take 40 s of CPU time


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def alone(folder):
    return measure(folder / "alone")


@pytest.fixture(scope="module")
def shared(folder):
    (folder / "shared").mkdir()
    return run_in_two_processes(folder / "shared")


@pytest.mark.parametrize("case", CASES)
def test_gradients_and_terms_of_two_processes_equal_those_of_one(alone, shared, case):
    for found in shared:
        expected = {name: value for name, value in alone[case].items() if name.startswith(("gradient", "term"))}
        assert found[case].keys() >= expected.keys()
        assert max(float(value.abs().max()) for value in expected.values()) > 1e-3
        for name, value in expected.items():
            assert torch.allclose(found[case][name], value, rtol=0, atol=TOLERANCE), name


def test_two_passes_give_the_gradients_of_one(alone):
    for name in ("compact", "funcgrasp_v2"):
        one, two = alone[f"{name}, accumulation 1"], alone[f"{name}, accumulation 2"]
        for key, value in two.items():
            assert torch.allclose(one[key], value, rtol=0, atol=TOLERANCE), key


@pytest.mark.parametrize("name", ["compact", "funcgrasp_v2"])
def test_weights_after_steps_and_validation_are_those_of_one_process(alone, shared, name):
    case = f"{name}, accumulation 1"
    for found in shared:
        assert found[case].keys() == alone[case].keys()
        for key, value in alone[case].items():
            # AdamW divides by roots of squared gradients, which enlarges differences of 1e-16 where they are tiny.
            assert torch.allclose(found[case][key], value, rtol=1e-6, atol=1e-7, equal_nan=True), key


def test_both_processes_have_the_same_weights(shared):
    for case in CASES:
        for name, value in shared[0][case].items():
            assert torch.equal(shared[1][case][name], value) or value.isnan().all(), name


def test_a_state_of_two_processes_is_a_state_for_one(folder, shared):
    """It has no trace of the wrapper in its names; that dropout cannot go on to equal bits is said."""
    case = "compact, accumulation 1"
    trainer = in_double(folder / "shared" / "0", CASES[case])
    trainer.run(last_step=3)
    for name, parameter in trainer.model.named_parameters():
        assert torch.equal(parameter, shared[0][case][f"weight {name}"]), name
    log = (folder / "shared" / "0" / "logs" / "run.log").read_text()
    assert "going on from step 3" in log
    assert "of 2 processes, now there are 1" in log


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path):
    from funcgrasp_core.errors import ConfigurationError
    from training.experiments import with_optimisation

    with pytest.raises(ConfigurationError, match="cannot be shared out evenly"):
        make_trainer(tmp_path, with_optimisation(CASES["compact, accumulation 1"], accumulation=3))
