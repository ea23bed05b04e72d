"""A call belongs to the run on whose stack, task or thread it is made."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import openai
import pytest

from pytest_timestamps.sandbox import Sandbox, ServedTotals
from pytest_timestamps.tokens import observed
from pytest_timestamps.tokens.observed import Tally, attribute_to
from pytest_timestamps.tokens.observed.counting import UsageCount
from pytest_timestamps.tokens.observed.observation import Kind, Observation

STRAY = "a call with the run's key from code that belongs to no run"


def ask(client: openai.OpenAI, times: int = 1) -> None:
    """Call the model."""
    for _ in range(times):
        client.responses.create(model="gpt-4o-mini", input="hi")


@pytest.fixture
def other() -> Iterator[Tally]:
    """A second tally."""
    fresh = Tally()
    yield fresh
    fresh.close()


def calls_of(*tallies: Tally) -> list[int]:
    """The calls of each."""
    return [tally.snapshot().calls for tally in tallies]


def test_nearest_run_owns_the_call(client: openai.OpenAI, tally: Tally, other: Tally) -> None:
    """Inside two runs the inner one has the call; after it the outer one again."""
    with attribute_to(tally):
        ask(client)
        with attribute_to(other):
            ask(client, 2)
        ask(client)
    assert calls_of(tally, other) == [2, 2]


def test_call_outside_any_run_is_nobodys(client: openai.OpenAI, tally: Tally) -> None:
    """Nothing is counted after the run, and nothing needs to be told."""
    with attribute_to(tally):
        ask(client)
    ask(client)
    assert calls_of(tally) == [1]
    assert tally.snapshot().complete


def test_thread_belongs_to_the_run_that_started_it(client: openai.OpenAI, run: Tally) -> None:
    """So do the threads that it starts."""

    def nested() -> None:
        ask(client)
        thread = threading.Thread(target=ask, args=(client,))
        thread.start()
        thread.join()

    thread = threading.Thread(target=nested)
    thread.start()
    thread.join()
    assert calls_of(run) == [2]
    assert run.snapshot().complete


def test_job_belongs_to_the_run_that_submitted_it(
    client: openai.OpenAI, tally: Tally, other: Tally
) -> None:
    """Also on a pool whose threads an earlier run has started."""
    with ThreadPoolExecutor(1) as pool:
        with attribute_to(tally):
            pool.submit(ask, client).result()
        with attribute_to(other):
            pool.submit(ask, client, times=2).result()
        pool.submit(ask, client).result()
    assert calls_of(tally, other) == [1, 2]


def test_job_submitted_outside_belongs_to_nobody(client: openai.OpenAI, run: Tally) -> None:
    """Even where an open run has started the pool's thread; the run is told of a stray call."""
    submitted: queue.Queue[None] = queue.Queue()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(ask, client).result()

        def outsider() -> None:
            pool.submit(ask, client).result()
            submitted.put(None)

        _start_outside(outsider)
        submitted.get(timeout=20)
    assert calls_of(run) == [1]
    assert run.snapshot().incomplete_reasons == (STRAY,)


def _start_outside(function: Any) -> None:
    """Start a thread in a way that no run is told of."""
    import _thread

    _thread.start_new_thread(function, ())


def test_thread_of_before_the_run_is_told_as_stray(client: openai.OpenAI, tally: Tally) -> None:
    """An older thread is nobody's, so an open run with that key can't be complete."""
    jobs: queue.Queue[bool] = queue.Queue()
    done: queue.Queue[None] = queue.Queue()

    def work() -> None:
        while jobs.get(timeout=20):
            ask(client)
            done.put(None)

    older = threading.Thread(target=work)
    older.start()
    with attribute_to(tally, api_key=client.api_key):
        jobs.put(True)
        done.get(timeout=20)
    jobs.put(False)
    older.join()
    assert calls_of(tally) == [0]
    assert tally.snapshot().incomplete_reasons == (STRAY,)


def test_stray_call_with_another_key_concerns_no_run(
    client: openai.OpenAI, tally: Tally, sandbox: Sandbox
) -> None:
    """The books of the run's key don't hold it."""
    done: queue.Queue[None] = queue.Queue()
    key = sandbox.core.accounts.create_key("other").value

    def outsider() -> None:
        ask(client.with_options(api_key=key))
        done.put(None)

    with attribute_to(tally, api_key=client.api_key):
        _start_outside(outsider)
        done.get(timeout=20)
    assert tally.snapshot().complete


def test_concurrent_tasks_keep_their_runs_apart(sandbox: Sandbox) -> None:
    """Interleaved runs in one event loop each get their own calls."""
    tallies = [Tally() for _ in range(5)]

    async def one(client: openai.AsyncOpenAI, tally: Tally, times: int) -> None:
        with attribute_to(tally):
            asked = [client.responses.create(model="m", input="hi") for _ in range(times)]
            await asyncio.gather(*asked)

    async def go() -> None:
        key = sandbox.api_key.value
        async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=key) as client:
            await asyncio.gather(*(one(client, t, n) for n, t in enumerate(tallies)))

    asyncio.run(go())
    assert calls_of(*tallies) == [0, 1, 2, 3, 4]
    assert all(tally.snapshot().complete for tally in tallies)


