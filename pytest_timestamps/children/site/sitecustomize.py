"""Runs at the start of a Python child: see ``environment.py``, one folder up.

It must do no harm in any interpreter, whatever its version and environment: it uses the syntax of
Python 3.6, imports as little as it can, and lets nothing out of what goes wrong.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
_PACKAGE = os.path.dirname(os.path.dirname(_HERE))


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


def _load(name: str, path: str, **places: "Any") -> "Any":
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


def _import_module(name: str) -> "Any":
    """Import a module of this project."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        init = os.path.join(_PACKAGE, "__init__.py")
        _load("pytest_timestamps", init, submodule_search_locations=[_PACKAGE])
        return importlib.import_module(name)


for _path in os.environ.get("PYTEST_TIMESTAMPS_STARTERS", "").split(os.pathsep):
    if _path:
        try:  # contextlib isn't there yet, and would be one import more
            _name = "_pytest_timestamps_" + os.path.basename(os.path.dirname(_path))
            _load(_name, _path).start(_load, _import_module)
        except Exception:
            # The program runs on as if nobody had asked; a starter tells of its own faults.
            pass

_hand_over()
