"""Ask a mock server, made from the provider's OpenAPI document, everything that reconcile asks.

    python -m tools.mock_check http://127.0.0.1:PORT

Every question must be accepted: right path, known parameters of the right types, limits in range.
The answers are the document's examples, which say nothing about any run, and aren't looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from pytest_timestamps.errors import TimestampsError
from pytest_timestamps.tokens.reconcile.client import AdminKey, BooksClient
from pytest_timestamps.tokens.reconcile.plan import DAY_S, Query, Want, plan_queries
from pytest_timestamps.tokens.reconcile.policy import ENDPOINTS
from pytest_timestamps.tokens.secret import SecretText
from pytest_timestamps.tokens.window import Window

START_S = 1_761_523_200


def questions() -> Iterator[tuple[str, Mapping[str, object]]]:
    """Path and parameters of every kind of request that the program makes."""
    few = [Want(Window(START_S, START_S + 2 * DAY_S), f"key_{n:012d}") for n in range(3)]
    many = [Want(Window(START_S, START_S + 600), f"key_{n:012d}") for n in range(300)]
    day = Window(START_S, START_S + DAY_S)
    whole_days = [Query(endpoint, day, ("key_1",), DAY_S) for endpoint in ENDPOINTS]
    by_project = [Query(endpoint, day, (), DAY_S, ("proj_1",)) for endpoint in ENDPOINTS]
    planned = [*plan_queries(few, ENDPOINTS), *plan_queries(many, ENDPOINTS)]
    for query in [*planned, *whole_days, *by_project]:
        for page in ({}, {"page": "page_AAAAA"}):
            yield f"/organization/usage/{query.endpoint}", {**query.params(), **page}
    for name, values in (("api_key_id", ["key_1"]), ("project_id", ["proj_1"])):
        yield (
            "/organization/costs",
            {
                "start_time": day.start_s,
                "end_time": day.end_s,
                "bucket_width": "1d",
                "limit": 1,
                "group_by": [name, "line_item"],
                f"{name}s": values,
            },
        )


def main(base_url: str) -> int:
    """Ask all of them; the number of those that were refused is the exit status."""
    key = AdminKey(SecretText("sk-admin-for-a-mock"), "OPENAI_ADMIN_KEY")
    client = BooksClient(key, base_url, tries=1)
    asked = refused = 0
    for path, params in questions():
        asked += 1
        try:
            client.get(path, params)
        except TimestampsError as error:
            refused += 1
            print(f"refused: {error}")
    client.close()
    print(f"{asked - refused} of {asked} questions were accepted by the mock at {base_url}")
    return min(refused, 100)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
