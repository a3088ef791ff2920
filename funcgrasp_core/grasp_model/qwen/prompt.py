"""Views and an instruction as the checkpoint's own chat, in token numbers.

What a user wrote is tokenised by a tokenizer that knows no special tokens, so that no text can become one.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import CheckpointFormatError, InstructionTokensError, InstructionTooLongError
from funcgrasp_core.grasp_model.qwen.checkpoint_folder import QwenFolder
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_INSTRUCTION_MARK = "\ue000instruction\ue001"
"""Stands for the instruction while the template is laid out: characters of private use, in nobody's template."""


@dataclass(frozen=True)
class TokenisedPrompts:
    """B prompts, filled up on the right; all tensors on the CPU.

    Attributes:
        input_ids: [B, L] int64.
        is_token: [B, L] bool, false where a row is filled up.
        is_view_token: [B, L] bool, true where a view's features belong, T for each view in the order of slots.
    """

    input_ids: Tensor
    is_token: Tensor
    is_view_token: Tensor


@dataclass(frozen=True)
class _Frame:
    """What stands around the instruction: token numbers, and the plain text that touches it on either side."""

    before: list[int]
    text_before: str
    text_after: str
    after: list[int]


class PromptTokeniser:
    """Lays out and tokenises prompts.

    Args:
        folder: of the checkpoint: its tokenizer and chat template are used.
        config: whether views are named, and the limits of instructions.
        tokens_per_view: T.

    Attributes:
        num_tokens: of the vocabulary, added ones included.

    Raises:
        CheckpointFormatError: tokenizer or chat template cannot be used.
    """

    def __init__(self, folder: QwenFolder, config: QwenSemanticConfig, tokens_per_view: int) -> None:
        self._config = config
        self._tokens_per_view = tokens_per_view
        self._folder = folder
        self._tokenizer = _load_tokenizer(folder)
        self._with_special, self._plain = _backends(self._tokenizer, folder)
        added = sorted(self._tokenizer.get_added_vocab(), key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, added)) or r"(?!)")
        self.num_tokens = len(self._tokenizer)
        self._image_token_id = folder.config["image_token_id"]
        self._frames: dict[tuple[bool, ...], _Frame] = {}

    def __call__(self, texts: Sequence[str], view_masks: Sequence[Sequence[bool]]) -> TokenisedPrompts:
        """Tokenise B instructions, each with the views that exist for it.

        Args:
            texts: B instructions.
            view_masks: B times 6, true where there is a view.

        Raises:
            InstructionTooLongError: more characters or tokens than the configuration allows.
            InstructionTokensError: a text that is no valid Unicode.
        """
        rows = [self._ids(text, tuple(mask)) for text, mask in zip(texts, view_masks, strict=True)]
        longest = max(len(row) for row in rows)
        input_ids = torch.zeros(len(rows), longest, dtype=torch.long)
        is_token = torch.zeros(len(rows), longest, dtype=torch.bool)
        for index, row in enumerate(rows):
            input_ids[index, : len(row)] = torch.tensor(row)
            is_token[index, : len(row)] = True
        return TokenisedPrompts(input_ids, is_token, (input_ids == self._image_token_id) & is_token)

    def _ids(self, text: str, mask: tuple[bool, ...]) -> list[int]:
        if len(text) > self._config.max_instruction_characters:
            raise InstructionTooLongError(
                f"the instruction has {len(text)} characters, at most {self._config.max_instruction_characters} are "
                "read: shorten it"
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InstructionTokensError(
                f"the instruction is no valid Unicode text: {error.reason} at position {error.start}; send plain text"
            ) from error
        frame = self._frames.get(mask)
        if frame is None:
            frame = self._frames[mask] = self._frame(mask)
        # One piece: byte pairs may merge across the border between template and text.
        middle = self._plain.encode(frame.text_before + text + frame.text_after, add_special_tokens=False).ids
        if len(middle) > self._config.max_instruction_tokens:
            raise InstructionTooLongError(
                f"the instruction gives {len(middle)} tokens, at most {self._config.max_instruction_tokens} are read: "
                "shorten it"
            )
        return [*frame.before, *middle, *frame.after]

    def _frame(self, mask: tuple[bool, ...]) -> _Frame:
        text = self._render(mask)
        if text.count(_INSTRUCTION_MARK) != 1:
            raise self._bad_template("does not write the user's text once, as it is")
        left, right = text.split(_INSTRUCTION_MARK)
        left_end = max((found.end() for found in self._special.finditer(left)), default=0)
        right_start = found.start() if (found := self._special.search(right)) else len(right)
        before = self._encode_template(left[:left_end])
        after = self._encode_template(right[right_start:])
        if before.count(self._image_token_id) != sum(mask) or self._image_token_id in after:
            raise self._bad_template("does not write one image token for each picture, before the text")
        widened: list[int] = []
        for token in before:
            widened += [token] * (self._tokens_per_view if token == self._image_token_id else 1)
        return _Frame(widened, left[left_end:], right[:right_start], after)

    def _render(self, mask: tuple[bool, ...]) -> str:
        parts: list[dict[str, str]] = []
        for slot, is_there in zip(VIEW_SLOTS, mask, strict=True):
            if is_there and self._config.name_views:
                parts.append({"type": "text", "text": f"{slot} view: "})
            if is_there:
                parts.append({"type": "image"})
        parts.append({"type": "text", "text": _INSTRUCTION_MARK})
        try:
            return self._tokenizer.apply_chat_template(
                [{"role": "user", "content": parts}], chat_template=self._folder.chat_template, tokenize=False
            )
        except Exception as error:  # whatever a template raises
            raise self._bad_template(f"fails ({type(error).__name__}: {error})") from error

    def _encode_template(self, text: str) -> list[int]:
        return self._with_special.encode(text, add_special_tokens=False).ids

    def _bad_template(self, what: str) -> CheckpointFormatError:
        return CheckpointFormatError(
            f"the chat template of '{self._folder.path}' {what}; take the one that Qwen2.5-VL is published with"
        )


def _load_tokenizer(folder: QwenFolder) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(
            str(folder.path), local_files_only=True, trust_remote_code=False, use_fast=True
        )
    except Exception as error:  # of many types, for what can be wrong in several files
        raise CheckpointFormatError(
            f"the tokenizer in '{folder.path}' cannot be read ({type(error).__name__}: {error}); copy it again"
        ) from error


def _backends(tokenizer: Any, folder: QwenFolder) -> tuple["Tokenizer", "Tokenizer"]:
    """The tokenizer itself, and one without its added tokens."""
    from tokenizers import Tokenizer

    settings = json.loads(tokenizer.backend_tokenizer.to_str())
    settings["padding"] = settings["truncation"] = None
    complete = Tokenizer.from_str(json.dumps(settings))
    added = {token["content"] for token in settings["added_tokens"]}
    settings["added_tokens"] = []
    plain = Tokenizer.from_str(json.dumps(settings))
    shared = sorted(added & set(plain.get_vocab()))
    if shared:
        raise CheckpointFormatError(
            f"the tokenizer in '{folder.path}' can build {', '.join(shared[:3])} from plain text; take the one that "
            "Qwen2.5-VL is published with"
        )
    return complete, plain
