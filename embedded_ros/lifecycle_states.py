"""The state machine of managed nodes: states, transitions and what a callback's outcome leads to."""

from enum import Enum
from typing import Any, NamedTuple


class TransitionCallbackReturn(Enum):
    """What a transition's callback says."""

    SUCCESS = 97
    FAILURE = 98
    ERROR = 99


class LifecycleState(NamedTuple):
    """A state's name and number."""

    label: str
    state_id: int


class Transition(NamedTuple):
    """A named edge between two states."""

    transition_id: int
    label: str
    start: str
    goal: str


STATES = {
    "unknown": 0, "unconfigured": 1, "inactive": 2, "active": 3, "finalized": 4, "configuring": 10, "cleaningup": 11,
    "shuttingdown": 12, "activating": 13, "deactivating": 14, "errorprocessing": 15,
}  # fmt: skip

REQUESTED_TRANSITIONS = (
    Transition(1, "configure", "unconfigured", "configuring"),
    Transition(2, "cleanup", "inactive", "cleaningup"),
    Transition(3, "activate", "inactive", "activating"),
    Transition(4, "deactivate", "active", "deactivating"),
    Transition(5, "shutdown", "unconfigured", "shuttingdown"),
    Transition(6, "shutdown", "inactive", "shuttingdown"),
    Transition(7, "shutdown", "active", "shuttingdown"),
)
"""The transitions that a client may ask for."""

CALLBACKS = {
    "configuring": "on_configure", "cleaningup": "on_cleanup", "shuttingdown": "on_shutdown",
    "activating": "on_activate", "deactivating": "on_deactivate", "errorprocessing": "on_error",
}  # fmt: skip

# Busy state -> base number of its outcomes, and the states after success, failure and error.
_OUTCOMES = {
    "configuring": (10, "inactive", "unconfigured", "errorprocessing"),
    "cleaningup": (20, "unconfigured", "inactive", "errorprocessing"),
    "activating": (30, "active", "inactive", "errorprocessing"),
    "deactivating": (40, "inactive", "active", "errorprocessing"),
    "shuttingdown": (50, "finalized", "finalized", "errorprocessing"),
    "errorprocessing": (60, "unconfigured", "finalized", "finalized"),
}
OUTCOME_TRANSITIONS = tuple(
    Transition(base + index, f"transition_{kind}", busy, goal)
    for busy, (base, *goals) in _OUTCOMES.items()
    for index, (kind, goal) in enumerate(zip(("success", "failure", "error"), goals, strict=True))
)
"""The transitions that follow from a callback's outcome."""


class LifecycleStateMachine:
    """Where a managed node stands, and the services that tell of it and change it (None while not offered)."""

    service_change_state: Any = None
    service_get_state: Any = None
    service_get_available_states: Any = None
    service_get_available_transitions: Any = None
    service_get_transition_graph: Any = None

    def __init__(self) -> None:
        self._label = "unconfigured"

    @property
    def current_state(self) -> tuple[int, str]:
        """Number and label of the state."""
        return STATES[self._label], self._label

    @property
    def available_transitions(self) -> list[Transition]:
        """What a client may ask for now."""
        return [edge for edge in REQUESTED_TRANSITIONS if edge.start == self._label]

    def find(self, wanted: str | int) -> Transition | None:
        """An available transition by label or number."""
        return next((edge for edge in self.available_transitions if wanted in (edge.label, edge.transition_id)), None)

    def outcome(self, result: TransitionCallbackReturn) -> Transition:
        """The transition that a callback's result in the current busy state leads to."""
        label = f"transition_{result.name.lower()}"
        return next(edge for edge in OUTCOME_TRANSITIONS if edge.start == self._label and edge.label == label)

    def follow(self, transition: Transition) -> None:
        """Go where a transition leads."""
        self._label = transition.goal
