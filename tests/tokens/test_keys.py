"""Keys: the right variable for each framework, and never a wrong or a shown one."""

from __future__ import annotations

import pickle
import pprint

import pytest

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError, KeysError
from pytest_timestamps.tokens.keys import (
    KeyPolicy,
    KeyVariables,
    KeyWish,
    RunKey,
    admin_key,
    check_key_id,
    check_project_id,
    find_keys,
    key_variables,
    without_admin_keys,
)
from pytest_timestamps.tokens.secret import MASK, SecretText, masked

KEY = "sk-proj-verysecret"
ID = "key_abcdefghijkl"
GOOD = {"OPENAI_API_KEY_BAES": KEY, "OPENAI_API_KEY_BAES_ID": ID}
WISH = KeyWish("baes", "test_a.py::test_b")


@pytest.mark.parametrize(
    ("framework", "expected"),
    [
        ("default", KeyVariables("OPENAI_API_KEY", "OPENAI_API_KEY_ID")),
        ("baes", KeyVariables("OPENAI_API_KEY_BAES", "OPENAI_API_KEY_BAES_ID")),
        ("my-own_2", KeyVariables("OPENAI_API_KEY_MY_OWN_2", "OPENAI_API_KEY_MY_OWN_2_ID")),
    ],
)
def test_a_framework_has_variables_of_its_own(framework: str, expected: KeyVariables) -> None:
    """The slug in capitals, a dash as an underscore; the default framework has the plain names."""
    assert key_variables(framework) == expected


def test_a_complete_environment_gives_key_and_id() -> None:
    """With both variables set the run gets both."""
    assert find_keys([WISH], GOOD, KeyPolicy.REQUIRE) == {WISH: RunKey(SecretText(KEY), ID)}


def test_an_id_in_the_marker_needs_no_variable() -> None:
    """A given id is taken as it is; only the key itself must be in the environment."""
    wish = KeyWish("baes", "t", api_key_id="key_zzzzzzzzzzzz")
    found = find_keys([wish], {"OPENAI_API_KEY_BAES": KEY}, KeyPolicy.REQUIRE)
    assert found[wish].key_id == "key_zzzzzzzzzzzz"


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({}, "OPENAI_API_KEY_BAES is not set; expected an API key (framework 'baes', test_a.py::"),
        ({"OPENAI_API_KEY_BAES": ""}, "OPENAI_API_KEY_BAES is empty"),
        ({"OPENAI_API_KEY_BAES": "sk x"}, "OPENAI_API_KEY_BAES holds white space"),
        ({"OPENAI_API_KEY_BAES": "sk\n"}, "OPENAI_API_KEY_BAES holds white space"),
        ({"OPENAI_API_KEY": KEY, "OPENAI_API_KEY_ID": ID}, "OPENAI_API_KEY_BAES is not set"),
        ({"OPENAI_API_KEY_BAES": KEY}, "OPENAI_API_KEY_BAES_ID is not set"),
        (GOOD | {"OPENAI_API_KEY_BAES_ID": "key_abc"}, "got 'key_abc'"),
        (GOOD | {"OPENAI_API_KEY_BAES_ID": "key_abcdefghijk_"}, "got 'key_abcdefghijk_'"),
        (GOOD | {"OPENAI_API_KEY_BAES_ID": f"{ID}\n"}, "OPENAI_API_KEY_BAES_ID must be 'key_' and"),
        (GOOD | {"OPENAI_API_KEY_BAES_ID": ""}, "got nothing"),
    ],
)
def test_a_missing_or_malformed_variable_is_named(environ: dict[str, str], complaint: str) -> None:
    """There is no fallback; the message names the variable, the framework and a test."""
    with pytest.raises(KeysError) as caught:
        find_keys([WISH], environ, KeyPolicy.REQUIRE)
    assert complaint in str(caught.value)
    assert "test_a.py::test_b" in str(caught.value)
    assert "--token-run-keys=observe" in str(caught.value)


def test_a_key_in_the_place_of_an_id_is_not_shown() -> None:
    """The commonest mistake doesn't print a key into a CI log."""
    with pytest.raises(KeysError) as caught:
        find_keys([WISH], GOOD | {"OPENAI_API_KEY_BAES_ID": KEY}, KeyPolicy.REQUIRE)
    assert "got 18 characters that don't begin with 'key_'" in str(caught.value)
    assert KEY not in str(caught.value)


def test_all_that_is_missing_is_named_at_once() -> None:
    """One failure tells everything there is to set, each variable once."""
    wishes = [WISH, KeyWish("baes", "other"), KeyWish("default", "third")]
    with pytest.raises(KeysError) as caught:
        find_keys(wishes, {}, KeyPolicy.REQUIRE)
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == [
        "OPENAI_API_KEY_BAES",
        "OPENAI_API_KEY_BAES_ID",
        "OPENAI_API_KEY",
        "OPENAI_API_KEY_ID",
    ]


