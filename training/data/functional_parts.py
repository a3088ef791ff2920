"""Which part of an object a purposeful grasp touches, by category and intent."""

INTENT_PARTS: dict[tuple[str, str], str] = {
    ("mug", "use"): "handle",
    ("mug", "hold"): "body",
    ("mug", "liftup"): "rim",
    ("mug", "handover"): "body",
    ("bottle", "use"): "body",
    ("bottle", "liftup"): "neck",
    ("bottle", "handover"): "neck",
    ("hammer", "use"): "shaft",
    ("hammer", "hold"): "shaft",
    ("hammer", "liftup"): "shaft",
    ("hammer", "handover"): "head",
    ("bowl", "use"): "body",
    ("bowl", "hold"): "body",
    ("bowl", "liftup"): "rim",
    ("bowl", "handover"): "rim",
}
"""The part, a name of the family's `part_names`; intents that a category lacks have no entry."""


def intents_of(category: str) -> tuple[str, ...]:
    """The intents that make sense for a category, in the order of the table."""
    return tuple(intent for owner, intent in INTENT_PARTS if owner == category)
