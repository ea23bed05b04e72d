"""``make demo``: the example suite with ``--timestamps``, then its token runs, all of it offline.

After each half it says where to look in the output.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from pytest_timestamps.sandbox import Sandbox

__all__ = ["COMMAND", "EXAMPLES"]

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMAND = ("pytest", "--timestamps")
TOKEN_COMMAND = ("pytest", "-q", "assistant")
# A real ledger is asked about with the defaults, which wait until the provider's books are settled;
# the sandbox's always are.
AT_ONCE = ("--min-age=0", "--interval=0", "--lag=0", "--settle=0")
RECONCILE_COMMAND = ("pytest-timestamps", "reconcile", *AT_ONCE)
LIST_COMMAND = ("pytest-timestamps", "runs")

WHERE_TIME_GOES = """
What to look at
  * The first row of `hotspots` is the function with the most time of its own. Here it is
    shop.catalogue.words_of: its average is small and its number of calls is not. The search
    takes every description apart again, for each product and each question.
  * `slowest tests` says which test pays for it, and with which functions.
  * A coroutine that waits, such as shop.stock.level_in, has hardly any self time: waiting is
    suspended time, and is shown apart.
  * `errors` counts the calls that raised, expected or not.

Now the tests that ask a language model. A sandbox on this machine takes the provider's place.
"""

WHERE_TOKENS_GO = """
What to look at
  * `token runs`: each test with @pytest.mark.token_run left a file with its window, its steps and
    what this process and its children saw. test_stream didn't ask for its usage, so that its tally
    is incomplete; nothing is estimated.
  * `pytest-timestamps reconcile` asked the provider's books twice. They agree, and so every run is
    verified. `attribution` says how: what was observed of a run is proven, or, where that was
    incomplete, the run has what the books have more than the others.

Next: docs/tutorial.md and docs/token-runs.md, or in a project of your own:
pip install pytest-timestamps-tokens, put @timestamp above a function, and run: pytest --timestamps
"""


def main() -> int:
    """Run both halves; the exit status is that of the first command that failed."""
    status = _show(COMMAND, os.environ)
    if status == 0:
        print(WHERE_TIME_GOES)
        shutil.rmtree(EXAMPLES / "runs", ignore_errors=True)
        status = _show_tokens()
    print(WHERE_TOKENS_GO if status == 0 else "The example suite failed: see above.")
    return status


def _show_tokens() -> int:
    with Sandbox() as sandbox:
        environ = os.environ | {
            "OPENAI_BASE_URL": sandbox.base_url,
            "OPENAI_API_KEY": sandbox.api_key.value,
            "OPENAI_API_KEY_ID": sandbox.api_key.id,
        }
        admin = environ | {"OPENAI_ADMIN_KEY": sandbox.admin_key}
        status = _show(TOKEN_COMMAND, environ)
        if status == 0:
            # A run covers whole seconds, and nobody can be asked about one that isn't over.
            time.sleep(2)
            status = _show(RECONCILE_COMMAND, admin, quiet=True)
        if status == 0:
            status = _show(RECONCILE_COMMAND, admin, quiet=True)
        return status or _show(LIST_COMMAND, environ)


def _show(command: tuple[str, ...], environ: Mapping[str, str], *, quiet: bool = False) -> int:
    """Run *command* in the examples' folder, as a reader could.

    A *quiet* one has its verdict shown, and all that it says if it fails.
    """
    print(f"$ cd {EXAMPLES.name} && {shlex.join(command)}", flush=True)
    program, *arguments = command
    module = program.replace("-", "_")
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=EXAMPLES,
        env=environ,
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        check=False,
    )
    if quiet and done.returncode == 0:
        print("...", *(line for line in done.stdout.splitlines() if _is_verdict(line)), sep="\n")
    elif quiet:
        print(done.stdout)
    print(flush=True)
    return done.returncode


def _is_verdict(line: str) -> bool:
    return line.startswith("verified: ")


if __name__ == "__main__":
    sys.exit(main())
