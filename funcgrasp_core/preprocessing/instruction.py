"""What a user asks for, as one clean line of text that cannot speak to the language model's machinery."""

import re
import unicodedata

from funcgrasp_core.errors import InstructionTokensError, InstructionTooLongError, NoInstructionError

MAX_INSTRUCTION_CHARACTERS = 1000

_SPECIAL_TOKEN = re.compile(r"<\|[^>]*>?|\|>|</?\w+>|\[/?INST\]|<</?SYS>>", re.IGNORECASE)
"""Markers of chat templates and vocabularies: <|im_start|>, <|image_pad|>, <s>, </s>, <image>, [INST], <<SYS>>."""

_ALLOWED_CONTROLS = "\t\n\r"
_MAX_QUOTED_CHARACTERS = 40


def clean_instruction(text: str) -> str:
    """The instruction with Unicode forms, invisible characters and white space normalised.

    Compatibility forms are folded (NFKC) before the search for special tokens, so that full-width brackets do not get
    around it.

    Raises:
        NoInstructionError: no letter or digit in it.
        InstructionTooLongError: over MAX_INSTRUCTION_CHARACTERS characters.
        InstructionTokensError: control characters or special tokens of a language model.
    """
    stripped = text.strip()
    _check_length(stripped)
    visible = "".join(character for character in stripped if unicodedata.category(character) != "Cf")
    folded = unicodedata.normalize("NFKC", visible)
    _check_controls(folded)
    cleaned = " ".join(folded.split())
    _check_length(cleaned)
    _check_special_tokens(cleaned)
    if not any(character.isalnum() for character in cleaned):
        raise NoInstructionError('the instruction has no words: say what the object is for, such as "hand me the mug"')
    return cleaned


def _check_length(text: str) -> None:
    if len(text) > MAX_INSTRUCTION_CHARACTERS:
        raise InstructionTooLongError(
            f"the instruction has {len(text)} characters, at most {MAX_INSTRUCTION_CHARACTERS} are read: shorten it"
        )


def _check_controls(text: str) -> None:
    for position, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in _ALLOWED_CONTROLS:
            raise InstructionTokensError(
                f"the instruction contains the control character U+{ord(character):04X} at position {position}: "
                "send plain text"
            )


def _check_special_tokens(text: str) -> None:
    found = _SPECIAL_TOKEN.search(text)
    if found:
        raise InstructionTokensError(
            f"the instruction contains {found.group()[:_MAX_QUOTED_CHARACTERS]!r}, which a language model reads as a "
            "special token: write it in plain words"
        )
