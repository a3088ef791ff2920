"""The training command from a data set's folder to a checkpoint, on every device that there is."""

import pytest
import torch
from small_oakink import write_small_oakink

from funcgrasp_core.checkpoints import load_checkpoint
from training.train_grasp_model import main


def train_stop_and_go_on(folder, device):
    for split in ("train", "val"):
        write_small_oakink(folder / "shape", num_objects=4, split=split)
    command = ["--experiment", "debug", "--data", str(folder / "shape"), "--device", device, "--threads", "1"]
    main([*command, "--stop-after", "2"])
    main(command)
    loaded = load_checkpoint(folder / "exp" / "debug" / "model.safetensors")
    assert loaded.provenance["step"] == "6"
    assert all(bool(torch.isfinite(weight).all()) for weight in loaded.model.parameters())
    assert float(loaded.model.targets.mean.abs().max()) > 0


def test_the_command_trains_stops_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train_stop_and_go_on(tmp_path, "cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_command_trains_stops_and_goes_on_with_a_gpu(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train_stop_and_go_on(tmp_path, "cuda")
