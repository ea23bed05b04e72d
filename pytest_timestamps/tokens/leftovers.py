"""Notes of minted keys, and how what a crash left behind is removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_timestamps.errors import LedgerError, MintError
from pytest_timestamps.tokens.admin_api import AdminApi, accounts_named, delete_account
from pytest_timestamps.tokens.atomic import write_atomically
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.slugs import is_run_id

__all__ = [
    "KeyNote",
    "LeftoverReport",
    "account_name",
    "note_path",
    "read_note",
    "remove_leftovers",
    "remove_noted",
    "write_note",
]

_NOTES: Final = ".minted"
_NAME_PREFIX: Final = "pytest-token-run-"


@dataclass(frozen=True, slots=True)
class KeyNote:
    """A key that exists, or is about to, until its note is gone. It has ids and no value."""

    run_id: str
    project_id: str
    service_account_id: str | None = None
    api_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class LeftoverReport:
    """What `remove_leftovers` did: run ids removed and skipped, and what went wrong."""

    removed: tuple[str, ...]
    in_use: tuple[str, ...]
    errors: tuple[str, ...]


def account_name(run_id: str) -> str:
    """The name of a run's service account; an account whose id got lost is found by it."""
    return f"{_NAME_PREFIX}{run_id}"


def note_path(ledger: Ledger, run_id: str) -> Path:
    """Where the note of a run's key is."""
    return ledger.root / _NOTES / f"{run_id}.json"


def write_note(ledger: Ledger, note: KeyNote) -> None:
    """Put *note* on the disk; raises `LedgerError`."""
    path = note_path(ledger, note.run_id)
    content = {name: getattr(note, name) for name in KeyNote.__slots__}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(content).encode())
    except OSError as error:
        raise LedgerError(
            f"{path} can't be written: {error.strerror or error}; no key is used whose id "
            "isn't on disk"
        ) from error


def read_note(path: Path) -> KeyNote:
    """The note at *path*; raises `MintError` if it is none."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise MintError(f"{path} can't be read as the note of a minted key: {error}") from None
    fields = data if isinstance(data, dict) else {}
    run_id, project_id = fields.get("run_id"), fields.get("project_id")
    if not isinstance(run_id, str) or not is_run_id(run_id) or not isinstance(project_id, str):
        raise MintError(
            f"{path} is no note of a minted key: expected a run_id and a project_id; if it isn't "
            "yours, delete it"
        )
    account, key_id = fields.get("service_account_id"), fields.get("api_key_id")
    return KeyNote(
        run_id,
        project_id,
        account if isinstance(account, str) else None,
        key_id if isinstance(key_id, str) else None,
    )


def remove_noted(api: AdminApi, ledger: Ledger, note: KeyNote) -> bool:
    """Remove the service account of *note*, and its key with it; say if there was one.

    A note without an account's id was written before the answer came: the account is looked up
    by its name. The note goes last.
    """
    if note.service_account_id is not None:
        accounts = [note.service_account_id]
    else:
        accounts = accounts_named(api, note.project_id, account_name(note.run_id))
    for account in accounts:
        delete_account(api, note.project_id, account)
    note_path(ledger, note.run_id).unlink(missing_ok=True)
    return bool(accounts)


def remove_leftovers(
    api: Callable[[], AdminApi], ledger: Ledger, is_in_use: Callable[[str], bool]
) -> LeftoverReport:
    """Remove every noted key whose run isn't going on; one that fails doesn't stop the others.

    *api* is called only if there is something to remove: without leftovers no admin key is
    needed.
    """
    removed: list[str] = []
    in_use: list[str] = []
    errors: list[str] = []
    made: AdminApi | None = None
    folder = ledger.root / _NOTES
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            note = read_note(path)
            if is_in_use(note.run_id):
                in_use.append(note.run_id)
                continue
            made = made or api()
            remove_noted(made, ledger, note)
            removed.append(note.run_id)
        except MintError as error:
            errors.append(str(error))
    return LeftoverReport(tuple(removed), tuple(in_use), tuple(errors))
