"""Making Python child processes report what they see to the run that started them.

A child is reached as `pytest_timestamps.children` tells. What runs at its start watches for the
import of ``openai``, and loads this package then and not before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pytest_timestamps.children.environment import child_variables

from .activation import activate
from .attribution import set_process_default
from .journal import JournalSink
from .keyprint import KeyPrint
from .tally import Tally

__all__ = ["JOURNAL_VARIABLE", "KEY_VARIABLE", "child_environment", "observe_this_process"]

JOURNAL_VARIABLE = "PYTEST_TIMESTAMPS_JOURNAL"
KEY_VARIABLE = "PYTEST_TIMESTAMPS_KEY_PRINT"
_STARTER = Path(__file__).with_name("child_start.py")


def child_environment(
    tally: Tally, *, api_key: str | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables that a Python child needs to report to *tally*, to be laid over *environ*.

    With an *api_key* given, calls that the child makes with another one are told as foreign. The
    key itself is not in the variables, only a salted digest.
    """
    environ = os.environ if environ is None else environ
    variables = child_variables(_STARTER, environ)
    variables[JOURNAL_VARIABLE] = str(tally.journal_folder)
    if api_key:
        variables[KEY_VARIABLE] = KeyPrint.of(api_key).to_text()
    return variables


def observe_this_process(environ: Mapping[str, str]) -> None:
    """Report every call of this process, which *environ* says is a run's child."""
    print_text = environ.get(KEY_VARIABLE)
    key = KeyPrint.from_text(print_text) if print_text else None
    set_process_default(JournalSink(Path(environ[JOURNAL_VARIABLE])), key)
    activate()
