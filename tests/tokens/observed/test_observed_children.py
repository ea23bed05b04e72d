"""Child processes report to the tally of the run that started them."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from pytest_timestamps.sandbox import Sandbox, ServedTotals
from pytest_timestamps.tokens.observed import Tally, attribute_to
from pytest_timestamps.tokens.observed.children import child_environment
from pytest_timestamps.tokens.observed.journal import JournalSink
from pytest_timestamps.tokens.observed.observation import Kind, Observation

ASK = """
import openai, os, sys
client = openai.OpenAI(max_retries=0)
client.responses.create(model="gpt-4o-mini", input="hi")
"""
COUNTED = Observation(Kind.COUNTED, "m", "default", input_tokens=3, output_tokens=2)


def environment(tally: Tally, sandbox: Sandbox, key: str | None = None) -> dict[str, str]:
    """The whole environment of a child of the run."""
    own = {"OPENAI_BASE_URL": sandbox.base_url, "OPENAI_API_KEY": key or sandbox.api_key.value}
    return {**os.environ, **child_environment(tally, api_key=sandbox.api_key.value), **own}


def run_python(code: str, env: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in a child."""
    asked = [sys.executable, *options, "-c", code]
    return subprocess.run(asked, env=env, capture_output=True, text=True, timeout=60)


def test_childs_calls_are_counted(tally: Tally, sandbox: Sandbox) -> None:
    """A plain child with streams and vectors, to the token."""
    code = f"""{ASK}
client.embeddings.create(model="e", input="x")
list(client.responses.create(model="o4-mini", input="hi", stream=True))
"""
    done = run_python(code, environment(tally, sandbox))
    assert (done.returncode, done.stderr) == (0, "")
    usage = tally.snapshot()
    served = ServedTotals.of(sandbox.served())
    assert usage.complete
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (
        served.calls,
        served.input_tokens,
        served.output_tokens,
    )
    assert usage.calls == 3


def test_killed_childs_calls_are_counted(tally: Tally, sandbox: Sandbox) -> None:
    """What was answered before the kill is there; what was not is told as unknown."""
    code = f"""{ASK}
stream = client.responses.create(model="gpt-4o-mini", input="hi", stream=True)
os.kill(os.getpid(), 9)
"""
    done = run_python(code, environment(tally, sandbox))
    assert done.returncode != 0
    usage = tally.snapshot()
    assert usage.calls == 1
    assert usage.incomplete_reasons == (
        "a try in a child process that was still waiting for its answer",
    )


def test_grandchilds_calls_are_counted(tally: Tally, sandbox: Sandbox) -> None:
    """The environment is inherited, and with it the duty to report."""
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ASK!r}], check=True)"
    assert run_python(code, environment(tally, sandbox)).stderr == ""
    assert tally.snapshot().calls == 1


def test_childs_foreign_key_is_told(tally: Tally, sandbox: Sandbox) -> None:
    """The child knows the run's key by its print."""
    other = sandbox.core.accounts.create_key("other").value
    assert run_python(ASK, environment(tally, sandbox, key=other)).stderr == ""
    usage = tally.snapshot()
    assert (usage.calls, usage.foreign_key_calls, usage.complete) == (0, 1, False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_process_reports_to_its_run(
    client: openai.OpenAI, tally: Tally, sandbox: Sandbox
) -> None:
    """A fork has a copy of the tally, so it writes a journal instead."""
    with attribute_to(tally, api_key=sandbox.api_key.value):
        client.responses.create(model="m", input="hi")
        process = multiprocessing.get_context("fork").Process(target=_ask_anew, args=(sandbox,))
        process.start()
        process.join(30)
    assert process.exitcode == 0
    assert tally.snapshot().calls == 2
    assert tally.snapshot().complete


def _ask_anew(sandbox: Sandbox) -> None:
    with openai.OpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key.value) as client:
        client.responses.create(model="m", input="hi")


