"""Something that is done now and then, between one span's end and what comes next."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Chore(Protocol):
        """Done once ``due_ns``, of the engine's clock, is past; it sets the next time itself."""

        due_ns: int

        def do(self) -> None:
            """Do it; must not raise."""


__all__ = ["followed_by"]


def followed_by(
    end: Callable[..., None], chore: Chore, clock: Callable[[], int]
) -> Callable[..., None]:
    """``end``, which ends a span, and after it the chore if that is due."""

    def end_and_look(*arguments: Any) -> None:
        end(*arguments)
        if clock() >= chore.due_ns:
            chore.do()

    return end_and_look
