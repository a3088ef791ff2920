import hashlib
import json
import re
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from funcgrasp_core.errors import InvalidFileError
from training import make_tiny_qwen as script
from training.data.instruction_phrasing import phrases
from training.make_tiny_qwen import ensure_tiny_qwen, make_tiny_qwen, weight_shapes
from training.tiny_qwen_tokenizer import ADDED_TOKENS, SPECIAL_TOKENS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_qwen(tmp_path_factory.mktemp("made") / "deep" / "tiny")


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_it_has_the_published_files_and_is_small(folder):
    names = {file.name for file in folder.iterdir()}
    assert names == {
        "config.json",
        "generation_config.json",
        "merges.txt",
        "model.safetensors",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
    }
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2_000_000
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_the_command_line_gives_the_same_bytes_in_another_process(folder, tmp_path):
    command = [sys.executable, "-m", "training.make_tiny_qwen", "--seed", "0", "--output", str(tmp_path / "again")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert re.search(r"again: 0\.\d+ MB", result.stdout)
    assert digests(tmp_path / "again") == digests(folder)
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stderr.count("exists already")) == (2, 1)


def test_the_seed_is_of_the_weights_alone(folder, tmp_path):
    other = digests(make_tiny_qwen(tmp_path / "other", seed=1))
    different = {name for name, digest in digests(folder).items() if other[name] != digest}
    assert different == {"model.safetensors"}


def test_weights_have_the_published_names(folder):
    config = json.loads((folder / "config.json").read_text())
    found = {name: tuple(tensor.shape) for name, tensor in load_file(folder / "model.safetensors").items()}
    assert found == weight_shapes(config)
    assert {
        "model.embed_tokens.weight",
        "model.layers.0.self_attn.q_proj.bias",
        "visual.blocks.0.attn.qkv.weight",
    } <= set(found)


def test_transformers_reads_every_weight(folder):
    """None is missing, none is left over, and the output layer shares the embedding."""
    from transformers import Qwen2_5_VLForConditionalGeneration

    model, found = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        str(folder), dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    assert not any(found[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert model.lm_head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()


def test_the_tokenizer_is_qwens_with_our_words(folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    assert set(ADDED_TOKENS) == set(tokenizer.get_added_vocab())
    assert set(SPECIAL_TOKENS) == set(tokenizer.all_special_tokens)
    assert len(tokenizer) == json.loads((folder / "config.json").read_text())["vocab_size"]
    text = phrases("mug", "use", "train")[0]
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert len(ids) < len(text) / 2
    assert tokenizer.decode(tokenizer("把 🙂 \x00 naïve")["input_ids"]) == "把 🙂 \x00 naïve"


def test_different_instructions_give_different_weights_a_say(folder):
    """Random as they are, hidden states stay of one size through the layers: nothing vanishes or blows up."""
    from transformers import Qwen2_5_VLModel

    model = Qwen2_5_VLModel.from_pretrained(str(folder), dtype=torch.float32, local_files_only=True)
    with torch.no_grad():
        states = model(input_ids=torch.arange(20)[None], output_hidden_states=True).hidden_states
    assert all(0.3 < float(state.std()) < 10 for state in states)


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError("the disk is full")

    monkeypatch.setattr(script, "save_file", fail)
    with pytest.raises(OSError, match="disk is full"):
        make_tiny_qwen(tmp_path / "tiny")
    assert list(tmp_path.iterdir()) == []


def test_ensure_makes_it_once(tmp_path, folder):
    made = ensure_tiny_qwen(tmp_path / "tiny")
    before = (made / "config.json").stat().st_mtime_ns
    assert ensure_tiny_qwen(tmp_path / "tiny") == made
    assert (made / "config.json").stat().st_mtime_ns == before
    assert digests(made) == digests(folder)


def test_ensure_refuses_what_is_something_else(tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidFileError, match="no whole tiny checkpoint"):
        ensure_tiny_qwen(tmp_path / "other")
    large = make_tiny_qwen(tmp_path / "large")
    config = json.loads((large / "config.json").read_text())
    (large / "config.json").write_text(json.dumps({**config, "hidden_size": 2048}))
    with pytest.raises(InvalidFileError, match=r"another Qwen2\.5-VL checkpoint"):
        ensure_tiny_qwen(large)
