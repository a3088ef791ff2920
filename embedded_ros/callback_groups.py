"""Which callbacks may run at the same time."""

import threading
import weakref
from typing import Any


class CallbackGroup:
    """Base of the groups: executors ask it before they run an entity's callback, and it always agrees."""

    def __init__(self) -> None:
        self.entities: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()

    def add_entity(self, entity: Any) -> None:
        """Put an entity into the group."""
        self.entities.add(entity)

    def has_entity(self, entity: Any) -> bool:
        """Whether an entity is in the group."""
        return entity in self.entities

    def can_execute(self, entity: Any) -> bool:
        """Whether the entity's callback may start now."""
        return True

    def beginning_execution(self, entity: Any) -> bool:
        """Claim the right to run; False if another callback has it."""
        return True

    def ending_execution(self, entity: Any) -> None:
        """Give the right back."""


class ReentrantCallbackGroup(CallbackGroup):
    """Callbacks run at any time, also several of one entity."""


class MutuallyExclusiveCallbackGroup(CallbackGroup):
    """One callback of the group runs at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._active: Any = None

    def can_execute(self, entity: Any) -> bool:
        """Whether no callback of the group runs."""
        return self._active is None

    def beginning_execution(self, entity: Any) -> bool:
        """Claim the group for this entity."""
        with self._lock:
            if self._active is not None:
                return False
            self._active = entity
            return True

    def ending_execution(self, entity: Any) -> None:
        """Free the group."""
        with self._lock:
            self._active = None