def test_older_task_driven_by_a_run_belongs_to_it(
    sandbox: Sandbox, tally: Tally, other: Tally
) -> None:
    """A session-wide loop's task has an earlier run's context, but this run's stack drives it."""
    loop = asyncio.new_event_loop()
    jobs: asyncio.Queue[asyncio.Future[None] | None] = asyncio.Queue()

    async def serve() -> None:
        key = sandbox.api_key.value
        async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=key) as client:
            while (job := await jobs.get()) is not None:
                await client.responses.create(model="m", input="hi")
                job.set_result(None)

    async def work() -> None:
        job = loop.create_future()
        await jobs.put(job)
        await job

    with attribute_to(tally):
        server = loop.create_task(serve())
        loop.run_until_complete(work())
    with attribute_to(other):
        loop.run_until_complete(work())
        loop.run_until_complete(work())
    loop.run_until_complete(jobs.put(None))
    loop.run_until_complete(server)
    loop.close()
    assert calls_of(tally, other) == [1, 2]


def test_run_left_in_another_context_than_entered(client: openai.OpenAI, tally: Tally) -> None:
    """An async fixture may enter in one task's context and leave in another's."""
    stack = ExitStack()

    async def enter() -> None:
        stack.enter_context(attribute_to(tally))
        await asyncio.to_thread(ask, client)

    async def leave() -> None:
        stack.close()

    asyncio.run(enter())
    asyncio.run(leave())
    ask(client)
    assert calls_of(tally) == [1]


def test_many_runs_on_many_threads_add_up(client: openai.OpenAI, sandbox: Sandbox) -> None:
    """Each run has its own calls, and together they have all that was charged."""
    tallies = [Tally() for _ in range(8)]

    def one(tally: Tally, times: int) -> None:
        with attribute_to(tally, api_key=client.api_key):
            ask(client, times)

    threads = [threading.Thread(target=one, args=(t, n)) for n, t in enumerate(tallies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    usages = [tally.snapshot() for tally in tallies]
    assert [usage.calls for usage in usages] == list(range(8))
    served = ServedTotals.of(sandbox.served())
    assert sum(usage.input_tokens for usage in usages) == served.input_tokens
    assert all(usage.complete for usage in usages)


def test_nothing_is_counted_while_inactive(client: openai.OpenAI, tally: Tally) -> None:
    """Without an `activate` the program runs as if this were not here."""
    observed.deactivate()
    try:
        with attribute_to(tally):
            ask(client)
    finally:
        observed.activate()
    assert calls_of(tally) == [0]


@pytest.mark.parametrize("patience_s", [None, 20])
def test_async_client_is_known_by_its_place_on_the_stack(
    patience_s: float | None, sandbox: Sandbox, tally: Tally
) -> None:
    """Also where the request does not name the SDK, and where a task stands in between."""

    async def go() -> None:
        async with openai.AsyncOpenAI(
            base_url=sandbox.base_url,
            api_key=sandbox.api_key.value,
            default_headers={"User-Agent": "house/1"},
        ) as client:
            asking = client.responses.create(model="m", input="hi")
            await asyncio.wait_for(asking, patience_s)

    with attribute_to(tally):
        asyncio.run(go())
    assert calls_of(tally) == [1]


def test_stream_that_is_collected_in_the_middle_of_a_fold(
    client: openai.OpenAI, run: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The garbage collector may settle a try while this thread reads the tally."""
    counted = Observation(Kind.COUNTED, "m", input_tokens=1)
    original = UsageCount.usage

    def usage(self: UsageCount) -> Any:
        run.settle(-1, counted)
        return original(self)

    monkeypatch.setattr(UsageCount, "usage", usage)
    assert run.snapshot().calls == 0
    assert run.snapshot().calls == 1


def test_websocket_of_the_sdk_is_told(
    run: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes over a WebSocket can't be seen; one that others open is none of ours."""
    for kind, code in {
        "sync": "def connect(url): return url",
        "asyncio": "class connect:\n    def __init__(self, url): self.url = url",
    }.items():
        folder = tmp_path / "websockets" / kind
        folder.mkdir(parents=True)
        (folder / "client.py").write_text(code)
    for name in [name for name in sys.modules if name.partition(".")[0] == "websockets"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    code = """
from websockets.sync.client import connect
assert connect("ws://x") == "ws://x"
from websockets.asyncio.client import connect
assert connect("ws://y").url == "ws://y"
"""
    exec(code, {"__name__": "house"})
    assert run.snapshot().complete
    exec(code, {"__name__": "openai._websocket_connection"})
    reason = "a call of an endpoint that is not counted: a WebSocket (2 times)"
    assert run.snapshot().incomplete_reasons == (reason,)
    for name in [name for name in sys.modules if name.partition(".")[0] == "websockets"]:
        monkeypatch.delitem(sys.modules, name)
