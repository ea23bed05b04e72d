"""A day of 300 runs, with everything that goes wrong in a day, against the sandbox."""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_timestamps.errors import BooksAccessError
from pytest_timestamps.sandbox import Sandbox, SandboxClock
from pytest_timestamps.sandbox.faults import Fault, FaultKind, FaultPlan
from pytest_timestamps.tokens.reconcile.result import PassResult
from pytest_timestamps.tokens.record import Attribution, RunRecord, RunState, Status
from tests.tokens.reconcile.world import MODEL, NOON_S, Call, World, observed_of

RUNS = 300
DAY_S = 86_400
DAWN_S = NOON_S - DAY_S // 2
KEYS = {
    "alpha": "key_alphaalpha01",
    "beta": "key_betabetabet01",
    "gamma": "key_gammadelta001",
    "delta": "key_gammadelta001",
}
MODELS = (MODEL, "gpt-4o-2024-08-06", "text-embedding-3-small")


class RandomFaults(FaultPlan):
    """One request in twenty meets a fault; which one, the seed decides."""

    def __init__(self, rng: random.Random, clock: SandboxClock) -> None:
        super().__init__()
        self._rng = rng
        self._clock = clock
        self._zeros_at_s: dict[str, float] = {}
        self.met: Counter[FaultKind] = Counter()

    def take(self, path: str) -> Fault | None:
        """The fault that the request for *path* meets."""
        if self._rng.random() >= 0.05:
            return None
        kind = self._rng.choice([kind for kind in FaultKind if kind is not FaultKind.NO_USAGE])
        if kind is FaultKind.ZEROS:
            # A hiccup passes: books that hide the same endpoint for hours are another story.
            if self._clock.now_s() < self._zeros_at_s.get(path, 0) + 2 * 3_600:
                return None
            self._zeros_at_s[path] = self._clock.now_s()
        self.met[kind] += 1
        return Fault(0, kind, path, 1)


