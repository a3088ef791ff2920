import dataclasses

import pytest
import torch
from torch import Tensor

from funcgrasp_core.checkpoints import load_checkpoint
from funcgrasp_core.errors import CheckpointFormatError, CheckpointMissingError, InvalidFileError
from funcgrasp_core.grasp_model.grasp_model import GraspModel, build_grasp_model
from funcgrasp_core.grasp_model.named_configs import CONFIGS, DEBUG
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from training.convert_version_1 import KeyMap, convert, main, match_weights, read_old_weights

SMALL = dataclasses.replace(
    DEBUG,
    name="small_v2",
    mode=None,
    parameterisation="axis_angle",
    normalise_targets=False,
    fusion=dataclasses.replace(DEBUG.fusion, over="points"),
    flow=dataclasses.replace(DEBUG.flow, residual=False),
)

MAP = r"""
pointnet\.sa1\.(.*): geometric_encoder.first.\1
pointnet\.sa2\.(?P<rest>.*): geometric_encoder.second.\g<rest>
pointnet\.(.*): geometric_encoder.\1
flow_net\.(\d+)\.(weight|bias): flow.network.layers.\1.\2
optimizer_steps: null
"""


def small_model(seed: int) -> GraspModel:
    torch.manual_seed(seed)
    return build_grasp_model(SMALL)


