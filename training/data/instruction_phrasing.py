"""What people say when they want an object used, held, lifted or handed over.

A sentence is a core ("drink from the mug by the handle") inside a wrapper ("could you ...?"). Cores are divided between
training and testing, so a test sentence is never a known core in a new wrapper.
"""

import hashlib
import itertools
from collections.abc import Sequence
from functools import cache

from training.data.category_vocabulary import category_names, category_uses
from training.data.functional_parts import INTENT_PARTS

PHRASING_SPLITS = ("train", "test")

_TEST_SHARE = 5
"""One core in this many belongs to testing."""

_OBJECTS = {
    "mug": ("the mug", "this mug", "the cup", "that coffee mug", "it"),
    "bottle": ("the bottle", "this bottle", "the water bottle", "that flask", "it"),
    "hammer": ("the hammer", "this hammer", "that hammer", "the tool", "it"),
    "bowl": ("the bowl", "this bowl", "the soup bowl", "that dish", "it"),
}

_PARTS = {
    ("mug", "handle"): ("the handle", "its handle"),
    ("mug", "body"): ("the body", "the side"),
    ("mug", "rim"): ("the rim", "the top edge"),
    ("bottle", "body"): ("the body", "the middle"),
    ("bottle", "neck"): ("the neck", "its neck"),
    ("hammer", "shaft"): ("the shaft", "the handle"),
    ("hammer", "head"): ("the head", "the metal head"),
    ("bowl", "rim"): ("the rim", "the edge"),
    ("bowl", "body"): ("the body", "the bottom"),
}

_COMMANDS = {
    "hold": (
        "hold {object}",
        "hold on to {object}",
        "keep hold of {object}",
        "keep {object} in your hand",
        "hold {object} steady",
        "hold {object} still",
        "hold {object} for a moment",
        "keep holding {object}",
    ),
    "liftup": (
        "lift {object}",
        "lift {object} up",
        "pick {object} up",
        "raise {object}",
        "lift {object} off the table",
        "take {object} off the table",
        "pick {object} up from the table",
        "raise {object} a little",
    ),
    "handover": (
        "hand me {object}",
        "pass me {object}",
        "give me {object}",
        "hand {object} to me",
        "pass {object} over",
        "hand {object} over",
        "give {object} to the other person",
        "offer {object} to me",
    ),
}

_USES = {
    "mug": (
        "drink from {object}",
        "take a sip from {object}",
        "use {object}",
        "use {object} to drink",
        "drink coffee from {object}",
        "drink some tea out of {object}",
        "sip from {object}",
    ),
    "bottle": (
        "pour from {object}",
        "use {object}",
        "pour some water from {object}",
        "fill the glass from {object}",
        "use {object} to pour",
        "drink from {object}",
        "pour a drink out of {object}",
    ),
    "hammer": (
        "hammer with {object}",
        "use {object}",
        "use {object} to hit the nail",
        "drive the nail in with {object}",
        "hammer this in with {object}",
        "strike the nail with {object}",
        "hit the nail with {object}",
    ),
    "bowl": (
        "eat from {object}",
        "use {object}",
        "serve soup in {object}",
        "eat soup from {object}",
        "use {object} to eat",
        "serve the salad in {object}",
        "drink the soup from {object}",
    ),
}

_GOALS = {
    ("mug", "use"): (
        "I want some coffee",
        "I want to drink coffee",
        "I am thirsty, drink with me",
        "drink",
        "have a drink",
        "drink your coffee",
        "drink your tea",
        "take a sip",
        "take a sip of coffee",
        "have some tea",
        "have some coffee",
        "it is time for coffee",
        "it is time to drink some tea",
        "drink some more tea",
        "drink up before the coffee is cold",
        "I would like a coffee",
        "let us drink some coffee",
        "finish your tea",
    ),
    ("bottle", "use"): (
        "pour me some water",
        "pour me a drink",
        "pour",
        "pour a glass of water",
        "pour some water",
        "fill my glass",
        "fill the glass with water",
        "I want some water",
        "I would like a glass of water",
        "pour the juice",
        "I am thirsty",
        "pour me a glass of juice",
        "pour water into the glass",
        "my glass is empty, fill it",
        "serve some water",
        "I would like some juice",
    ),
    ("hammer", "use"): (
        "hammer this in",
        "hammer this nail in",
        "hammer the nail",
        "hit the nail",
        "drive this nail in",
        "drive the nail into the wall",
        "strike the nail",
        "hammer",
        "this nail must go into the board",
        "knock this nail in",
        "knock the nail into the wall",
        "nail this board to the wall",
        "hit it hard until the nail is in",
        "fix this board with a nail",
        "strike this nail twice",
    ),
    ("bowl", "use"): (
        "eat your soup",
        "eat the soup",
        "have some soup",
        "serve the soup",
        "I want some soup",
        "eat",
        "eat your cereal",
        "have some cereal",
        "serve the salad",
        "I would like some salad",
        "it is time to eat",
        "eat the salad",
        "have some salad",
        "serve me some cereal",
        "I am hungry, eat with me",
    ),
}

