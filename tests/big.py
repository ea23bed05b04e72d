"""A large session, made from nothing: names and figures as uneven as real ones."""

import random

from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.report.build import build_report
from pytest_timestamps.report.model import SessionReport
from tests.samples import case, facts, recording, tally

__all__ = ["big_report"]


def big_report(tests: int = 5_000, paths: int = 25) -> SessionReport:
    """A report of so many tests with so many call paths each; the same one each time."""
    chance = random.Random(20_26)
    names = [f"shop.module_{n % 23}.Class{n % 7}.function_{n}" for n in range(400)]
    records = []
    for number in range(tests):
        rows = []
        for at in range(paths):
            total_ns = chance.randrange(1_000, 5_000_000)
            rows.append(
                PathStats(
                    parent=chance.randrange(-1, at) if at else -1,
                    name=f"{chance.choice(names)}_{at}",
                    section="",
                    detached=False,
                    calls=chance.randrange(1, 900),
                    errors=0,
                    open=0,
                    total_ns=total_ns,
                    self_ns=chance.randrange(0, total_ns),
                    min_ns=10,
                    max_ns=total_ns,
                    suspended_ns=0,
                )
            )
        top = [row._replace(section="call") if row.parent < 0 else row for row in rows]
        nodeid = f"tests/unit/test_module_{number // 40}.py::TestClass::test_behaviour_{number}"
        times = {
            phase: chance.randrange(1_000, 90_000_000)
            for phase in ("setup_ns", "call_ns", "teardown_ns")
        }
        modules = tuple(f"shop.module_{n}" for n in range(23)) if not number else ()
        records.append(case(nodeid, recording=recording(*top), modules=modules, **times))
    tallies = {record.nodeid: tally() for record in records}
    return build_report(facts(), tallies, records)
