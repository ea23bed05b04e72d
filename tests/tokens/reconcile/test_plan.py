"""The fewest requests, and groups of runs that share minutes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_timestamps.tokens import contract
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import RunFile
from pytest_timestamps.tokens.reconcile.plan import Want, plan_queries
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.reconciler import Reconciler
from pytest_timestamps.tokens.reconcile.windows import asked_window, find_groups
from pytest_timestamps.tokens.record import RunRecord, RunState, UsageScope
from pytest_timestamps.tokens.window import Window
from tests.tokens.reconcile.world import KEY, NOON_S, Call, new_id, observed_of

DAY_S = 86_400
MIDNIGHT_S = NOON_S - DAY_S // 2


def run_file(start_s: int, end_s: int, key: str = KEY) -> RunFile:
    """A finished run."""
    record = RunRecord(
        run_id=new_id(),
        framework="baes",
        window=Window(start_s, end_s),
        duration_s=1.0,
        state=RunState.FINISHED,
        usage_scope=UsageScope(key),
        observed=observed_of((Call(),)),
    )
    return RunFile(Path("metrics.json"), record)


def test_windows_grow_to_whole_minutes_and_by_the_lag_at_the_end_only() -> None:
    """The start is never padded; a lag is used in whole minutes."""
    assert asked_window(61, 119, 300) == Window(60, 420)
    assert asked_window(60, 120, 0) == Window(60, 120)
    assert asked_window(119, 121, 90) == Window(60, 300)


def test_runs_that_share_a_minute_are_a_group_over_others_too() -> None:
    """The first and the third touch only the second."""
    runs = [run_file(0, 60), run_file(300, 360), run_file(640, 700), run_file(1_020, 1_080)]
    other = run_file(0, 60, "key_another00001")
    groups = find_groups([*runs, other], 10_000, lag_s=300)
    members = [{member.record.window.start_s for member in group.members} for group in groups]
    assert members == [{0}, {0, 300, 640}, {1_020}]


def test_a_day_of_1000_runs_on_one_key_is_that_days_pages() -> None:
    """1,440 minutes fit a page; a lag that reaches over midnight needs a second one."""
    for last_s, pages in ((DAY_S - 400, [1_439]), (DAY_S - 10, [1_440, 5])):
        starts = [MIDNIGHT_S + n * 86 for n in range(999)] + [MIDNIGHT_S + last_s]
        runs = [run_file(start_s, start_s + 8) for start_s in starts]
        groups = find_groups(runs, NOON_S + DAY_S, lag_s=300)
        queries = plan_queries([Want(group.asked, KEY) for group in groups], ["completions"])
        assert [query.buckets for query in queries] == pages


def test_keys_share_requests_and_far_away_minutes_do_not() -> None:
    """A request covers what fits its page, whoever's it is."""
    wants = [
        Want(Window(0, 600), "key_b"),
        Want(Window(60, 120), "key_a"),
        Want(Window(DAY_S * 3, DAY_S * 3 + 60), "key_c"),
    ]
    queries = plan_queries(wants, ["completions", "embeddings"])
    assert [(query.endpoint, query.window, query.api_key_ids) for query in queries] == [
        (endpoint, window, keys)
        for endpoint in ("completions", "embeddings")
        for window, keys in (
            (Window(0, 600), ("key_a", "key_b")),
            (Window(DAY_S * 3, DAY_S * 3 + 60), ("key_c",)),
        )
    ]
    assert queries[0].params()["group_by"] == ["api_key_id", "model", "service_tier", "batch"]
    assert queries[-1].params()["group_by"] == ["api_key_id", "model"]


def test_hundreds_of_keys_are_asked_for_without_a_filter() -> None:
    """Their list would be too long an address."""
    wants = [Want(Window(0, 60), f"key_minted{number:06d}") for number in range(101)]
    (query,) = plan_queries(wants, ["completions"])
    assert "api_key_ids" not in query.params()


WANTS = st.lists(
    st.tuples(st.integers(0, 6_000), st.integers(1, 4_000), st.sampled_from(["a", "b", "c"])),
    min_size=1,
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(WANTS)
def test_every_wanted_minute_is_asked_for_once_in_the_fewest_pages(
    wanted: list[tuple[int, int, str]],
) -> None:
    """All minutes are covered for their key, pages don't overlap, and greedy finds no fewer."""
    wants = [Want(Window(s * 60, (s + n) * 60), key) for s, n, key in wanted]
    queries = plan_queries(wants, ["completions"])
    asked: dict[int, set[str]] = {}
    for query in queries:
        assert query.buckets <= 1_440
        for minute in range(query.window.start_s // 60, query.window.end_s // 60):
            assert minute not in asked
            asked[minute] = set(query.api_key_ids)
    needed = set()
    for start, length, key in wanted:
        for minute in range(start, start + length):
            assert key in asked[minute]
            needed.add(minute)
    pages, covered = 0, -1
    for minute in sorted(needed):
        if minute > covered:
            pages, covered = pages + 1, minute + 1_439
    assert len(queries) == pages


def test_a_large_ledger_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning 1,000 runs parses each file a single time; how long it takes, a benchmark says."""
    # One run is encoded and the others are made from its text, or the test would mostly encode.
    model = run_file(NOON_S, NOON_S + 30).record
    text = contract.encode(model, "a model").decode()
    for number in range(1_000):
        run_id, start_s = new_id(), NOON_S + number * 400
        folder = tmp_path / "baes" / run_id
        folder.mkdir(parents=True)
        moved = text.replace(str(NOON_S + 30), str(start_s + 30)).replace(str(NOON_S), str(start_s))
        (folder / "metrics.json").write_text(moved.replace(model.run_id, run_id))
    read: list[Path] = []
    really_read = Ledger.read

    def note_and_read(ledger: Ledger, path: Path) -> RunRecord:
        read.append(path)
        return really_read(ledger, path)

    monkeypatch.setattr(Ledger, "read", note_and_read)
    nobody = Reconciler(Ledger(tmp_path), Policy(), lambda: 1 / 0, lambda: NOON_S + 2 * DAY_S * 30)  # type: ignore[arg-type, return-value]
    planned = nobody.plan()
    assert len(read) == len(set(read)) == 1_000
    assert len(planned.listing.runs) == 1_000
    assert len(planned.queries) == 2 * 5  # 4.6 days
