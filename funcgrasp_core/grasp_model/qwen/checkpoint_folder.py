"""A Qwen2.5-VL checkpoint as a folder on this machine: which files it must have and what identifies it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from funcgrasp_core.errors import CheckpointFormatError, CheckpointMissingError

MODEL_TYPE = "qwen2_5_vl"
CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
WEIGHTS_INDEX_FILE = "model.safetensors.index.json"
PREPROCESSOR_FILE = "preprocessor_config.json"
TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
_TOKENIZER_PARTS = ("vocab.json", "merges.txt")
_TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json")

_IDENTIFYING_BYTES = 256
_PASSING_KEYS = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures")


@dataclass(frozen=True)
class QwenFolder:
    """A folder in which every file that is needed was found.

    Attributes:
        path: of the folder.
        config: what config.json says.
        preprocessor: what preprocessor_config.json says.
        chat_template: Jinja text that lays out a conversation.
        weight_files: the safetensors files.
    """

    path: Path
    config: dict[str, Any]
    preprocessor: dict[str, Any]
    chat_template: str
    weight_files: tuple[Path, ...]

    @classmethod
    def open(cls, path: Path) -> "QwenFolder":
        """Look at a folder; no weights are read.

        Raises:
            CheckpointMissingError: no such folder, or files are missing; the message names each.
            CheckpointFormatError: a file that is not what it should be, or the folder of another model.
        """
        path = Path(path)
        if not path.is_dir():
            raise CheckpointMissingError(
                f"no folder at '{path}': set `semantic_model` to a local copy of a Qwen2.5-VL checkpoint; nothing is "
                "downloaded"
            )
        missing = [*_missing_single_files(path), *_missing_weights(path)]
        if missing:
            raise CheckpointMissingError(
                f"the Qwen2.5-VL folder '{path}' lacks {', '.join(missing)}: copy the whole checkpoint there; nothing "
                "is downloaded"
            )
        config = read_json(path / CONFIG_FILE)
        if config.get("model_type") != MODEL_TYPE:
            raise CheckpointFormatError(
                f"'{path}' is a checkpoint of model type {config.get('model_type')!r}, expected {MODEL_TYPE!r}"
            )
        if not isinstance(config.get("image_token_id"), int):
            raise CheckpointFormatError(f"'{path / CONFIG_FILE}' names no image_token_id; take the published one")
        return cls(path, config, read_json(path / PREPROCESSOR_FILE), _chat_template(path), _weight_files(path))

    def digest(self) -> str:
        """SHA-256 of the configuration and of the first values of every tensor, whichever file it lies in.

        Tells base models apart without reading all of their gigabytes.
        """
        digest = hashlib.sha256()
        config = {name: value for name, value in self.config.items() if name not in _PASSING_KEYS}
        digest.update(json.dumps(config, sort_keys=True).encode())
        samples: dict[str, bytes] = {}
        for file in self.weight_files:
            samples.update(_first_values(file))
        for name in sorted(samples):
            digest.update(name.encode() + b"\0" + samples[name])
        return digest.hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        CheckpointFormatError: it holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointFormatError(f"'{path}' cannot be read as JSON: {error}") from error
    if not isinstance(values, dict):
        raise CheckpointFormatError(f"'{path}' must hold a JSON object, got {type(values).__name__}")
    return values


def _missing_single_files(path: Path) -> list[str]:
    missing = [name for name in (CONFIG_FILE, TOKENIZER_CONFIG_FILE, PREPROCESSOR_FILE) if not (path / name).is_file()]
    if not (path / TOKENIZER_FILE).is_file():
        parts = [name for name in _TOKENIZER_PARTS if not (path / name).is_file()]
        if parts:
            missing.append(f"{TOKENIZER_FILE} (or {' and '.join(parts)})")
    return missing


def _missing_weights(path: Path) -> list[str]:
    if (path / WEIGHTS_INDEX_FILE).is_file():
        return [file.name for file in _weight_files(path) if not file.is_file()]
    return [] if (path / WEIGHTS_FILE).is_file() else [f"{WEIGHTS_FILE} (or {WEIGHTS_INDEX_FILE} and its shards)"]


def _weight_files(path: Path) -> tuple[Path, ...]:
    if not (path / WEIGHTS_INDEX_FILE).is_file():
        return (path / WEIGHTS_FILE,)
    index = path / WEIGHTS_INDEX_FILE
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(_is_file_name(name) for name in places.values()):
        raise CheckpointFormatError(f"'{index}' names no weight files: its weight_map must map tensors to file names")
    return tuple(path / name for name in sorted(set(places.values())))


def _is_file_name(name: object) -> bool:
    return isinstance(name, str) and name.endswith(".safetensors") and Path(name).name == name


def _chat_template(path: Path) -> str:
    """Where processors look for it, in their order: a file of its own, then the tokenizer's settings."""
    jinja, listed = (path / name for name in _TEMPLATE_FILES)
    if jinja.is_file():
        return jinja.read_text(encoding="utf-8")
    settings = read_json(listed if listed.is_file() else path / TOKENIZER_CONFIG_FILE)
    template = settings.get("chat_template")
    if not isinstance(template, str):
        raise CheckpointMissingError(
            f"the Qwen2.5-VL folder '{path}' has no chat template: neither {' nor '.join(_TEMPLATE_FILES)} nor a "
            f"chat_template in {TOKENIZER_CONFIG_FILE}"
        )
    return template


def _first_values(file: Path) -> dict[str, bytes]:
    """Tensor -> type, shape and first bytes. A file is 8 bytes of length, a JSON header of that length, values."""
    try:
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if size > file.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = json.loads(stream.read(size))
            header.pop("__metadata__", None)
            samples = {}
            for name, entry in header.items():
                begin, end = entry["data_offsets"]
                stream.seek(8 + size + begin)
                values = stream.read(min(end - begin, _IDENTIFYING_BYTES))
                samples[name] = f"{entry['dtype']} {entry['shape']}".encode() + values
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointFormatError(f"'{file}' is not a whole safetensors file: {error}; copy it again") from error
    return samples