@pytest.fixture
def rng() -> random.Random:
    """New random numbers each time, whose seed is shown when the test fails."""
    seed = os.environ.get("SIMULATION_SEED") or str(random.randrange(10**9))
    print(f"SIMULATION_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def day(rng: random.Random, tmp_path: Path) -> Iterator[World]:
    """A world at dawn, with faults."""
    sandbox = Sandbox(clock=SandboxClock(frozen_at_s=DAWN_S))
    sandbox.core.faults = RandomFaults(rng, sandbox.clock)
    sandbox.core.books.page_size = 90
    with sandbox:
        world = World(sandbox, tmp_path / "runs", durable=False, timeout_s=0.3)
        yield world
        world.close()


def test_every_provable_run_is_verified_and_no_other_figure_ever_is(
    day: World, rng: random.Random
) -> None:
    """At no moment of the day is a run verified with anything but what it was served."""
    runs = sorted(plan_runs(rng), key=lambda run: run[0])
    made: list[RunRecord] = []
    end_s = DAWN_S + DAY_S + 8 * 3_600
    while day.sandbox.clock.now_s() < end_s:
        day.sandbox.clock.advance(rng.uniform(15, 45) * 60)
        while runs and runs[0][0] + runs[0][1] <= day.sandbox.clock.now_s():
            made.append(make_run(day, rng, *runs.pop(0)))
        try:
            result = day.reconcile()
        except BooksAccessError:
            continue  # as a person would: call it again later
        check_verified(day, result)
    assert len(made) == RUNS
    check_the_end(day, made)
    faults = day.sandbox.core.faults
    assert isinstance(faults, RandomFaults)
    assert faults.met.total() > 0


def plan_runs(rng: random.Random) -> Iterator[tuple[int, int, str, str]]:
    """Start, duration, framework and key of each run."""
    last_end_s = dict.fromkeys(KEYS, DAWN_S)
    for number in range(RUNS):
        framework = rng.choice(list(KEYS))
        duration_s = rng.randint(5, 400)
        kind = rng.choice(["anywhere", "anywhere", "back to back", "touching", "minted"])
        start_s = DAWN_S + rng.randrange(DAY_S - 1_000)
        if kind == "back to back":
            start_s = last_end_s[framework]
        elif kind == "touching":
            start_s = -(-last_end_s[framework] // 60) * 60 + 300
        if start_s + duration_s > DAWN_S + DAY_S:
            start_s = DAWN_S + rng.randrange(DAY_S // 2)
        last_end_s[framework] = start_s + duration_s
        key = f"key_minted{number:06d}" if kind == "minted" else KEYS[framework]
        yield start_s, duration_s, framework, key


def make_run(
    day: World, rng: random.Random, start_s: int, duration_s: int, framework: str, key: str
) -> RunRecord:
    """A run with random calls, observed wholly or in part."""
    calls = []
    for _ in range(rng.choice([0, 1, 2, 3, 6])):
        model = rng.choice(MODELS)
        is_embedding = model.startswith("text-embedding")
        input_tokens = rng.randint(1, 5_000)
        calls.append(
            Call(
                rng.randrange(duration_s),
                input_tokens,
                0 if is_embedding else rng.randint(1, 900),
                0 if is_embedding else rng.randint(0, input_tokens),
                model,
                "embeddings" if is_embedding else "completions",
            )
        )
    is_complete = rng.random() < 0.8
    seen = tuple(calls) if is_complete else tuple(c for c in calls if rng.random() < 0.6)
    return day.add_run(
        start_s,
        duration_s,
        tuple(calls),
        key=key,
        framework=framework,
        minted=key.startswith("key_minted"),
        observed=observed_of(seen, complete=is_complete),
        delay_s=rng.uniform(1, 60) * 60,
        lag_s=rng.uniform(0, 4) * 60,
        state=RunState.FINISHED,
    )


def check_verified(day: World, result: PassResult) -> None:
    """Whatever is verified now has exactly what it was served."""
    for run in result.runs:
        if run.record.status is Status.VERIFIED and run.was_asked:
            assert run.record.reported == day.served_to(run.record.run_id), run.record.run_id


def check_the_end(day: World, made: list[RunRecord]) -> None:
    """Exclusive, minted and fully observed runs are verified; the rest say why they aren't."""
    groups = groups_by_hand(made)
    attributions: Counter[Attribution | None] = Counter()
    for run in made:
        now = day.read(run)
        company = groups[run.run_id]
        incomplete = [other for other in company if not is_complete(other)]
        used = any(not day.served_to(other.run_id).is_zero for other in company)
        attributions[now.reconciliation.attribution] += 1
        if (used or not incomplete) and len(incomplete) <= 1:
            assert now.status is Status.VERIFIED, (run.run_id, now.reconciliation)
            assert now.reported == day.served_to(run.run_id), run.run_id
        elif len(company) > 1 and used:
            assert now.status is Status.FAILED
            assert now.reconciliation.failure is not None
            assert "can't be told apart" in now.reconciliation.failure.message
        else:
            assert now.status in (Status.DATA_NOT_AVAILABLE, Status.FAILED)
    for road in Attribution:
        assert attributions[road] > 0


def groups_by_hand(made: list[RunRecord]) -> dict[str, list[RunRecord]]:
    """The groups, found minute by minute rather than by sorting windows."""
    by_minute: dict[tuple[str | None, int], list[RunRecord]] = {}
    for run in made:
        first, last = run.window.start_s // 60, -(-run.window.end_s // 60) + 5
        for minute in range(first, last):
            by_minute.setdefault((run.usage_scope.api_key_id, minute), []).append(run)
    company = {run.run_id: [run] for run in made}
    for together in by_minute.values():
        for one, other in itertools.pairwise(together):
            if company[one.run_id] is not company[other.run_id]:
                merged = company[one.run_id] + company[other.run_id]
                for member in merged:
                    company[member.run_id] = merged
    return company


def is_complete(run: RunRecord) -> bool:
    """Whether all of it was observed."""
    return run.observed is not None and run.observed.complete
