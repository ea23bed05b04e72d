"""The ledger: whole files, one writer at a time, and clear words when the disk says no."""

from __future__ import annotations

import dataclasses
import errno
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_timestamps.errors import (
    LedgerError,
    RunExistsError,
    RunFieldValueError,
    RunSettledError,
)
from pytest_timestamps.tokens import contract
from pytest_timestamps.tokens.atomic import write_atomically
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import RunFile, list_runs, prunable, state_at
from pytest_timestamps.tokens.record import (
    Attempt,
    Failure,
    FailureKind,
    Reconciliation,
    RunRecord,
    RunState,
    Status,
    UsageScope,
)
from pytest_timestamps.tokens.usage import TokenCounts
from pytest_timestamps.tokens.window import Window

RUN_ID = "0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10"
OTHER_ID = "1b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a11"

VERIFIED = Reconciliation(
    status=Status.VERIFIED,
    attempts=(Attempt(2_000, TokenCounts(), Status.VERIFIED),),
    verified_at_s=2_000,
)


def with_status(record: RunRecord, reconciliation: Reconciliation) -> RunRecord:
    """*record* with another verdict."""
    return dataclasses.replace(record, reconciliation=reconciliation)


def test_a_run_is_one_file_under_its_framework(ledger: Ledger, record: RunRecord) -> None:
    """The path is the contract's, and what is read there is what was created."""
    path = ledger.create(record)
    assert path == ledger.root / "baes" / RUN_ID / "metrics.json"
    assert ledger.read(path) == record


def test_the_folder_hides_itself_from_git_and_backups(tmp_path: Path) -> None:
    """A new folder gets a .gitignore for all of it and a valid cache tag."""
    Ledger(tmp_path / "a" / "runs").prepare()
    assert "*" in (tmp_path / "a" / "runs" / ".gitignore").read_text().splitlines()
    tag = (tmp_path / "a" / "runs" / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert sorted(os.listdir(tmp_path / "a" / "runs")) == [".gitignore", "CACHEDIR.TAG"]


def test_a_folder_with_other_things_in_it_is_not_hidden(tmp_path: Path) -> None:
    """Runs kept in a project's own folder don't make git ignore the project."""
    (tmp_path / "setup.py").touch()
    Ledger(tmp_path).prepare()
    assert os.listdir(tmp_path) == ["setup.py"]


def test_a_file_in_place_of_the_folder_is_said_so(tmp_path: Path) -> None:
    """The message names the path, what it is, what was expected and the option."""
    (tmp_path / "runs").write_text("")
    with pytest.raises(LedgerError) as caught:
        Ledger(tmp_path / "runs").prepare()
    assert str(caught.value) == (
        f"{tmp_path / 'runs'} can't hold token runs: it is a file, or lies below one; expected a "
        "folder that can be written to; choose another one with --token-run-dir"
    )
    assert isinstance(caught.value, OSError)


def refusing(error: int) -> Callable[[Path, bytes], None]:
    """A disk that refuses every write."""

    def write(path: Path, content: bytes) -> None:
        raise OSError(error, os.strerror(error), str(path))

    return write


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_is_said_so_at_the_start(tmp_path: Path, error: int) -> None:
    """A full or read-only disk is found by the first check, not by the first run."""
    with pytest.raises(LedgerError, match=f"can't hold token runs: {os.strerror(error)}; expected"):
        Ledger(tmp_path / "runs", write=refusing(error)).prepare()


def test_a_disk_that_fills_up_keeps_what_was_written(ledger: Ledger, record: RunRecord) -> None:
    """A refused write says so and leaves the file as it was."""
    path = ledger.create(record)
    full = Ledger(ledger.root, write=refusing(errno.ENOSPC))
    with pytest.raises(LedgerError, match=r"can't be written: No space.*; what was written before"):
        full.update(path, lambda run: dataclasses.replace(run, duration_s=99.0))
    assert ledger.read(path) == record


def test_a_write_that_breaks_off_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    """Neither half a file nor a temporary one remains when the renaming fails."""
    path = tmp_path / "metrics.json"
    write_atomically(path, b"old")

    def fail(source: Path, target: Path) -> None:
        assert source.read_bytes() == b"new"
        raise OSError(errno.EIO, "broken")

    with pytest.raises(OSError, match="broken"):
        write_atomically(path, b"new", replace=fail)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["metrics.json"]


def test_an_id_can_be_used_once_in_a_ledger(ledger: Ledger, record: RunRecord) -> None:
    """A second run of the same id is refused, in whatever framework."""
    path = ledger.create(record)
    for framework in ("baes", "other"):
        with pytest.raises(RunExistsError, match=f"run_id {RUN_ID} is taken by .*metrics.json"):
            ledger.create(dataclasses.replace(record, framework=framework))
    assert [run.path for run in list_runs(ledger).runs] == [path]


def test_a_verified_file_is_never_rewritten(ledger: Ledger, record: RunRecord) -> None:
    """Any change to a verified run is refused; asking for none is allowed."""
    path = ledger.create(with_status(record, VERIFIED))
    before = path.read_bytes()
    ledger.update(path, lambda run: run)
    with pytest.raises(RunSettledError, match="is verified, and a verified run is never rewritten"):
        ledger.update(path, lambda run: dataclasses.replace(run, duration_s=1.0))
    assert path.read_bytes() == before


def test_an_invalid_change_is_not_written(ledger: Ledger, record: RunRecord) -> None:
    """A change that breaks the contract raises before the disk is touched."""
    path = ledger.create(record)
    with pytest.raises(RunFieldValueError, match="end_timestamp"):
        ledger.update(path, lambda run: dataclasses.replace(run, window=Window(9, 9)))
    assert ledger.read(path) == record


def count_up(root: Path, times: int) -> None:
    """Add one to the human interventions of the run, *times* times."""
    ledger = Ledger(root)
    path = ledger.path_of("baes", RUN_ID)
    for _ in range(times):
        ledger.update(
            path,
            lambda run: dataclasses.replace(run, human_interventions=run.human_interventions + 1),
        )


def test_processes_that_meet_lose_nothing(ledger: Ledger, record: RunRecord) -> None:
    """Updates of one file from several processes at once all take effect."""
    path = ledger.create(record)
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=count_up, args=(ledger.root, 20)) for _ in range(2)]
    for other in others:
        other.start()
    count_up(ledger.root, 20)
    for other in others:
        other.join()
    assert ledger.read(path).human_interventions == 60


