"""Minted keys: noted before they exist, removed whatever happens, their value never written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pytest_timestamps.errors import MintError
from pytest_timestamps.tokens.admin_api import AdminRequestError, OpenAiAdminApi
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.leftovers import note_path, remove_leftovers
from pytest_timestamps.tokens.mint import Minter
from pytest_timestamps.tokens.mint_line import MintDesk, MintLine
from pytest_timestamps.tokens.secret import SecretText

RUN_ID = "0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10"
OTHER_ID = "1b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a11"
PROJECT = "/organization/projects/proj_1/service_accounts"


class FakeAdminApi:
    """An organization with one project, in memory."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}
        self.asked: list[str] = []
        self.failure: MintError | None = None
        self.loses_answers = False
        self.answer: object = None

    def get(self, path: str, query: Mapping[str, object]) -> object:
        """One account a page."""
        self.asked.append(f"GET {path}")
        ids = list(self.accounts)
        start = ids.index(str(query["after"])) + 1 if "after" in query else 0
        page = ids[start : start + 1]
        return {
            "object": "list",
            "data": [{"id": account, "name": self.accounts[account]} for account in page],
            "last_id": page[-1] if page else None,
            "has_more": start + 1 < len(ids),
        }

    def post(self, path: str, body: Mapping[str, object]) -> object:
        """Create an account with a key."""
        self.asked.append(f"POST {path}")
        if self.failure is not None:
            raise self.failure
        account = f"svc_acct_{len(self.asked)}"
        self.accounts[account] = str(body["name"])
        if self.loses_answers:
            raise AdminRequestError("the line broke", None)
        if self.answer is not None:
            return self.answer
        return {"id": account, "api_key": {"id": f"key-of-{account}", "value": "sk-secret"}}

    def delete(self, path: str) -> object:
        """Remove an account."""
        self.asked.append(f"DELETE {path}")
        if self.failure is not None:
            raise self.failure
        if self.accounts.pop(path.rpartition("/")[2], None) is None:
            raise AdminRequestError("no such account", 404)
        return {"deleted": True}


@pytest.fixture
def api() -> FakeAdminApi:
    """An organization without service accounts."""
    return FakeAdminApi()


@pytest.fixture
def minter(api: FakeAdminApi, ledger: Ledger) -> Minter:
    """A minter for it."""
    return Minter(api, ledger)


def everything_under(folder: Path) -> str:
    """The content of all files."""
    return "".join(path.read_text() for path in folder.rglob("*") if path.is_file())


def test_a_minted_key_is_noted_by_its_id_alone(
    minter: Minter, api: FakeAdminApi, ledger: Ledger
) -> None:
    """When the key is handed out its id is on the disk; its value is nowhere."""
    key = minter.mint(RUN_ID, "proj_1")
    assert (key.project_id, key.key_id, key.value) == ("proj_1", "key-of-svc_acct_1", "sk-secret")
    assert json.loads(note_path(ledger, RUN_ID).read_text()) == {
        "run_id": RUN_ID,
        "project_id": "proj_1",
        "service_account_id": "svc_acct_1",
        "api_key_id": "key-of-svc_acct_1",
    }
    assert "sk-secret" not in everything_under(ledger.root)
    assert "sk-secret" not in repr(key)
    assert api.accounts == {"svc_acct_1": f"pytest-token-run-{RUN_ID}"}


def test_a_removed_key_leaves_no_note(minter: Minter, api: FakeAdminApi, ledger: Ledger) -> None:
    """The account goes, then the note; removing again does nothing."""
    minter.mint(RUN_ID, "proj_1")
    minter.remove(RUN_ID)
    minter.remove(RUN_ID)
    assert api.accounts == {}
    assert not note_path(ledger, RUN_ID).exists()
    assert api.asked == [f"POST {PROJECT}", f"DELETE {PROJECT}/svc_acct_1"]


def test_the_end_of_the_session_removes_what_is_left(
    minter: Minter, api: FakeAdminApi, ledger: Ledger
) -> None:
    """Errors are collected, and their notes stay for later."""
    minter.mint(RUN_ID, "proj_1")
    minter.mint(OTHER_ID, "proj_1")
    api.failure = AdminRequestError("down", 503)
    assert [str(error) for error in minter.remove_all()] == ["down", "down"]
    assert note_path(ledger, RUN_ID).exists()
    api.failure = None
    assert minter.remove_all() == []
    assert api.accounts == {}


def test_a_refused_key_leaves_nothing(minter: Minter, api: FakeAdminApi, ledger: Ledger) -> None:
    """Where nothing was created there is nothing to remove."""
    api.failure = AdminRequestError("no permission", 403)
    with pytest.raises(MintError, match="no permission"):
        minter.mint(RUN_ID, "proj_1")
    assert not note_path(ledger, RUN_ID).exists()


