"""The books over HTTP, through the official SDK of any version: tries, retries, refusals."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_timestamps.errors import ArgumentError, BooksAccessError, BooksQueryError
from pytest_timestamps.tokens.keys import ADMIN_KEY_VARIABLES, admin_key
from pytest_timestamps.tokens.secret import SecretText, masked

__all__ = ["AdminKey", "BooksClient", "check_base_url", "find_admin_key"]

_BASE_URL_VARIABLE: Final = "OPENAI_BASE_URL"
_TIMEOUT_S: Final = 60.0
_TRIES: Final = 4
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 120.0
_RETRIED: Final = frozenset([408, 409, 429])
_LACKING: Final = {
    401: "it isn't a valid admin key; expected one of the organization's admin keys (sk-admin-...)",
    403: "it lacks the permission to read usage (api.usage.read); project keys never have it: "
    "expected an admin key that may",
}


@dataclass(frozen=True, slots=True)
class AdminKey:
    """The key that opens the books, and the variable that it came from."""

    value: SecretText
    variable: str


def find_admin_key(environ: Mapping[str, str]) -> AdminKey:
    """The admin key; raises `KeysError` if there is none."""
    value = admin_key(environ)
    names = [name for name in ADMIN_KEY_VARIABLES if environ.get(name) == value]
    return AdminKey(value, names[0] if names else ADMIN_KEY_VARIABLES[0])


def check_base_url(option: str | None, environ: Mapping[str, str]) -> None:
    """Raise `ArgumentError` where the address that will be asked can't be one.

    The SDK would try it, and a mistake would look like an outage.
    """
    name, url = "--base-url", option
    if url is None:
        name, url = _BASE_URL_VARIABLE, environ.get(_BASE_URL_VARIABLE)
    if url is None:
        return
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ArgumentError(
            f"{name} must be an http or https address such as https://api.openai.com/v1; "
            f"got {url!r:.80}"
        )


class BooksClient:
    """Asks the organization endpoints, and tries again what can be tried again.

    Rate limits, 5xx and lost connections are retried with growing pauses, or when the answer
    says; *pause* takes seconds. The SDK's own retries are off, so that there is one count.
    """

    def __init__(
        self,
        key: AdminKey,
        base_url: str | None = None,
        *,
        tries: int = _TRIES,
        timeout_s: float = _TIMEOUT_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = key
        self._base_url = base_url
        self._tries = tries
        self._timeout_s = timeout_s
        self._pause = pause
        self._made: Any = None
        self.requests = 0

    @property
    def base_url(self) -> str:
        """Where the books are asked."""
        return str(self._client().base_url)

    def get(self, path: str, params: Mapping[str, object]) -> str:
        """The text of the answer to GET *path*.

        Raises `BooksAccessError` for 401 and 403, `BooksQueryError` for whatever else is no
        answer.
        """
        for tries_left in range(self._tries - 1, -1, -1):
            answer = self._try_once(path, params)
            if isinstance(answer, str):
                return answer
            if not answer.is_passing or not tries_left:
                error = BooksQueryError(f"GET {path} {answer.what}")
                error.status = answer.status
                raise error
            number = self._tries - 1 - tries_left
            pause_s = answer.retry_after_s
            self._pause(_FIRST_PAUSE_S * 2**number if pause_s is None else pause_s)
        raise AssertionError("unreachable: the last try returns or raises")

    def close(self) -> None:
        """Close the connections."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def _try_once(self, path: str, params: Mapping[str, object]) -> str | _Failure:
        import openai

        self.requests += 1
        try:
            # As text, because the SDK's own parsing lets through what isn't an answer.
            return str(self._client().get(path, cast_to=str, options={"params": dict(params)}))
        except openai.APIStatusError as error:
            said = self._masked(error.message)
            if error.status_code in _LACKING:
                raise BooksAccessError(
                    f"GET {path} answered {error.status_code} to the key in "
                    f"{self._key.variable}: {_LACKING[error.status_code]}; the answer said: {said}"
                ) from None
            is_passing = error.status_code >= 500 or error.status_code in _RETRIED
            return _Failure(
                f"answered {error.status_code}: {said}",
                is_passing,
                _retry_after_s(error),
                error.status_code,
            )
        except openai.APITimeoutError:
            return _Failure(f"gave no answer within {self._timeout_s:g} s", True)
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            return _Failure(f"failed: {self._masked(f'{type(cause).__name__}: {cause}')}", True)
        except (openai.OpenAIError, ValueError, OSError) as error:
            return _Failure(f"failed: {self._masked(str(error))}", True)

    def _client(self) -> Any:
        if self._made is None:
            import openai

            self._made = openai.OpenAI(
                api_key=self._key.value,
                base_url=self._base_url,
                timeout=self._timeout_s,
                max_retries=0,
            )
        return self._made

    def _masked(self, text: str) -> str:
        return " ".join(masked(text, [self._key.value])[:300].split())


@dataclass(frozen=True, slots=True)
class _Failure:
    """A try that gave no answer; ``is_passing`` says that another one may."""

    what: str
    is_passing: bool
    retry_after_s: float | None = None
    status: int | None = None


def _retry_after_s(error: Any) -> float | None:
    try:
        seconds = float(error.response.headers.get("retry-after"))
    except (TypeError, ValueError, AttributeError):
        return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE_S)