def test_a_bad_file_is_listed_and_left_alone(ledger: Ledger, record: RunRecord) -> None:
    """One torn file doesn't hide the others and isn't touched."""
    good = ledger.create(record)
    bad = ledger.path_of("aaa", OTHER_ID)
    bad.parent.mkdir(parents=True)
    bad.write_bytes(contract.encode(record, bad)[:100])
    (ledger.root / "empty" / "folder").mkdir(parents=True)
    listing = list_runs(ledger)
    assert [run.path for run in listing.runs] == [good]
    assert [file.path for file in listing.bad] == [bad]
    assert "100 bytes that are no JSON" in str(listing.bad[0].error)
    assert len(bad.read_bytes()) == 100


@pytest.mark.parametrize("copy", ["aaa", "zzz"])
def test_a_copied_folder_counts_once(ledger: Ledger, record: RunRecord, copy: str) -> None:
    """Of two files with one id the one in the folder of that name is the run."""
    good = ledger.create(record)
    twin = ledger.root / copy / RUN_ID / "metrics.json"
    twin.parent.mkdir(parents=True)
    twin.write_bytes(good.read_bytes())
    listing = list_runs(ledger)
    assert [run.path for run in listing.runs] == [good]
    assert [file.path for file in listing.bad] == [twin]
    assert f"an id of its own; {good} has it too" in str(listing.bad[0].error)


@pytest.mark.parametrize(
    ("state", "now_s", "expected"),
    [
        (RunState.RUNNING, 1_070, RunState.RUNNING),
        (RunState.RUNNING, 1_071, RunState.INTERRUPTED),
        (RunState.FINISHED, 9_999, RunState.FINISHED),
        (None, 9_999, RunState.FINISHED),
    ],
)
def test_a_silent_running_run_is_interrupted(
    record: RunRecord, state: RunState | None, now_s: int, expected: RunState
) -> None:
    """Sixty seconds without a heartbeat is the limit, and only for runs that say running."""
    assert state_at(dataclasses.replace(record, state=state), now_s) is expected


FAILED = Attempt(2_000, TokenCounts(), Status.FAILED)


