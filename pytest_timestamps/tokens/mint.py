"""A key of its own for a run: created through the Admin API, and always removed again.

Before a key is asked for, a note of the intent is on disk; before a key is used, its id is. So
whatever dies, the leftovers can be found. A key's value is never written.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Protocol

from pytest_timestamps.errors import MintError
from pytest_timestamps.tokens.admin_api import AdminApi, AdminRequestError, accounts_path
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.leftovers import (
    KeyNote,
    account_name,
    note_path,
    remove_noted,
    write_note,
)
from pytest_timestamps.tokens.secret import SecretText

__all__ = ["KeySource", "MintedKey", "Minter"]


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A key that belongs to one run."""

    project_id: str
    key_id: str
    value: SecretText


class KeySource(Protocol):
    """Whatever hands out keys: the minter itself, or a worker's line to it."""

    def mint(self, run_id: str, project_id: str) -> MintedKey:
        """A new key for *run_id*, made in *project_id*; raises `MintError`."""

    def remove(self, run_id: str) -> None:
        """Remove the run's key, if it has one; raises `MintError`."""


class Minter:
    """Creates and removes keys, and keeps the notes of it in the ledger's folder.

    Runs in the one process that has the admin key; safe to use from several threads.
    """

    def __init__(self, api: AdminApi, ledger: Ledger) -> None:
        self._api = api
        self._ledger = ledger
        self._live: dict[str, KeyNote] = {}

    def mint(self, run_id: str, project_id: str) -> MintedKey:
        """A new key for *run_id*; its id is on disk when this returns.

        Raises `MintError`, or `LedgerError` where no note can be kept; what was created by then
        is noted, and removed at the session's end or with the leftovers.
        """
        intent = KeyNote(run_id, project_id)
        write_note(self._ledger, intent)
        self._live[run_id] = intent
        try:
            answer = self._api.post(accounts_path(project_id), {"name": account_name(run_id)})
        except AdminRequestError as error:
            if error.status is not None and 400 <= error.status < 500:
                # Refused, so nothing was created and nothing is left to remove.
                del self._live[run_id]
                with contextlib.suppress(OSError):
                    note_path(self._ledger, run_id).unlink()
            raise
        account, key = _checked(answer, project_id)
        self._live[run_id] = KeyNote(run_id, project_id, account, key.key_id)
        write_note(self._ledger, self._live[run_id])
        return key

    def remove(self, run_id: str) -> None:
        """Remove the run's key, if it has one."""
        note = self._live.get(run_id)
        if note is not None:
            remove_noted(self._api, self._ledger, note)
            self._live.pop(run_id, None)

    def remove_all(self) -> list[MintError]:
        """Remove every key that is left; gives the errors of those that couldn't be."""
        errors: list[MintError] = []
        for run_id in list(self._live):
            try:
                self.remove(run_id)
            except MintError as error:
                errors.append(error)
        return errors


def _checked(answer: object, project_id: str) -> tuple[str, MintedKey]:
    fields = answer if isinstance(answer, dict) else {}
    key = fields.get("api_key")
    key_fields = key if isinstance(key, dict) else {}
    parts = {
        "id": fields.get("id"),
        "api_key.id": key_fields.get("id"),
        "api_key.value": key_fields.get("value"),
    }
    for name, part in parts.items():
        if not isinstance(part, str) or not part:
            raise MintError(
                f"the Admin API answered without a usable {name} when asked for a key in project "
                f"{project_id}; expected a service account with a key"
            )
    return str(parts["id"]), MintedKey(
        project_id, str(parts["api_key.id"]), SecretText(parts["api_key.value"])
    )
