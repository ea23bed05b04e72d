"""Slugs, run ids and windows: what may become a folder, and what a window covers."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.tokens.clock import unfaked_time_ns
from pytest_timestamps.tokens.slugs import check_run_id, check_slug, is_slug
from pytest_timestamps.tokens.window import NS_PER_S, Window, ceil_s, floor_s


@pytest.mark.parametrize("slug", ["a", "baes", "a-b_9", "a" * 64, "con1", "com10", "console"])
def test_a_good_slug_is_taken_as_it_is(slug: str) -> None:
    """Lower-case letters, digits, '_' and '-', up to 64, beginning with a letter."""
    assert check_slug(slug) == slug


@pytest.mark.parametrize(
    ("slug", "shown"),
    [
        ("", "got ''"),
        ("../../etc", "got '../../etc'"),
        ("a b", "got 'a b'"),
        ("a" * 300, f"got '{'a' * 60}'... (300 characters)"),
        ("A", "got 'A'"),
        ("9a", "got '9a'"),
        ("a\n", "got 'a\\n'"),
        ("a/b", "got 'a/b'"),
        ("é", "got 'é'"),
        ("con", "got 'con'"),
        ("nul", "got 'nul'"),
        ("lpt9", "got 'lpt9'"),
    ],
)
def test_a_bad_slug_is_shown_with_the_rule(slug: str, shown: str) -> None:
    """Whatever could leave the folder, or open a device, is refused."""
    with pytest.raises(ArgumentError) as caught:
        check_slug(slug)
    assert "framework must be a lower-case letter followed by up to 63" in str(caught.value)
    assert shown in str(caught.value)


@pytest.mark.parametrize("value", [None, 3, b"baes", ["baes"]])
def test_a_slug_is_a_string(value: object) -> None:
    """Another type is a type error."""
    with pytest.raises(ArgumentTypeError, match="framework must be a string, got"):
        check_slug(value)


@given(st.text(max_size=5))
def test_no_slug_can_leave_its_folder(text: str) -> None:
    """Whatever passes is made of harmless characters."""
    if is_slug(text):
        assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@given(st.uuids())
def test_a_run_id_has_one_spelling(value: uuid.UUID) -> None:
    """Capitals, and UUID objects, are the same id."""
    assert check_run_id(value) == check_run_id(str(value).upper()) == str(value)


@pytest.mark.parametrize(
    "value", ["", "x", "{" + str(uuid.UUID(int=1)) + "}", uuid.UUID(int=1).hex]
)
def test_a_run_id_is_a_uuid(value: str) -> None:
    """Anything else is an error that shows an example."""
    with pytest.raises(ArgumentError, match="run_id must be a UUID such as '0b0c9a56"):
        check_run_id(value)


def test_a_run_id_of_another_type_is_a_type_error() -> None:
    """A number is not read as an id."""
    with pytest.raises(ArgumentTypeError, match="run_id must be a UUID or its text, got 7"):
        check_run_id(7)


moments = st.integers(0, 4 * 10**18)


@given(moments, moments)
def test_a_window_covers_both_moments_and_little_more(one: int, two: int) -> None:
    """Start floored, end ceiled, at least one second, less than two seconds too much."""
    start, end = sorted((one, two))
    window = Window.covering(start, end)
    assert window.start_s * NS_PER_S <= start
    assert end <= window.end_s * NS_PER_S
    assert window.duration_s >= 1
    assert window.duration_s * NS_PER_S < end - start + 2 * NS_PER_S


@given(moments, st.lists(moments, max_size=5))
def test_a_window_only_grows(start: int, later: list[int]) -> None:
    """Whatever the clock says next, what was covered stays covered and the start stays."""
    window = Window.covering(start, start)
    for moment in later:
        grown = window.extended_to(moment)
        assert grown.start_s == window.start_s
        assert grown.end_s == max(window.end_s, ceil_s(moment))
        window = grown


def test_a_whole_second_is_its_own_floor_and_ceiling() -> None:
    """A run that ends on a tick doesn't get the next second."""
    assert (floor_s(7 * NS_PER_S), ceil_s(7 * NS_PER_S)) == (7, 7)
    assert Window.covering(7 * NS_PER_S, 9 * NS_PER_S) == Window(7, 9)
    assert Window.covering(9 * NS_PER_S, 7 * NS_PER_S) == Window(9, 10)


def test_windows_that_touch_share_nothing() -> None:
    """The end is exclusive."""
    assert not Window(1, 2).overlaps(Window(2, 3))
    assert Window(1, 3).overlaps(Window(2, 3))


def test_a_faked_clock_is_not_believed() -> None:
    """A run's window is in real time, also inside a test that pretends to be elsewhere."""
    freezegun = pytest.importorskip("freezegun")
    before = unfaked_time_ns()
    with freezegun.freeze_time("2001-01-01"):
        inside = unfaked_time_ns()
    assert 0 <= inside - before < 600 * NS_PER_S
