"""Runs at the start of a run's Python child: see ``children.py``.

It uses the syntax of Python 3.6, for it is read by whatever the child is. It watches for the
import of ``openai``, loads this package then and not before, and writes what goes wrong into the
run's journal.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))


def start(load: "Any", import_module: "Any") -> None:
    """Observe this process once it has something to see."""
    if "PYTEST_TIMESTAMPS_JOURNAL" not in os.environ:
        return

    def observe(_name: str) -> None:
        watch.stop()
        try:
            children = import_module("pytest_timestamps.tokens.observed.children")
            children.observe_this_process(os.environ)
        except Exception as error:
            _report(error)

    try:
        path = os.path.join(_HERE, "import_watch.py")
        watch = load("_pytest_timestamps_import_watch", path).ImportWatch(["openai"], observe)
        watch.start()
    except Exception as error:
        _report(error)


def _report(error: Exception) -> None:
    """Tell the run that this child can't be observed."""
    import json

    folder = os.environ["PYTEST_TIMESTAMPS_JOURNAL"]
    detail = f"it could not be observed ({type(error).__name__}: {error})"
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{os.getpid()}-failed.jsonl"), "a") as file:
        file.write(json.dumps({"kind": "journal", "detail": detail}) + "\n")
