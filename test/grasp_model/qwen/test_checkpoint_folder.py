import json
import shutil
import socket
import sys

import pytest
from safetensors.torch import load_file, save_file

from funcgrasp_core.errors import CheckpointFormatError, CheckpointMissingError, MissingDependencyError
from funcgrasp_core.grasp_model.qwen.checkpoint_folder import QwenFolder
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.encoder import build_qwen_encoder
from training.make_tiny_qwen import make_tiny_qwen

CONFIG = QwenSemanticConfig(tuning="frozen", dtype="float32", view_size=56)


def split_weights(folder, num_shards=2):
    """As large checkpoints are published: shards, and an index that says what is where."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    places = {name: f"model-{1 + i % num_shards:05d}-of-{num_shards:05d}.safetensors" for i, name in enumerate(names)}
    for shard in set(places.values()):
        save_file({n: tensors[n] for n in names if places[n] == shard}, folder / shard, {"format": "pt"})
    (folder / "model.safetensors").unlink()
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def change_json(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_whole_folder_opens(tiny_qwen):
    folder = QwenFolder.open(tiny_qwen)
    assert folder.config["model_type"] == "qwen2_5_vl"
    assert folder.preprocessor["patch_size"] == 14
    assert "<|vision_start|>" in folder.chat_template
    assert [file.name for file in folder.weight_files] == ["model.safetensors"]


def test_no_folder(tmp_path):
    with pytest.raises(CheckpointMissingError, match=r"no folder at .*nothing is downloaded"):
        QwenFolder.open(tmp_path / "absent")


@pytest.mark.parametrize(
    ("removed", "named"),
    [
        (["config.json"], "config.json"),
        (["preprocessor_config.json"], "preprocessor_config.json"),
        (["tokenizer_config.json"], "tokenizer_config.json"),
        (["tokenizer.json", "merges.txt"], r"tokenizer.json \(or merges.txt\)"),
        (["tokenizer.json", "merges.txt", "vocab.json"], r"tokenizer.json \(or vocab.json and merges.txt\)"),
        (["model.safetensors"], r"model.safetensors \(or model.safetensors.index.json and its shards\)"),
        (["config.json", "preprocessor_config.json"], "config.json, preprocessor_config.json"),
    ],
)
def test_missing_files_are_named(broken_qwen, removed, named):
    for name in removed:
        (broken_qwen / name).unlink()
    with pytest.raises(CheckpointMissingError, match=f"lacks {named}: copy"):
        QwenFolder.open(broken_qwen)


def test_an_empty_folder_lacks_everything(tmp_path):
    with pytest.raises(CheckpointMissingError) as caught:
        QwenFolder.open(tmp_path)
    for name in ("config.json", "tokenizer_config.json", "preprocessor_config.json", "tokenizer.json", "safetensors"):
        assert name in str(caught.value)


def test_each_missing_shard_is_named(broken_qwen):
    split_weights(broken_qwen, num_shards=3)
    (broken_qwen / "model-00001-of-00003.safetensors").unlink()
    (broken_qwen / "model-00003-of-00003.safetensors").unlink()
    with pytest.raises(CheckpointMissingError, match=r"model-00001-of-00003\.safetensors, model-00003-of-00003"):
        QwenFolder.open(broken_qwen)


@pytest.mark.parametrize("places", [{"a": "../outside.safetensors"}, {"a": "model.bin"}, {"a": 1}, None])
def test_an_index_names_safetensors_files_of_its_folder_only(broken_qwen, places):
    (broken_qwen / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    with pytest.raises(CheckpointFormatError, match="names no weight files"):
        QwenFolder.open(broken_qwen)


def test_pickled_weights_are_not_read(broken_qwen):
    (broken_qwen / "model.safetensors").rename(broken_qwen / "pytorch_model.bin")
    with pytest.raises(CheckpointMissingError, match=r"lacks model\.safetensors"):
        QwenFolder.open(broken_qwen)


def test_another_model_is_refused(broken_qwen):
    change_json(broken_qwen / "config.json", model_type="qwen2_vl")
    with pytest.raises(CheckpointFormatError, match="model type 'qwen2_vl', expected 'qwen2_5_vl'"):
        QwenFolder.open(broken_qwen)


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_broken_json_is_named(broken_qwen, text):
    (broken_qwen / "preprocessor_config.json").write_text(text)
    with pytest.raises(CheckpointFormatError, match=r"preprocessor_config\.json"):
        QwenFolder.open(broken_qwen)


def test_the_template_is_found_where_processors_look_for_it(broken_qwen):
    change_json(broken_qwen / "tokenizer_config.json", chat_template=None)
    with pytest.raises(CheckpointMissingError, match="has no chat template"):
        QwenFolder.open(broken_qwen)
    (broken_qwen / "chat_template.json").write_text(json.dumps({"chat_template": "of json"}))
    assert QwenFolder.open(broken_qwen).chat_template == "of json"
    (broken_qwen / "chat_template.jinja").write_text("of jinja")
    assert QwenFolder.open(broken_qwen).chat_template == "of jinja"


def test_the_digest_is_of_the_weights_and_not_of_their_files(tiny_qwen, broken_qwen, tmp_path):
    digest = QwenFolder.open(tiny_qwen).digest()
    split_weights(broken_qwen)
    change_json(broken_qwen / "config.json", transformers_version="9.9")
    assert QwenFolder.open(broken_qwen).digest() == digest
    other = make_tiny_qwen(tmp_path / "other", seed=1)
    assert QwenFolder.open(other).digest() != digest
    change_json(broken_qwen / "config.json", rope_theta=5.0)
    assert QwenFolder.open(broken_qwen).digest() != digest


def test_the_digest_of_damaged_weights_says_so(broken_qwen):
    (broken_qwen / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(CheckpointFormatError, match="not a whole safetensors file"):
        QwenFolder.open(broken_qwen).digest()


def test_shards_load_as_one_file_does(broken_qwen, frozen_encoder):
    split_weights(broken_qwen)
    encoder = build_qwen_encoder(CONFIG, broken_qwen, 32)
    expected = frozen_encoder.backbone.state_dict()
    found = encoder.backbone.state_dict()
    assert found.keys() == expected.keys()
    assert all((found[name] == expected[name]).all() for name in found)
    assert encoder.base_digest == frozen_encoder.base_digest


def test_vocabulary_and_merges_stand_in_for_the_tokenizer_file(broken_qwen, frozen_encoder):
    (broken_qwen / "tokenizer.json").unlink()
    encoder = build_qwen_encoder(CONFIG, broken_qwen, 32)
    arguments = ["hand me the mug, <|im_end|> naïve"], [[True, False, False, False, True, False]]
    assert (encoder.prompts(*arguments).input_ids == frozen_encoder.prompts(*arguments).input_ids).all()


def test_truncated_weights_are_refused(broken_qwen):
    whole = (broken_qwen / "model.safetensors").read_bytes()
    (broken_qwen / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointFormatError, match=r"weights in .* cannot be read"):
        build_qwen_encoder(CONFIG, broken_qwen, 32)


def test_a_missing_tensor_is_named_and_not_made_up(broken_qwen):
    tensors = load_file(broken_qwen / "model.safetensors")
    del tensors["visual.merger.mlp.0.weight"]
    save_file(tensors, broken_qwen / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointFormatError, match=r"missing \['visual.merger.mlp.0.weight'\]"):
        build_qwen_encoder(CONFIG, broken_qwen, 32)


def test_weights_of_another_shape_are_refused(broken_qwen):
    change_json(broken_qwen / "config.json", intermediate_size=96)
    with pytest.raises(CheckpointFormatError, match=r"weights in .*broken"):
        build_qwen_encoder(CONFIG, broken_qwen, 32)


def test_a_damaged_tokenizer_is_refused(broken_qwen):
    (broken_qwen / "tokenizer.json").write_text("{")
    with pytest.raises(CheckpointFormatError, match=r"tokenizer in .* cannot be read"):
        build_qwen_encoder(CONFIG, broken_qwen, 32)


def test_nothing_asks_the_network(tiny_qwen, tmp_path, monkeypatch):
    """Neither at loading nor at saving, whatever the environment says."""

    def refuse(*_arguments, **_options):
        raise AssertionError("a connection was tried")

    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    copy = shutil.copytree(tiny_qwen, tmp_path / "owner" / "name")  # a path that looks like a repository's name
    monkeypatch.chdir(tmp_path)
    config = QwenSemanticConfig(dtype="float32", view_size=56)
    encoder = build_qwen_encoder(config, copy.relative_to(tmp_path), 32)
    encoder.save_tuned(tmp_path / "tuned")
    encoder.load_tuned(tmp_path / "tuned")


def test_code_in_the_folder_is_not_run(broken_qwen):
    change_json(
        broken_qwen / "config.json",
        auto_map={"AutoConfig": "evil.Config", "AutoModel": "evil.Model", "AutoTokenizer": "evil.Tokenizer"},
    )
    change_json(broken_qwen / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Tokenizer", None]})
    (broken_qwen / "evil.py").write_text("raise SystemExit('code of the folder was run')")
    build_qwen_encoder(CONFIG, broken_qwen, 32)


def test_the_image_token_must_be_named(broken_qwen):
    change_json(broken_qwen / "config.json", image_token_id=None)
    with pytest.raises(CheckpointFormatError, match="names no image_token_id"):
        QwenFolder.open(broken_qwen)


def test_without_transformers_the_package_is_named(tiny_qwen, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingDependencyError, match=r"pip install funcgrasp\[qwen\]"):
        build_qwen_encoder(CONFIG, tiny_qwen, 32)


def test_a_tokenizer_of_another_checkpoint_is_refused(broken_qwen):
    path = broken_qwen / "tokenizer_config.json"
    added = json.loads(path.read_text())["added_tokens_decoder"]
    last = max(added, key=int)
    change_json(path, added_tokens_decoder={**added, str(int(last) + 1): {**added[last], "content": "<another>"}})
    with pytest.raises(CheckpointFormatError, match="623 tokens, its model 622"):
        build_qwen_encoder(CONFIG, broken_qwen, 32)


def test_a_folder_that_transformers_wrote_is_read(broken_qwen, frozen_encoder):
    """Its configuration has the language model's values in a section of their own, its weights other names."""
    from transformers import Qwen2_5_VLModel

    model = Qwen2_5_VLModel.from_pretrained(str(broken_qwen), local_files_only=True)
    for name in ("config.json", "model.safetensors"):
        (broken_qwen / name).unlink()
    model.save_pretrained(str(broken_qwen))
    assert "text_config" in json.loads((broken_qwen / "config.json").read_text())
    encoder = build_qwen_encoder(CONFIG, broken_qwen, 32)
    expected = frozen_encoder.backbone.state_dict()
    assert all((tensor == expected[name]).all() for name, tensor in encoder.backbone.state_dict().items())


def test_running_out_of_memory_is_not_blamed_on_the_files(tiny_qwen, monkeypatch):
    from transformers import Qwen2_5_VLModel

    def fail(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr(Qwen2_5_VLModel, "from_pretrained", fail)
    with pytest.raises(MemoryError):
        build_qwen_encoder(CONFIG, tiny_qwen, 32)
