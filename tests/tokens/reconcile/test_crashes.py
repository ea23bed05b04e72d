"""Two reconcilers at once, kills at any moment, disks that fill up."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import list_runs
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.reconciler import Reconciler
from pytest_timestamps.tokens.record import RunRecord, Status
from tests.tokens.reconcile.world import NOON_S, Call, World, observed_of

END_S = NOON_S + 60
MIN = 60


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def test_two_reconcilers_at_once_lose_and_double_no_attempt(world: World) -> None:
    """Each writes its own read of each run, one after the other; only one of them counts."""
    runs = [world.add_run(NOON_S + n * 600) for n in range(6)]
    world.sandbox.clock.move_to(NOON_S + 10_000)
    threads = [threading.Thread(target=world.reconciler().run_pass) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in runs:
        attempts = world.read(run).reconciliation.attempts
        assert [attempt.counted for attempt in attempts] == [True, False, False, False]


def test_two_processes_at_once_lose_and_double_no_attempt(world: World) -> None:
    """The same with the program itself, whose processes know of each other only by the folder."""
    runs = [world.add_run(NOON_S + n * 600) for n in range(20)]
    command = [sys.executable, "-m", "pytest_timestamps", "reconcile", str(world.ledger.root),
               "--base-url", world.sandbox.base_url, "--max-age", "9999d"]  # fmt: skip
    env = {**os.environ, "OPENAI_ADMIN_KEY": world.sandbox.admin_key}
    processes = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    for run in runs:
        attempts = world.read(run).reconciliation.attempts
        assert [attempt.counted for attempt in attempts] == [True, False, False]


@pytest.mark.parametrize("kill_at", range(6))
def test_a_kill_between_any_two_steps_is_healed_by_the_next_pass(
    world: World, kill_at: int
) -> None:
    """A group of three whose verdict is cut off after so many files, temporary ones included."""
    calls = (Call(),)
    few = observed_of((), complete=False)
    runs = [
        world.add_run(calls=calls),
        world.add_run(NOON_S + 20, calls=calls, observed=few),
        world.add_run(NOON_S + 40, calls=calls),
    ]
    world.reconcile(END_S + 40 * MIN)
    world.sandbox.clock.move_to(END_S + 80 * MIN)
    writes = 0

    def write(path: Path, content: bytes) -> None:
        nonlocal writes
        if writes == kill_at // 2:
            # Half of the kills leave a temporary file behind, half strike before it.
            if kill_at % 2:
                path.with_name(f".{path.name}.1-1.tmp").write_bytes(content[: len(content) // 2])
            raise Killed
        writes += 1
        path.write_bytes(content)

    dying = Reconciler(
        Ledger(world.ledger.root, write=write), Policy(), lambda: world.client,
        world.sandbox.clock.now_s,
    )  # fmt: skip
    with pytest.raises(Killed):
        dying.run_pass()
    assert not list_runs(world.ledger).bad
    verified = [run for run in runs if world.read(run).status is Status.VERIFIED]
    assert len(verified) == kill_at // 2
    for run in verified:
        assert world.read(run).reported == world.served_to(run.run_id)
    world.reconcile(END_S + 80 * MIN + 1)
    for run in runs:
        assert world.read(run).status is Status.VERIFIED
        assert world.read(run).reported == world.served_to(run.run_id)


def test_a_file_that_cannot_be_written_is_reported_and_the_others_go_on(world: World) -> None:
    """A full disk costs the attempts that it can't hold, and nothing that was there."""
    broken, fine = world.add_run(), world.add_run(NOON_S + 600)
    world.sandbox.clock.move_to(NOON_S + 10_000)

    def write(path: Path, content: bytes) -> None:
        if broken.run_id in str(path):
            raise OSError(28, "No space left on device")
        path.write_bytes(content)

    reconciler = world.reconciler()
    reconciler.ledger = Ledger(world.ledger.root, write=write)
    result = reconciler.run_pass()
    assert world.read(broken) == broken
    assert len(world.read(fine).reconciliation.attempts) == 1
    assert "No space left on device" in str(result.runs[0].error)
    assert result.has_failures


def test_a_run_that_went_on_meanwhile_is_left_alone(world: World) -> None:
    """What was read is about a shorter window: the next pass asks again."""
    run = world.add_run()
    world.sandbox.clock.move_to(NOON_S + 10_000)
    path = world.ledger.path_of(run.framework, run.run_id)

    class MeanwhileSource:
        def get(self, url: str, params: object) -> str:
            world.ledger.update(path, extended)
            return world.client.get(url, params)  # type: ignore[arg-type]

    def extended(record: RunRecord) -> RunRecord:
        from dataclasses import replace

        return replace(record, window=record.window.extended_to((NOON_S + 90) * 10**9))

    reconciler = world.reconciler()
    reconciler.source = MeanwhileSource
    result = reconciler.run_pass()
    assert not world.read(run).reconciliation.attempts
    assert not result.runs[0].was_asked
