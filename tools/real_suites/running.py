"""One run of a suite: what came of each test, and the time it took."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tools.real_suites.sources import SCRATCH

__all__ = ["Outcomes", "SuiteRun", "differing", "run_suite"]

Outcomes = Mapping[str, Sequence[str]]
"""By test, what came of each of its phases, as ``phase outcome``."""


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """How a run went. ``outcomes`` is None for one that ran no test; ``log`` tells why."""

    outcomes: Outcomes | None
    wall_s: float
    processor_s: float
    log: Path


def run_suite(
    copy: Path,
    label: str,
    environment: Mapping[str, str],
    start: Sequence[str] = ("-m", "pytest"),
    options: Sequence[str] = (),
) -> SuiteRun:
    """Run the tests that were laid out in ``copy``; ``start`` is how Python comes to pytest."""
    outcomes = SCRATCH / f"{copy.name}-{label}-outcomes.json"
    outcomes.unlink(missing_ok=True)
    command = [
        *(sys.executable, *start, "-q", "-p", "tools.real_suites.in_suite"),
        *("-p", "no:cacheprovider", "-W", "default", *options),
    ]
    log = SCRATCH / f"{copy.name}-{label}.log"
    with log.open("w") as output:
        start_s = perf_counter()
        process = subprocess.Popen(
            command,
            cwd=copy,
            env={**environment, "REAL_SUITES_OUTCOMES": str(outcomes)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = perf_counter() - start_s
        # It has been waited for, which its object doesn't know.
        process.returncode = os.waitstatus_to_exitcode(status)
    found: Outcomes = json.loads(outcomes.read_text()) if outcomes.exists() else {}
    return SuiteRun(found or None, wall_s, usage.ru_utime + usage.ru_stime, log)


def differing(one: Outcomes, other: Outcomes) -> str:
    """How many tests came out in another way, and the first of them."""
    nodeids = [nodeid for nodeid in {**one, **other} if one.get(nodeid) != other.get(nodeid)]
    return f"{len(nodeids)} tests, such as {nodeids[0]}" if nodeids else "none"
