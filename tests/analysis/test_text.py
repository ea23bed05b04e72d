"""Figures and tables for people."""

import pytest

from pytest_timestamps.analysis.text import (
    count,
    display_width,
    draw_table,
    format_ns,
    format_share,
    printable,
    shorten,
)


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (9_994, "9.99 µs"),
        (9_996, "10.0 µs"),
        (99_960, "100 µs"),
        (999_400, "999 µs"),
        (999_600, "1.00 ms"),
        (12_345_678, "12.3 ms"),
        (999_500_000, "1.00 s"),
        (59_949_000_000, "59.9 s"),
        (59_950_000_000, "1 min 00 s"),
        (65_000_000_000, "1 min 05 s"),
        (3_599_499_999_999, "59 min 59 s"),
        (3_599_500_000_000, "1 h 00 min"),
        (100_000_000_000_000, "27 h 47 min"),
        (-1_500, "-1.50 µs"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(duration_ns: int, text: str) -> None:
    """Three digits, and no 1000 of a smaller unit."""
    assert format_ns(duration_ns) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(1, 3, "33.3%"), (0, 3, "0.0%"), (1, 9_999, "<0.1%"), (3, 2, "150.0%"), (1, 0, "-")],
)
def test_a_share_is_a_percentage(part: int, whole: int, text: str) -> None:
    """A little is never shown as nothing, and a share of nothing is a dash."""
    assert format_share(part, whole) == text


def test_counts_have_their_plural() -> None:
    """One is singular, all else plural, thousands are set apart."""
    assert [count(n, "test") for n in (0, 1, 1234)] == ["0 tests", "1 test", "1,234 tests"]


def test_what_a_terminal_would_obey_is_escaped() -> None:
    """Line feeds, escapes, right-to-left marks and lone surrogates stay text."""
    assert printable("a\n\x1b[31m\u202e\ud800é") == "a\\n\\x1b[31m\\u202e\\ud800é"


@pytest.mark.parametrize(
    ("width", "text"),
    [(10, "abcdefghij"), (9, "abc…fghij"), (3, "…ij"), (1, "…"), (0, "")],
)
def test_a_long_name_loses_its_middle(width: int, text: str) -> None:
    """The result fits the width, and keeps more of the end than of the start."""
    assert shorten("abcdefghij", width) == text


def test_columns_line_up() -> None:
    """Text to the left, figures to the right, under a ruled heading."""
    assert draw_table(["name", "calls"], [["a", "1,000"], ["longer", "7"]]) == [
        "name    calls",
        "------  -----",
        "a       1,000",
        "longer      7",
    ]


def test_a_name_takes_the_columns_that_a_terminal_gives_it() -> None:
    """Two for wide characters, none for marks on the one before."""
    assert [display_width(text) for text in ("", "abc", "é", "e\u0301", "日本語", "🎉", "x🎉")] == [
        0, 3, 1, 1, 6, 2, 3,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("width", "text"),
    [(12, "日本語のテス"), (11, "日本…のテス"), (8, "日…テス"), (5, "…ス"), (2, "…")],
)
def test_a_wide_name_is_shortened_by_columns(width: int, text: str) -> None:
    """Half of a wide character is none: the result may be a column short."""
    assert shorten("日本語のテス", width) == text
    assert display_width(text) <= width


def test_columns_line_up_below_wide_names() -> None:
    """A figure begins where the terminal shows it, not where the text counts it."""
    assert draw_table(["name", "calls"], [["日本語", "1"], ["e\u0301", "2"], ["abc", "3"]]) == [
        "name    calls",
        "------  -----",
        "日本語      1",
        "e\u0301           2",
        "abc         3",
    ]
