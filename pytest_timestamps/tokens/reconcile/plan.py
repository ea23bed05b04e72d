"""The fewest requests that read all the minutes that are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_timestamps.tokens.reconcile.policy import MINUTE_S
from pytest_timestamps.tokens.window import Window

__all__ = [
    "BUCKETS_A_PAGE",
    "DAYS_A_PAGE",
    "DAY_S",
    "KEYS_A_REQUEST",
    "Query",
    "Want",
    "plan_queries",
]

BUCKETS_A_PAGE: Final = 1_440
DAYS_A_PAGE: Final = 31
DAY_S: Final = 86_400
_WIDTHS: Final = {MINUTE_S: "1m", DAY_S: "1d"}
KEYS_A_REQUEST: Final = 100
"""More key ids than this would make too long an address: the rows are then sorted out here."""


@dataclass(frozen=True, slots=True, order=True)
class Want:
    """The minutes of one key that somebody needs."""

    window: Window
    api_key_id: str


@dataclass(frozen=True, slots=True)
class Query:
    """One question of the books: an endpoint, whole minutes, and whose usage.

    It fits one page. ``api_key_ids`` is empty where the rows of all keys are asked for.
    ``width_s`` is the buckets' width: a minute, but for whole days.
    """

    endpoint: str
    window: Window
    api_key_ids: tuple[str, ...]
    width_s: int = MINUTE_S
    project_ids: tuple[str, ...] = ()

    @property
    def buckets(self) -> int:
        """How many buckets it asks for."""
        return self.window.duration_s // self.width_s

    @property
    def group_by(self) -> tuple[str, ...]:
        """What its rows are split by; embeddings know neither tiers nor batches."""
        split = ("api_key_id", "model")
        return (*split, "service_tier", "batch") if self.endpoint == "completions" else split

    def params(self) -> dict[str, object]:
        """The query's parameters, but for a page's cursor."""
        params: dict[str, object] = {
            "start_time": self.window.start_s,
            "end_time": self.window.end_s,
            "bucket_width": _WIDTHS[self.width_s],
            "limit": BUCKETS_A_PAGE if self.width_s == MINUTE_S else DAYS_A_PAGE,
            "group_by": list(self.group_by),
        }
        if self.api_key_ids:
            params["api_key_ids"] = list(self.api_key_ids)
        if self.project_ids:
            params["project_ids"] = list(self.project_ids)
        return params


def plan_queries(wants: Iterable[Want], endpoints: Iterable[str]) -> list[Query]:
    """Queries of one page each that together cover every want.

    Pages begin at the first minute that no earlier page has, which needs the fewest of them, and
    end with the last minute that somebody needs.
    """
    pages = list(_pages(sorted(set(wants))))
    return [
        Query(endpoint, window, keys if len(keys) <= KEYS_A_REQUEST else ())
        for endpoint in endpoints
        for window, keys in pages
    ]


def _pages(wants: list[Want]) -> Iterator[tuple[Window, tuple[str, ...]]]:
    limit_s = BUCKETS_A_PAGE * MINUTE_S
    # What is still to be read, by its start: a want that a page cuts goes on behind that page.
    open_wants: list[Want] = []
    position = 0
    while open_wants or position < len(wants):
        start_s = open_wants[0].window.start_s if open_wants else wants[position].window.start_s
        while position < len(wants) and wants[position].window.start_s < start_s + limit_s:
            open_wants.append(wants[position])
            position += 1
        end_s = min(start_s + limit_s, max(want.window.end_s for want in open_wants))
        yield Window(start_s, end_s), tuple(sorted({want.api_key_id for want in open_wants}))
        open_wants = [
            Want(Window(end_s, want.window.end_s), want.api_key_id)
            for want in open_wants
            if want.window.end_s > end_s
        ]
