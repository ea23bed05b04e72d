"""Token runs of programs in any language: the forwarding endpoint, switched on by an option."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from pytest_timestamps.sandbox import Sandbox
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import list_runs
from pytest_timestamps.tokens.record import RunRecord, RunState

PROGRAMS = '''
import os, subprocess, sys

# Isolated, so that nothing of this plugin's is found: as good as a program in another language.
CODE = """
import json, os, sys, urllib.request
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/responses",
    json.dumps({"model": "gpt-4o-mini", "input": "hello"}).encode(),
    {
        "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"],
        "X-Sandbox-Usage": json.dumps({"input_tokens": int(sys.argv[1]), "output_tokens": 3}),
    },
)
print(json.load(urllib.request.urlopen(request))["status"])
"""

def other_program(tokens, env=None):
    command = [sys.executable, "-I", "-c", CODE, str(tokens)]
    done = subprocess.run(command, env=env, text=True, capture_output=True)
    assert done.stdout == "completed\\n", done.stderr

SDK = "import openai; openai.OpenAI(max_retries=0).responses.create(model='m', input='x')"

def python_program(env=None):
    subprocess.run([sys.executable, "-c", SDK], env=env, check=True)

def in_this_process():
    exec(SDK)
'''

Run = Callable[..., pytest.RunResult]
OnlyRun = Callable[[], RunRecord]


@pytest.fixture
def folder(pytester: pytest.Pytester, at_sandbox: None) -> pytest.Pytester:
    """A folder for a suite whose keys and base URL are the sandbox's."""
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(programs=PROGRAMS)
    return pytester


@pytest.fixture
def alone(folder: pytest.Pytester) -> Run:
    """Run pytest in this process, without xdist."""

    def run(*arguments: str) -> pytest.RunResult:
        return folder.runpytest_inprocess("-p", "no:xdist", *arguments)

    return run


@pytest.fixture
def only_run(folder: pytest.Pytester) -> OnlyRun:
    """The one run on the disk."""

    def read() -> RunRecord:
        (run,) = list_runs(Ledger(folder.path / "runs")).runs
        return run.record

    return read


def as_program_of(suite: pytest.Pytester, body: str) -> None:
    lines = "\n    ".join(body.splitlines())
    suite.makepyfile(
        "import os, pytest\n"
        "from programs import in_this_process, other_program, python_program\n\n"
        f"@pytest.mark.token_run\ndef test_run(token_run, monkeypatch):\n    {lines}\n"
    )


SWITCHES = [
    ("--token-run-forwarding", "-p", "no:xdist"),
    ("-o", "token_run_forwarding=true", "-p", "no:xdist"),
    ("--token-run-forwarding", "-n2"),
]


@pytest.mark.parametrize("switch", SWITCHES, ids=["option", "ini", "n2"])
def test_any_program_reports_to_its_run(
    folder: pytest.Pytester, only_run: OnlyRun, sandbox: Sandbox, switch: tuple[str, ...]
) -> None:
    """What a program without the SDK was served is the run's, token for token."""
    as_program_of(
        folder,
        "other_program(1000, token_run.env())\n"
        "assert token_run.observed.input_tokens == 1000\n"
        "other_program(20, token_run.env())",
    )
    folder.runpytest_inprocess(*switch).assert_outcomes(passed=1)
    seen = only_run().observed
    assert seen is not None
    assert (seen.calls, seen.input_tokens, seen.output_tokens) == (2, 1020, 6)
    assert seen.complete
    assert [call.input_tokens for call in sandbox.served()] == [1000, 20]


def test_without_the_option_nothing_stands_in_between(
    folder: pytest.Pytester, alone: Run, only_run: OnlyRun
) -> None:
    """The address is the provider's, and another program's calls are not seen."""
    as_program_of(
        folder,
        'assert token_run.env()["OPENAI_BASE_URL"] == os.environ["OPENAI_BASE_URL"]\n'
        "other_program(1000, token_run.env())",
    )
    alone().assert_outcomes(passed=1)
    seen = only_run().observed
    assert seen is not None
    assert seen.calls == 0


