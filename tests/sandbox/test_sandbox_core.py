"""The sandbox without HTTP: clock, ledger, delays, books."""

from __future__ import annotations

import pytest

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.sandbox import SandboxClock, SandboxCore, TokenUse
from pytest_timestamps.sandbox.books import UsageQuestion

NOW_S = 1_761_523_200
USE = TokenUse(input_tokens=100, output_tokens=20, cached_tokens=30)
DAY = UsageQuestion(NOW_S, NOW_S + 86400, 86400)


@pytest.fixture
def core() -> SandboxCore:
    """A core whose clock only the test moves."""
    return SandboxCore(SandboxClock(frozen_at_s=NOW_S))


def rows_of(core: SandboxCore, question: UsageQuestion, family: str = "completions") -> list[dict]:
    """All rows of all buckets."""
    return [row for bucket in core.usage(family, question) for row in bucket["results"]]


def test_running_clock_adds_what_it_was_advanced_by() -> None:
    """A running clock is the machine's clock plus every advance."""
    clock = SandboxClock(wall_clock_s=lambda: 1000.0)
    clock.advance(5)
    clock.advance(2.5)
    assert clock.now_s() == 1007.5


def test_clock_moves_to_a_given_time() -> None:
    """`move_to` sets the time, `now_s` tells it."""
    clock = SandboxClock(frozen_at_s=1000.0)
    assert clock.move_to(1600) == 1600.0
    assert clock.now_s() == 1600.0


def test_clock_refuses_to_go_back() -> None:
    """What was served can't become unserved, and the message says so."""
    with pytest.raises(ArgumentError) as caught:
        SandboxClock(frozen_at_s=1000.0).advance(-1.5)
    assert str(caught.value) == (
        "the sandbox's clock can't go back by 1.5 s: expected 0 or more seconds; "
        "use a second sandbox for an earlier time"
    )


def test_call_is_invisible_until_its_availability_delay_has_passed(core: SandboxCore) -> None:
    """The books show a call from the very second on at which its delay is over."""
    core.books.availability_delay_s = 600
    core.serve(api_key_id="key_a", model="m", use=USE)
    core.clock.advance(599)
    assert rows_of(core, DAY) == []
    core.clock.advance(1)
    assert [row["input_tokens"] for row in rows_of(core, DAY)] == [100]


def test_attribution_lag_moves_a_call_into_a_later_bucket(core: SandboxCore) -> None:
    """The bucket is that of the booked time; the time of serving stays in the ledger."""
    core.books.attribution_lag_s = 61
    call = core.serve(api_key_id="key_a", model="m", use=USE)
    minutes = core.usage("completions", UsageQuestion(NOW_S, NOW_S + 180, 60))
    assert [len(bucket["results"]) for bucket in minutes] == [0, 1, 0]
    assert (call.served_at_s, call.booked_at_s) == (NOW_S, NOW_S + 61)


def test_delays_of_the_call_beat_those_of_its_key_and_of_the_sandbox(core: SandboxCore) -> None:
    """The nearest delay that is given applies, each kind by itself."""
    core.books.availability_delay_s = core.books.attribution_lag_s = 100
    core.set_delays("key_a", availability_delay_s=200)
    own = core.serve(api_key_id="key_a", model="m", use=USE, availability_delay_s=300)
    keys = core.serve(api_key_id="key_a", model="m", use=USE)
    shared = core.serve(api_key_id="key_b", model="m", use=USE)
    assert [call.visible_from_s - NOW_S for call in (own, keys, shared)] == [300, 200, 100]
    assert {call.booked_at_s - NOW_S for call in (own, keys, shared)} == {100}


def test_asked_time_is_half_open(core: SandboxCore) -> None:
    """A call at the start is counted, one at the end is not, in the middle of a bucket too."""
    for after_s in (9, 10, 69, 70):
        core.serve(api_key_id="key_a", model="m", use=USE, at_s=NOW_S + after_s)
    core.clock.advance(100)
    rows = rows_of(core, UsageQuestion(NOW_S + 10, NOW_S + 70, 60))
    assert [row["num_model_requests"] for row in rows] == [1, 1]


