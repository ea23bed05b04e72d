"""Ask a mock server, made from the provider's OpenAPI document, everything that reconcile asks.

    python -m tools.mock_check

The mock is the npm package @stdy/cli, which npx fetches.

Every question must be accepted: right path, known parameters of the right types, limits in range.
The answers are the document's examples, which say nothing about any run, and aren't looked at.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_timestamps.errors import TimestampsError
from pytest_timestamps.tokens.reconcile.client import AdminKey, BooksClient
from pytest_timestamps.tokens.reconcile.plan import DAY_S, Query, Want, plan_queries
from pytest_timestamps.tokens.reconcile.policy import ENDPOINTS
from pytest_timestamps.tokens.secret import SecretText
from pytest_timestamps.tokens.window import Window

START_S = 1_761_523_200
PACKAGE = "@stdy/cli@0.22.2"
DOCUMENT = Path(__file__).parents[1] / "tests" / "tokens" / "reconcile" / "usage_openapi.json"


def questions() -> Iterator[tuple[str, Mapping[str, object]]]:
    """Path and parameters of every kind of request that the program makes."""
    few = [Want(Window(START_S, START_S + 2 * DAY_S), f"key_{n:012d}") for n in range(3)]
    many = [Want(Window(START_S, START_S + 600), f"key_{n:012d}") for n in range(300)]
    day = Window(START_S, START_S + DAY_S)
    whole_days = [Query(endpoint, day, ("key_1",), DAY_S) for endpoint in ENDPOINTS]
    by_project = [Query(endpoint, day, (), DAY_S, ("proj_1",)) for endpoint in ENDPOINTS]
    planned = [*plan_queries(few, ENDPOINTS), *plan_queries(many, ENDPOINTS)]
    for query in [*planned, *whole_days, *by_project]:
        for page in ({}, {"page": "page_AAAAA"}):
            yield f"/organization/usage/{query.endpoint}", {**query.params(), **page}
    for name, values in (("api_key_id", ["key_1"]), ("project_id", ["proj_1"])):
        yield (
            "/organization/costs",
            {
                "start_time": day.start_s,
                "end_time": day.end_s,
                "bucket_width": "1d",
                "limit": 1,
                "group_by": [name, "line_item"],
                f"{name}s": values,
            },
        )


@contextlib.contextmanager
def mock_server() -> Iterator[str]:
    """A mock on a free port of this machine; its address."""
    npx = shutil.which("npx")
    if npx is None:
        sys.exit("mock-check: there is no 'npx' here; install Node.js 18 or newer")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [npx, "--yes", PACKAGE, "--host", "127.0.0.1", "-p", str(port), "--quiet",
               "--no-color", "--validator-query-array-format=brackets", str(DOCUMENT)]  # fmt: skip
    # A session of its own: npx starts children that don't end with it.
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Until the mock listens: npx may have to fetch it first."""
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if server.poll() is not None:
            sys.exit(f"mock-check: {PACKAGE} ended with status {server.returncode}")
        time.sleep(0.2)
    sys.exit(f"mock-check: {PACKAGE} didn't start within 2 minutes")


def main() -> int:
    """Ask all of them; the number of those that were refused is the exit status."""
    key = AdminKey(SecretText("sk-admin-for-a-mock"), "OPENAI_ADMIN_KEY")
    asked = refused = 0
    with mock_server() as base_url:
        client = BooksClient(key, base_url, tries=1)
        for path, params in questions():
            asked += 1
            try:
                client.get(path, params)
            except TimestampsError as error:
                refused += 1
                print(f"refused: {error}")
        client.close()
    print(f"{asked - refused} of {asked} questions were accepted by the mock")
    return min(refused, 100)


if __name__ == "__main__":
    sys.exit(main())
