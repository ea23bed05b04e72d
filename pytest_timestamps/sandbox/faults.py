"""Faults on demand: what goes wrong, where, and how often."""

from __future__ import annotations

import fnmatch
import itertools
import threading
from dataclasses import dataclass, replace
from enum import StrEnum

from pytest_timestamps.errors import ArgumentError

__all__ = ["Fault", "FaultKind", "FaultPlan"]


class FaultKind(StrEnum):
    """What can go wrong."""

    RATE_LIMITED = "rate_limited"
    """429 with ``Retry-After``."""
    SERVER_ERROR = "server_error"
    """500 with an error object."""
    BAD_GATEWAY = "bad_gateway"
    """502 with a gateway's page in place of the provider's answer."""
    UNAUTHORIZED = "unauthorized"
    """401 with an error object."""
    FORBIDDEN = "forbidden"
    """403 with an error object."""
    HANG = "hang"
    """No answer until the caller gives up."""
    RESET = "reset"
    """The connection is cut before the answer."""
    BROKEN_STREAM = "broken_stream"
    """The connection is cut in the middle of the answer."""
    HTML = "html"
    """A web page with status 200."""
    TRUNCATED_JSON = "truncated_json"
    """The first half of the JSON, with status 200 and a length that fits the half."""
    NO_USAGE = "no_usage"
    """A good answer of a model without its usage."""
    ZEROS = "zeros"
    """Usage pages that hold no results, though there are some."""
    REPEATED_CURSOR = "repeated_cursor"
    """Usage pages that name themselves as the next page, for ever."""


_CALL_IS_CHARGED = frozenset(
    {
        FaultKind.HANG,
        FaultKind.RESET,
        FaultKind.BROKEN_STREAM,
        FaultKind.TRUNCATED_JSON,
        FaultKind.NO_USAGE,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One planned fault.

    ``path`` is a shell pattern over the request's path (``*/organization/usage/*``), ``times``
    how many matching requests it hits (null: all, until it is removed), ``skip`` how many it
    lets pass before, and ``retry_after_s`` what a 429 tells the caller.
    """

    id: int
    kind: FaultKind
    path: str
    times: int | None
    skip: int = 0
    retry_after_s: float = 1.0

    @property
    def call_is_charged(self) -> bool:
        """Whether a model call that meets this fault is in the books all the same."""
        return self.kind in _CALL_IS_CHARGED


class FaultPlan:
    """The faults that are still to happen; the first planned one that matches is used first."""

    def __init__(self) -> None:
        self._planned: dict[int, Fault] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(
        self,
        kind: FaultKind | str,
        path: str = "*",
        *,
        times: int | None = 1,
        skip: int = 0,
        retry_after_s: float = 1.0,
    ) -> Fault:
        """Plan a fault; see `Fault` for the arguments."""
        try:
            known = FaultKind(kind)
        except ValueError:
            names = ", ".join(FaultKind)
            raise ArgumentError(
                f"the sandbox knows no fault {kind!r}: expected one of {names}"
            ) from None
        with self._lock:
            fault = Fault(next(self._numbers), known, path, times, skip, retry_after_s)
            self._planned[fault.id] = fault
            return fault

    def take(self, path: str) -> Fault | None:
        """The fault that the request for *path* meets; it is used up by one."""
        with self._lock:
            for fault in tuple(self._planned.values()):
                if not fnmatch.fnmatchcase(path, fault.path):
                    continue
                if fault.skip:
                    self._planned[fault.id] = replace(fault, skip=fault.skip - 1)
                    continue
                if fault.times is not None:
                    self._use_up(fault, fault.times)
                return fault
        return None

    def _use_up(self, fault: Fault, times: int) -> None:
        if times <= 1:
            del self._planned[fault.id]
        else:
            self._planned[fault.id] = replace(fault, times=times - 1)

    def planned(self) -> tuple[Fault, ...]:
        """The faults that are still to happen."""
        with self._lock:
            return tuple(self._planned.values())

    def clear(self) -> None:
        """Forget all planned faults."""
        with self._lock:
            self._planned.clear()
