"""Where figures were measured: a figure without its machine and versions says nothing."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["describe_machine"]

PEERS = (
    "pytest",
    "osbot-utils",
    "line-profiler",
    "opentelemetry-sdk",
    "viztracer",
    "yappi",
)


def describe_machine() -> dict[str, str]:
    """The machine, the Python, the versions of the peers, and the day."""
    description = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "processors": str(os.cpu_count()),
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    return description | {name: found for name in PEERS if (found := _version(name))}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
