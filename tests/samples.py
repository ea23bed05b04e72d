"""Hand-made rows, recordings and reports for tests that need no clock and no pytest."""

from collections.abc import Sequence
from typing import Any

from pytest_timestamps.recording.results import Overhead, PathStats, Recording, TimelineSpan
from pytest_timestamps.report.build import SessionFacts, build_report
from pytest_timestamps.report.model import Machine, SessionReport
from pytest_timestamps.report.outcomes import CaseTally
from pytest_timestamps.report.records import CaseRecord, FixtureRecord, Record

SESSION_ID = "6f1ed002-ab4e-4a4f-8c7a-1d2f3a4b5c6d"


def path(name: str, parent: int = -1, calls: int = 1, total_ns: int = 10, **more: Any) -> PathStats:
    """A row; what isn't given follows from calls and total."""
    figures = {
        "section": "",
        "detached": False,
        "errors": 0,
        "open": 0,
        "self_ns": total_ns,
        "min_ns": total_ns // calls if calls else 0,
        "max_ns": total_ns // calls if calls else 0,
        "suspended_ns": 0,
        **more,
    }
    return PathStats(parent=parent, name=name, calls=calls, total_ns=total_ns, **figures)


def recording(
    *paths: PathStats, name: str = "sample", total_ns: int = 100, **more: Any
) -> Recording:
    """A recording with an overhead of 7 ns a span, 9 ns of it in all taken out."""
    figures = {"wall_ns": total_ns + 9, "overhead": Overhead(7, 2, 9), **more}
    return Recording(name=name, total_ns=total_ns, paths=paths, **figures)


def case(nodeid: str, *paths: PathStats, **more: Any) -> CaseRecord:
    """The record of one run of a test: 1, 20 and 3 µs by phase."""
    fields = {
        "start_unix_ns": 1_700_000_000_000_000_500,
        "setup_ns": 1_000,
        "call_ns": 20_000,
        "teardown_ns": 3_000,
        "stack_depth": 33,
        "recording": recording(*paths, name=nodeid),
        **more,
    }
    return CaseRecord(nodeid, **fields)


def fixture(name: str, *paths: PathStats, **more: Any) -> FixtureRecord:
    """The record of a session fixture's set-up: 5 ms."""
    fields = {
        "scope": "session",
        "nodeid": "",
        "start_unix_ns": 1_700_000_000_000_000_100,
        "setups": 1,
        "setup_ns": 5_000_000,
        "teardown_ns": 0,
        "recording": recording(*paths, name=name),
        **more,
    }
    return FixtureRecord(name, **fields)


def tally(outcome: str = "passed") -> CaseTally:
    """The tally of a test whose body came to ``outcome``."""
    made = CaseTally()
    made.add_phase("setup", "passed")
    made.add_phase("call", outcome)
    made.add_phase("teardown", "passed")
    return made


def facts(session_id: str = SESSION_ID, **more: Any) -> SessionFacts:
    """A session of two seconds on a machine that doesn't exist."""
    return SessionFacts(
        id=session_id,
        start_s=1_700_000_000.0,
        duration_ns=2_000_000_000,
        exit_status=0,
        pytest_version="9.2.0",
        plugin_version="0.1.0",
        machine=Machine(session_id, "host", "Linux 6", "x86_64", "A CPU", 2, "cpython", "3.13.1"),
        **more,
    )


def report(records: Sequence[Record] | None = None) -> SessionReport:
    """A report of those records, each test passed; by default one of everything."""
    if records is None:
        records = [
            case(
                "tests/test_cart.py::test_total",
                path("shop.total", section="call", total_ns=15_000, self_ns=6_000),
                path("shop.query", parent=0, calls=3, total_ns=9_000, errors=1),
                recording=recording(
                    path("shop.total", section="call", total_ns=15_000, self_ns=6_000),
                    path("shop.query", parent=0, calls=3, total_ns=9_000, errors=1),
                    timeline=(TimelineSpan("shop.total", "call", 10, 15_010, "MainThread", ""),),
                ),
            ),
            case("tests/test_cart.py::test_empty"),
            fixture("database", path("shop.query", section="setup", total_ns=4_000_000)),
        ]
    tallies = {record.nodeid: tally() for record in records if isinstance(record, CaseRecord)}
    return build_report(facts(), tallies, records)


def package_report() -> SessionReport:
    """A session that recorded the packages shop and bank undecorated, in two tests."""
    rows = (
        path("shop.cart.Cart.total", section="call", total_ns=15_000, self_ns=4_000),
        path("shop.prices.price", parent=0, calls=3, total_ns=9_000, self_ns=8_000, errors=1),
        path("shop.cart.round_up", parent=1, calls=3, total_ns=1_000),
        path("bank.pay", parent=0, total_ns=2_000),
        path("shop.start", section="setup", total_ns=500),
        path("by hand", section="call", total_ns=700),
    )
    records = [
        case("tests/test_cart.py::test_total", *rows, modules=("bank", "shop", "shop.cart")),
        case("tests/test_cart.py::test_twice", *rows, modules=("shop.prices",)),
    ]
    tallies = {record.nodeid: tally() for record in records}
    return build_report(facts(instrumented=("shop", "!shop.slow", "bank")), tallies, records)


def thinned_report() -> SessionReport:
    """A session in which one function was thinned, one only counted, and one both."""
    rows = (
        path("shop.cart.total", section="call", total_ns=900_000, self_ns=540_000),
        path(
            "shop.cart.item", parent=0, calls=6_100, total_ns=300_000,
            min_ns=40, max_ns=900, estimated=6_000,
        ),
        path(
            "shop.price", parent=0, calls=3_000, total_ns=0, min_ns=0, max_ns=0, untimed=3_000
        ),
        path(
            "shop.tax", parent=0, calls=1_000, total_ns=60_000,
            min_ns=50, max_ns=90, estimated=590, untimed=400,
        ),
    )  # fmt: skip
    records = [case("t", *rows, modules=("shop", "shop.cart"), call_ns=1_000_000)]
    return build_report(facts(instrumented=("shop",)), {"t": tally()}, records)
