"""Usage, costs and keys over HTTP, asked the way a reconciler asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_timestamps.sandbox import Sandbox, TokenUse

NOW_S = 1_761_523_200
USAGE = "/v1/organization/usage/completions"
PROJECT = "/v1/organization/projects/proj_sandbox"
Http = Callable[..., tuple[int, Any]]


def serve(sandbox: Sandbox, count: int, step_s: int = 60) -> None:
    """Charge *count* calls of 10 tokens, *step_s* apart."""
    for number in range(count):
        at_s = NOW_S + number * step_s
        sandbox.core.serve(api_key_id=sandbox.api_key.id, model="m", use=TokenUse(10), at_s=at_s)
    sandbox.clock.advance(count * step_s)


def test_pages_add_up_to_the_whole(sandbox: Sandbox, http: Http) -> None:
    """Following the cursor to the end yields every bucket once."""
    serve(sandbox, 7)
    sandbox.core.books.page_size = 3
    query: dict[str, Any] = {"start_time": NOW_S, "end_time": NOW_S + 420, "bucket_width": "1m"}
    starts: list[int] = []
    sizes: list[int] = []
    while True:
        status, page = http("GET", USAGE, **query)
        assert status == 200
        sizes.append(len(page["data"]))
        starts += [bucket["start_time"] for bucket in page["data"]]
        if not page["has_more"]:
            break
        query["page"] = page["next_page"]
    assert sizes == [3, 3, 1]
    assert starts == list(range(NOW_S, NOW_S + 420, 60))


def test_lists_are_taken_with_and_without_brackets(sandbox: Sandbox, http: Http) -> None:
    """``api_key_ids[]=`` and ``api_key_ids=`` filter alike."""
    serve(sandbox, 1)
    for name in ("api_key_ids", "api_key_ids[]"):
        query = {"start_time": NOW_S, "bucket_width": "1m", name: ["key_unused"]}
        assert [b["results"] for b in http("GET", USAGE, **query)[1]["data"]] == [[], []]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "Missing required parameter: 'start_time'."),
        (
            {"start_time": "1761523200.5"},
            "Invalid type for 'start_time': expected an integer, got '1761523200.5'.",
        ),
        ({"start_time": NOW_S, "bucket_width": "5m"}, "Invalid bucket_width: '5m'."),
        (
            {"start_time": NOW_S, "bucket_width": "1m", "limit": 1441},
            "limit must be between 1 and 1440, got 1441.",
        ),
        ({"start_time": NOW_S, "limit": 32}, "limit must be between 1 and 31, got 32."),
        ({"start_time": NOW_S, "end_time": NOW_S}, "end_time must be after start_time."),
        ({"start_time": NOW_S, "group_by": "weather"}, "Cannot group by 'weather'."),
        ({"start_time": NOW_S, "page": "page_nonsense"}, "Invalid cursor: 'page_nonsense'."),
    ],
)
def test_bad_question_is_refused(http: Http, query: dict[str, Any], message: str) -> None:
    """A question that the provider documents as wrong earns 400 and the reason."""
    status, answer = http("GET", USAGE, **query)
    assert (status, answer["error"]["message"]) == (400, message)


def test_costs_know_days_only(http: Http) -> None:
    """Another bucket width than 1d is refused for costs."""
    status, _ = http("GET", "/v1/organization/costs", start_time=NOW_S, bucket_width="1h")
    assert status == 400


def test_costs_may_refuse_to_split_by_key(sandbox: Sandbox, http: Http) -> None:
    """Only where the sandbox is told so."""
    query = {"start_time": NOW_S, "group_by": "api_key_id"}
    assert http("GET", "/v1/organization/costs", **query)[0] == 200
    sandbox.core.books.costs_by_key = False
    assert http("GET", "/v1/organization/costs", **query)[0] == 400


def test_project_key_can_not_read_usage(sandbox: Sandbox, http: Http) -> None:
    """A project key is refused with 403, an unknown one with 401."""
    key = sandbox.api_key.value
    assert http("GET", USAGE, key=key, start_time=NOW_S)[0] == 403
    assert http("GET", USAGE, key="sk-nobody", start_time=NOW_S)[0] == 401


def test_minted_key_works_until_it_is_removed(sandbox: Sandbox, http: Http) -> None:
    """A service account's key can call models, and no longer after its removal."""
    account = http("POST", f"{PROJECT}/service_accounts", {"name": "run"})[1]
    key = account["api_key"]["value"]
    ask = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
    assert http("POST", "/v1/chat/completions", ask, key=key)[0] == 200
    status, answer = http("DELETE", f"{PROJECT}/service_accounts/{account['id']}")
    assert (status, answer["deleted"]) == (200, True)
    assert http("POST", "/v1/chat/completions", ask, key=key)[0] == 401
    assert [call.api_key_id for call in sandbox.served()] == [account["api_key"]["id"]]


