"""Token runs that call a model: what was seen, what it may cost, and minted keys."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from pytest_timestamps.sandbox import Sandbox
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import list_runs
from pytest_timestamps.tokens.record import RunRecord
from pytest_timestamps.tokens.usage import TokenCounts

ASK = """
import json, openai

def ask(tag, tokens=1000, model="gpt-4o-mini", **options):
    headers = {"X-Sandbox-Tag": tag}
    headers["X-Sandbox-Usage"] = json.dumps({"input_tokens": tokens, "output_tokens": 10})
    with openai.OpenAI(max_retries=0, **options) as client:
        return client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "hello"}], extra_headers=headers
        )
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def folder(pytester: pytest.Pytester, at_sandbox: None) -> pytest.Pytester:
    """A folder for a suite whose keys and base URL are the sandbox's."""
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(asking=ASK)
    return pytester


@pytest.fixture
def alone(folder: pytest.Pytester) -> Run:
    """Run pytest in this process, without xdist."""

    def run(*arguments: str) -> pytest.RunResult:
        return folder.runpytest_inprocess("-p", "no:xdist", *arguments)

    return run


@pytest.fixture
def recorded(folder: pytest.Pytester) -> Callable[[], dict[str, RunRecord]]:
    """The runs on the disk by the names of their tests."""

    def read() -> dict[str, RunRecord]:
        listing = list_runs(Ledger(folder.path / "runs"))
        assert listing.bad == ()
        return {str(run.record.test).rpartition("::")[2]: run.record for run in listing.runs}

    return read


Recorded = Callable[[], dict[str, RunRecord]]


def test_a_run_has_what_its_test_used(
    folder: pytest.Pytester, alone: Run, recorded: Recorded
) -> None:
    """Set-up and teardown included, other tests' calls not, and the table shows it with a cost."""
    folder.makepyfile(
        test_a="""
        import pytest
        from asking import ask

        @pytest.fixture
        def warm():
            ask("run", 500_000)
            yield
            ask("run", 500_000)

        @pytest.mark.token_run
        def test_run(warm, token_run):
            ask("run", 1_000_000)
            assert token_run.observed.calls == 2

        def test_other():
            ask("other")
        """
    )
    result = alone()
    result.assert_outcomes(passed=2)
    (run,) = recorded().values()
    assert run.observed is not None
    assert run.observed.counts == TokenCounts(3, 2_000_000, 30, 0)
    assert run.observed.complete
    assert list(run.observed.by_model) == ["gpt-4o-mini-2024-07-18"]
    result.stdout.fnmatch_lines(["* test_a.py::test_run * 3 *2,000,000* 0 * 30 * 0.3000 *yes *"])


PRICED = """
import os
import pytest
from asking import ask

@pytest.mark.token_run
def test_run():
    ask("run", int(os.environ.get("TOKENS", "1000")), os.environ.get("MODEL", "gpt-4o-mini"))
"""


def test_a_runs_cost_can_be_gated(
    folder: pytest.Pytester, alone: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was observed is priced in the session's report; limits and growth look at it."""
    folder.makepyfile(test_a=PRICED)
    result = alone("--timestamps-report=json:base.json", "--timestamps-fail-on=cost>0.000156")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["passed cost>0.000156"])
    (run,) = json.loads((folder.path / "base.json").read_text())["runs"]
    assert run["observed"]["cost_usd"] == pytest.approx(0.000156)
    assert run["observed"]["cost"] == {"unpriced": [], "is_upper_bound": False}

    result = alone("--timestamps-fail-on=cost>0.000155")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["FAILED cost>0.000155: 1 figure over it", "run default: test_a.py::test_run *$0.00016"]
    )

    monkeypatch.setenv("TOKENS", "2000")
    option = "--timestamps-compare=base.json"
    assert alone(option, "--timestamps-fail-on=cost>+100%,tokens>+1000").ret == 0
    result = alone(option, "--timestamps-fail-on=cost>+90%,cost>+1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "FAILED cost>+90%: 1 figure over it",
            "passed cost>+1",
            "run default: test_a.py::test_run * cost *$0.00016 *$0.00031 *+$0.00015 (+96.2%) *",
        ]
    )