def test_a_call_is_counted_once(
    folder: pytest.Pytester, alone: Run, only_run: OnlyRun, sandbox: Sandbox
) -> None:
    """A Python child that reports by itself, and this process if it uses the address too."""
    as_program_of(
        folder,
        "python_program(token_run.env())\n"
        "in_this_process()\n"
        'monkeypatch.setenv("OPENAI_BASE_URL", token_run.env()["OPENAI_BASE_URL"])\n'
        "in_this_process()",
    )
    alone("--token-run-forwarding").assert_outcomes(passed=1)
    seen = only_run().observed
    assert seen is not None
    assert (seen.calls, seen.complete) == (3, True)
    assert seen.input_tokens == sum(call.input_tokens for call in sandbox.served())


def test_subprocesses_are_covered_without_env(
    folder: pytest.Pytester, alone: Run, only_run: OnlyRun, sandbox: Sandbox
) -> None:
    """With token_run_subprocesses all programs pass through the endpoint, this one too."""
    as_program_of(
        folder,
        "other_program(1000)\n"
        "python_program()\n"
        "in_this_process()\n"
        "other_program(1000, token_run.env())",
    )
    before = dict(os.environ)
    options = ("--token-run-forwarding", "-o", "token_run_subprocesses=true")
    alone(*options).assert_outcomes(passed=1)
    assert {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"} == {
        k: v for k, v in before.items() if k != "PYTEST_CURRENT_TEST"
    }
    seen = only_run().observed
    assert seen is not None
    assert (seen.calls, seen.complete) == (4, True)
    assert seen.input_tokens == sum(call.input_tokens for call in sandbox.served())


def test_the_address_is_followed_to_where_the_test_points(
    folder: pytest.Pytester, alone: Run, sandbox: Sandbox
) -> None:
    """A base URL that a fixture or test sets is the provider's, as it is for the SDK."""
    with Sandbox() as other:
        as_program_of(
            folder,
            f'monkeypatch.setenv("OPENAI_BASE_URL", "{other.base_url}")\n'
            f'monkeypatch.setenv("OPENAI_API_KEY", "{other.api_key.value}")\n'
            f'env = {{**token_run.env(), "OPENAI_API_KEY": "{other.api_key.value}"}}\n'
            "other_program(7, env)\n"
            "assert token_run.observed.foreign_key_calls == 1",
        )
        alone("--token-run-forwarding").assert_outcomes(passed=1)
        assert (len(other.served()), len(sandbox.served())) == (1, 0)


def test_the_address_ends_with_its_run(folder: pytest.Pytester, alone: Run) -> None:
    """What a program asks for later belongs to nobody, and is refused."""
    folder.makepyfile(
        """
        import pytest, urllib.error, urllib.request

        kept = {}

        @pytest.mark.token_run
        def test_run(token_run):
            kept.update(token_run.env())

        @pytest.mark.token_run
        def test_later():
            with pytest.raises(urllib.error.HTTPError, match="404: No open run has this address"):
                urllib.request.urlopen(kept["OPENAI_BASE_URL"] + "/models")
        """
    )
    alone("--token-run-forwarding").assert_outcomes(passed=2)


def test_no_proxy_stands_before_the_endpoint(
    folder: pytest.Pytester, alone: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy could not reach it; the hosts that were excepted before still are."""
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    monkeypatch.setenv("no_proxy", "intranet")
    as_program_of(
        folder,
        "env = token_run.env()\n"
        'assert env["NO_PROXY"] == "localhost,127.0.0.1"\n'
        'assert env["no_proxy"] == "intranet,127.0.0.1"\n'
        'other_program(1, {**env, "http_proxy": "http://127.0.0.1:1"})',
    )
    alone("--token-run-forwarding").assert_outcomes(passed=1)


REFUSED = (
    "*the forwarding endpoint can't pass requests on to 'nonsense': expected the http or https "
    "address of an API, such as https://api.openai.com/v1"
)


def test_an_address_that_is_none_fails_the_test_that_needs_it(
    folder: pytest.Pytester, alone: Run, only_run: OnlyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the test asks for it, or before it begins; the run is over either way."""
    monkeypatch.setenv("OPENAI_BASE_URL", "nonsense")
    as_program_of(folder, "token_run.env()")
    result = alone("--token-run-forwarding", "--token-run-dir=a")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([REFUSED])
    result = alone("--token-run-forwarding", "-o", "token_run_subprocesses=true")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([REFUSED])
    assert only_run().state is RunState.INTERRUPTED
