"""`node list`."""

from embedded_ros.commands.listing import list_verb

VERBS = {"list": list_verb("nodes", lambda session: {name: [] for name in session.nodes()}, has_types=False)}
