"""The variables by which a Python child is reached."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["STARTERS_VARIABLE", "child_variables"]

STARTERS_VARIABLE = "PYTEST_TIMESTAMPS_STARTERS"
_SITE_FOLDER = str(Path(__file__).with_name("site"))


def child_variables(starter: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What makes a Python child run *starter* before anything else, to be laid over *environ*.

    The file's ``start(load, import_module)`` is called with two functions: ``load(name, path)``
    loads a single file as a module, ``import_module(name)`` one of this project's, in an
    interpreter too that has this project nowhere on its path. Whatever
    Python the child is reads it, so it uses old syntax; what it raises is dropped. Starters that
    *environ* names run too.
    """
    path = environ.get("PYTHONPATH", "").split(os.pathsep)
    starters = environ.get(STARTERS_VARIABLE, "").split(os.pathsep)
    return {
        "PYTHONPATH": _joined([_SITE_FOLDER, *path]),
        STARTERS_VARIABLE: _joined([*starters, str(starter)]),
    }


def _joined(folders: list[str]) -> str:
    """Each one once, empty ones left out."""
    return os.pathsep.join(dict.fromkeys(folder for folder in folders if folder))