def test_a_key_whose_answer_was_lost_is_found_by_its_name(
    minter: Minter, api: FakeAdminApi, ledger: Ledger
) -> None:
    """The account was made, nobody knows its id: the note of the intent leads to it."""
    minter.mint(OTHER_ID, "proj_1")
    api.loses_answers = True
    with pytest.raises(MintError, match="the line broke"):
        minter.mint(RUN_ID, "proj_1")
    assert len(api.accounts) == 2
    assert minter.remove_all() == []
    assert api.accounts == {}


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ("<html>", "id"),
        ({"id": "a", "api_key": None}, "api_key.id"),
        ({"id": "a", "api_key": {"id": "k"}}, "api_key.value"),
        ({"id": 3, "api_key": {"id": "k", "value": "v"}}, "id"),
    ],
)
def test_an_answer_without_a_key_is_not_believed(
    minter: Minter, api: FakeAdminApi, ledger: Ledger, answer: object, part: str
) -> None:
    """A body of status 200 that isn't a key is an error, and what it made is removed."""
    api.answer = answer
    with pytest.raises(MintError, match=f"without a usable {part} when asked for a key in project"):
        minter.mint(RUN_ID, "proj_1")
    assert minter.remove_all() == []
    assert api.accounts == {}


def test_leftovers_of_a_crash_are_removed(
    minter: Minter, api: FakeAdminApi, ledger: Ledger
) -> None:
    """Another process, later, finds and removes them; those of runs going on are skipped."""
    minter.mint(RUN_ID, "proj_1")
    minter.mint(OTHER_ID, "proj_1")
    report = remove_leftovers(lambda: api, ledger, lambda run_id: run_id == OTHER_ID)
    assert (report.removed, report.in_use, report.errors) == ((RUN_ID,), (OTHER_ID,), ())
    assert list(api.accounts.values()) == [f"pytest-token-run-{OTHER_ID}"]


def test_a_leftover_that_is_gone_already_is_removed(
    minter: Minter, api: FakeAdminApi, ledger: Ledger
) -> None:
    """Somebody deleted the account by hand: the note goes."""
    minter.mint(RUN_ID, "proj_1")
    api.accounts.clear()
    assert remove_leftovers(lambda: api, ledger, lambda _: False).removed == (RUN_ID,)
    assert not note_path(ledger, RUN_ID).exists()


def test_one_bad_note_stops_nothing(minter: Minter, api: FakeAdminApi, ledger: Ledger) -> None:
    """A note that can't be read is an error by name, and stays."""
    minter.mint(RUN_ID, "proj_1")
    bad = note_path(ledger, "00000000")
    for content in ("{", "[]", '{"run_id": "../x", "project_id": "p"}'):
        bad.write_text(content)
        report = remove_leftovers(lambda: api, ledger, lambda _: True)
        assert report.in_use == (RUN_ID,)
        (error,) = report.errors
        assert error.startswith(f"{bad} ")
        assert "note of a minted key" in error
        assert bad.exists()


def test_without_leftovers_no_admin_key_is_needed(ledger: Ledger) -> None:
    """The client is made only if there is something to remove."""

    def never() -> FakeAdminApi:
        raise AssertionError

    report = remove_leftovers(never, ledger, lambda _: False)
    assert (report.removed, report.errors) == ((), ())


@pytest.fixture
def desk(minter: Minter) -> Iterator[MintDesk]:
    """The controller's end of the line."""
    desk = MintDesk(minter)
    yield desk
    desk.close()


def test_a_worker_gets_its_keys_through_the_controller(desk: MintDesk, api: FakeAdminApi) -> None:
    """Minting and removing work over the line as they do in the controller."""
    line = MintLine(desk.address_for("gw0"))
    key = line.mint(RUN_ID, "proj_1")
    assert (key.project_id, key.key_id, key.value) == ("proj_1", "key-of-svc_acct_1", "sk-secret")
    assert "sk-secret" not in repr(key)
    line.remove(RUN_ID)
    assert api.accounts == {}


def test_an_error_travels_to_the_worker(desk: MintDesk, api: FakeAdminApi) -> None:
    """What the Admin API said is what the test's error says."""
    api.failure = AdminRequestError("no permission", 403)
    with pytest.raises(MintError, match="no permission"):
        MintLine(desk.address_for("gw0")).mint(RUN_ID, "proj_1")


def test_a_dead_workers_keys_are_removed(desk: MintDesk, api: FakeAdminApi) -> None:
    """The controller removes them when it learns of the death, and only them."""
    MintLine(desk.address_for("gw0")).mint(RUN_ID, "proj_1")
    MintLine(desk.address_for("gw1")).mint(OTHER_ID, "proj_1")
    desk.remove_runs_of("gw0")
    assert list(api.accounts.values()) == [f"pytest-token-run-{OTHER_ID}"]


def test_a_stranger_gets_no_key(desk: MintDesk, api: FakeAdminApi) -> None:
    """Without the secret the desk doesn't answer, and goes on for those who have it."""
    address = desk.address_for("gw0")
    with pytest.raises(MintError, match=r"can't be reached: .*; keys are minted by the session's"):
        MintLine(address | {"secret": "00"}).mint(RUN_ID, "proj_1")
    assert api.asked == []
    MintLine(address).mint(RUN_ID, "proj_1")


def test_an_admin_key_is_in_no_message() -> None:
    """A failing request names what was asked and not with what key."""
    api = OpenAiAdminApi(SecretText("sk-admin-secret"), "http://127.0.0.1:1/v1", retries=0)
    with pytest.raises(MintError) as caught:
        api.delete(f"{PROJECT}/x")
    assert f"DELETE {PROJECT}/x failed: " in str(caught.value)
    assert "sk-admin-secret" not in str(caught.value) + repr(vars(api))
