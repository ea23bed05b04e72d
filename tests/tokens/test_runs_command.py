"""``pytest-timestamps runs``: what is known is shown, and what isn't is a dash."""

from __future__ import annotations

import dataclasses
import json
import sys
import time as real_time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_timestamps.cli import main
from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.tokens.durations import parse_duration_s, shown_age
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.leftovers import KeyNote, note_path, write_note
from pytest_timestamps.tokens.record import (
    Attempt,
    Attribution,
    Reconciliation,
    RunRecord,
    RunState,
    Status,
    UsageScope,
)
from pytest_timestamps.tokens.usage import TokenCounts
from pytest_timestamps.tokens.window import Window

USED = TokenCounts(3, 1_200, 40, 200)
VERIFIED = Reconciliation(
    Status.VERIFIED,
    (Attempt(9_000, USED, Status.VERIFIED),),
    verified_at_s=9_000,
    attribution=Attribution.EXCLUSIVE,
)

Program = Callable[..., tuple[int, str, str]]


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """Run the command; gives its status and what it said on both streams."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["runs", *map(str, arguments)])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def verified(record: RunRecord) -> RunRecord:
    """A run whose figures are proven."""
    return dataclasses.replace(
        record,
        reported=USED,
        cost_usd=0.25,
        reconciliation=VERIFIED,
        usage_scope=UsageScope("key_abcdefghijkl"),
    )


def test_a_verified_run_shows_its_figures(
    ledger: Ledger, verified: RunRecord, program: Program
) -> None:
    """Status, attribution, totals and cost, and below them the sum of what is verified."""
    ledger.create(verified)
    status, out, _ = program(ledger.root)
    assert status == 0
    row = out.splitlines()[2].split()
    assert row[:4] == [verified.run_id, "baes", "-", "verified"]
    assert row[-7:-1] == ["exclusive", "3", "1,200", "200", "40", "0.2500"]
    assert out.splitlines()[-1] == (
        "verified: 1 runs, 3 calls, 1,200 input (200 cached), 40 output, 0.2500 USD"
    )


def test_an_unread_run_shows_dashes(ledger: Ledger, record: RunRecord, program: Program) -> None:
    """Before the books have answered nothing is shown as a zero; without a key id that is said."""
    ledger.create(record)
    status, out, _ = program(ledger.root)
    assert status == 0
    row = out.splitlines()[2]
    assert " no key id " in row
    assert row.split()[-7:-1] == ["-"] * 6


@pytest.mark.parametrize(
    ("state", "silent_s", "shown"),
    [
        (RunState.RUNNING, 10, "running"),
        (RunState.RUNNING, 1_000, "pending (interrupted)"),
        (RunState.INTERRUPTED, 1, "pending (interrupted)"),
        (RunState.FINISHED, 1_000, "pending"),
    ],
)
def test_a_run_without_a_pulse_is_interrupted(
    ledger: Ledger,
    record: RunRecord,
    program: Program,
    state: RunState,
    silent_s: int,
    shown: str,
) -> None:
    """What a killed process left behind is told from what goes on."""
    end_s = int(real_time.time()) - silent_s
    ledger.create(
        dataclasses.replace(
            record,
            window=Window(end_s - 5, end_s),
            state=state,
            usage_scope=UsageScope("key_abcdefghijkl"),
        )
    )
    _, out, _ = program(ledger.root)
    assert f"  {shown}  " in out.splitlines()[2]


def test_a_disputed_run_is_in_no_sum(ledger: Ledger, verified: RunRecord, program: Program) -> None:
    """Its status says so, the total leaves it out, and the command's status is 1."""
    path = ledger.create(verified)
    path.with_name("dispute.json").write_text("{}")
    status, out, _ = program(ledger.root)
    assert status == 1
    assert "  verified (disputed)  " in out
    assert "verified: 0 runs, 0 calls" in out


def test_a_bad_file_is_named_and_the_others_listed(
    ledger: Ledger, verified: RunRecord, program: Program
) -> None:
    """The message has file and field, the status is 1, and the file stays as it is."""
    ledger.create(verified)
    bad = ledger.root / "baes" / "x" / "metrics.json"
    bad.parent.mkdir()
    bad.write_text("{}")
    status, out, _ = program(ledger.root)
    assert status == 1
    assert f"bad file, left as it is: {bad}: run_id: got nothing, expected the field" in out
    assert verified.run_id in out
    assert bad.read_text() == "{}"