def test_observing_takes_what_is_there() -> None:
    """A laptop without key ids records what it can."""
    assert find_keys([WISH], {}, KeyPolicy.OBSERVE)[WISH] == RunKey(None, None)
    found = find_keys([WISH], {"OPENAI_API_KEY_BAES": KEY}, KeyPolicy.OBSERVE)
    assert found[WISH] == RunKey(SecretText(KEY), None)


def test_minting_needs_no_execution_key() -> None:
    """A key of its own comes later, and none from the environment is used instead."""
    assert find_keys([WISH], GOOD, KeyPolicy.MINT)[WISH] == RunKey(None, None)


@pytest.mark.parametrize(
    ("one", "two", "variable"),
    [
        ("a-b", "a_b", "OPENAI_API_KEY_A_B"),
        ("default", "id", "OPENAI_API_KEY_ID"),
        ("x", "x-id", "OPENAI_API_KEY_X_ID"),
    ],
)
@pytest.mark.parametrize("policy", KeyPolicy)
def test_two_frameworks_never_share_a_variable(
    one: str, two: str, variable: str, policy: KeyPolicy
) -> None:
    """A key that would be read as another framework's, or as an id, is an error by name."""
    wishes = [KeyWish(one, "t"), KeyWish(two, "u")]
    with pytest.raises(KeysError, match=f"would both use the variable {variable}; rename one"):
        find_keys(wishes, {}, policy)


@pytest.mark.parametrize("value", ["key_", "key_abcdefghijk", "sk-abc", "", "Key_abcdefghijkl"])
def test_a_bad_key_id_is_an_argument_error(value: str) -> None:
    """A key's id has one form."""
    with pytest.raises(ArgumentError, match="api_key_id must be 'key_' and 12 or more letters"):
        check_key_id(value)
    assert check_key_id(ID) == ID


@pytest.mark.parametrize("check", [check_key_id, check_project_id])
def test_an_id_is_a_string(check: object) -> None:
    """Another type is named, and its value is not shown."""
    assert callable(check)
    with pytest.raises(ArgumentTypeError, match="must be a string, got int"):
        check(3)


@pytest.mark.parametrize("value", ["", "proj 1", "../x", "p" * 129])
def test_a_bad_project_id_is_an_argument_error(value: str) -> None:
    """A project's id goes into a URL and must not change its path."""
    with pytest.raises(ArgumentError, match="project_id must be 1 to 128 letters"):
        check_project_id(value)
    assert check_project_id("proj_1") == "proj_1"


def test_the_admin_key_has_two_names() -> None:
    """The SDK's name wins over the older one."""
    assert admin_key({"OPEN_AI_KEY_ADM": "b"}) == "b"
    assert admin_key({"OPENAI_ADMIN_KEY": "a", "OPEN_AI_KEY_ADM": "b"}) == "a"
    with pytest.raises(KeysError, match="expected one in OPENAI_ADMIN_KEY or OPEN_AI_KEY_ADM"):
        admin_key({"OPENAI_API_KEY": "c"})
    assert without_admin_keys({"OPENAI_ADMIN_KEY": "a", "OPEN_AI_KEY_ADM": "b", "X": "c"}) == {
        "X": "c"
    }


def test_a_secret_is_masked_wherever_it_is_represented() -> None:
    """Neither its own repr nor that of what holds it shows the value."""
    secret = SecretText(KEY)
    shown = [repr(secret), repr([secret]), f"{secret!r}", pprint.pformat({"k": secret})]
    shown.append(repr(RunKey(secret, ID)))
    for text in shown:
        assert KEY not in text
        assert MASK in text


def test_a_secret_is_a_string_to_whoever_uses_it() -> None:
    """Clients, headers and environments get the value itself."""
    secret = SecretText(KEY)
    assert f"Bearer {secret}" == f"Bearer {KEY}"
    assert secret.encode() == KEY.encode()
    assert pickle.loads(pickle.dumps(secret)) == KEY


def test_secrets_are_masked_in_text() -> None:
    """The longest goes first, so that none leaves its tail; no secret masks nothing."""
    assert masked("a sk-ab sk-abc z", ["sk-ab", "sk-abc", ""]) == f"a {MASK} {MASK} z"
    assert masked("text", []) == "text"


@pytest.mark.parametrize(
    ("shortened", "expected"),
    [
        ("'Bearer sk-abcdefgh...'", f"'Bearer {MASK}...'"),
        ("'aask-abcdefgh...zz", f"'aa{MASK}...zz"),
        ("...mnopqrst' and ...klmnopyy", f"...{MASK}' and ...{MASK}yy"),
        ("...cdefgh...ijklmn...", f"...{MASK}...{MASK}..."),
        ("sk-ab...pqrst", "sk-ab...pqrst"),
        ("a unrelated...words", "a unrelated...words"),
    ],
)
def test_what_is_left_of_a_shortened_secret_is_masked(shortened: str, expected: str) -> None:
    """Its parts beside an ellipsis go too, but for those that are too short to tell anything."""
    assert masked(shortened, ["sk-abcdefghijklmnopqrst"]) == expected
