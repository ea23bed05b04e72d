"""Reading a query to its last page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pytest_timestamps.errors import BooksAnswerError
from pytest_timestamps.tokens.reconcile.answers import checked_page, parse_json
from pytest_timestamps.tokens.reconcile.books import BooksRow
from pytest_timestamps.tokens.reconcile.plan import Query

__all__ = ["UsageSource", "read_query"]


class UsageSource(Protocol):
    """Whoever answers questions of the books, with the text of the answer.

    Raises `BooksQueryError` where there is none, and `BooksAccessError` where the key isn't let
    in.
    """

    def get(self, path: str, params: Mapping[str, object]) -> str: ...


def read_query(
    source: UsageSource, query: Query, on_page: Callable[[], None] = lambda: None
) -> Sequence[BooksRow]:
    """All rows that answer *query*, over all pages.

    Raises `BooksAnswerError`, which names the endpoint, if a page can't be believed, if a cursor
    or a minute comes twice, or if the pages come to no end.
    """
    path = f"/organization/usage/{query.endpoint}"
    try:
        return _read(source, path, query, on_page)
    except BooksAnswerError as error:
        raise BooksAnswerError(f"GET {path}: {error}") from error


def _read(
    source: UsageSource, path: str, query: Query, on_page: Callable[[], None]
) -> Sequence[BooksRow]:
    rows: list[BooksRow] = []
    minutes: set[int] = set()
    cursors: set[str] = set()
    cursor: str | None = None
    while True:
        params = query.params() | ({"page": cursor} if cursor is not None else {})
        page = checked_page(parse_json(source.get(path, params)), query)
        on_page()
        for minute_s in page.minutes:
            if minute_s in minutes:
                raise BooksAnswerError(
                    f"the minute {minute_s} was answered twice; expected every minute once"
                )
            minutes.add(minute_s)
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return rows
        if cursor in cursors:
            raise BooksAnswerError(
                f"the cursor {cursor!r:.60} came again; expected a new one on every page"
            )
        cursors.add(cursor)
        # A page may be empty where buckets without usage are left out, but not for ever.
        if len(cursors) > query.buckets:
            raise BooksAnswerError(
                f"there were more than {len(cursors)} pages for {query.buckets} minutes; "
                "expected at least a minute on each"
            )