def old_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A made-up version 1: other names for geometry and flow, the same for the rest, no statistics."""
    weights = {"optimizer_steps": torch.tensor(5)}
    for name, tensor in state.items():
        if name.startswith("targets."):
            continue
        old = name.replace("geometric_encoder.first.", "pointnet.sa1.")
        old = old.replace("geometric_encoder.second.", "pointnet.sa2.").replace("geometric_encoder.", "pointnet.")
        weights[old.replace("flow.network.layers.", "flow_net.")] = tensor.clone()
    return weights


@pytest.fixture
def key_map(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text(MAP)
    return path


@pytest.fixture
def command(tmp_path, key_map, monkeypatch):
    monkeypatch.setitem(CONFIGS, SMALL.name, SMALL)

    def run(values, *more: str):
        torch.save(values, tmp_path / "old.pt")
        old, new = tmp_path / "old.pt", tmp_path / "new.safetensors"
        main(["--checkpoint", str(old), "--key-map", str(key_map), "--model", SMALL.name, "--output", str(new), *more])
        return new

    return run


@pytest.mark.parametrize("wrapper", [None, "model", "model_state_dict", "state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_converted_model_is_the_old_one(command, capsys, wrapper, prefix):
    old = small_model(1)
    weights = {prefix + name: tensor for name, tensor in old_names(old.state_dict()).items()}
    values = weights if wrapper is None else {wrapper: weights, "epoch": 3, "optimizer": {"state": {}}}
    loaded = load_checkpoint(command(values))
    for name, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, old.state_dict()[name]), name
    assert loaded.config == SMALL
    assert loaded.provenance["converted_from"] == "version 1: old.pt"
    printed = capsys.readouterr()
    assert "losses and contact metrics of this model differ" in printed.err
    assert "not used" not in printed.out


def test_adapters_of_the_language_model_are_converted_too(tiny_qwen, tmp_path, monkeypatch, capsys):
    """As version 1 kept them: everything of the language model beside its adapters, under a name of its own."""
    semantic = QwenSemanticConfig(dtype="float32", view_size=56, lora_rank=4)
    config = dataclasses.replace(SMALL, name="small_qwen", semantic=semantic)
    monkeypatch.setitem(CONFIGS, config.name, config)
    torch.manual_seed(1)
    old = build_grasp_model(config, tiny_qwen)
    with torch.no_grad():
        for parameter in old.parameters():
            if parameter.requires_grad:
                parameter.add_(0.01 * torch.randn_like(parameter))
    weights = {
        "module." + name.replace("semantic_encoder.backbone.", "qwen.").replace("semantic_encoder.head.", "project."): v
        for name, v in old.state_dict().items()
        if not name.startswith("targets.")
    }
    weights["module.qwen.base_model.model.visual.merger.weight"] = torch.zeros(3)
    torch.save({"model": weights}, tmp_path / "old.pt")
    (tmp_path / "map.yaml").write_text(
        "qwen\\.(.*lora_.*): semantic_encoder.backbone.\\1\n"
        "qwen\\..*: null\n"
        "project\\.(.*): semantic_encoder.head.\\1\n"
    )
    new = tmp_path / "new.safetensors"
    options = ["--checkpoint", str(tmp_path / "old.pt"), "--key-map", str(tmp_path / "map.yaml"), "--output", str(new)]
    main([*options, "--model", config.name, "--semantic-model", str(tiny_qwen)])
    assert "not used" not in capsys.readouterr().out
    loaded = load_checkpoint(new, semantic_model=tiny_qwen).model
    for name, tensor in old.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    assert any("lora_B" in name and bool(tensor.any()) for name, tensor in loaded.state_dict().items())


def test_nothing_is_written_while_a_weight_is_missing(command, tmp_path):
    weights = old_names(small_model(1).state_dict())
    weights["head_of_old.weight"] = weights.pop("contact_head.layers.0.weight")
    with pytest.raises(CheckpointFormatError, match=r"contact_head\.layers\.0\.weight\n.*\n  head_of_old\.weight"):
        command(weights)
    assert not (tmp_path / "new.safetensors").exists()


def test_missing_weights_may_be_allowed_and_are_listed(command, capsys):
    weights = old_names(small_model(1).state_dict())
    weights["head_of_old.weight"] = weights.pop("contact_head.layers.0.weight")
    path = command({"model": weights}, "--allow-missing")
    printed = capsys.readouterr().out
    assert "random in the new model: contact_head.layers.0.weight" in printed
    assert "not used: head_of_old.weight" in printed
    assert load_checkpoint(path).provenance["random_weights"] == "contact_head.layers.0.weight"


def test_other_shapes_are_refused_even_where_weights_may_be_missing(command, tmp_path):
    weights = old_names(small_model(1).state_dict())
    weights["contact_head.layers.0.bias"] = torch.zeros(3)
    with pytest.raises(CheckpointFormatError, match=r"contact_head\.layers\.0\.bias: \(3,\), \(32,\)"):
        command(weights, "--allow-missing")
    assert not (tmp_path / "new.safetensors").exists()


def test_a_refused_conversion_leaves_the_model_as_it_was():
    model = small_model(2)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(CheckpointFormatError):
        convert(old_names(small_model(1).state_dict()), model, KeyMap())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_two_names_for_one_weight_are_refused(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("'.*weight': contact_head.layers.0.weight")
    weights = {"one.weight": torch.zeros(1), "two.weight": torch.zeros(1)}
    with pytest.raises(CheckpointFormatError, match=r"'one.weight' and 'two.weight' both become"):
        match_weights(weights, small_model(0), KeyMap.read(path))


def test_the_first_rule_counts_and_must_match_the_whole_name(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("a.b: first\na..: second\n(?P<x>c)d: \\g<x>\ngone: null\n")
    key_map = KeyMap.read(path)
    assert [key_map.new_name(name) for name in ("a.b", "axy", "cd", "gone", "xa.b")] == [
        "first",
        "second",
        "c",
        None,
        "xa.b",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "must be lines of 'old: new'"),
        ("a: [1]\n", "must be two names"),
        ("'(': b\n", "is no regular expression"),
        ("a: 'b\n", "cannot be read"),
        ("!!python/object:os.system {}\n", "cannot be read"),
    ],
)
def test_key_maps_that_are_none_are_refused(tmp_path, text, message):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(InvalidFileError, match=message):
        KeyMap.read(tmp_path / "map.yaml")


def test_a_group_that_is_not_there_is_named(tmp_path):
    (tmp_path / "map.yaml").write_text("'a(b)': '\\2'")
    with pytest.raises(InvalidFileError, match="does not fit"):
        KeyMap.read(tmp_path / "map.yaml").new_name("ab")


@pytest.mark.parametrize("values", [{"epoch": 3}, {"model": {}}, [1, 2]])
def test_files_without_weights_are_refused(tmp_path, values):
    torch.save(values, tmp_path / "old.pt")
    with pytest.raises(CheckpointFormatError, match="holds no weights"):
        read_old_weights(tmp_path / "old.pt")


class Arbitrary:
    """An object that a checkpoint must not bring to life."""


def test_files_with_other_objects_are_refused(tmp_path):
    torch.save({"model": Arbitrary()}, tmp_path / "old.pt")
    with pytest.raises(CheckpointFormatError, match="cannot be read as a checkpoint"):
        read_old_weights(tmp_path / "old.pt")
    (tmp_path / "old.pt").write_text("text")
    with pytest.raises(CheckpointFormatError, match="cannot be read as a checkpoint"):
        read_old_weights(tmp_path / "old.pt")
    with pytest.raises(CheckpointMissingError, match="no checkpoint"):
        read_old_weights(tmp_path / "none.pt")
