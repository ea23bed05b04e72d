"""``pytest-timestamps reconcile``, as its users call it."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from pathlib import Path

import pytest

from pytest_timestamps.cli import main
from pytest_timestamps.tokens.record import Status
from tests.tokens.reconcile.world import Call, World, observed_of

HOUR_S = 3_600


@pytest.fixture
def long_ago_s() -> int:
    """A time three hours ago, at a whole minute."""
    return int(time.time()) // 60 * 60 - 3 * HOUR_S


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """The admin key of the sandbox, whose clock is far ahead so that it hides nothing."""
    monkeypatch.setenv("OPENAI_ADMIN_KEY", world.sandbox.admin_key)
    monkeypatch.setenv("OPENAI_BASE_URL", world.sandbox.base_url)
    for name in ("RECONCILIATION_VERIFICATION_INTERVAL_MIN",
                 "RECONCILIATION_MIN_STABLE_VERIFICATIONS"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    world.sandbox.clock.move_to(time.time() + 10 * 365 * 86_400)
    monkeypatch.chdir(world.ledger.root.parent)


def run(*arguments: str) -> int:
    """The exit status of the program."""
    with pytest.raises(SystemExit) as left:
        main(["reconcile", *arguments])
    assert isinstance(left.value.code, int)
    return left.value.code


def test_two_calls_verify_an_old_run(
    world: World, long_ago_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table has status, reason, attribution, reads, tokens and cost."""
    record = world.add_run(long_ago_s)
    assert run("--interval", "0") == 0
    out = capsys.readouterr().out
    assert "pending (provisional)" in out
    assert "1 (1 of 2 agree)" in out
    assert run("runs", "--interval=0", "--require-verified") == 0
    out = capsys.readouterr().out
    assert record.run_id in out
    assert "verified" in out
    assert "exclusive" in out
    assert "proven: premise: no other run than those in this ledger used the key" in out
    assert "verified: 1 of 1 runs, 1 calls, 100 input (0 cached), 20 output" in out


