"""Minting in the process that has the admin key: the only one without xdist, or the controller."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_timestamps.errors import KeysError, MintError
from pytest_timestamps.tokens.admin_api import OpenAiAdminApi
from pytest_timestamps.tokens.keys import ADMIN_KEY_VARIABLES, admin_key
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.mint import KeySource, Minter
from pytest_timestamps.tokens.mint_line import MintDesk, MintLine

__all__ = ["Mint", "key_source_at", "take_admin_keys"]


class Mint:
    """Holds the admin key for a session, and gives out what needs it."""

    def __init__(self, run_dir: Path) -> None:
        self._taken = take_admin_keys()
        self._desk: MintDesk | None = None
        self.minter: Minter | None = None
        self.complaint: str | None = None
        try:
            key = admin_key(self._taken)
        except KeysError as error:
            self.complaint = f"--token-run-keys=mint: {error}"
            return
        # Now, because a run may point the variable elsewhere.
        base_url = os.environ.get("OPENAI_BASE_URL") or None
        self.minter = Minter(OpenAiAdminApi(key, base_url), Ledger(run_dir))

    def address_for(self, worker: str) -> dict[str, Any]:
        """What a worker needs to ask for keys, or why it can't have any."""
        if self.minter is None:
            return {"complaint": self.complaint}
        if self._desk is None:
            self._desk = MintDesk(self.minter)
        return dict(self._desk.address_for(worker))

    def worker_died(self, worker: str) -> list[MintError]:
        """Remove the keys that *worker* held; gives what went wrong."""
        try:
            if self._desk is not None:
                self._desk.remove_runs_of(worker)
        except MintError as error:
            return [error]
        return []

    def close(self) -> list[MintError]:
        """Remove all keys, and give the environment its own back."""
        if self._desk is not None:
            self._desk.close()
            self._desk = None
        errors = [] if self.minter is None else self.minter.remove_all()
        os.environ.update(self._taken)
        self._taken = {}
        return errors


def take_admin_keys() -> dict[str, str]:
    """Take the admin keys out of the environment, so that nothing started later has them."""
    return {
        name: value
        for name in ADMIN_KEY_VARIABLES
        if (value := os.environ.pop(name, None)) is not None
    }


def key_source_at(address: Mapping[str, Any]) -> KeySource:
    """A worker's source of keys; raises `KeysError` if the controller has none."""
    if address.get("complaint") is not None:
        raise KeysError(str(address["complaint"]))
    return MintLine(dict(address))
