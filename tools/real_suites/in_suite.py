"""Loaded into the suites' pytest with ``-p``: decorates their functions, notes their outcomes.

``REAL_SUITES_DECORATE`` lists the functions as ``module:qualified.name``;
``REAL_SUITES_OUTCOMES`` names the file that the outcomes go to.
"""

import functools
import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

_outcomes: dict[str, list[str]] = {}


def _decorate(target: str) -> None:
    # Only here: a run without it must be one without anything of it.
    from pytest_timestamps import timestamp

    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = functools.reduce(getattr, owners, importlib.import_module(module))
    setattr(owner, name, timestamp(vars(owner)[name]))


for _target in os.environ.get("REAL_SUITES_DECORATE", "").split():
    _decorate(_target)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Under xdist this is called in the controller, for all workers' tests."""
    outcome = f"x{report.outcome}" if hasattr(report, "wasxfail") else report.outcome
    _outcomes.setdefault(report.nodeid, []).append(f"{report.when} {outcome}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        Path(os.environ["REAL_SUITES_OUTCOMES"]).write_text(json.dumps(_outcomes, sort_keys=True))
