"""Which key belongs to a run, and under which id the books know it."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError, KeysError
from pytest_timestamps.tokens.secret import SecretText

__all__ = [
    "ADMIN_KEY_VARIABLES",
    "DEFAULT_FRAMEWORK",
    "EXECUTION_KEY",
    "KeyPolicy",
    "KeyVariables",
    "KeyWish",
    "RunKey",
    "admin_key",
    "check_key_id",
    "check_project_id",
    "find_keys",
    "key_variables",
    "without_admin_keys",
]

DEFAULT_FRAMEWORK: Final = "default"
EXECUTION_KEY: Final = "OPENAI_API_KEY"
ADMIN_KEY_VARIABLES: Final = ("OPENAI_ADMIN_KEY", "OPEN_AI_KEY_ADM")

_KEY_ID: Final = re.compile(r"key_[A-Za-z0-9]{12,}")
_KEY_ID_RULE: Final = "'key_' and 12 or more letters and digits"


class KeyPolicy(enum.StrEnum):
    """Where a run's key comes from, and what happens without one."""

    REQUIRE = "require"
    OBSERVE = "observe"
    MINT = "mint"


@dataclass(frozen=True, slots=True)
class KeyVariables:
    """The environment variables of one framework: its key, and the key's id."""

    key: str
    key_id: str


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A run that needs a key: which framework's, for which test, with an id given or not."""

    framework: str
    test: str
    api_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class RunKey:
    """What a run got: the key's value, masked wherever it is shown, and its id."""

    value: SecretText | None
    key_id: str | None


def key_variables(framework: str) -> KeyVariables:
    """The variables of *framework*, a slug."""
    if framework == DEFAULT_FRAMEWORK:
        return KeyVariables(EXECUTION_KEY, f"{EXECUTION_KEY}_ID")
    name = f"{EXECUTION_KEY}_{framework.upper().replace('-', '_')}"
    return KeyVariables(name, f"{name}_ID")


def check_key_id(value: object) -> str:
    """*value* itself if it looks like a key's id; raises `ArgumentError` or `ArgumentTypeError`."""
    if not isinstance(value, str):
        raise ArgumentTypeError(
            f"api_key_id must be a string, got {type(value).__name__}; a key's id is {_KEY_ID_RULE}"
        )
    if _KEY_ID.fullmatch(value) is None:
        raise ArgumentError(f"api_key_id must be {_KEY_ID_RULE}; got {_shown(value)}")
    return value


def check_project_id(value: object) -> str:
    """*value* itself if it can be a project's id."""
    if not isinstance(value, str):
        raise ArgumentTypeError(f"project_id must be a string, got {type(value).__name__}")
    if re.fullmatch(r"[A-Za-z0-9_-]{1,128}", value) is None:
        raise ArgumentError(
            "project_id must be 1 to 128 letters, digits, '_' and '-', such as "
            f"'proj_abc123'; got {_shown(value, 'proj_')}"
        )
    return value


def find_keys(
    wishes: Iterable[KeyWish], environ: Mapping[str, str], policy: KeyPolicy
) -> dict[KeyWish, RunKey]:
    """The key of each wish, from *environ*.

    With `KeyPolicy.REQUIRE` raises one `KeysError` that names every variable that is missing or
    malformed and a test that needs it; there is no fallback to another key.
    With the other policies what isn't there is None: minted keys come later, and a run that is
    only observed can do without. Two frameworks that share a variable are an error in each.
    """
    wishes = list(wishes)
    _refuse_clashes(wishes)
    if policy is KeyPolicy.MINT:
        return {wish: RunKey(None, None) for wish in wishes}
    complaints: dict[str, str] = {}
    found: dict[KeyWish, RunKey] = {}
    for wish in wishes:
        variables = key_variables(wish.framework)
        value, key_complaint = _key(variables.key, environ)
        key_id, id_complaint = wish.api_key_id, None
        if key_id is None:
            key_id, id_complaint = _key_id(variables.key_id, environ)
        for complaint in (key_complaint, id_complaint):
            if complaint is not None:
                complaints.setdefault(
                    complaint, f"{complaint} (framework '{wish.framework}', {wish.test})"
                )
        found[wish] = RunKey(value, key_id)
    if complaints and policy is KeyPolicy.REQUIRE:
        raise KeysError(
            "token runs lack their keys:\n  "
            + "\n  ".join(complaints.values())
            + "\nset these variables; or record runs that can't be reconciled, with "
            "--token-run-keys=observe"
        )
    return found


def admin_key(environ: Mapping[str, str]) -> SecretText:
    """The admin key; raises `KeysError` if there is none."""
    for name in ADMIN_KEY_VARIABLES:
        value, _ = _key(name, environ)
        if value is not None:
            return value
    names = " or ".join(ADMIN_KEY_VARIABLES)
    raise KeysError(f"there is no admin key: expected one in {names}; set it where you need it")


def without_admin_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """*environ* for a process that has no business with the admin key."""
    return {name: value for name, value in environ.items() if name not in ADMIN_KEY_VARIABLES}


def _key(name: str, environ: Mapping[str, str]) -> tuple[SecretText | None, str | None]:
    value = environ.get(name)
    if value is None:
        return None, f"{name} is not set; expected an API key"
    if not value:
        return None, f"{name} is empty; expected an API key"
    if not value.isascii() or not value.isprintable() or " " in value:
        return None, f"{name} holds white space or other characters that no API key has"
    return SecretText(value), None


def _key_id(name: str, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    value = environ.get(name)
    if value is None:
        return None, f"{name} is not set; expected the id of the API key, {_KEY_ID_RULE}"
    if _KEY_ID.fullmatch(value) is None:
        return None, f"{name} must be {_KEY_ID_RULE}; got {_shown(value)}"
    return value, None


def _refuse_clashes(wishes: Iterable[KeyWish]) -> None:
    owners: dict[str, str] = {}
    for framework in sorted({wish.framework for wish in wishes}):
        variables = key_variables(framework)
        # A framework 'id' would read as its key what is the default framework's id, and so on.
        for name in (variables.key, variables.key_id):
            owner = owners.setdefault(name, framework)
            if owner != framework:
                raise KeysError(
                    f"frameworks '{owner}' and '{framework}' would both use the variable {name}; "
                    "rename one of them"
                )


def _shown(value: str, prefix: str = "key_") -> str:
    """The value of an id, unless it may be a key that was put into the wrong place."""
    if value.startswith(prefix) and len(value) <= 64:
        return repr(value)
    return f"{len(value)} characters that don't begin with '{prefix}'" if value else "nothing"
