"""The running sandbox: its address, its control endpoint, its faults at the wire, its command."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import openai
import pytest

from pytest_timestamps.cli import main
from pytest_timestamps.errors import ArgumentError, SandboxError
from pytest_timestamps.sandbox import Sandbox

NOW_S = 1_761_523_200
USAGE = "/v1/organization/usage/completions"
HELLO: Any = [{"role": "user", "content": "hello"}]
Http = Callable[..., tuple[int, Any]]


def client_of(sandbox: Sandbox, **options: Any) -> openai.OpenAI:
    """A client that does not retry."""
    key = sandbox.api_key.value
    return openai.OpenAI(base_url=sandbox.base_url, api_key=key, max_retries=0, **options)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.com", ""])
def test_only_loopback_is_bound(host: str) -> None:
    """Any other address is refused before a socket is made."""
    with pytest.raises(ArgumentError) as caught:
        Sandbox(host=host)
    assert str(caught.value) == (
        f"the sandbox binds to a loopback address only, got {host!r}: "
        "expected 127.0.0.1, ::1 or localhost"
    )


def test_taken_port_is_told(sandbox: Sandbox) -> None:
    """The message names the port and the way out."""
    port = int(sandbox.root_url.rpartition(":")[2])
    with pytest.raises(SandboxError) as caught:
        Sandbox(port=port).start()
    assert str(caught.value) == (
        f"the sandbox can't listen on 127.0.0.1 port {port}: Address already in use; "
        "expected a free port: try --port 0, which takes any"
    )


def test_sandbox_that_does_not_run_has_no_address() -> None:
    """Asked for its address too early it says what to do."""
    with pytest.raises(SandboxError) as caught:
        _ = Sandbox().base_url
    assert str(caught.value) == (
        "the sandbox has no address yet: expected it to be running; "
        "call start() or use it in a with block"
    )


def test_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the server library the message says what to install."""
    monkeypatch.delitem(sys.modules, "pytest_timestamps.sandbox.serving", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SandboxError) as caught:
        Sandbox().start()
    assert str(caught.value) == (
        "the sandbox needs uvicorn, which is not installed; "
        "try: pip install 'pytest-timestamps-tokens[sandbox]'"
    )


def test_port_is_free_again_after_the_end() -> None:
    """A second sandbox can take it at once."""
    with Sandbox() as first:
        port = int(first.root_url.rpartition(":")[2])
    with Sandbox(port=port) as second:
        assert second.root_url.endswith(f":{port}")


def test_stop_does_not_wait_for_a_hanging_request() -> None:
    """What is open is cut."""
    with Sandbox() as sandbox:
        sandbox.faults.add("hang")
        url = sandbox.root_url.removeprefix("http://")
        connection = http.client.HTTPConnection(url, timeout=20)
        connection.request("GET", "/v1/anything")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()
    connection.close()