def test_a_narrow_terminal_gets_narrow_rows(
    world: World,
    long_ago_s: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At 80 columns what leaves a run's row is told below it, the reason in full."""
    record = world.add_run(long_ago_s)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run("--interval=0") == 0
    assert run("--interval=0") == 0
    table = capsys.readouterr().out.rpartition("cost (USD)")[2].partition("verified: ")[0]
    assert max(map(len, table.splitlines())) < 80
    assert f"{record.run_id[:8]}  verified " in table
    assert f"\n  run: {record.run_id}  framework: {record.framework}\n" in table
    told = " ".join(table.split())
    assert "why: proven: premise: no other run than those in this ledger used the key" in told


def test_statuses(world: World, long_ago_s: int, capsys: pytest.CaptureFixture[str]) -> None:
    """0 while waiting, 3 where verification is required, 1 for what fails now but not later."""
    world.add_run(long_ago_s)
    assert run() == 0
    assert run("--require-verified") == 3
    world.sandbox.faults.add("html", times=None)
    assert run() == 1
    assert (
        "query failed: GET /organization/usage/completions: the answer is no JSON"
        in capsys.readouterr().out
    )
    late = world.add_run(long_ago_s - HOUR_S, framework="late")
    assert run("--max-age=1s", "--framework=late") == 1
    capsys.readouterr()
    assert run("--require-verified", "--framework=late") == 0
    assert f"run {late.run_id}: max_age: the books gave no" in capsys.readouterr().out


def test_a_young_run_is_told_when_to_come_back(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is no error."""
    world.add_run(int(time.time()) - 300)
    assert run() == 0
    assert "it ended too short a time ago; try again after" in capsys.readouterr().out


def test_json_says_null_and_never_zero(
    world: World, long_ago_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document on stdout, also beside a progress line on stderr."""
    world.add_run(long_ago_s)
    world.add_run(int(time.time()) - 90)
    assert run("--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format_version"] == 1
    asked, young = document["runs"]
    assert asked["reported"]["input_tokens"] == 100
    assert asked["provisional"] is True
    assert (young["reported"], young["cost_usd"], young["drift"]) == (None, None, None)


def test_dry_run_asks_nothing(
    world: World,
    long_ago_s: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It needs no key, and prints the queries."""
    monkeypatch.delenv("OPENAI_ADMIN_KEY")
    record = world.add_run(long_ago_s)
    assert run("--dry-run") == 0
    out = capsys.readouterr().out
    assert "GET /organization/usage/completions: " in out
    assert "6 buckets of 1m, by api_key_id, model, service_tier, batch; keys: key_sand" in out
    assert "2 requests would ask about 1 runs in 1 groups; 0 runs have to wait" in out
    assert world.read(record) == record


def test_watch_goes_on_until_all_is_settled(
    world: World,
    long_ago_s: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It survives what the network does, sleeps until the next read is due, and ends."""
    record = world.add_run(long_ago_s)
    world.sandbox.faults.add("reset", times=9)
    slept: list[float] = []
    now_s = [time.time()]
    monkeypatch.setattr(
        "time.sleep", lambda s: (slept.append(s), now_s.__setitem__(0, now_s[0] + s))
    )
    monkeypatch.setattr("time.time", lambda: now_s[0])
    assert run("--watch", "--require-verified") == 0
    assert world.read(record).status is Status.VERIFIED
    # Retries of two passes' two questions, five minutes between them, then half an hour.
    assert any(200 < s <= 300 for s in slept)
    assert sum(slept) >= 1_800
    assert "looking again in" in capsys.readouterr().err


def test_tolerance_is_an_exit_status(
    world: World, long_ago_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Books and observation of a run that is incompletely observed may differ by so much."""
    seen = observed_of((Call(5, 99, 20),), complete=False)
    world.add_run(long_ago_s, observed=seen)
    for _ in range(2):
        assert run("--interval=0", "--tolerance", "1%") == 0
    capsys.readouterr()
    assert run("--tolerance=0.001") == 1
    out = capsys.readouterr().out
    assert "drift (books less observed, 1 runs): +0 calls, +1 input, +0 output" in out
    assert "is 1.00%, more than the tolerance of 0.10%" in out


def test_reports_are_written(world: World, long_ago_s: int) -> None:
    """json, markdown and csv, each with a default name or the given one."""
    record = world.add_run(long_ago_s)
    assert run("--report=json:deep/er.json", "--report=markdown", "--report=csv") == 0
    root = world.ledger.root.parent
    assert json.loads((root / "deep" / "er.json").read_text())["runs"][0]["run_id"] == record.run_id
    markdown = (root / "reconciliation.md").read_text()
    assert markdown.startswith("# Token runs, reconciled\n\n| run | framework |")
    (row,) = csv.DictReader(io.StringIO((root / "reconciliation.csv").read_text()))
    assert (row["run_id"], row["input_tokens"], row["provisional"]) == (
        record.run_id,
        "100",
        "true",
    )


def test_one_run_is_asked_about_alone(world: World, long_ago_s: int) -> None:
    """The others of its framework stay as they are, unless they are in its group."""
    chosen = world.add_run(long_ago_s)
    other = world.add_run(long_ago_s - HOUR_S)
    assert run("--run", chosen.run_id.upper(), "--framework=baes") == 0
    assert len(world.read(chosen).reconciliation.attempts) == 1
    assert world.read(other) == other


def test_environment_sets_interval_and_checks(
    world: World, long_ago_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options win over it."""
    record = world.add_run(long_ago_s)
    monkeypatch.setenv("RECONCILIATION_VERIFICATION_INTERVAL_MIN", "0")
    monkeypatch.setenv("RECONCILIATION_MIN_STABLE_VERIFICATIONS", "1")
    assert run("--checks=2") == 0
    assert world.read(record).status is Status.PENDING
    assert run() == 0
    assert world.read(record).status is Status.VERIFIED


BAD: list[tuple[list[str], str]] = [
    (["gone"], "gone doesn't exist; expected a folder of runs"),
    (["--min-age=soon"], "--min-age must be a duration with its unit (s, m, h, d or w)"),
    (["--checks=0"], "--checks must be 1 or more, got 0"),
    (["--endpoints=images"], "--endpoints knows completions, embeddings, moderations: the others"),
    (["--endpoints=,"], "--endpoints must name one or more of completions"),
    (["--tolerance=lots"], "--tolerance must be a share such as 1% or 0.01"),
    (["--report=pdf"], "--report: unknown format 'pdf'; expected one of json, markdown, csv"),
    (["--report=csv:"], "--report: the path in 'csv:' is empty"),
    (["--run=123"], "run_id must be a UUID such as"),
    (["--run=0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10"], "--run: there is no run 0b0c9a56-"),
    (["--framework=beas"], "--framework: there is no run of 'beas' in runs; expected one of: baes"),
    (["--framework=../x"], "--framework must be a lower-case letter"),
    (["--base-url=nonsense"], "--base-url must be an http or https address such as https://api."),
    (["--base-url=ftp://x/v1"], "--base-url must be an http or https address such as https://"),
    (["--base-url=http://[x/v1"], "--base-url must be an http or https address such as https"),
    (["--base-url=http:///v1"], "--base-url must be an http or https address such as https:/"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_wrong_usage_is_one_line_and_status_2(
    world: World,
    long_ago_s: int,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """What was seen and what was expected; no file is touched."""
    record = world.add_run(long_ago_s)
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"pytest-timestamps: {message}" in err
    assert world.read(record) == record


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RECONCILIATION_VERIFICATION_INTERVAL_MIN", "soon", "must be a number of minutes, 0 or"),
        ("RECONCILIATION_VERIFICATION_INTERVAL_MIN", "-1", "must be a number of minutes, 0 or"),
        ("RECONCILIATION_MIN_STABLE_VERIFICATIONS", "0", "must be 1 or more; got '0'"),
        ("OPENAI_BASE_URL", "", "OPENAI_BASE_URL must be an http or https address such as https"),
        ("OPENAI_ADMIN_KEY", "sk-wrong", "to the key in OPENAI_ADMIN_KEY: it isn't a valid admin"),
        ("OPENAI_ADMIN_KEY", None, "there is no admin key: expected one in OPENAI_ADMIN_KEY or"),
    ],
)
def test_a_wrong_environment_is_named(
    world: World,
    long_ago_s: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str | None,
    message: str,
) -> None:
    """Status 2, the variable's name, and no attempt."""
    record = world.add_run(long_ago_s)
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    assert run() == 2
    err = capsys.readouterr().err
    assert message in err
    assert "sk-wrong" not in err
    assert world.read(record) == record


def test_prices_of_ones_own_win(world: World, long_ago_s: int) -> None:
    """pyproject.toml prices what the table doesn't know."""
    Path("pyproject.toml").write_text(
        '[tool.pytest_timestamps.prices."ours"]\n'
        "input_usd_per_million = 10\ncached_input_usd_per_million = 1.0\n"
        "output_usd_per_million = 100\n"
    )
    record = world.add_run(long_ago_s, calls=(Call(5, 1_000, 10, 500, "ours"),))
    for _ in range(2):
        assert run("--interval=0") == 0
    assert world.read(record).cost_usd == pytest.approx(0.005 + 0.0005 + 0.001)


def test_a_bad_price_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """File, field, what was seen and what was expected."""
    Path("pyproject.toml").write_text(
        '[tool.pytest_timestamps.prices."ours"]\ninput_usd_per_million = "cheap"\n'
    )
    assert run() == 2
    assert "prices.\"ours\".input_usd_per_million is a string ('cheap'); expected USD" in (
        capsys.readouterr().err
    )


def test_a_run_that_settles_with_one_other_says_so(
    world: World, long_ago_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its reason counts the one other run of its group."""
    for _ in range(2):
        world.add_run(long_ago_s, calls=(Call(5, 100, 20),))
    assert run("--interval=0") == 0
    assert "with 1 other run: not yet stable and settled" in capsys.readouterr().out


def test_a_group_without_figures_has_a_drift_of_its_own(
    world: World, long_ago_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What all its runs observed stands against its books: in the text, in JSON, as a status."""
    half = observed_of((Call(5, 90, 20),), complete=False)
    for _ in range(2):
        world.add_run(long_ago_s, calls=(Call(5, 100, 20),), observed=half)
    alone = world.add_run(long_ago_s - HOUR_S, calls=(Call(5, 300, 20),))
    assert run("--interval=0", "--tolerance=20%") == 0
    assert run("--interval=0", "--tolerance=20%") == 1
    capsys.readouterr()
    assert run("--tolerance=20%", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    (group,) = document["groups"]
    surplus = {"calls": 0, "input_tokens": 20, "output_tokens": 0, "cached_tokens": 0}
    assert group["drift"]["surplus"] == surplus
    assert group["drift"]["share"] == 0.1
    (of_model,) = group["drift"]["by_model"]
    assert of_model["surplus"] == surplus
    assert group["exceeds_tolerance"] is False
    assert document["drift"]["surplus"] == surplus
    assert document["drift"]["share"] == 0.04
    assert run("--tolerance=9%") == 1
    out = capsys.readouterr().out
    assert "drift (books less observed, 3 runs): +0 calls, +20 input, +0 output" in out
    ids = ", ".join(group["runs"])
    assert (
        f"the books of the group of {ids}: 2 calls, 200 input (0 cached), 40 output; drift: "
        "+0 calls, +20 input, +0 output, +0 cached; at most 10.00%"
    ) in out
    assert f"drift of the group of {ids} is 10.00%, more than the tolerance of 9.00%" in out
    assert alone.run_id not in group["runs"]


@pytest.mark.parametrize("neighbours", [0, 1])
def test_a_tolerance_waits_for_the_verdict(world: World, long_ago_s: int, neighbours: int) -> None:
    """What the books don't show yet is no drift: the gate judges what won't change any more."""
    seen = observed_of((Call(5, 99, 20),), complete=False)
    for _ in range(1 + neighbours):
        world.add_run(long_ago_s, observed=seen)
    assert run("--interval=0", "--tolerance=0") == 0
    assert run("--interval=0", "--tolerance=0") == 1


def test_a_disputed_run_is_no_part_of_drift_and_tolerance(
    world: World, long_ago_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its figure is in doubt; the group that it is in has a drift."""
    seen = observed_of((Call(5, 90, 20),), complete=False)
    old = world.add_run(long_ago_s, observed=seen)
    for _ in range(2):
        assert run("--interval=0") == 0
    late = world.add_run(long_ago_s, calls=(Call(6, 100, 20),), observed="complete")
    capsys.readouterr()
    assert run("--json", "--tolerance=8%") == 1
    document = json.loads(capsys.readouterr().out)
    assert [entry["exceeds_tolerance"] for entry in document["runs"]] == [False, False]
    (group,) = document["groups"]
    assert group["runs"] == sorted([old.run_id, late.run_id])
    assert document["drift"]["surplus"]["input_tokens"] == 10


def test_a_cost_that_is_next_to_nothing_is_not_shown_as_nothing(
    world: World, long_ago_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Less than four decimals can show is shown with two digits, in the row and in the sum."""
    world.add_run(long_ago_s, calls=(Call(5, 9, 15),))
    for _ in range(2):
        assert run("--interval=0") == 0
    out = capsys.readouterr().out
    assert "  0.000010  " in out
    assert "15 output, 0.000010 USD; open: 0" in out


def test_costs_that_are_refused_hide_no_result(
    world: World, long_ago_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runs were settled before: the table and the reports come out, and the status is 2."""
    record = world.add_run(long_ago_s - 2 * 86_400)
    world.sandbox.faults.add("forbidden", "*/costs", times=None)
    assert run("--costs", "--report=json:r.json") == 2
    out, err = capsys.readouterr()
    assert f"{record.run_id}  baes" in out
    assert "GET /organization/costs answered 403 to the key in OPENAI_ADMIN_KEY" in err
    assert json.loads(Path("r.json").read_text())["runs"][0]["run_id"] == record.run_id