def test_child_without_the_sdk_pays_nothing(tally: Tally, sandbox: Sandbox) -> None:
    """A child that never imports ``openai`` loads neither it nor this package."""
    code = "import sys; print([m for m in sys.modules if m in ('openai', 'pytest_timestamps')])"
    done = run_python(code, environment(tally, sandbox))
    assert done.stdout == "[]\n"
    assert not tally.journal_folder.exists()


def test_childs_own_sitecustomize_still_runs(
    tally: Tally, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The one that would have been found is run under its own name."""
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.seen = __file__\n")
    base = {**os.environ, "PYTHONPATH": str(tmp_path)}
    env = {**base, **child_environment(tally, environ=base)}
    code = "import sitecustomize; print(seen == sitecustomize.__file__)"
    assert run_python(code, env).stdout == "True\n"


def test_child_without_this_project_on_its_path_reports(
    tally: Tally, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Another environment's interpreter loads what it needs from this one's files."""
    (tmp_path / "openai.py").write_text("")
    code = f"""
import os, sys
sys.path = [p for p in sys.path if not os.path.isdir(os.path.join(p, "pytest_timestamps"))]
sys.path.append({str(tmp_path)!r})
import importlib.util
assert importlib.util.find_spec("pytest_timestamps") is None
import openai
print("pytest_timestamps.tokens.observed.seam" in sys.modules)
"""
    done = run_python(code, environment(tally, sandbox))
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_child_that_can_not_be_observed_says_so(
    tally: Tally, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The tally is incomplete, and the reason is the child's error."""
    package = tmp_path / "pytest_timestamps"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('too old')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import openai"
    done = run_python(code, environment(tally, sandbox))
    assert (done.returncode, done.stderr) == (0, "")
    assert tally.snapshot().incomplete_reasons == (
        "a child process whose record is incomplete: "
        "it could not be observed (RuntimeError: too old)",
    )


def test_variables_hold_no_key(tally: Tally, sandbox: Sandbox) -> None:
    """A print of the key is handed over, never the key."""
    variables = child_environment(tally, api_key=sandbox.api_key.value, environ={})
    assert sandbox.api_key.value not in json.dumps(variables)


def test_journal_is_read_once_however_often_it_is_looked_at(tally: Tally) -> None:
    """Lines that were read are not read again, new ones are."""
    sink = JournalSink(tally.journal_folder)
    for number in (1, 2):
        sink.begin(number)
        sink.settle(number, COUNTED)
        assert [tally.snapshot().calls for _ in range(2)] == [number, number]


def test_half_a_line_is_told_until_it_is_whole(tally: Tally) -> None:
    """A write that was cut, or is under way, leaves something unknown."""
    JournalSink(tally.journal_folder).settle(1, COUNTED)
    (journal,) = tally.journal_folder.iterdir()
    whole = journal.read_bytes()
    with journal.open("ab") as file:
        file.write(whole[:20])
    assert tally.snapshot().incomplete_reasons == (
        "a child process whose record ends in the middle of a line",
    )
    with journal.open("ab") as file:
        file.write(whole[20:])
    assert tally.snapshot().complete
    assert tally.snapshot().calls == 2


@pytest.mark.parametrize("line", [b"nonsense", b"{}", b'{"kind": "gremlin"}', b'{"kind": 1}', b"3"])
def test_bad_line_is_told(tally: Tally, line: bytes) -> None:
    """A journal that this version can't read makes the tally incomplete, and breaks nothing."""
    tally.journal_folder.mkdir()
    (tally.journal_folder / "1.jsonl").write_bytes(line + b"\n")
    (reason,) = tally.snapshot().incomplete_reasons
    assert reason.startswith("a child process whose record is incomplete: a bad line (")


def test_closing_removes_the_journals(tally: Tally) -> None:
    """The final usage has them in."""
    JournalSink(tally.journal_folder).settle(1, COUNTED)
    assert tally.close().calls == 1
    assert not tally.journal_folder.exists()
