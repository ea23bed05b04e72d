"""Projects, service accounts and keys of the sandbox's one organization."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Accounts", "ApiKey", "ServiceAccount"]

DEFAULT_PROJECT_ID = "proj_sandbox"
USER_ID = "user-sandbox"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A project key. Its value is left out of every repr."""

    id: str
    value: str = field(repr=False)
    name: str
    project_id: str
    created_at_s: int
    service_account_id: str | None = None

    @property
    def redacted_value(self) -> str:
        """The value as a listing shows it."""
        return f"{self.value[:8]}…{self.value[-4:]}"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A bot user of a project, owner of the keys that are minted for it."""

    id: str
    name: str
    project_id: str
    created_at_s: int


class Accounts:
    """Who may call the sandbox: thread-safe, with ids in the provider's shape.

    Ids count up, so that two sandboxes that are used alike hand out the same ids; the values of
    keys are random, so that a value in a log can't be mistaken for a harmless constant.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._projects: dict[str, str] = {}
        self._accounts: dict[str, ServiceAccount] = {}
        self._keys: dict[str, ApiKey] = {}
        self.admin_key = f"sk-admin-{secrets.token_hex(16)}"
        self._projects[DEFAULT_PROJECT_ID] = "Sandbox"

    def create_project(self, name: str) -> str:
        """Open a project and answer its id."""
        with self._lock:
            project_id = self._next_id("proj_")
            self._projects[project_id] = name
            return project_id

    def has_project(self, project_id: str) -> bool:
        """Whether *project_id* exists."""
        return project_id in self._projects

    def create_key(
        self,
        name: str,
        project_id: str = DEFAULT_PROJECT_ID,
        service_account_id: str | None = None,
    ) -> ApiKey:
        """Make a key and answer it with its value."""
        with self._lock:
            key = ApiKey(
                id=self._next_id("key_"),
                value=f"sk-sandbox-{secrets.token_hex(16)}",
                name=name,
                project_id=project_id,
                created_at_s=int(self._now_s()),
                service_account_id=service_account_id,
            )
            self._keys[key.id] = key
            return key

    def create_service_account(self, name: str, project_id: str) -> ServiceAccount:
        """Make a service account in *project_id*."""
        with self._lock:
            account = ServiceAccount(
                self._next_id("svc_acct_"), name, project_id, int(self._now_s())
            )
            self._accounts[account.id] = account
            return account

    def key_by_value(self, value: str) -> ApiKey | None:
        """The key with this value, unless it was never made or has been deleted."""
        with self._lock:
            return next((key for key in self._keys.values() if key.value == value), None)

    def keys(self, project_id: str | None = None) -> tuple[ApiKey, ...]:
        """The keys that work, of one project or of all."""
        with self._lock:
            return tuple(k for k in self._keys.values() if project_id in (None, k.project_id))

    def key(self, project_id: str, key_id: str) -> ApiKey | None:
        """The key with this id in this project."""
        return next((key for key in self.keys(project_id) if key.id == key_id), None)

    def service_accounts(self, project_id: str) -> tuple[ServiceAccount, ...]:
        """The service accounts of a project."""
        with self._lock:
            return tuple(a for a in self._accounts.values() if a.project_id == project_id)

    def service_account(self, project_id: str, account_id: str | None) -> ServiceAccount | None:
        """The service account with this id in this project."""
        listed = self.service_accounts(project_id)
        return next((account for account in listed if account.id == account_id), None)

    def delete_key(self, key_id: str) -> None:
        """Make a key stop working; what it used stays in the books."""
        with self._lock:
            self._keys.pop(key_id, None)

    def delete_service_account(self, account_id: str) -> None:
        """Remove a service account together with its keys."""
        with self._lock:
            self._accounts.pop(account_id, None)
            owned = [k.id for k in self._keys.values() if k.service_account_id == account_id]
            for key_id in owned:
                del self._keys[key_id]

    def _next_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):012d}"
