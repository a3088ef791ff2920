import pytest
import torch

from funcgrasp_core.errors import InstructionTooLongError
from funcgrasp_core.grasp_model.text_encoder import TextEncoder, word_buckets, words_of


def make_encoder(word_dropout: float = 0.0) -> TextEncoder:
    torch.manual_seed(0)
    return TextEncoder(256, 8, 16, 1, 2, word_dropout).eval()


def test_words_without_case_and_punctuation():
    assert words_of("Hand me the MUG, please!") == ["hand", "me", "the", "mug", "please"]


def test_buckets_are_stable_and_leave_padding_free():
    assert word_buckets("mug", 4096) == word_buckets("mug", 4096)
    assert min(word_buckets("screwdriver", 4)) >= 1
    assert len(word_buckets("mug", 4096)) == 1 + 3 + 2 + 1


def test_padding_does_not_change_a_text():
    encoder = make_encoder()
    alone = encoder(["drink from the mug"])
    beside = encoder(["drink from the mug", "please hand me over the old hammer"])
    assert torch.allclose(alone[0], beside[0], atol=1e-6)


def test_word_order_matters():
    encoder = make_encoder()
    assert not torch.allclose(*encoder(["mug not bowl", "bowl not mug"]), atol=1e-3)


def test_text_without_words_is_encoded():
    assert torch.isfinite(make_encoder()(["!?"])).all()


def test_too_many_words_are_refused():
    with pytest.raises(InstructionTooLongError, match="9 words, the model reads at most 8"):
        make_encoder()(["a b c d e f g h i"])


def test_words_are_hidden_only_in_training():
    encoder = make_encoder(word_dropout=0.5)
    torch.manual_seed(1)
    assert torch.equal(encoder(["take the mug"]), encoder(["take the mug"]))
    encoder.train()
    assert not torch.equal(encoder(["a b c d e f g h"]), encoder(["a b c d e f g h"]))
