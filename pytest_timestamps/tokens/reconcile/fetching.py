"""Asking all planned questions, and finding a group's part in the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pytest_timestamps.errors import BooksQueryError
from pytest_timestamps.tokens.reconcile.books import Books, BooksRow, Reading
from pytest_timestamps.tokens.reconcile.pages import UsageSource, read_query
from pytest_timestamps.tokens.reconcile.plan import Query
from pytest_timestamps.tokens.reconcile.state import FailedQuery
from pytest_timestamps.tokens.reconcile.windows import Group

__all__ = ["Answers", "fetch_all"]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, when it was asked, and why it went unanswered if it did."""

    query: Query
    at_s: int
    error: str | None = None


class Answers:
    """The rows of all answered questions, and the errors of the others."""

    def __init__(self, asked: Sequence[_Asked], rows: Iterable[BooksRow]) -> None:
        self._asked = asked
        self._books = Books(rows)

    @property
    def errors(self) -> list[str]:
        """Why questions went unanswered, each reason once."""
        return list(dict.fromkeys(asked.error for asked in self._asked if asked.error is not None))

    def of(self, group: Group) -> Reading | FailedQuery:
        """What the books say of *group*, or why that isn't known: half an answer is none.

        The time is when the first of its questions was asked.
        """
        parts = [
            asked
            for asked in self._asked
            if asked.query.window.overlaps(group.asked)
            and (not asked.query.api_key_ids or group.api_key_id in asked.query.api_key_ids)
        ]
        at_s = min(part.at_s for part in parts)
        for part in parts:
            if part.error is not None:
                return FailedQuery(at_s, part.error)
        return self._books.reading(group.api_key_id, group.asked, at_s)


def fetch_all(
    source: UsageSource,
    queries: Iterable[Query],
    now_s: Callable[[], int],
    on_page: Callable[[], None] = lambda: None,
) -> Answers:
    """Ask every question; one that fails doesn't keep the others from being asked.

    Raises `BooksAccessError` at once: it would be the same for all.
    """
    asked: list[_Asked] = []
    rows: list[BooksRow] = []
    for query in queries:
        at_s = now_s()
        try:
            rows += read_query(source, query, on_page)
        except BooksQueryError as error:
            asked.append(_Asked(query, at_s, str(error)))
        else:
            asked.append(_Asked(query, at_s))
    return Answers(asked, rows)
