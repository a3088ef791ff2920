"""The embedded text encoder: hashed character n-grams, position, a small transformer."""

import re
import zlib

import torch
from torch import Tensor, nn

from funcgrasp_core.errors import InstructionTooLongError

_WORD = re.compile(r"[\w']+")
_NGRAM_LENGTHS = (3, 4, 5)


def words_of(text: str) -> list[str]:
    """Lower-case words of a text, without punctuation."""
    return _WORD.findall(text.lower())


def word_buckets(word: str, num_buckets: int) -> list[int]:
    """Hash buckets 1..num_buckets - 1 of a word and of its character n-grams; bucket 0 is kept for padding.

    Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 2017: a word that was never seen
    shares n-grams with those that were.
    """
    marked = f"<{word}>"
    pieces = [marked]
    for length in _NGRAM_LENGTHS:
        pieces += [marked[start : start + length] for start in range(len(marked) - length + 1)]
    return [1 + zlib.crc32(piece.encode()) % (num_buckets - 1) for piece in pieces]


class TextEncoder(nn.Module):
    """Instruction -> one vector.

    Args:
        num_buckets: of the hash table.
        max_words: longer instructions are refused.
        width: of words and of the result.
        layers: of the transformer.
        heads: of its attention.
        word_dropout: share of words that are hidden in training.
    """

    def __init__(
        self, num_buckets: int, max_words: int, width: int, layers: int, heads: int, word_dropout: float
    ) -> None:
        super().__init__()
        self.num_buckets = num_buckets
        self.max_words = max_words
        self.word_dropout = word_dropout
        self.table = nn.EmbeddingBag(num_buckets, width, mode="mean", padding_idx=0)
        self.position = nn.Parameter(0.02 * torch.randn(max_words, width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)

    def forward(self, texts: list[str]) -> Tensor:
        """Encode B texts: [B, width].

        Raises:
            InstructionTooLongError: a text has more than `max_words` words.
        """
        tokenised = [words_of(text) or [""] for text in texts]
        longest = max(len(words) for words in tokenised)
        if longest > self.max_words:
            raise InstructionTooLongError(
                f"the instruction has {longest} words, the model reads at most {self.max_words}; shorten it"
            )
        device = self.position.device
        buckets: list[int] = []
        offsets: list[int] = []
        for words in tokenised:
            for word in words:
                offsets.append(len(buckets))
                buckets += word_buckets(word, self.num_buckets)
        vectors = self.table(torch.tensor(buckets, device=device), torch.tensor(offsets, device=device))
        lengths = torch.tensor([len(words) for words in tokenised], device=device)
        is_word = torch.arange(longest, device=device) < lengths[:, None]
        tokens = vectors.new_zeros(len(texts), longest, vectors.shape[-1])
        tokens[is_word] = self._hide_words(vectors)
        tokens = self.transformer(tokens + self.position[:longest], src_key_padding_mask=~is_word)
        weights = is_word[..., None].to(tokens.dtype)
        return self.norm((tokens * weights).sum(dim=1) / weights.sum(dim=1))

    def _hide_words(self, vectors: Tensor) -> Tensor:
        if not self.training or self.word_dropout == 0:
            return vectors
        is_kept = torch.rand(len(vectors), 1, device=vectors.device) >= self.word_dropout
        return vectors * is_kept
