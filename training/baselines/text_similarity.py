"""Which known sentences are most like an instruction, by words alone (tf-idf)."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from funcgrasp_core.errors import ConfigurationError


class TextIndex:
    """Groups of sentences that an instruction is compared with.

    Args:
        groups: sentences of each group; equal sentence lists share their work.
    """

    def __init__(self, groups: Sequence[Sequence[str]]):
        distinct = {tuple(sentences): None for sentences in groups}
        if not distinct or any(len(sentences) == 0 for sentences in distinct):
            raise ConfigurationError("a group of sentences is empty; expected at least one sentence for each")
        bags = [Counter(words_of(sentence)) for sentences in distinct for sentence in sentences]
        self._column = {word: column for column, word in enumerate(sorted(set().union(*bags)))}
        occurrences = Counter(word for bag in bags for word in bag)
        self._rarity = np.array([np.log((1 + len(bags)) / (1 + occurrences[word])) + 1 for word in self._column])
        position = {sentences: index for index, sentences in enumerate(distinct)}
        self._group_of = np.array([position[tuple(sentences)] for sentences in groups])
        self._matrices = [np.stack([self._vector(text) for text in sentences]) for sentences in distinct]

    def similarities(self, instruction: str) -> np.ndarray:
        """Largest cosine similarity of the instruction with a sentence of each group; [groups] in [0, 1]."""
        query = self._vector(instruction)
        return np.array([(matrix @ query).max() for matrix in self._matrices])[self._group_of]

    def _vector(self, text: str) -> np.ndarray:
        """tf-idf of a text over the known words, of length one; zeros if it has none of them."""
        vector = np.zeros(len(self._column))
        for word, count in Counter(words_of(text)).items():
            if word in self._column:
                vector[self._column[word]] = count * self._rarity[self._column[word]]
        length = np.linalg.norm(vector)
        return vector / length if length else vector


def words_of(text: str) -> list[str]:
    """Lower-case words of a text, without punctuation."""
    return re.findall(r"[a-z0-9']+", text.lower())
