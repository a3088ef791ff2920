"""Instructions: many, disjoint between training and testing, always the same."""

import pytest

from funcgrasp_core.contracts import INTENTS
from training.data.functional_parts import INTENT_PARTS
from training.data.instruction_phrasing import phrase, phrases
from training.data.oakink_layout import OAKINK_CATEGORIES

PAIRS = sorted(INTENT_PARTS)


def words(sentences):
    return {word for text in sentences for word in text.lower().translate(str.maketrans(".,?", "   ")).split()}


@pytest.mark.parametrize(("category", "intent"), PAIRS)
def test_many_distinct_sentences_and_no_overlap(category, intent):
    train, test = phrases(category, intent, "train"), phrases(category, intent, "test")
    assert len(set(train)) == len(train) >= 60
    assert len(set(test)) == len(test) >= 25
    assert not {text.lower().strip(".?") for text in train} & {text.lower().strip(".?") for text in test}


@pytest.mark.parametrize(("category", "intent"), PAIRS)
def test_objects_and_parts_are_named_in_some_sentences_only(category, intent):
    train = phrases(category, intent, "train")
    for name in (category, "it"):
        share = sum(name in words([text]) for text in train) / len(train)
        assert 0 < share < 0.7
    part_named = sum(" by " in text or "gripping" in text or "your hand on" in text for text in train) / len(train)
    assert 0.1 < part_named < 0.6


def test_no_sentence_serves_two_intents_of_a_category():
    for category in {category for category, _ in PAIRS}:
        owners = {}
        for intent in INTENTS:
            if (category, intent) not in INTENT_PARTS:
                continue
            for split in ("train", "test"):
                for text in phrases(category, intent, split):
                    assert owners.setdefault(text, intent) == intent


def test_goals_imply_the_intent():
    known = {text.lower().strip(".?") for split in ("train", "test") for text in phrases("mug", "use", split)}
    assert {"drink from the mug", "i want some coffee"} <= known
    assert "hammer this nail in" in {text.lower().strip(".") for text in phrases("hammer", "use", "train")}


def test_test_sentences_use_known_words():
    train = words(text for pair in PAIRS for text in phrases(*pair, "train"))
    assert words(text for pair in PAIRS for text in phrases(*pair, "test")) <= train


def test_a_seed_chooses_one_sentence():
    chosen = {phrase("mug", "use", "train", seed) for seed in range(300)}
    assert chosen <= set(phrases("mug", "use", "train"))
    assert len(chosen) > 100
    assert phrase("mug", "use", "train", 7) == phrase("mug", "use", "train", 7)


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="train"):
        phrases("mug", "use", "val")


@pytest.mark.parametrize("category", [*OAKINK_CATEGORIES, "hair_dryer"])
def test_every_category_of_oakink_has_sentences_for_every_intent(category):
    for intent in INTENTS:
        train, test = (phrases(category, intent, split, name_parts=False) for split in ("train", "test"))
        assert len(train) >= 60
        assert len(test) >= 12
        assert not set(train) & set(test)
        assert not any("{" in text or "_" in text or "  " in text for text in (*train, *test))


def test_other_categories_are_called_by_their_name():
    told = " ".join(phrases("hair_dryer", "handover", "train")).lower()
    assert "the hair dryer" in told
    assert "scissors" in " ".join(phrases("scissors", "use", "train"))


def test_parts_are_named_only_where_asked():
    with_parts, without = (phrases("mug", "use", "train", name_parts) for name_parts in (True, False))
    assert any("handle" in text for text in with_parts)
    assert not any("handle" in text for text in without)
    assert not any("carefully" in text for text in with_parts)
    assert len(set(without) & set(with_parts)) > 40
