"""What the sandbox served, call by call: the ground truth that its books are made from."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

__all__ = ["Endpoint", "ServedCall", "ServedLedger", "ServedTotals"]

Endpoint = Literal["completions", "embeddings"]
"""Which family of the usage endpoints reports a call."""


@dataclass(frozen=True, slots=True)
class ServedCall:
    """One model request that the sandbox charges for.

    ``cached_tokens`` and ``cache_write_tokens`` are a part of ``input_tokens``,
    ``reasoning_tokens`` of ``output_tokens``.
    ``served_at_s`` is when it was answered, ``booked_at_s`` where the books put it (later by the
    attribution lag), ``visible_from_s`` when the books begin to show it: all Unix seconds.
    ``tag`` is what the caller sent as ``X-Sandbox-Tag``, to tell its calls apart.
    ``answered`` is false where an injected fault kept the answer from the caller.
    """

    served_at_s: float
    booked_at_s: float
    visible_from_s: float
    endpoint: Endpoint
    model: str
    api_key_id: str
    project_id: str
    user_id: str
    input_tokens: int
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    service_tier: str = "default"
    batch: bool = False
    tag: str = ""
    answered: bool = True


@dataclass(frozen=True, slots=True)
class ServedTotals:
    """The sums that a user of the books can check."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    @classmethod
    def of(cls, calls: Iterable[ServedCall]) -> Self:
        """The sums over *calls*."""
        listed = tuple(calls)
        return cls(
            calls=len(listed),
            input_tokens=sum(call.input_tokens for call in listed),
            output_tokens=sum(call.output_tokens for call in listed),
            cached_tokens=sum(call.cached_tokens for call in listed),
        )


class ServedLedger:
    """Every served call in the order of serving; safe to use from several threads."""

    def __init__(self) -> None:
        self._calls: list[ServedCall] = []
        self._lock = threading.Lock()

    def add(self, call: ServedCall) -> None:
        """Append *call*."""
        with self._lock:
            self._calls.append(call)

    def calls(
        self,
        *,
        endpoint: Endpoint | None = None,
        api_key_id: str | None = None,
        project_id: str | None = None,
        model: str | None = None,
        tag: str | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> tuple[ServedCall, ...]:
        """The calls that match everything given; ``[start_s, end_s)`` is the time of serving."""
        wanted = {
            "endpoint": endpoint,
            "api_key_id": api_key_id,
            "project_id": project_id,
            "model": model,
            "tag": tag,
        }
        conditions = [(name, value) for name, value in wanted.items() if value is not None]
        with self._lock:
            listed = tuple(self._calls)
        return tuple(
            call
            for call in listed
            if all(getattr(call, name) == value for name, value in conditions)
            and (start_s is None or call.served_at_s >= start_s)
            and (end_s is None or call.served_at_s < end_s)
        )
