"""``python -m benchmarks``: measure, and print one table.

python -m benchmarks --only active --quick     one section, in seconds
python -m benchmarks                           everything, on this Python
python -m benchmarks --all-pythons             everywhere; writes docs/performance.md
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.page import print_machine, print_rows
from benchmarks.results import Row, row_to_json

Section = Callable[[bool], Iterator[Row]]

# Each section is imported when it is measured, so that one can be tuned while others are broken.
SECTIONS = {
    "idle": "benchmarks.calls",
    "active": "benchmarks.calls",
    "coroutines": "benchmarks.calls",
    "exceptions": "benchmarks.exceptions",
    "truth": "benchmarks.truth",
    "memory": "benchmarks.memory",
    "imports": "benchmarks.imports",
    "plugin": "benchmarks.plugin",
    "rendering": "benchmarks.rendering",
    "planning": "benchmarks.planning",
}


def main() -> None:
    """Parse the command line and do what it says."""
    arguments = _parser().parse_args()
    if arguments.all_pythons or arguments.python:
        from benchmarks.everywhere import measure_everywhere

        sections = arguments.only or list(SECTIONS)
        sys.exit(measure_everywhere(sections, arguments.quick, arguments.python))
    machine = describe_machine()
    print_machine(machine)
    rows: list[Row] = []
    for name in arguments.only or SECTIONS:
        print(f"measuring {name} on Python {machine['python']} ...", file=sys.stderr, flush=True)
        found = list(_section(name)(arguments.quick))
        print_rows(found)
        rows.extend(found)
    if arguments.json:
        content = {"machine": machine, "rows": [row_to_json(row) for row in rows]}
        arguments.json.write_text(json.dumps(content, indent=1))


def _section(name: str) -> Section:
    module = __import__(SECTIONS[name], fromlist=[name])
    section: Section = getattr(module, name)
    return section


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--only", action="append", choices=list(SECTIONS), help="measure this section; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds: rougher, in seconds")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument(
        "--all-pythons", action="store_true", help="every supported Python; writes the docs page"
    )
    parser.add_argument(
        "--python", metavar="3.12", help="measure this one anew, and write the page with all"
    )
    return parser


if __name__ == "__main__":
    main()