def test_the_document_has_null_for_what_is_not_known(
    ledger: Ledger, record: RunRecord, verified: RunRecord, program: Program
) -> None:
    """Programs get the same facts, with ids whole and nothing rounded."""
    ledger.create(verified)
    other = "1b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a11"
    ledger.create(dataclasses.replace(record, run_id=other, window=Window(2_000, 2_010)))
    status, out, _ = program(ledger.root, "--json")
    assert status == 0
    document = json.loads(out)
    assert document["format_version"] == 1
    proven, pending = document["runs"]
    assert proven["reported"] == {
        "calls": 3,
        "input_tokens": 1_200,
        "output_tokens": 40,
        "cached_tokens": 200,
    }
    assert (proven["cost_usd"], proven["attribution"]) == (0.25, "exclusive")
    assert (pending["run_id"], pending["status"]) == (other, "pending")
    assert pending["reported"] is pending["cost_usd"] is pending["attribution"] is None


def test_settled_runs_are_pruned_by_age(
    ledger: Ledger, record: RunRecord, verified: RunRecord, program: Program
) -> None:
    """Only what is settled goes, and only past the age."""
    ledger.create(verified)
    other = "1b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a11"
    ledger.create(dataclasses.replace(record, run_id=other, window=Window(900_000, 900_001)))
    _, out, err = program(ledger.root, "--prune", "5000w")
    assert "removed 0 settled runs" in err
    _, out, err = program(ledger.root, "--prune", "30d")
    assert "removed 1 settled runs" in err
    assert verified.run_id not in out
    assert other in out


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, program: Program) -> None:
    """The command refuses with status 2 and makes nothing."""
    assert program(tmp_path / "runs") == (
        2,
        "",
        f"pytest-timestamps: {tmp_path / 'runs'} doesn't exist; expected a folder of runs, such "
        "as runs\n",
    )
    (tmp_path / "file").touch()
    assert "is a file; expected a folder" in program(tmp_path / "file")[2]
    assert program(tmp_path)[:2] == (
        0,
        f"no token runs in {tmp_path}\n",
    )


def test_leftover_keys_need_an_admin_key_only_if_there_are_any(
    ledger: Ledger, record: RunRecord, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one the command says which variable it looked for, and keeps the note."""
    for name in ("OPENAI_ADMIN_KEY", "OPEN_AI_KEY_ADM"):
        monkeypatch.delenv(name, raising=False)
    status, _, err = program(ledger.root, "--remove-leftover-keys")
    assert (status, err) == (0, "removed 0 leftover keys\n")
    write_note(ledger, KeyNote(record.run_id, "proj_1", "svc_1", "key_1"))
    status, _, err = program(ledger.root, "--remove-leftover-keys")
    assert status == 2
    assert "there is no admin key: expected one in OPENAI_ADMIN_KEY or OPEN_AI_KEY_ADM" in err
    assert note_path(ledger, record.run_id).exists()


def test_a_key_of_a_run_that_goes_on_is_left(
    ledger: Ledger, record: RunRecord, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One killed a moment ago looks the same, so the message says when to try again."""
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    now_s = int(real_time.time())
    ledger.create(
        dataclasses.replace(
            record, state=RunState.RUNNING, window=Window(now_s - 9, now_s), steps=()
        )
    )
    write_note(ledger, KeyNote(record.run_id, "proj_1", "svc_1", "key_1"))
    status, _, err = program(ledger.root, "--remove-leftover-keys")
    assert (status, err) == (
        0,
        "removed 0 leftover keys\n"
        "left 1 keys of runs that go on; a run whose process was killed counts as over once it "
        "has been silent for 60 s: try again then\n",
    )
    assert note_path(ledger, record.run_id).exists()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90s", 90), ("30m", 1_800), ("1.5h", 5_400), ("7d", 604_800), (" 2 W ", 1_209_600)],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    """A number and its unit."""
    assert parse_duration_s(text, "--prune") == seconds


@pytest.mark.parametrize("text", ["", "5", "-1m", "1y", "1h30m", "m", "1e3s", "٣s"])
def test_a_bad_duration_is_refused(text: str) -> None:
    """The message names the option and gives an example."""
    with pytest.raises(ArgumentError, match="--prune must be a duration with its unit"):
        parse_duration_s(text, "--prune")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0 s"), (59, "59 s"), (61, "1 min"), (3_700, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_ages_are_shown_short(seconds: int, shown: str) -> None:
    """In the largest units that say something."""
    assert shown_age(seconds) == shown


def test_a_narrow_terminal_gets_narrow_lines(
    ledger: Ledger, verified: RunRecord, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 80 columns a run has two lines, and its file can be copied."""
    verified = dataclasses.replace(verified, test="tests/test_story.py::test_it")
    ledger.create(verified)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, out, _ = program(ledger.root)
    lines = out.splitlines()
    assert max(map(len, lines[:-1])) < 80
    assert lines[2].startswith(f"{verified.run_id[:8]}  ")
    assert "  test: tests/test_story.py::test_it  attribution: exclusive" in lines
    assert f"  file: baes/{verified.run_id}/metrics.json" in lines
