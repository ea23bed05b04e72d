"""Two hundred runs on four workers, one of them killed: every observed figure is the true one."""

from __future__ import annotations

import os
import signal

import pytest

from pytest_timestamps.sandbox import Sandbox
from pytest_timestamps.sandbox.ledger import ServedTotals
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import list_runs
from pytest_timestamps.tokens.record import RunState
from pytest_timestamps.tokens.usage import TokenCounts

COUNT = 200
KILLER = 97

SUITE = """
import asyncio, os, signal, subprocess, sys
import openai, pytest

MESSAGES = [{"role": "user", "content": "tell me something " * 7}]


def options(run, model="gpt-4o-mini"):
    return {
        "model": model,
        "messages": MESSAGES * (1 + len(run.run_id) % 3),
        "extra_headers": {"X-Sandbox-Tag": run.run_id},
    }


def plain(run, client):
    client.chat.completions.create(**options(run))
    client.embeddings.create(
        model="text-embedding-3-small",
        input="words",
        extra_headers={"X-Sandbox-Tag": run.run_id},
    )


def streaming(run, client):
    with client.chat.completions.create(
        **options(run), stream=True, stream_options={"include_usage": True}
    ) as chunks:
        assert [chunk for chunk in chunks][-1].usage


def in_task(run, client):
    async def ask():
        async with openai.AsyncOpenAI(max_retries=0) as asynchronous:
            calls = [asynchronous.chat.completions.create(**options(run)) for _ in range(2)]
            await asyncio.gather(*calls)

    asyncio.run(ask())


CHILD = '''
import openai, sys
with openai.OpenAI(max_retries=0) as client:
    client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "child"}],
        extra_headers={"X-Sandbox-Tag": sys.argv[1]},
    )
'''


def in_child(run, client):
    command = [sys.executable, "-c", CHILD, run.run_id]
    subprocess.run(command, check=True, env=run.env())


def raising(run, client):
    plain(run, client)
    raise ValueError("on purpose")


@pytest.fixture(scope="session")
def client():
    with openai.OpenAI(max_retries=0) as client:
        yield client


@pytest.mark.token_run
@pytest.mark.parametrize("n", range(COUNT))
def test_run(n, token_run, client):
    if n == KILLER:
        plain(token_run, client)
        os.kill(os.getpid(), signal.SIGKILL)
    if n % 20 == 7:
        in_child(token_run, client)
    elif n % 20 == 3:
        raising(token_run, client)
    else:
        (streaming, plain, in_task)[n % 3](token_run, client)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this platform can't kill like that")
def test_two_hundred_runs_survive_a_killed_worker(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file is valid, and every completed run's tally is what was served to it."""
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(test_show=f"COUNT, KILLER = {COUNT}, {KILLER}\n{SUITE}")
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "OPEN_AI_")):
            monkeypatch.delenv(name)
    with Sandbox() as sandbox:
        monkeypatch.setenv("OPENAI_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", sandbox.api_key.value)
        monkeypatch.setenv("OPENAI_API_KEY_ID", sandbox.api_key.id)
        result = pytester.runpytest_subprocess("-n4", "-q")
        raising = COUNT // 20
        result.assert_outcomes(passed=COUNT - raising - 1, failed=raising + 1)
        listing = list_runs(Ledger(pytester.path / "runs"))
        assert listing.bad == ()
        assert len(listing.runs) == COUNT
        interrupted = []
        for run in listing.runs:
            record = run.record
            served = ServedTotals.of(sandbox.served(tag=record.run_id))
            true = TokenCounts(
                served.calls, served.input_tokens, served.output_tokens, served.cached_tokens
            )
            assert record.observed is not None
            assert true.calls > 0
            if record.state is RunState.INTERRUPTED:
                interrupted.append(record.test)
                assert not record.observed.complete
                continue
            assert record.state is RunState.FINISHED
            assert (record.observed.counts, record.observed.complete) == (true, True), record.test
        assert interrupted == [f"test_show.py::test_run[{KILLER}]"]
        assert "token runs" in result.stdout.str()