_PART_CLAUSES = (" by {part}", ", gripping {part}", " with your hand on {part}")
_MANNER_CLAUSES = (" carefully", " slowly", " with one hand", " for me")
"""Where no part is named."""

_WRAPPERS = ("{core}", "please {core}", "{core}, please", "could you {core}?", "I need you to {core}", "now {core}")
_GOAL_WRAPPERS = ("{core}", "{core}, please", "robot, {core}", "{core} now", "well, {core}", "hello, {core}")

_WRAPPERS_PER_CORE = 3
_PART_CORES_PER_COMMAND = 1
"""Few of the possible ways to name a part are used: most people do not name it."""


@cache
def phrases(category: str, intent: str, split: str, name_parts: bool = True) -> tuple[str, ...]:
    """Sentences that ask for an intent with an object of a category.

    Args:
        category: of the object; any.
        intent: one of INTENTS.
        split: "train" or "test"; the two share no sentence and no core.
        name_parts: some sentences name the part that `INTENT_PARTS` has for the intent; only where grasps keep to it.

    Returns:
        Distinct sentences, always in the same order; for training at least sixty.
    """
    if split not in PHRASING_SPLITS:
        raise ValueError(f"phrasings are divided into {PHRASING_SPLITS}, not '{split}'")
    sentences = []
    for core in _command_cores(category, intent, name_parts):
        first = _hash(core) // _TEST_SHARE
        wrappers = [_WRAPPERS[(first + step) % len(_WRAPPERS)] for step in range(_WRAPPERS_PER_CORE)]
        sentences += _wrap(core, wrappers, split)
    for goal in _GOALS.get((category, intent), ()):
        sentences += _wrap(goal, _GOAL_WRAPPERS, split)
    return tuple(dict.fromkeys(_punctuate(sentence) for sentence in sentences))


def phrase(category: str, intent: str, split: str, seed: int, name_parts: bool = True) -> str:
    """One of `phrases`, chosen by a seed."""
    choices = phrases(category, intent, split, name_parts)
    return choices[_hash(f"{category} {intent} {seed}") % len(choices)]


def _command_cores(category: str, intent: str, name_parts: bool) -> list[str]:
    uses = _USES[category] if category in _USES else category_uses(category)
    commands = uses if intent == "use" else _COMMANDS[intent]
    clauses = list(_MANNER_CLAUSES)
    if name_parts and (category, intent) in INTENT_PARTS:
        parts = _PARTS[category, INTENT_PARTS[category, intent]]
        clauses = [clause.format(part=part) for clause, part in itertools.product(_PART_CLAUSES, parts)]
    names = _OBJECTS[category] if category in _OBJECTS else category_names(category)
    cores = []
    for command, name in itertools.product(commands, names):
        bare = command.format(object=name)
        ordered = sorted(clauses, key=lambda clause, bare=bare: _hash(bare + clause))
        cores += [bare, *(bare + clause for clause in ordered[:_PART_CORES_PER_COMMAND])]
    return cores


def _wrap(core: str, wrappers: Sequence[str], split: str) -> list[str]:
    """The core in every wrapper, or nothing if it belongs to the other split."""
    if (_hash(core) % _TEST_SHARE == 0) != (split == "test"):
        return []
    return [wrapper.format(core=core) for wrapper in wrappers]


def _punctuate(sentence: str) -> str:
    """Capital and full stop for about half of the sentences: people write both ways."""
    if _hash(sentence) % 2:
        return sentence
    return sentence[0].upper() + sentence[1:] + ("" if sentence.endswith("?") else ".")


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
