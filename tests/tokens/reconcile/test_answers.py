"""Nothing believed unread: pages, buckets and rows that can't be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pytest_timestamps.errors import BooksAnswerError
from pytest_timestamps.tokens.reconcile.pages import read_query
from pytest_timestamps.tokens.reconcile.plan import Query
from pytest_timestamps.tokens.usage import TierUsage
from pytest_timestamps.tokens.window import Window

QUERY = Query("completions", Window(600, 840), ("key_a",))


def row(**changes: Any) -> dict[str, Any]:
    """A good row, changed."""
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": 10,
        "output_tokens": 5,
        "num_model_requests": 2,
        "input_cached_tokens": 4,
        "api_key_id": "key_a",
        "model": "m",
        "service_tier": "default",
        "batch": False,
        **changes,
    }


def bucket(start_s: int = 600, *rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A good bucket, changed."""
    good = {"object": "bucket", "start_time": start_s, "end_time": start_s + 60}
    return {**good, "results": list(rows), **changes}


def page(*buckets: Any, **changes: Any) -> dict[str, Any]:
    """A good last page, changed."""
    good = {"object": "page", "data": list(buckets), "has_more": False, "next_page": None}
    return {**good, **changes}


class Pages:
    """Answers with one page after the other; the last one for ever."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)
        self.asked: list[Mapping[str, object]] = []

    def get(self, path: str, params: Mapping[str, object]) -> str:
        """The next page's text."""
        self.asked.append(params)
        answer = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
        return answer if isinstance(answer, str) else json.dumps(answer)


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """The fields but one."""
    return {key: value for key, value in fields.items() if key != name}


BAD: list[tuple[str, Any, str]] = [
    ("html", "<html><body>Sign in</body></html>", "the answer is no JSON: it has 33 characters"),
    ("half", '{"object": "page", "da', "the answer is no JSON"),
    ("empty", "", "the answer is no JSON: it has 0 characters"),
    ("nan", '{"object": NaN}', "the answer holds NaN; expected finite numbers"),
    ("array", [], "the answer is an array of 0; expected an object"),
    ("list", page(object="list"), "the answer.object is a string ('list'); expected 'page'"),
    ("no data", without(page(), "data"), "the answer.data is missing; expected an array"),
    ("null data", page(data=None), "the answer.data is null; expected an array"),
    ("no has_more", without(page(), "has_more"), "has_more is missing; expected a boolean"),
    ("cut", page(has_more=True), "next_page is null; expected a cursor, as has_more is true"),
    ("hours", page(bucket(end_time=4_200)), "data[0] is a bucket from 600 to 4200; expected one"),
    ("before", page(bucket(540)), "data[0] is the minute 540, which was not asked for"),
    ("behind", page(bucket(840)), "expected one in [600, 840)"),
    ("twice", page(bucket(600), bucket(600)), "the minute 600 was answered twice"),
    ("no rows", page(without(bucket(), "results")), "data[0].results is missing"),
    ("null rows", page(bucket(results=None)), "data[0].results is null; expected an array"),
    ("text start", page(bucket(start_time="600")), "data[0].start_time is a string ('600')"),
    ("float start", page(bucket(start_time=600.0)), "a number with a fraction (600.0)"),
    ("other row", page(bucket(600, row(object="organization.costs.result"))), "results[0].object"),
    ("null tokens", page(bucket(600, row(input_tokens=None))), "input_tokens is null; expected an"),
    ("true calls", page(bucket(600, row(num_model_requests=True))), "is a boolean (true)"),
    ("negative", page(bucket(600, row(output_tokens=-1))), "output_tokens is -1; expected 0 or"),
    ("no output", page(bucket(600, without(row(), "output_tokens"))), "output_tokens is missing"),
    ("cached above", page(bucket(600, row(input_cached_tokens=11))), "has 11 cached and 0 cache-"),
    ("no model", page(bucket(600, row(model=None))), "model is null; expected a model, as rows"),
    ("no key", page(bucket(600, row(api_key_id=None))), "api_key_id is null; expected a key's id"),
    ("tier", page(bucket(600, row(service_tier=1))), "service_tier is an integer (1); expected a"),
    ("batch", page(bucket(600, row(batch="no"))), "batch is a string ('no'); expected a boolean"),
]


@pytest.mark.parametrize(("answer", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_an_answer_that_cannot_be_is_refused(answer: Any, message: str) -> None:
    """The message names the field, what was seen and what was expected."""
    with pytest.raises(BooksAnswerError) as raised:
        read_query(Pages(answer), QUERY)
    assert message in str(raised.value)


def test_rows_keep_what_prices_need() -> None:
    """Cached input is a part of the input; tier and batch come along."""
    answer = page(bucket(600, row(), row(service_tier="flex", batch=None)), bucket(720))
    rows = read_query(Pages(answer), QUERY)
    assert [r.usage for r in rows] == [TierUsage(2, 10, 5, 4)] * 2
    assert [(r.tier, r.batch) for r in rows] == [("default", False), ("flex", None)]


def test_absent_buckets_and_the_old_name_of_rows_are_fine() -> None:
    """Empty buckets may be left out; old pages call the array another name."""
    old = without(bucket(660), "results") | {"result": [row()]}
    assert len(read_query(Pages(page(old)), QUERY)) == 1
    assert not read_query(Pages(page()), QUERY)


def test_rows_of_other_keys_are_left_out() -> None:
    """Whether the server ignored the filter, or none was sent, as for the usage of no key."""
    answer = page(bucket(600, row(api_key_id="key_other"), row()))
    assert len(read_query(Pages(answer), QUERY)) == 1
    everybody = Query("completions", QUERY.window, ())
    answer = page(bucket(600, row(api_key_id=None), row()))
    assert len(read_query(Pages(answer), everybody)) == 1


def test_all_pages_are_read() -> None:
    """The cursor goes back as ``page``."""
    pages = Pages(
        page(bucket(600, row()), has_more=True, next_page="two"), page(bucket(660, row()))
    )
    assert len(read_query(pages, QUERY)) == 2
    assert [params.get("page") for params in pages.asked] == [None, "two"]


def endless(make: Callable[[int], dict[str, Any]]) -> Pages:
    """Many pages."""
    return Pages(*(make(number) for number in range(50)))


def test_a_cursor_that_comes_again_is_refused() -> None:
    """Also where a page of other cursors lies between."""
    pages = Pages(
        page(has_more=True, next_page="a"),
        page(has_more=True, next_page="b"),
        page(has_more=True, next_page="a"),
    )
    with pytest.raises(BooksAnswerError, match="the cursor 'a' came again"):
        read_query(pages, QUERY)


def test_empty_pages_without_end_are_refused() -> None:
    """New cursors for ever are no answer either."""
    pages = endless(lambda number: page(has_more=True, next_page=f"page {number}"))
    with pytest.raises(BooksAnswerError, match="more than 5 pages for 4 minutes"):
        read_query(pages, QUERY)