def test_importing_the_sandbox_imports_no_server() -> None:
    """The extra is needed to run it, not to import it."""
    code = (
        "import sys, pytest_timestamps.sandbox; "
        "print({'starlette', 'uvicorn', 'openai', 'click'} & sys.modules.keys() or 'none')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("none\n", "")


def test_request_under_a_strange_host_name_is_refused(sandbox: Sandbox) -> None:
    """A web page can't reach the sandbox under a name of its own."""
    request = urllib.request.Request(
        f"{sandbox.root_url}/sandbox/state", headers={"Host": "evil.example"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    with caught.value:
        assert caught.value.code == 400


def test_same_request_uses_the_same_tokens(sandbox: Sandbox) -> None:
    """Counts depend on the request alone, whole or streamed."""
    with client_of(sandbox) as client:
        for _ in range(2):
            client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        list(client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True))
    uses = {(call.input_tokens, call.output_tokens) for call in sandbox.served()}
    assert len(sandbox.served()) == 3
    assert uses == {(10, 15)}


def test_long_prompt_is_partly_cached(sandbox: Sandbox) -> None:
    """From 1,024 tokens on a part of the input, in steps of 128, is cached."""
    long: Any = [{"role": "user", "content": "word " * 1000}]
    with client_of(sandbox) as client:
        usage = client.chat.completions.create(model="gpt-4o-mini", messages=long).usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens) == (1259, 512)


def test_tag_and_usage_can_be_chosen(sandbox: Sandbox) -> None:
    """Two headers: one to tell calls apart, one to say what a call shall have used."""
    headers = {"X-Sandbox-Tag": "run-7", "X-Sandbox-Usage": '{"input_tokens": 9}'}
    with client_of(sandbox, default_headers=headers) as client:
        client.responses.create(model="m", input="x")
    (call,) = sandbox.served(tag="run-7")
    assert (call.input_tokens, call.output_tokens) == (9, 0)
    assert sandbox.served(tag="run-8") == ()


WIRE_FAULTS = [
    ("rate_limited", openai.RateLimitError, False),
    ("server_error", openai.InternalServerError, False),
    ("bad_gateway", openai.InternalServerError, False),
    ("unauthorized", openai.AuthenticationError, False),
    ("forbidden", openai.PermissionDeniedError, False),
    ("hang", openai.APITimeoutError, True),
    ("reset", openai.APIConnectionError, True),
    ("truncated_json", ValueError, True),
]


@pytest.mark.parametrize(("kind", "error", "is_charged"), WIRE_FAULTS)
def test_fault_reaches_the_sdk(
    sandbox: Sandbox, kind: str, error: type[Exception], is_charged: bool
) -> None:
    """The SDK raises what it raises for the real fault; lost answers are charged."""
    sandbox.faults.add(kind)
    timeout_s = 0.2 if kind == "hang" else 60
    with client_of(sandbox, timeout=timeout_s) as client, pytest.raises(error):
        client.chat.completions.create(model="m", messages=HELLO)
    while is_charged and not sandbox.served():
        """A busy machine may serve the request after its client has gone."""
    assert [call.answered for call in sandbox.served()] == ([False] if is_charged else [])
    assert sandbox.faults.planned() == ()


def test_retry_after_is_what_was_planned(sandbox: Sandbox) -> None:
    """A 429 says how long to wait."""
    sandbox.faults.add("rate_limited", retry_after_s=2.5)
    with client_of(sandbox) as client, pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="m", messages=HELLO)
    assert caught.value.response.headers["retry-after"] == "2.5"


def test_web_page_in_place_of_usage(sandbox: Sandbox) -> None:
    """Status 200 and HTML."""
    sandbox.faults.add("html")
    with urllib.request.urlopen(f"{sandbox.root_url}{USAGE}", timeout=20) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/html")


def test_clock_is_controlled_from_outside(sandbox: Sandbox, http: Http) -> None:
    """Another process advances it, and can't turn it back."""
    assert http("POST", "/sandbox/clock", {"advance_s": 60}) == (200, {"now_s": NOW_S + 60})
    assert sandbox.clock.now_s() == NOW_S + 60
    status, answer = http("POST", "/sandbox/clock", {"advance_s": -1})
    assert (status, answer["error"]["param"]) == (400, "advance_s")


def test_faults_are_controlled_from_outside(sandbox: Sandbox, http: Http) -> None:
    """Planned, listed and cleared; the control endpoint itself is spared."""
    assert http("POST", "/sandbox/faults", {"kind": "server_error", "times": None})[0] == 200
    assert http("GET", USAGE, start_time=NOW_S)[0] == 500
    (planned,) = http("GET", "/sandbox/state")[1]["faults"]
    assert planned["kind"] == "server_error"
    http("DELETE", "/sandbox/faults")
    assert http("GET", USAGE, start_time=NOW_S)[0] == 200
    assert http("POST", "/sandbox/faults", {"kind": "gremlin"})[0] == 400


