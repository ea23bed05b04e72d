"""The sandbox without HTTP: accounts, clock, faults and the ledger of what was served."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from .accounts import DEFAULT_PROJECT_ID, USER_ID, Accounts
from .books import UsageQuestion, empty_page_buckets, usage_buckets
from .clock import SandboxClock
from .costs import cost_buckets
from .faults import FaultPlan
from .ledger import Endpoint, ServedCall, ServedLedger
from .model import TokenUse

__all__ = ["BooksSettings", "SandboxCore"]


@dataclass(slots=True)
class BooksSettings:
    """How the books of the sandbox behave; may be changed at any time.

    ``availability_delay_s`` and ``attribution_lag_s`` apply to what is served from then on.
    ``page_size`` is the most buckets that a usage page holds, whatever limit is asked for.
    ``empty_buckets`` says whether buckets without rows are in the pages, and ``rows_field`` what
    a bucket calls its rows (``result`` on old pages). ``costs_by_key`` false makes the costs
    endpoint refuse to split by key, as it is reported to do for some organizations.
    """

    availability_delay_s: float = 0.0
    attribution_lag_s: float = 0.0
    page_size: int = 1440
    empty_buckets: bool = True
    rows_field: str = "results"
    costs_by_key: bool = True


class SandboxCore:
    """One organization, its calls and its books, told what time it is by `clock`."""

    def __init__(self, clock: SandboxClock | None = None) -> None:
        self.clock = clock or SandboxClock()
        self.accounts = Accounts(self.clock.now_s)
        self.books = BooksSettings()
        self.faults = FaultPlan()
        self.ledger = ServedLedger()
        self._delays_by_key: dict[str, tuple[float | None, float | None]] = {}
        self._request_numbers = 0
        self._lock = threading.Lock()

    def next_request_id(self) -> str:
        """An id for the next answer; they count up."""
        with self._lock:
            self._request_numbers += 1
            return f"sandbox{self._request_numbers:08d}"

    def set_delays(
        self,
        api_key_id: str,
        *,
        availability_delay_s: float | None = None,
        attribution_lag_s: float | None = None,
    ) -> None:
        """Give the calls of one key delays of their own; null means the sandbox's."""
        with self._lock:
            self._delays_by_key[api_key_id] = (availability_delay_s, attribution_lag_s)

    def serve(
        self,
        *,
        api_key_id: str,
        model: str,
        use: TokenUse,
        endpoint: Endpoint = "completions",
        project_id: str = DEFAULT_PROJECT_ID,
        at_s: float | None = None,
        availability_delay_s: float | None = None,
        attribution_lag_s: float | None = None,
        service_tier: str = "default",
        batch: bool = False,
        tag: str = "",
        answered: bool = True,
    ) -> ServedCall:
        """Charge one call, at *at_s* or now, and answer what was written down.

        Delays that are not given are those of the key, else those of the sandbox.
        """
        served_at_s = self.clock.now_s() if at_s is None else at_s
        key_delay_s, key_lag_s = self._delays_by_key.get(api_key_id, (None, None))
        delay_s = _first_given(availability_delay_s, key_delay_s, self.books.availability_delay_s)
        lag_s = _first_given(attribution_lag_s, key_lag_s, self.books.attribution_lag_s)
        call = ServedCall(
            served_at_s=served_at_s,
            booked_at_s=served_at_s + lag_s,
            visible_from_s=served_at_s + delay_s,
            endpoint=endpoint,
            model=model,
            api_key_id=api_key_id,
            project_id=project_id,
            user_id=USER_ID,
            input_tokens=use.input_tokens,
            output_tokens=use.output_tokens,
            cached_tokens=use.cached_tokens,
            cache_write_tokens=use.cache_write_tokens,
            reasoning_tokens=use.reasoning_tokens,
            service_tier=service_tier,
            batch=batch,
            tag=tag,
            answered=answered,
        )
        self.ledger.add(call)
        return call

    def usage(
        self, family: str, question: UsageQuestion, *, hide_rows: bool = False
    ) -> list[dict[str, Any]]:
        """The buckets of one usage family as the books show them now.

        Families that the sandbox never serves are empty; *hide_rows* makes any family so.
        """
        if family == "costs" and not hide_rows:
            buckets = cost_buckets(self.ledger.calls(), question, visible_at_s=self.clock.now_s())
        elif family in ("completions", "embeddings") and not hide_rows:
            endpoint: Endpoint = "completions" if family == "completions" else "embeddings"
            buckets = usage_buckets(
                self.ledger.calls(), question, endpoint=endpoint, visible_at_s=self.clock.now_s()
            )
        else:
            buckets = empty_page_buckets(question)
        if not self.books.empty_buckets:
            buckets = [bucket for bucket in buckets if bucket["results"]]
        if self.books.rows_field != "results":
            for bucket in buckets:
                bucket[self.books.rows_field] = bucket.pop("results")
        return buckets


def _first_given(*values: float | None) -> float:
    return next(value for value in values if value is not None)
