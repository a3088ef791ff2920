import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from funcgrasp_core.checkpoints import load_checkpoint
from funcgrasp_core.errors import CheckpointMissingError, ConfigurationError
from training.data.data_sets import resolve_data
from training.experiments import DEBUG_BATCH_SIZE, DEBUG_EXPERIMENT, DEBUG_STEPS, EXPERIMENTS, ReportConfig
from training.run.checkpoint_store import CheckpointStore
from training.train_grasp_model import command_line, main
from training.training_options import OPTION_VARIABLES, chosen_experiment, parse_arguments

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The small procedural data set of debug mode."""
    folder = tmp_path_factory.mktemp("data")
    before = Path.cwd()
    os.chdir(folder)
    try:
        (source,) = resolve_data("procedural", debug=True)
        return folder / source.root
    finally:
        os.chdir(before)


def experiment(*arguments: str):
    return chosen_experiment(parse_arguments(list(arguments)))


def test_options_change_the_experiment():
    changed = experiment(
        "--experiment", "funcgrasp_v2", "--epochs", "3", "--batch-size", "64", "--accumulation", "2", "--seed", "7"
    )
    assert (changed.optimisation.num_epochs, changed.optimisation.num_steps) == (3, None)
    assert (changed.items.batch_size, changed.optimisation.accumulation, changed.seed) == (64, 2, 7)
    assert experiment("--qual-source", "test").report.qual_source == "test"
    with pytest.raises(SystemExit):
        parse_arguments(["--steps", "1", "--epochs", "1"])


def test_debug_mode_can_be_changed_by_options():
    debug = experiment("--experiment", "funcgrasp_v2", "--debug")
    assert (debug.optimisation.num_steps, debug.items.batch_size) == (DEBUG_STEPS, DEBUG_BATCH_SIZE)
    changed = experiment("--experiment", "funcgrasp_v2", "--debug", "--steps", "3", "--batch-size", "8")
    assert (changed.optimisation.num_steps, changed.items.batch_size) == (3, 8)


def test_environment_variables_stand_in_for_options(monkeypatch):
    monkeypatch.setenv("DEBUG", "true")
    monkeypatch.setenv("EXP_NAME", "lora_debug")
    monkeypatch.setenv("QWEN_TUNING", "full")
    options = parse_arguments(["--experiment", "funcgrasp_v2"])
    assert options.debug
    assert options.name == "lora_debug"
    assert chosen_experiment(options).model.semantic.tuning == "full"  # type: ignore[union-attr]
    monkeypatch.setenv("DEBUG", "false")
    assert not parse_arguments([]).debug


def test_a_missing_or_unwanted_language_model_is_named(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointMissingError, match="give its folder with --semantic, or `--semantic tiny-qwen`"):
        main(["--experiment", "funcgrasp_v2", "--data", str(data)])
    with pytest.raises(ConfigurationError, match="semantic_model is for configurations with Qwen"):
        main(["--experiment", "debug", "--data", str(data), "--semantic", "tiny-qwen"])


def test_training_stops_goes_on_and_exports(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    command = ["--experiment", "debug", "--data", str(data), "--name", "mine", "--device", "cpu", "--threads", "1"]
    main([*command, "--stop-after", "2"])
    main([*command, "--export", "small.safetensors"])
    folder = tmp_path / "exp" / "mine"
    assert {path.name for path in folder.iterdir()} == {
        "logs",
        "metrics.csv",
        "model.safetensors",
        "model_card.md",
        "states",
        "tensorboard",
        "visualizations",
    }
    assert "going on from step 2" in (folder / "logs" / "run.log").read_text()
    exported = load_checkpoint(tmp_path / "small.safetensors")
    assert exported.provenance["step"] == "6"
    assert exported.config.name == "debug"
    store = CheckpointStore(folder / "states")
    newest = store.newest_whole(print)
    assert newest is not None
    average = store.load(newest)["average"]
    written = load_checkpoint(folder / "model.safetensors").model.state_dict()
    assert all(bool((written[name] == tensor).all()) for name, tensor in average.items())


@pytest.mark.slow
def test_funcgrasp_v2_trains_with_a_tiny_language_model_and_goes_on(tmp_path, data):
    command = [sys.executable, "-m", "training.train_grasp_model", "--experiment", "funcgrasp_v2", "--data", str(data)]
    command += ["--semantic", "tiny-qwen", "--debug", "--name", "v2", "--threads", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    for more in (["--stop-after", "5"], ["--steps", "6"]):
        subprocess.run([*command, *more], cwd=tmp_path, env=environment, check=True, capture_output=True)
    folder = tmp_path / "exp" / "v2"
    logs = [path.read_text() for path in sorted((folder / "logs").glob("train_*.log"))]
    assert "Validation at step 5\n" in logs[0]
    assert "Validation [25/25] Loss: " in logs[0]
    assert re.search(r"Epoch 1 \[1/\d+\] Loss: \d+\.\d{4} \(avg: \d+\.\d{4}\) C_Loss: ", logs[0])
    assert "going on from step 5" in logs[1]
    (first, second) = sorted((folder / "visualizations").iterdir())
    assert (first.name, second.name) == ("step_000005_epoch_000", "step_000006_epoch_000")
    assert len(list(first.glob("sample_?_*_predicted.html"))) == len(list(first.glob("*_groundtruth.html"))) == 3
    loaded = load_checkpoint(folder / "model.safetensors", semantic_model=tmp_path / "data" / "tiny_qwen")
    assert loaded.config.name == "funcgrasp_v2"
    assert loaded.provenance["step"] == "6"


def test_a_stopped_run_leaves_the_exported_file_alone(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shipped.safetensors").write_bytes(b"the model that ships")
    command = ["--experiment", "debug", "--data", str(data), "--device", "cpu", "--threads", "1"]
    main([*command, "--stop-after", "2", "--export", "shipped.safetensors"])
    assert (tmp_path / "shipped.safetensors").read_bytes() == b"the model that ships"
    folder = tmp_path / "exp" / "debug"
    assert "left as it was until all 6 steps are made" in (folder / "logs" / "run.log").read_text()
    assert "| step | 2, stopped before 6 |" in (folder / "model_card.md").read_text()


def test_a_run_that_ends_before_its_first_number_ends_well(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    quiet = dataclasses.replace(DEBUG_EXPERIMENT, report=ReportConfig(log_interval=5, sampled_items=0))
    monkeypatch.setitem(EXPERIMENTS, "debug", quiet)
    main(["--experiment", "debug", "--data", str(data), "--device", "cpu", "--threads", "1", "--stop-after", "1"])
    assert "ended before its first validation" in (tmp_path / "exp" / "debug" / "model_card.md").read_text()


def test_tuning_of_a_language_model_that_is_not_there_is_refused(monkeypatch):
    with pytest.raises(ConfigurationError, match="'compact' has no Qwen2"):
        experiment("--experiment", "compact", "--qwen-tuning", "full")
    monkeypatch.setenv("QWEN_TUNING", "full")
    assert experiment("--experiment", "compact").name == "compact", "the variable may serve several commands"


def test_full_tuning_in_bfloat16_keeps_no_average():
    full = ("--experiment", "qwen", "--qwen-tuning", "full", "--device")
    assert experiment(*full[:2], "--device", "cuda").optimisation.ema_decay > 0
    assert experiment(*full, "cuda").optimisation.ema_decay == 0
    assert experiment(*full, "cpu").optimisation.ema_decay > 0, "float32 there"


def test_the_command_of_a_card_names_variables_and_launcher(monkeypatch):
    for name in OPTION_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    arguments = ["--experiment", "qwen", "--semantic", "my models/qwen"]
    assert command_line(arguments, 1) == (
        "python -m training.train_grasp_model --experiment qwen --semantic 'my models/qwen'"
    )
    monkeypatch.setenv("QWEN_TUNING", "full")
    monkeypatch.setenv("DATA_ROOT", "oakink:/data/oak ink")
    monkeypatch.setenv("DEBUG", "")
    expected = (
        "DATA_ROOT='oakink:/data/oak ink' QWEN_TUNING=full accelerate launch --num_processes 4 "
        "-m training.train_grasp_model"
    )
    assert command_line([], 4) == expected
    monkeypatch.setenv("QWEN_TUNING", "")
    assert experiment("--experiment", "qwen").model.semantic.tuning == "lora"  # type: ignore[union-attr]