def test_books_are_controlled_from_outside(sandbox: Sandbox, http: Http) -> None:
    """Delays for all and for one key; a setting that does not exist is refused."""
    http("POST", "/sandbox/books", {"availability_delay_s": 60, "page_size": 5})
    http("POST", "/sandbox/delays", {"api_key_id": "key_a", "attribution_lag_s": 90})
    call = {"api_key_id": "key_a", "model": "m", "use": {"input_tokens": 3}}
    served = http("POST", "/sandbox/calls", call)[1]
    assert (served["visible_from_s"], served["booked_at_s"]) == (NOW_S + 60, NOW_S + 90)
    assert sandbox.core.books.page_size == 5
    status, answer = http("POST", "/sandbox/books", {"colour": "red"})
    assert (status, answer["error"]["message"]) == (400, "The books have no setting 'colour'.")


def test_keys_and_calls_are_had_from_outside(sandbox: Sandbox, http: Http) -> None:
    """A key in a project of its own, and what it used."""
    project = http("POST", "/sandbox/projects", {"name": "Other"})[1]["id"]
    key = http("POST", "/sandbox/keys", {"name": "k", "project_id": project})[1]
    ask = {"model": "m", "input": "x"}
    assert http("POST", "/v1/responses", ask, key=key["value"])[0] == 200
    (call,) = http("GET", "/sandbox/calls", api_key_id=key["id"])[1]
    assert call["project_id"] == project
    assert http("GET", "/sandbox/calls", model="other")[1] == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows can't send Ctrl+C to one process")
def test_command_says_what_it_is_and_how_to_use_it() -> None:
    """The first lines are for a person and for a shell; Ctrl+C ends it."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest_timestamps", "sandbox", "--availability-delay", "60"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip() for _ in range(6)]
        variables = dict(line.split("=", 1) for line in lines[1:5])
        with openai.OpenAI(
            base_url=variables["OPENAI_BASE_URL"], api_key=variables["OPENAI_API_KEY"]
        ) as client:
            client.responses.create(model="m", input="x")
        process.send_signal(2)
        assert process.wait(20) == 0
    assert lines[0] == (
        "The sandbox is for trying and testing: no model is asked, nothing is charged."
    )
    assert list(variables) == [
        "OPENAI_BASE_URL",
        "OPENAI_API_KEY",
        "OPENAI_API_KEY_ID",
        "OPENAI_ADMIN_KEY",
    ]
    assert lines[5].startswith("Control endpoint: http://127.0.0.1:")


def test_command_refuses_in_one_line() -> None:
    """A strange host is one line on stderr and the exit code of a usage error, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_timestamps", "sandbox", "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "pytest-timestamps: the sandbox binds to a loopback address only, got '0.0.0.0': "
        "expected 127.0.0.1, ::1 or localhost\n"
    )


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--page-size=0", "Invalid value for '--page-size': 0 is not in the range x>=1."),
        ("--port=99999", "Invalid value for '--port': 99999 is not in the range 0<=x<=65535."),
        (
            "--availability-delay=-5",
            "Invalid value for '--availability-delay': -5.0 is not in the range x>=0.",
        ),
        (
            "--attribution-lag=-1",
            "Invalid value for '--attribution-lag': -1.0 is not in the range x>=0.",
        ),
    ],
)
def test_command_refuses_numbers_that_make_no_sense(
    option: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page of no buckets would never come to its end; none of these starts a server."""
    with pytest.raises(SystemExit) as ended:
        main(["sandbox", "--host", "0.0.0.0", option])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"pytest-timestamps: {message}\n"


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_ipv6_loopback_works() -> None:
    """The address is written with brackets."""
    try:
        sandbox = Sandbox(host="::1").start()
    except SandboxError as error:
        pytest.skip(f"IPv6 loopback is off here: {error}")
    with urllib.request.urlopen(f"{sandbox.root_url}/sandbox/state", timeout=20) as answer:
        assert answer.status == 200
    sandbox.stop()
