"""Runs at the start of a run's Python child: see ``children.py``, two folders up.

It must do no harm in any interpreter, whatever its version and environment: it uses old syntax,
imports as little as it can, and writes what goes wrong into the run's journal.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
_OBSERVED = os.path.dirname(_HERE)
_PACKAGE = os.path.dirname(os.path.dirname(_OBSERVED))


def _hand_over() -> None:
    """Run the sitecustomize that this one hides, under its own name."""
    import importlib.machinery
    import importlib.util

    others = [path for path in sys.path if os.path.abspath(path) != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def _load(name: str, path: str, **places: Any) -> Any:
    """Load a module from a file, for an interpreter that has this project nowhere on its path."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, path, **places)
    if spec is None or spec.loader is None:
        raise ImportError(f"nothing to load at {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        # Else the program would find half a module under that name later.
        del sys.modules[name]
        raise
    return module


def _observe(_name: str) -> None:
    """``openai`` has been imported: from now on there is something to see."""
    _watch.stop()
    try:
        try:
            import pytest_timestamps.tokens.observed.children as children
        except ImportError:
            init = os.path.join(_PACKAGE, "__init__.py")
            _load("pytest_timestamps", init, submodule_search_locations=[_PACKAGE])
            import pytest_timestamps.tokens.observed.children as children
        children.observe_this_process(os.environ)
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


if "PYTEST_TIMESTAMPS_JOURNAL" in os.environ:
    try:
        _watch = _load(
            "_pytest_timestamps_import_watch", os.path.join(_OBSERVED, "import_watch.py")
        ).ImportWatch(["openai"], _observe)
        _watch.start()
    except Exception as _error:
        _report(_error)

_hand_over()