def test_key_can_be_added_listed_and_deleted_alone(sandbox: Sandbox, http: Http) -> None:
    """A second key of an account comes and goes without the first."""
    account = http("POST", f"{PROJECT}/service_accounts", {"name": "run"})[1]
    added = http("POST", f"{PROJECT}/service_accounts/{account['id']}/api_keys", {"name": "2"})[1]
    listed = {key["id"] for key in http("GET", f"{PROJECT}/api_keys")[1]["data"]}
    assert listed == {sandbox.api_key.id, account["api_key"]["id"], added["id"]}
    http("DELETE", f"{PROJECT}/api_keys/{added['id']}")
    assert http("GET", f"{PROJECT}/api_keys/{added['id']}")[0] == 404
    assert http("GET", f"{PROJECT}/api_keys/{account['api_key']['id']}")[0] == 200


def test_account_lists_are_paged(http: Http) -> None:
    """``limit`` and ``after`` walk through a project's service accounts."""
    ids = [http("POST", f"{PROJECT}/service_accounts", {"name": str(n)})[1]["id"] for n in range(3)]
    first = http("GET", f"{PROJECT}/service_accounts", limit=2)[1]
    rest = http("GET", f"{PROJECT}/service_accounts", limit=2, after=first["last_id"])[1]
    assert [entry["id"] for entry in first["data"] + rest["data"]] == ids
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_projects_keep_their_accounts_apart(sandbox: Sandbox, http: Http) -> None:
    """An account of one project is not found in another; an unknown project is refused."""
    other = sandbox.core.accounts.create_project("Other")
    account = http("POST", f"{PROJECT}/service_accounts", {"name": "run"})[1]
    path = f"/v1/organization/projects/{other}/service_accounts"
    assert http("GET", f"{path}/{account['id']}")[0] == 404
    assert (
        http("POST", "/v1/organization/projects/proj_no/service_accounts", {"name": "x"})[0] == 400
    )


def test_hiccup_answers_zeros_once(sandbox: Sandbox, http: Http) -> None:
    """A zeros fault hides rows that the next read shows again."""
    serve(sandbox, 1)
    sandbox.faults.add("zeros", "*/usage/*")
    query = {"start_time": NOW_S, "end_time": NOW_S + 60, "bucket_width": "1m"}
    rows = [len(http("GET", USAGE, **query)[1]["data"][0]["results"]) for _ in range(2)]
    assert rows == [0, 1]


def test_repeated_cursor_never_ends(sandbox: Sandbox, http: Http) -> None:
    """The fault's pages name themselves as their successor."""
    serve(sandbox, 3)
    sandbox.faults.add("repeated_cursor", times=None)
    query: dict[str, Any] = {"start_time": NOW_S, "end_time": NOW_S + 180, "bucket_width": "1m"}
    first = http("GET", USAGE, **query)[1]
    second = http("GET", USAGE, **query, page=first["next_page"])[1]
    assert first["has_more"]
    assert second["next_page"] == first["next_page"]
