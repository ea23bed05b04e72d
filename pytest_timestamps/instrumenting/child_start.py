"""Runs at the start of a Python child that a recorded test has started: see ``child_recorder.py``.

It uses the syntax of Python 3.6, for it is read by whatever the child is.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def start(load: "Any", import_module: "Any") -> None:
    """Record this process, from its first line to its end."""
    folder = os.environ.get("PYTEST_TIMESTAMPS_CHILD_FOLDER")
    if folder and sys.version_info >= (3, 11):
        module = import_module("pytest_timestamps.instrumenting.child_recorder")
        module.record_this_process(folder)
