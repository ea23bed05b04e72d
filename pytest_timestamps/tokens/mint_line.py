"""The line between the process that has the admin key and those that need keys from it.

Workers of a distributed session know neither the admin key nor each other: they ask the
controller, over a loopback connection that both ends prove a shared secret on.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

from pytest_timestamps.errors import MintError, TokenRunError
from pytest_timestamps.tokens.mint import KeySource, MintedKey
from pytest_timestamps.tokens.secret import SecretText

__all__ = ["MintDesk", "MintLine"]


class MintDesk:
    """The controller's end: answers workers' requests until it is closed."""

    def __init__(self, source: KeySource) -> None:
        self._source = source
        self._secret = secrets.token_bytes(32)
        self._listener = Listener(("127.0.0.1", 0), backlog=64, authkey=self._secret)
        self._is_open = True
        self._runs_of: dict[str, set[str]] = {}
        self._thread = threading.Thread(target=self._serve, name="mint-desk", daemon=True)
        self._thread.start()

    def address_for(self, worker: str) -> dict[str, str | int]:
        """What *worker* needs to reach the desk: plain values that any channel carries."""
        _, port = self._listener.address
        return {"port": int(port), "secret": self._secret.hex(), "worker": worker}

    def remove_runs_of(self, worker: str) -> None:
        """Remove the keys of a worker that died; raises `MintError`."""
        for run_id in self._runs_of.pop(worker, set()):
            self._source.remove(run_id)

    def close(self) -> None:
        """Answer no more."""
        self._is_open = False
        # Closing a socket doesn't wake who waits on it; a visitor does.
        with contextlib.suppress(OSError, EOFError):
            Client(self._listener.address, authkey=self._secret).close()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while self._is_open:
            try:
                visitor = self._listener.accept()
            except Exception:
                # A stranger on the port fails the handshake, in ways that vary by platform.
                continue
            if not self._is_open:
                visitor.close()
                return
            threading.Thread(target=self._answer, args=(visitor,), daemon=True).start()

    def _answer(self, visitor: Connection[Any, Any]) -> None:
        with contextlib.suppress(OSError, EOFError), visitor:
            request = json.loads(visitor.recv_bytes())
            try:
                reply = self._handled(request)
            except TokenRunError as error:
                reply = {"error": str(error)}
            visitor.send_bytes(json.dumps(reply).encode())

    def _handled(self, request: dict[str, str]) -> dict[str, str]:
        run_id, worker = request["run_id"], request["worker"]
        if request["do"] == "remove":
            self._source.remove(run_id)
            self._runs_of.get(worker, set()).discard(run_id)
            return {}
        # Noted first: a worker that dies while its key is made must not keep it.
        self._runs_of.setdefault(worker, set()).add(run_id)
        key = self._source.mint(run_id, request["project_id"])
        return {"project_id": key.project_id, "key_id": key.key_id, "value": str(key.value)}


class MintLine:
    """A worker's end: a `KeySource` that asks the desk at *address*."""

    def __init__(self, address: dict[str, str | int]) -> None:
        self._port = int(address["port"])
        self._secret = bytes.fromhex(str(address["secret"]))
        self._worker = str(address["worker"])

    def mint(self, run_id: str, project_id: str) -> MintedKey:
        """A new key for *run_id*; raises `MintError`."""
        reply = self._ask({"do": "mint", "run_id": run_id, "project_id": project_id})
        return MintedKey(reply["project_id"], reply["key_id"], SecretText(reply["value"]))

    def remove(self, run_id: str) -> None:
        """Remove the run's key; raises `MintError`."""
        self._ask({"do": "remove", "run_id": run_id})

    def _ask(self, request: dict[str, str]) -> dict[str, str]:
        try:
            with Client(("127.0.0.1", self._port), authkey=self._secret) as line:
                line.send_bytes(json.dumps(request | {"worker": self._worker}).encode())
                reply: dict[str, str] = json.loads(line.recv_bytes())
        except (OSError, EOFError, AuthenticationError) as error:
            raise MintError(
                f"the process that mints keys can't be reached: {error!r:.100}; keys are minted "
                "by the session's controller, which must be on the same machine"
            ) from None
        if "error" in reply:
            raise MintError(reply["error"])
        return reply