def test_rows_are_split_by_what_is_grouped_and_null_in_the_rest(core: SandboxCore) -> None:
    """One row per combination; a field that is not asked for says null."""
    for model in ("m1", "m2", "m1"):
        core.serve(api_key_id="key_a", model=model, use=USE)
    rows = rows_of(core, UsageQuestion(NOW_S, NOW_S + 60, 60, group_by=("model",)))
    assert [(row["model"], row["num_model_requests"]) for row in rows] == [("m1", 2), ("m2", 1)]
    assert {row["api_key_id"] for row in rows} == {None}


def test_filters_leave_other_keys_out(core: SandboxCore) -> None:
    """A key filter counts that key's calls only."""
    core.serve(api_key_id="key_a", model="m", use=USE)
    core.serve(api_key_id="key_b", model="m", use=TokenUse(7))
    asked = UsageQuestion(NOW_S, NOW_S + 60, 60, {"api_key_id": frozenset({"key_b"})})
    assert [row["input_tokens"] for row in rows_of(core, asked)] == [7]


def test_completions_row_counts_cached_tokens_inside_the_input(core: SandboxCore) -> None:
    """Cached and uncached input add up to the input."""
    core.serve(api_key_id="key_a", model="m", use=USE)
    row = rows_of(core, DAY)[0]
    counters = ("input_tokens", "input_cached_tokens", "input_uncached_tokens", "output_tokens")
    assert [row[name] for name in counters] == [100, 30, 70, 20]


def test_families_do_not_mix(core: SandboxCore) -> None:
    """Embeddings are no completions, and families that are never served are empty."""
    core.serve(api_key_id="key_a", model="e", use=TokenUse(9), endpoint="embeddings")
    assert [row["input_tokens"] for row in rows_of(core, DAY, "embeddings")] == [9]
    assert rows_of(core, DAY) == []
    assert rows_of(core, DAY, "images") == []


def test_costs_price_cached_input_as_cached(core: SandboxCore) -> None:
    """A million input tokens, 400,000 of them cached, and 100,000 output cost 0.18 USD."""
    use = TokenUse(1_000_000, 100_000, cached_tokens=400_000)
    core.serve(api_key_id="key_a", model="gpt-4o-mini", use=use)
    (row,) = rows_of(core, DAY, "costs")
    assert row["amount"]["value"] == pytest.approx(0.18)


def test_costs_by_line_item_state_their_quantity(core: SandboxCore) -> None:
    """Line items split input, cached input and output, with their tokens."""
    core.serve(api_key_id="key_a", model="gpt-4o-mini", use=USE)
    asked = UsageQuestion(NOW_S, NOW_S + 86400, 86400, group_by=("line_item",))
    rows = rows_of(core, asked, "costs")
    assert {row["line_item"]: row["quantity"] for row in rows} == {
        "gpt-4o-mini, input": 70,
        "gpt-4o-mini, cached input": 30,
        "gpt-4o-mini, output": 20,
    }


def test_empty_buckets_can_be_left_out(core: SandboxCore) -> None:
    """Both forms exist in the wild: every bucket, or only those with rows."""
    core.serve(api_key_id="key_a", model="m", use=USE)
    asked = UsageQuestion(NOW_S, NOW_S + 300, 60)
    assert len(core.usage("completions", asked)) == 5
    core.books.empty_buckets = False
    assert len(core.usage("completions", asked)) == 1


def test_rows_can_have_the_old_name(core: SandboxCore) -> None:
    """Old pages call the rows of a bucket ``result``."""
    core.books.rows_field = "result"
    (bucket,) = core.usage("completions", UsageQuestion(NOW_S, NOW_S + 60, 60))
    assert "result" in bucket
    assert "results" not in bucket