def test_a_run_without_a_price_has_no_cost(
    folder: pytest.Pytester, alone: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Null and never 0: a gate on cost is withheld, and the report says which model."""
    folder.makepyfile(test_a=PRICED)
    monkeypatch.setenv("MODEL", "gpt-nobody-priced")
    result = alone("--timestamps-report=json:r.json", "--timestamps-report=markdown:r.md",
                   "--timestamps-fail-on=cost>0")  # fmt: skip
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "warning: the cost of 1 run is unknown and not compared",
            "withheld cost>0: 1 figure not known well enough, such as run default: *",
        ]
    )
    (run,) = json.loads((folder.path / "r.json").read_text())["runs"]
    assert run["observed"]["cost_usd"] is None
    assert run["observed"]["cost"]["unpriced"] == ["gpt-nobody-priced"]
    assert "no known price for gpt-nobody-priced" in (folder.path / "r.md").read_text()


def test_another_key_is_kept_apart(
    folder: pytest.Pytester, alone: Run, recorded: Recorded, sandbox: Sandbox
) -> None:
    """A call with a key that isn't the run's is counted apart and makes the tally incomplete."""
    other = sandbox.core.accounts.create_key("other")
    folder.makepyfile(
        test_a=f"""
        import pytest
        from asking import ask

        @pytest.mark.token_run
        def test_run():
            ask("run")
            ask("run", api_key="{other.value}")
        """
    )
    alone().assert_outcomes(passed=1)
    (run,) = recorded().values()
    assert run.observed is not None
    assert (run.observed.calls, run.observed.foreign_key_calls) == (1, 1)
    assert not run.observed.complete


BUDGETS = [
    (
        "max_tokens=1009",
        "the run used 1,010 tokens (input 1,000 and output 10), more than max_tok*",
    ),
    ("max_tokens=1010", None),
    ("max_cost_usd=0.000155", "the run cost 0.000156 USD, more than max_cost_usd=0.000155 USD"),
    ("max_cost_usd='0.000156'", None),
]


@pytest.mark.parametrize(("budget", "message"), BUDGETS)
def test_a_run_over_its_budget_fails(
    folder: pytest.Pytester, alone: Run, budget: str, message: str | None
) -> None:
    """With both figures, once, in the test's own phase; at the limit it passes."""
    folder.makepyfile(
        test_a=f"""
        import pytest
        from asking import ask

        @pytest.mark.token_run({budget})
        def test_run():
            ask("run")
        """
    )
    result = alone()
    result.assert_outcomes(passed=int(message is None), failed=int(message is not None))
    if message is not None:
        result.stdout.fnmatch_lines([message])


def test_what_a_teardown_uses_counts_too(folder: pytest.Pytester, alone: Run) -> None:
    """A budget that is broken after the test's body is an error of its teardown."""
    folder.makepyfile(
        test_a="""
        import pytest
        from asking import ask

        @pytest.fixture
        def late():
            yield
            ask("run")

        @pytest.mark.token_run(max_tokens=0)
        def test_run(late): pass
        """
    )
    result = alone()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the run used 1,010 tokens*"])


@pytest.mark.parametrize("arguments", [("-p", "no:xdist"), ("-n2",)], ids=["no xdist", "n2"])
def test_a_session_over_its_budget_fails_the_run_that_broke_it(
    folder: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    """The runs of all workers count together."""
    folder.makepyfile(
        test_a="""
        import pytest
        from asking import ask

        @pytest.mark.token_run
        @pytest.mark.parametrize("n", range(4))
        def test_run(n):
            ask("run", 1_000_000)
        """
    )
    result = folder.runpytest_inprocess(*arguments, "--token-run-max-cost=0.46")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "the session's runs cost 0.600024 USD with this run's 0.150006 USD, more than "
            "--token-run-*"
        ]
    )


MINTING = """
import os, pytest, subprocess, sys
from asking import ask

@pytest.mark.token_run
@pytest.mark.parametrize("n", range(4))
def test_run(n, token_run):
    assert "OPENAI_ADMIN_KEY" not in os.environ
    assert "OPENAI_ADMIN_KEY" not in token_run.env()
    assert os.environ["OPENAI_API_KEY"] == token_run.api_key
    ask(f"run-{n}", 1000 + n)
    notes = list((token_run.path.parents[2] / ".minted").glob("*.json"))
    assert any(token_run.run_id in note.name for note in notes)
    for path in token_run.path.parents[2].rglob("*"):
        assert path.is_dir() or token_run.api_key not in path.read_text()
"""


