"""Named places in the code, and the switch that decorated code asks.

All that a program which is decorated and not recorded needs; the rest is imported when
something is.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .engine import Engine
    from .thinned import Thinned

__all__ = [
    "ANY_FRAME",
    "COROUTINE",
    "KINDS",
    "NO_KEY",
    "SUSPENDABLE",
    "SWITCH",
    "Site",
    "Switch",
]

COROUTINE = 0x80
"""The code flag of an ``async def`` that has no ``yield``."""

SUSPENDABLE = 0x20 | 0x80 | 0x100 | 0x200
"""Code flags of generators, coroutines, iterable coroutines and asynchronous generators."""

ANY_FRAME = -1
"""Stands for every suspendable frame: what is driven from outside is suspended as a whole."""

NO_KEY = object()
"""A key that no span has."""


KINDS: set[str] = set()
"""The kinds of all sites that were made: what others cost, nobody needs to know."""


class Site:
    """A named place in the code; ``kind`` says how its spans are recorded, and so their cost.

    ``thinned`` is set where most calls are counted and not timed, which ``may_thin`` allows, or
    where it is left out, which ``may_leave_out`` allows.
    """

    __slots__ = ("kind", "may_leave_out", "may_thin", "name", "thinned")

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        KINDS.add(kind)
        self.may_leave_out = self.may_thin = False
        self.thinned: Thinned | None = None

    def __repr__(self) -> str:
        return f"<Site {self.name!r} ({self.kind})>"


class Switch:
    """Whether anything is being recorded, and by which engine; set by the engine."""

    __slots__ = ("armed", "engine")
    engine: Engine

    def __init__(self) -> None:
        self.armed = False


SWITCH = Switch()
