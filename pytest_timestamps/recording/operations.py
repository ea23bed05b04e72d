"""What wrappers call, on Python 3.11, in the place of what events call.

It is timed in place as callbacks are, see `in_place`, by the names of the events.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .engine import Engine
    from .in_place import Callbacks

__all__ = ["Operations"]


class Operations:
    """Opening and closing a span; suspending one is never plain without events."""

    def arm(self, engine: Engine) -> None:
        """Have them timed now and then."""
        spans = engine.spans
        usual: Callbacks = {"PY_START": spans.open, "PY_RETURN": spans.close}

        def set_operations(operations: Callbacks) -> None:
            spans.open, spans.close = operations["PY_START"], operations["PY_RETURN"]

        engine.in_place.arm(usual, lambda: usual, set_operations)

    def refresh(self, engine: Engine) -> None:
        """Nothing: wrappers call whatever is there."""

    def disarm(self, engine: Engine) -> None:
        """Have the usual ones there again."""
        engine.in_place.disarm()