@pytest.mark.parametrize("arguments", [("-p", "no:xdist"), ("-n2",)], ids=["no xdist", "n2"])
def test_minted_keys_are_the_runs_own_and_gone_afterwards(
    folder: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    recorded: Recorded,
    sandbox: Sandbox,
    arguments: tuple[str, ...],
) -> None:
    """Each run's calls stand under a key id of its own; no key, note or admin key is left over."""
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_API_KEY_ID")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", sandbox.admin_key)
    project = sandbox.core.accounts.create_project("runs")
    folder.makepyfile(test_a=MINTING)
    options = ("--token-run-keys=mint", f"--token-run-project-id={project}")
    folder.runpytest_inprocess(*arguments, *options).assert_outcomes(passed=4)
    assert os.environ["OPENAI_ADMIN_KEY"] == sandbox.admin_key
    runs = recorded()
    for n in range(4):
        scope = runs[f"test_run[{n}]"].usage_scope
        assert scope.minted
        assert scope.project_id == project
        (call,) = sandbox.served(api_key_id=scope.api_key_id)
        assert call.tag == f"run-{n}"
    assert sandbox.core.accounts.service_accounts(project) == ()
    assert list((folder.path / "runs" / ".minted").iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "options", "message"),
    [
        ({}, ["--token-run-project-id=p"], "--token-run-keys=mint: there is no admin key: *"),
        ({"OPENAI_ADMIN_KEY": "x"}, [], "there is no project to mint the key of test_a.py::test_*"),
    ],
)
def test_minting_needs_an_admin_key_and_a_project(
    folder: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    alone: Run,
    variables: dict[str, str],
    options: list[str],
    message: str,
) -> None:
    """What is missing is said before any test runs."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    folder.makepyfile(test_a=MINTING)
    result = alone("--token-run-keys=mint", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_key_that_can_not_be_minted_fails_its_test(
    folder: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, alone: Run, sandbox: Sandbox
) -> None:
    """The provider's answer is the error, and no run is left."""
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-wrong")
    folder.makepyfile(test_a=MINTING)
    result = alone("--token-run-keys=mint", "--token-run-project-id=proj_x", "-k", "0")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["POST */proj_x/service_accounts answered 401: *"])
    assert list((folder.path / "runs").rglob("metrics.json")) == []


def test_subprocesses_report_to_their_run(
    folder: pytest.Pytester, alone: Run, recorded: Recorded
) -> None:
    """With env(), and with token_run_subprocesses for those that are started without it."""
    folder.makepyfile(
        test_a="""
        import subprocess, sys, pytest

        @pytest.mark.token_run
        @pytest.mark.parametrize("env", [True, False])
        def test_run(env, token_run):
            command = [sys.executable, "-c", "from asking import ask; ask('x', 7)"]
            subprocess.run(command, check=True, env=token_run.env() if env else None)
            assert token_run.observed.input_tokens == 7
        """
    )
    alone("-o", "token_run_subprocesses=true").assert_outcomes(passed=2)
    assert {run.observed.calls for run in recorded().values() if run.observed} == {1}


OWN_PRICE = """
[tool.pytest_timestamps.prices."gpt-nobody-priced"]
input_usd_per_million = 2
output_usd_per_million = 100
"""


def test_prices_of_ones_own_hold_for_what_was_observed(folder: pytest.Pytester, alone: Run) -> None:
    """In the table, in the report and for budgets: 1,000 tokens at 2 and 10 at 100 a million."""
    folder.makepyprojecttoml(OWN_PRICE)
    folder.makepyfile(
        test_a="""
        import pytest
        from asking import ask

        @pytest.mark.token_run(max_cost_usd=0.0029)
        def test_run(token_run):
            ask(token_run.run_id, model="gpt-nobody-priced")
        """
    )
    result = alone("--timestamps-report=json:r.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*the run cost 0.0030 USD, more than max_cost_usd=0.0029 USD*",
            "*test_a.py::test_run*1,000*0.0030*",
        ]
    )
    (run,) = json.loads((folder.path / "r.json").read_text())["runs"]
    assert run["observed"]["cost_usd"] == 0.003


def test_a_bad_price_stops_the_session_first(folder: pytest.Pytester, alone: Run) -> None:
    """With the file and the field; and only where there are token runs."""
    folder.makepyprojecttoml(OWN_PRICE.replace("= 2", "= -2"))
    folder.makepyfile(test_a="import pytest\n@pytest.mark.token_run\ndef test_run(): pass\n")
    result = alone()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ['*pyproject.toml: *prices."gpt-nobody-priced".input_usd_per_million is *USD, 0 or more']
    )
    folder.makepyfile(test_a="def test_none(): pass")
    alone().assert_outcomes(passed=1)
