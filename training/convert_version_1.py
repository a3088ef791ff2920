r"""Turn a checkpoint of version 1 into one of this package.

    python -m training.convert_version_1 --checkpoint OLD.pt --key-map MAP.yaml --output NEW.safetensors \
        --semantic-model FOLDER_OF_QWEN

The key map is YAML, `old: new` a line: a regular expression that a whole old name must match, and the new name, with
\1 or \g<name> for its groups; null drops what matches. The first line that matches counts; other names stay as they
are. Names that find no counterpart are listed, and nothing is written while a weight of the new model is missing.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from funcgrasp_core.checkpoints import save_checkpoint
from funcgrasp_core.errors import CheckpointFormatError, CheckpointMissingError, FuncGraspError, InvalidFileError
from funcgrasp_core.grasp_model.grasp_model import GraspModel, build_grasp_model
from funcgrasp_core.grasp_model.named_configs import CONFIGS

WRAPPERS = ("model", "model_state_dict", "state_dict")
"""Names under which training scripts keep a model's weights beside the optimiser's."""

PARALLEL_PREFIX = "module."
"""What DataParallel and DistributedDataParallel put before every name."""

WARNING = (
    "losses and contact metrics of this model differ from those that version 1 reported: version 1 divided the soft "
    "contact targets of a point by their sum, here they are independent probabilities; train on for best results"
)


@dataclass(frozen=True)
class KeyMap:
    """Rules from old names to new ones, in order.

    Attributes:
        rules: pattern of a whole old name, and the new name's template; None drops the weight.
    """

    rules: Sequence[tuple[re.Pattern[str], str | None]] = ()

    @classmethod
    def read(cls, path: Path) -> "KeyMap":
        """Read a YAML file.

        Raises:
            InvalidFileError: it is missing or not a map from regular expressions to names.
        """
        try:
            lines = yaml.safe_load(path.read_text()) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InvalidFileError(f"the key map '{path}' cannot be read: {error}") from error
        if not isinstance(lines, dict):
            raise InvalidFileError(f"the key map '{path}' must be lines of 'old: new', got {type(lines).__name__}")
        rules = []
        for old, new in lines.items():
            if not isinstance(old, str) or not (new is None or isinstance(new, str)):
                raise InvalidFileError(f"the key map '{path}': '{old}: {new}' must be two names, or a name and null")
            try:
                rules.append((re.compile(old), new))
            except re.error as error:
                raise InvalidFileError(f"the key map '{path}': '{old}' is no regular expression: {error}") from error
        return cls(rules)

    def new_name(self, old: str) -> str | None:
        """The new name of a weight, None if it is to be dropped.

        Raises:
            InvalidFileError: the rule's new name asks for a group that its pattern lacks.
        """
        for pattern, template in self.rules:
            match = pattern.fullmatch(old)
            if match is not None:
                try:
                    return None if template is None else match.expand(template)
                except (re.error, IndexError) as error:
                    raise InvalidFileError(
                        f"the key map's '{template}' does not fit '{pattern.pattern}': {error}"
                    ) from error
        return old


@dataclass(frozen=True)
class Matching:
    """How the weights of an old checkpoint fit a model.

    Attributes:
        weights: by new name.
        missing: weights of the model that nothing was found for.
        unused: old names without a counterpart, other than those dropped by the key map.
        misshapen: 'name: old shape, new shape'.
    """

    weights: Mapping[str, Tensor]
    missing: list[str]
    unused: list[str]
    misshapen: list[str]


def read_old_weights(path: Path) -> dict[str, Tensor]:
    """Weights by name, without what wraps them.

    Raises:
        CheckpointMissingError: there is no such file.
        CheckpointFormatError: it is no checkpoint of tensors.
    """
    if not path.is_file():
        raise CheckpointMissingError(f"no checkpoint at '{path}'")
    try:
        values: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever its reader meets
        raise CheckpointFormatError(
            f"'{path}' cannot be read as a checkpoint of tensors and plain values ({error}); save its state dictionary "
            "alone with the program that wrote it"
        ) from error
    while isinstance(values, dict):
        inner = next((values[name] for name in WRAPPERS if isinstance(values.get(name), dict)), None)
        if inner is None:
            break
        values = inner
    weights = {}
    if isinstance(values, dict):
        weights = {str(name): value for name, value in values.items() if isinstance(value, Tensor)}
    if not weights:
        raise CheckpointFormatError(f"'{path}' holds no weights: expected tensors by name, or under one of {WRAPPERS}")
    if all(name.startswith(PARALLEL_PREFIX) for name in weights):
        weights = {name.removeprefix(PARALLEL_PREFIX): value for name, value in weights.items()}
    return weights


def match_weights(old: Mapping[str, Tensor], model: GraspModel, key_map: KeyMap) -> Matching:
    """Find the old weight of every new one.

    Raises:
        CheckpointFormatError: two old names are given one new name.
    """
    expected = model.state_dict()
    needed = {name for name, _ in model.named_parameters() if name in expected}
    weights: dict[str, Tensor] = {}
    sources: dict[str, str] = {}
    unused, misshapen = [], []
    for old_name, tensor in old.items():
        name = key_map.new_name(old_name)
        if name is None:
            continue
        if name not in expected:
            unused.append(old_name)
            continue
        if name in sources:
            raise CheckpointFormatError(f"'{sources[name]}' and '{old_name}' both become '{name}': change the key map")
        sources[name] = old_name
        if tensor.shape != expected[name].shape:
            misshapen.append(f"{name}: {tuple(tensor.shape)}, {tuple(expected[name].shape)}")
        weights[name] = tensor.to(expected[name].dtype)
    return Matching(weights, sorted(needed - weights.keys()), sorted(unused), sorted(misshapen))


def convert(old: Mapping[str, Tensor], model: GraspModel, key_map: KeyMap, allow_missing: bool = False) -> Matching:
    """Load old weights into a model.

    Statistics that version 1 did not have keep the values of a new model.

    Raises:
        CheckpointFormatError: shapes differ, or weights are missing and may not be; the model is as it was.
    """
    matching = match_weights(old, model, key_map)
    if matching.misshapen:
        raise CheckpointFormatError(
            "weights of another shape than the model's (name: old, new):\n  " + "\n  ".join(matching.misshapen)
        )
    if matching.missing and not allow_missing:
        raise CheckpointFormatError(
            "nothing in the old checkpoint for these weights; name their old names in the key map, or keep them random "
            "with --allow-missing:\n  "
            + "\n  ".join(matching.missing)
            + "\nold names without a counterpart:\n  "
            + "\n  ".join(matching.unused or ["(none)"])
        )
    model.load_state_dict(dict(matching.weights), strict=False)
    return matching


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="of version 1, as torch.save wrote it")
    parser.add_argument("--key-map", type=Path, help="YAML file of names (default: all names stay)")
    parser.add_argument("--output", type=Path, required=True, help=".safetensors file to write")
    parser.add_argument("--model", default="funcgrasp_v2", choices=sorted(CONFIGS), help="what the weights are for")
    parser.add_argument("--semantic-model", type=Path, help="folder of Qwen2.5-VL, for models that use it")
    parser.add_argument("--allow-missing", action="store_true", help="keep random weights where nothing was found")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Convert one checkpoint."""
    options = parse_arguments(arguments)
    key_map = KeyMap() if options.key_map is None else KeyMap.read(options.key_map)
    old = read_old_weights(options.checkpoint)
    model = build_grasp_model(CONFIGS[options.model], options.semantic_model)
    matching = convert(old, model, key_map, options.allow_missing)
    for title, names in (("random in the new model", matching.missing), ("not used", matching.unused)):
        for name in names:
            print(f"{title}: {name}")
    provenance = {
        "converted_from": f"version 1: {options.checkpoint.name}",
        "num_weights": str(len(matching.weights)),
        "random_weights": " ".join(matching.missing),
    }
    save_checkpoint(options.output, model, provenance)
    print(f"wrote {options.output} with {len(matching.weights)} weights")
    print(f"warning: {WARNING}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except FuncGraspError as error:
        raise SystemExit(f"error: {error}") from error
