"""The few requests of the provider's Admin API that minting keys needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote

from pytest_timestamps.errors import MintError
from pytest_timestamps.tokens.secret import SecretText, masked

__all__ = [
    "AdminApi",
    "AdminRequestError",
    "OpenAiAdminApi",
    "accounts_named",
    "accounts_path",
    "delete_account",
]

_TIMEOUT_S: Final = 60.0
_PAGE: Final = 100
_HINTS: Final = {
    401: "; expected an admin key in OPENAI_ADMIN_KEY",
    403: "; the admin key needs permission to manage the project's service accounts",
    404: "; check token_run_project_id",
}


class AdminApi(Protocol):
    """The three requests that minting makes; each answers with the decoded JSON.

    Raises `MintError`, whose ``status`` is the HTTP status or None.
    """

    def get(self, path: str, query: Mapping[str, object]) -> object: ...
    def post(self, path: str, body: Mapping[str, object]) -> object: ...
    def delete(self, path: str) -> object: ...


class AdminRequestError(MintError):
    """A request of the Admin API failed; ``status`` is None where no answer came."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class OpenAiAdminApi:
    """The Admin API through the official SDK, which retries what can be retried."""

    def __init__(self, key: SecretText, base_url: str | None = None, retries: int = 3) -> None:
        self._key = key
        self._base_url = base_url
        self._retries = retries
        self._made: Any = None

    def get(self, path: str, query: Mapping[str, object]) -> object:
        """GET *path*."""
        return self._ask(
            "GET", path, lambda c: c.get(path, cast_to=object, options={"params": dict(query)})
        )

    def post(self, path: str, body: Mapping[str, object]) -> object:
        """POST *body* to *path*."""
        return self._ask("POST", path, lambda c: c.post(path, cast_to=object, body=dict(body)))

    def delete(self, path: str) -> object:
        """DELETE *path*."""
        return self._ask("DELETE", path, lambda c: c.delete(path, cast_to=object))

    def _ask(self, verb: str, path: str, request: Callable[[Any], object]) -> object:
        import openai

        if self._made is None:
            self._made = openai.OpenAI(
                api_key=self._key,
                base_url=self._base_url,
                timeout=_TIMEOUT_S,
                max_retries=self._retries,
            )
        try:
            return request(self._made)
        except openai.APIStatusError as error:
            hint = _HINTS.get(error.status_code, "")
            said = masked(error.message, [self._key])[:300]
            raise AdminRequestError(
                f"{verb} {path} answered {error.status_code}: {said}{hint}", error.status_code
            ) from None
        except (openai.OpenAIError, ValueError) as error:
            said = masked(str(error), [self._key])[:300]
            raise AdminRequestError(f"{verb} {path} failed: {said}", None) from None


def accounts_path(project_id: str) -> str:
    """Where the service accounts of a project are."""
    return f"/organization/projects/{quote(project_id, safe='')}/service_accounts"


def delete_account(api: AdminApi, project_id: str, account: str) -> None:
    """Delete a service account, and its keys with it; one that is gone is no error."""
    try:
        api.delete(f"{accounts_path(project_id)}/{quote(account, safe='')}")
    except AdminRequestError as error:
        # Somebody removed it before us: that is what was wanted.
        if error.status != 404:
            raise


def accounts_named(api: AdminApi, project_id: str, name: str) -> list[str]:
    """The ids of the project's service accounts of that name, over all pages."""
    found: list[str] = []
    after: str | None = None
    seen: set[str] = set()
    while True:
        query: dict[str, object] = {"limit": _PAGE} | ({"after": after} if after else {})
        page = api.get(accounts_path(project_id), query)
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise MintError(f"the list of service accounts is {page!r:.80}; expected a page")
        rows = [row for row in page["data"] if isinstance(row, dict)]
        found += [str(row.get("id")) for row in rows if row.get("name") == name]
        last = page.get("last_id") or (rows[-1].get("id") if rows else None)
        # A cursor that repeats would turn for ever.
        if page.get("has_more") is not True or not isinstance(last, str) or last in seen:
            return found
        seen.add(last)
        after = last
