import pytest
import torch
from safetensors.torch import save_file

from funcgrasp_core.checkpoints import FORMAT, load_checkpoint, reference_hand_digest, save_checkpoint
from funcgrasp_core.errors import CheckpointFormatError, CheckpointMissingError
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG


def make_model():
    torch.manual_seed(0)
    model = build_grasp_model(DEBUG)
    model.fit_targets(0.2 * torch.randn(50, 61))
    return model


def test_round_trip(tmp_path):
    model = make_model()
    save_checkpoint(tmp_path / "model.safetensors", model, {"step": "7"})
    loaded = load_checkpoint(tmp_path / "model.safetensors")
    assert loaded.config == DEBUG
    assert loaded.provenance == {"step": "7"}
    assert not loaded.model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.model.state_dict()[name]), name


def test_half_precision_keeps_statistics_exact(tmp_path):
    model = make_model()
    save_checkpoint(tmp_path / "half.safetensors", model, {}, torch.float16)
    save_checkpoint(tmp_path / "full.safetensors", model, {})
    assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * (tmp_path / "full.safetensors").stat().st_size
    loaded = load_checkpoint(tmp_path / "half.safetensors").model.state_dict()
    assert torch.equal(loaded["targets.mean"], model.state_dict()["targets.mean"])
    assert loaded["flow.network.layers.0.weight"].dtype == torch.float32


def test_missing_file(tmp_path):
    with pytest.raises(CheckpointMissingError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_other_file(tmp_path):
    path = tmp_path / "text.safetensors"
    path.write_text("not a checkpoint")
    with pytest.raises(CheckpointFormatError, match="not a safetensors file"):
        load_checkpoint(path)


def test_safetensors_of_another_kind(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"format": "pt"})
    with pytest.raises(CheckpointFormatError, match="its format is 'pt'"):
        load_checkpoint(path)


def test_other_version(tmp_path):
    path = tmp_path / "old.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"format": FORMAT, "format_version": "0"})
    with pytest.raises(CheckpointFormatError, match="format version 0"):
        load_checkpoint(path)


def test_damaged_configuration(tmp_path):
    path = tmp_path / "damaged.safetensors"
    metadata = {
        "format": FORMAT,
        "format_version": "1",
        "hand": reference_hand_digest(),
        "config": '{"name": "x", "spam": 1}',
    }
    save_file({"x": torch.zeros(1)}, path, metadata)
    with pytest.raises(CheckpointFormatError, match="has no spam"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("config", "provenance"),
    [
        ("[]", "{}"),
        ("[1]", "{}"),
        ("null", "{}"),
        ("7", "{}"),
        ('"text"', "{}"),
        ('{"geometry": 3}', "{}"),
        ('{"num_points": "many"}', "{}"),
        ("not JSON", "{}"),
        (DEBUG.to_json(), "[1]"),
    ],
)
def test_a_configuration_of_other_types_is_a_format_error(tmp_path, config, provenance):
    path = tmp_path / "odd.safetensors"
    metadata = {"format": FORMAT, "format_version": "1", "hand": reference_hand_digest()}
    save_file({"x": torch.zeros(1)}, path, {**metadata, "config": config, "provenance": provenance})
    with pytest.raises(CheckpointFormatError, match=r"odd\.safetensors': its configuration cannot be used"):
        load_checkpoint(path)


def test_weights_that_do_not_fit(tmp_path):
    path = tmp_path / "misfit.safetensors"
    metadata = {
        "format": FORMAT,
        "format_version": "1",
        "hand": reference_hand_digest(),
        "config": DEBUG.to_json(),
    }
    save_file({"x": torch.zeros(1)}, path, metadata)
    with pytest.raises(CheckpointFormatError, match="does not fit its configuration 'debug'"):
        load_checkpoint(path)


def test_other_reference_hand(tmp_path):
    path = tmp_path / "hand.safetensors"
    metadata = {"format": FORMAT, "format_version": "1", "hand": "0" * 64, "config": DEBUG.to_json()}
    save_file({"x": torch.zeros(1)}, path, metadata)
    with pytest.raises(CheckpointFormatError, match="another reference hand"):
        load_checkpoint(path)
