"""``python -m benchmarks.packages``: what profiling whole packages costs, and what it finds.

python -m benchmarks.packages --quick --suite mistune   one round, cProfile and ours: two minutes
python -m benchmarks.packages                           every profiler that is installed here
python -m benchmarks.packages --all-pythons             everywhere; writes the docs page
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.packages.measuring import Measured, measure_suite, measured_to_json
from benchmarks.packages.page import print_measured
from benchmarks.packages.profilers import (
    COMPILED,
    CPROFILE,
    OURS,
    PLAIN,
    PROFILERS,
    Profiler,
    profiler_version,
)
from benchmarks.targets import monitored
from tools.real_suites.suites import PROFILED


def main() -> int:
    """Exit status 0 when the plugin changed no outcome, but where it has to wrap functions."""
    arguments = _parser().parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    if arguments.all_pythons or arguments.python:
        from benchmarks.packages.everywhere import measure_everywhere

        return measure_everywhere(rounds, arguments.python)
    names = arguments.profiler or ([CPROFILE, PLAIN, OURS] if arguments.quick else None)
    profilers = _profilers(names, arguments.option or ())
    measured: list[Measured] = []
    for suite in PROFILED:
        if suite.name in (arguments.suite or suite.name):
            print(f"measuring {suite.requirement} ...", file=sys.stderr, flush=True)
            found = list(measure_suite(suite, profilers, rounds))
            print_measured(found, arguments.hottest)
            measured += found
    if arguments.json:
        versions = {one.distribution: profiler_version(one) for one in profilers}
        machine = describe_machine() | {name: text for name, text in versions.items() if text}
        machine["load"] = f"{os.getloadavg()[2]:.1f}"
        rows = [measured_to_json(row) for row in measured]
        arguments.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1))
    changed = any(row.differing for row in measured if row.profiler in (OURS, COMPILED))
    return int(changed and monitored)


def _profilers(names: Sequence[str] | None, options: Sequence[str]) -> list[Profiler]:
    """The profilers of these names, the plugin with more options."""
    chosen = [one for one in PROFILERS if names is None or one.name in names]
    return [
        replace(one, options=(*one.options, *options)) if one.name in (OURS, COMPILED) else one
        for one in chosen
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.packages", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    suites = [suite.name for suite in PROFILED]
    profilers = [one.name for one in PROFILERS]
    add("--suite", action="append", choices=suites, help="this suite; repeatable")
    add("--profiler", action="append", choices=profilers, help="this one; repeatable")
    add("--rounds", type=int, default=3, help="how often each one runs (3)")
    add("--quick", action="store_true", help="one round, cProfile and the plugin")
    add(
        "--option",
        action="append",
        help="give the plugin's run this pytest option too: --option=--timestamps-...; repeatable",
    )
    add("--hottest", action="store_true", help="show each profiler's ten hottest functions")
    add("--json", type=Path, help="also write what was measured to this file")
    add("--all-pythons", action="store_true", help="every supported Python; writes the docs page")
    add("--python", metavar="3.12", help="measure this one anew, and write the page with all")
    return parser


if __name__ == "__main__":
    sys.exit(main())
