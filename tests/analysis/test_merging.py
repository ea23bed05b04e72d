"""Merging call-path tables."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from pytest_timestamps.analysis.merging import merge_paths
from pytest_timestamps.recording.results import PathStats
from tests.samples import path


def test_equal_paths_add_up() -> None:
    """Counts and times are summed, the extremes are the extremes of both."""
    one = [path("a", calls=2, total_ns=30, errors=1, min_ns=5, max_ns=25, suspended_ns=4)]
    two = [path("a", calls=1, total_ns=40, min_ns=40, max_ns=40, open=1, suspended_ns=1)]
    assert merge_paths([one, two]) == (PathStats(-1, "a", "", False, 3, 1, 1, 70, 70, 5, 40, 5),)


def test_a_row_without_calls_has_no_say_in_the_extremes() -> None:
    """The zeros of a path that was never called are no minimum."""
    silent = [path("a", calls=0, total_ns=0)]
    called = [path("a", calls=1, total_ns=8)]
    assert merge_paths([silent, called]) == merge_paths([called, silent])
    assert merge_paths([silent, called])[0].min_ns == 8


def test_what_was_not_timed_adds_up() -> None:
    """Estimated and counted-only calls are summed as the others are."""
    one = [path("a", calls=9, total_ns=90, estimated=6, untimed=1)]
    two = [path("a", calls=5, total_ns=40, estimated=1, untimed=3)]
    (row,) = merge_paths([one, two])
    assert (row.calls, row.total_ns, row.estimated, row.untimed) == (14, 130, 7, 4)


def test_a_row_without_a_timed_call_has_no_say_in_the_extremes() -> None:
    """The zeros of calls that were counted or estimated are no minimum."""
    silent = [path("a", calls=5, total_ns=40, min_ns=0, max_ns=0, estimated=3, untimed=2)]
    timed = [path("a", calls=2, total_ns=8, min_ns=4, max_ns=4, untimed=1)]
    assert merge_paths([silent, timed]) == merge_paths([timed, silent])
    (row,) = merge_paths([silent, timed])
    assert (row.calls, row.min_ns, row.max_ns) == (7, 4, 4)


def test_sections_detached_and_parents_keep_paths_apart() -> None:
    """The same name is another path in another section, beside its parent, or elsewhere."""
    table = [
        path("a", section="setup"),
        path("a", section="call"),
        path("a", parent=1),
        path("a", parent=1, detached=True),
    ]
    assert len(merge_paths([table, table])) == 4


def test_parents_come_before_children() -> None:
    """Each row's parent has a smaller number, so a reader needs one pass."""
    merged = merge_paths([[path("b"), path("c", parent=0)], [path("a"), path("z", parent=0)]])
    assert [(row.name, row.parent) for row in merged] == [("a", -1), ("z", 0), ("b", -1), ("c", 2)]


def test_a_tree_of_any_depth_is_merged() -> None:
    """A path 50,000 names deep needs no recursion."""
    deep = [path(f"f{level}", parent=level - 1) for level in range(50_000)]
    merged = merge_paths([deep, deep])
    assert len(merged) == 50_000
    assert merged[-1].calls == 2


@st.composite
def tables(draw: st.DrawFn) -> list[PathStats]:
    """A small table with random shape and figures."""
    rows: list[PathStats] = []
    for at in range(draw(st.integers(0, 6))):
        parent = draw(st.integers(-1, at - 1))
        calls = draw(st.integers(0, 3))
        estimated = draw(st.integers(0, calls))
        untimed = draw(st.integers(0, calls - estimated))
        timed = calls > estimated + untimed
        times = sorted(draw(st.lists(st.integers(0, 99), min_size=2, max_size=2)))
        rows.append(
            path(
                draw(st.sampled_from("abc")),
                parent=parent,
                calls=calls,
                total_ns=draw(st.integers(0, 999)) if calls else 0,
                section=draw(st.sampled_from(["setup", "call"])) if parent < 0 else "",
                detached=draw(st.booleans()),
                min_ns=times[0] if timed else 0,
                max_ns=times[1] if timed else 0,
                estimated=estimated,
                untimed=untimed,
            )
        )
    return rows


@given(st.lists(tables(), min_size=1, max_size=3))
def test_any_order_gives_the_same_table(given_tables: list[list[PathStats]]) -> None:
    """Merging is independent of the order of its input."""
    results = {merge_paths(order) for order in permutations(given_tables)}
    assert len(results) == 1


@given(tables(), tables(), tables())
def test_any_grouping_gives_the_same_table(
    one: list[PathStats], two: list[PathStats], three: list[PathStats]
) -> None:
    """Merging what is merged already changes nothing."""
    left = merge_paths([merge_paths([one, two]), three])
    right = merge_paths([one, merge_paths([two, three])])
    assert left == right == merge_paths([one, two, three])
