"""What this process runs on."""

import os
import platform
import sys

from pytest_timestamps.report.model import Machine

__all__ = ["describe_machine"]

_CPU_INFO = "/proc/cpuinfo"


def describe_machine(shard: str, *, cpu_info: str = _CPU_INFO) -> Machine:
    """This machine and Python; ``shard`` is the id of the session that asks."""
    return Machine(
        shard=shard,
        hostname=platform.node(),
        system=f"{platform.system()} {platform.release()}".strip(),
        architecture=platform.machine(),
        cpu=_cpu_model(cpu_info),
        cpu_count=os.cpu_count() or 0,
        python_implementation=sys.implementation.name,
        python_version=platform.python_version(),
    )


def _cpu_model(cpu_info: str) -> str:
    """The processor's name; the architecture where the system doesn't tell it.

    ``platform.processor()`` would start a program to find out, in every session.
    """
    try:
        with open(cpu_info, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    return value.strip()
    except OSError:
        pass
    return os.environ.get("PROCESSOR_IDENTIFIER", "") or platform.machine()