@pytest.mark.parametrize(
    ("reconciliation", "disputed", "settled"),
    [
        (Reconciliation(), False, False),
        (VERIFIED, False, True),
        (VERIFIED, True, False),
        (
            Reconciliation(
                Status.FAILED, (FAILED,), failure=Failure(FailureKind.MAX_AGE, True, "")
            ),
            False,
            True,
        ),
        (
            Reconciliation(Status.FAILED, (FAILED,), failure=Failure(FailureKind.QUERY, False, "")),
            False,
            False,
        ),
    ],
)
def test_only_settled_runs_may_be_pruned(
    record: RunRecord, reconciliation: Reconciliation, disputed: bool, settled: bool
) -> None:
    """Verified and finally failed runs are pruned past the age, and no others."""
    run = RunFile(Path("x"), with_status(record, reconciliation), disputed)
    assert run.is_settled is settled
    assert prunable([run], older_than_s=100, now_s=1_111) == ([run] if settled else [])
    assert prunable([run], older_than_s=100, now_s=1_110) == []


@pytest.mark.parametrize(
    ("settled_key", "open_key", "start_s", "kept"),
    [
        ("key_a", "key_a", 1_005, True),
        ("key_a", "key_b", 1_005, False),
        ("key_a", None, 1_005, True),
        ("key_a", "key_a", 1_010 + 86_400, False),
    ],
)
def test_a_neighbour_of_an_open_run_is_kept(
    record: RunRecord, settled_key: str, open_key: str | None, start_s: int, kept: bool
) -> None:
    """An open run must not come to look as if it had been alone on its key."""
    settled = dataclasses.replace(
        with_status(record, VERIFIED), usage_scope=UsageScope(settled_key)
    )
    pending = dataclasses.replace(
        record, window=Window(start_s, start_s + 5), usage_scope=UsageScope(open_key)
    )
    runs = [RunFile(Path("x"), settled), RunFile(Path("y"), pending)]
    assert (runs[0] not in prunable(runs, 0, 10**9)) is kept


def test_a_removed_run_leaves_nothing(ledger: Ledger, record: RunRecord) -> None:
    """The run's folder goes with it, and its framework's if it was the last."""
    path = ledger.create(record)
    assert not ledger.remove(path, lambda run: False)
    assert path.exists()
    assert ledger.remove(path, lambda run: True)
    assert sorted(os.listdir(ledger.root)) == [".gitignore", "CACHEDIR.TAG"]


def test_a_file_that_cannot_be_looked_at_is_no_missing_file(
    ledger: Ledger, record: RunRecord
) -> None:
    """It may be a run, and another run's neighbour: it is listed as bad."""
    good = ledger.create(record)
    hidden = ledger.path_of("baes", OTHER_ID)
    hidden.parent.mkdir(parents=True)
    hidden.symlink_to(hidden)
    listing = list_runs(ledger)
    assert [run.path for run in listing.runs] == [good]
    assert [file.path for file in listing.bad] == [hidden]
    assert f"{hidden} can't be read: Too many levels of symbolic links" in str(listing.bad[0].error)


def test_a_folder_that_cannot_be_listed_is_named(
    ledger: Ledger, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one of several, and the others go on; nobody can list runs in a closed root."""
    path = ledger.create(record)
    closed = ledger.root / "a-closed"
    closed.mkdir()
    scandir = os.scandir

    def refuse(folder: Path) -> object:
        if folder == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = list_runs(ledger)
    assert [run.path for run in listing.runs] == [path]
    message = f"{closed} can't be listed: Permission denied; expected a folder of runs"
    assert [(bad.path, str(bad.error)) for bad in listing.bad] == [(closed, message)]
    with pytest.raises(LedgerError) as raised:
        list_runs(Ledger(closed))
    assert str(raised.value) == message


def test_a_closed_folder_keeps_no_run_from_beginning(
    ledger: Ledger, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it holds a run of the same id can't be known."""
    closed = ledger.path_of("a-closed", RUN_ID)
    closed.parent.mkdir(parents=True)
    stat = Path.stat

    def refuse(path: Path, **options: bool) -> os.stat_result:
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    assert ledger.create(record) == ledger.path_of("baes", RUN_ID)


def test_a_disk_with_no_room_for_a_run_is_said_so_at_the_start(tmp_path: Path) -> None:
    """An empty file would fit on it."""

    def nearly_full(path: Path, content: bytes) -> None:
        if content:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with pytest.raises(LedgerError, match="can't hold token runs: No space left on device"):
        Ledger(tmp_path / "runs", write=nearly_full).prepare()
