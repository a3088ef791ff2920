import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funcgrasp_core.errors import InstructionTokensError, InstructionTooLongError, NoInstructionError
from funcgrasp_core.preprocessing.instruction import MAX_INSTRUCTION_CHARACTERS, clean_instruction


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hand me the mug", "hand me the mug"),
        ("  hand\tme\n the \r\n mug ", "hand me the mug"),
        ("hand\u00a0me the\u2003mug", "hand me the mug"),
        ("ｈａｎｄ me the mug", "hand me the mug"),
        ("le cafe\u0301", "le caf\u00e9"),
        ("zero\u200bwidth \ufeffmark", "zerowidth mark"),
        ("Nimm die Tasse, bitte!", "Nimm die Tasse, bitte!"),
        ("コップを取って", "コップを取って"),
        ("keep 3 < 5 and 5 > 3, [carefully]", "keep 3 < 5 and 5 > 3, [carefully]"),
        ("hold it 👍", "hold it 👍"),
    ],
)
def test_cleaned(text, expected):
    assert clean_instruction(text) == expected


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_cleaning_twice_changes_nothing(text):
    try:
        once = clean_instruction(text)
    except (NoInstructionError, InstructionTokensError):
        return
    assert clean_instruction(once) == once
    assert once == " ".join(once.split())


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b\ufeff", "?!...", "\u3000"])
def test_nothing_said(text):
    with pytest.raises(NoInstructionError, match="has no words: say what the object is for"):
        clean_instruction(text)


def test_length_limit():
    assert clean_instruction(" " + "a" * MAX_INSTRUCTION_CHARACTERS + " ") == "a" * MAX_INSTRUCTION_CHARACTERS
    with pytest.raises(InstructionTooLongError, match="has 1001 characters, at most 1000 are read"):
        clean_instruction("a" * (MAX_INSTRUCTION_CHARACTERS + 1))


def test_a_hundred_kilobytes():
    with pytest.raises(InstructionTooLongError, match="has 100000 characters"):
        clean_instruction("<s>" + "x" * 99_997)


def test_length_counts_after_unfolding_ligatures():
    with pytest.raises(InstructionTooLongError, match="has 1200 characters"):
        clean_instruction("\ufb03" * 400)


@pytest.mark.parametrize(
    "token",
    [
        "<|image_pad|>",
        "<|im_start|>",
        "<|IM_END|>",
        "<|vision_start|>",
        "<s>",
        "</s>",
        "<pad>",
        "<image>",
        "<tool_call>",
        "[INST]",
        "[/INST]",
        "[inst]",
        "<<SYS>>",
        "<|unclosed",
        "trailing|>",
        "＜|im_start|＞",
        "<｜begin｜>",
        "<|im_\u200bstart|>",
    ],
)
def test_special_tokens(token):
    with pytest.raises(InstructionTokensError, match="reads as a special token: write it in plain words"):
        clean_instruction(f"hand me {token} the mug")


def test_a_long_special_token_is_quoted_in_part():
    with pytest.raises(InstructionTokensError) as caught:
        clean_instruction("<|" + "x" * 500)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x0b", "\x1f", "\ud800"])
def test_control_characters(character):
    with pytest.raises(InstructionTokensError, match=rf"control character U\+{ord(character):04X} at position 4"):
        clean_instruction(f"hand{character}me")
