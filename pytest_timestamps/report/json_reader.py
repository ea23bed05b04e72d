"""Read a session report's JSON back; refuse whatever isn't one, with the place and the reason."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pytest_timestamps.analysis.modules import ModuleTiming
from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.errors import ReportFileError, ReportFormatError
from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.report.json_writer import FORMAT_VERSION
from pytest_timestamps.report.model import (
    CaseResult,
    FixtureResult,
    Machine,
    Phases,
    SessionInfo,
    SessionReport,
    SessionSpan,
    ShardOverhead,
)
from pytest_timestamps.report.schema import check_report

__all__ = ["load_report", "parse_report"]

_Row = TypeVar("_Row")
# As many digits as a number may have that 64 bits don't hold; names may have them too.
_MANY_DIGITS = re.compile(rb"[0-9]{19}")


def load_report(path: Path) -> SessionReport:
    """The session report in that file.

    Raises ReportFileError where it can't be read, ReportFormatError where it isn't a report;
    both messages begin with the path.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ReportFileError(
            f"{path}: can't be read ({reason}); expected a report "
            "written by pytest --timestamps-report=json:PATH"
        ) from None
    except ValueError as error:  # a NUL in the path
        raise ReportFileError(f"{str(path)!r}: can't be read ({error})") from None
    try:
        return parse_report(content)
    except ReportFormatError as error:
        raise ReportFormatError(f"{path}: {error}") from None


def parse_report(content: bytes) -> SessionReport:
    """The session report in those bytes; ReportFormatError says what is wrong with them."""
    document = _parse_json(content)
    if not isinstance(document, dict) or "format_version" not in document:
        raise ReportFormatError(
            "not a session report: expected a JSON object with a format_version, "
            "as pytest --timestamps-report=json:PATH writes it"
        )
    version = document["format_version"]
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise ReportFormatError(
            f"format_version is {json.dumps(version)[:40]}, this version of pytest-timestamps "
            f"reads {FORMAT_VERSION}; write the report again, or read it with the version that did"
        )
    check_report(document)
    return _report(document)


def _parse_json(content: bytes) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not a JSON number")

    # Asked of each number, the question would double the time that reading takes.
    whole = _whole_number if _MANY_DIGITS.search(content) else None
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            parse_constant=refuse,
            parse_int=whole,
            parse_float=_finite_number,
        )
    except UnicodeDecodeError as error:
        raise ReportFormatError(
            f"not JSON: byte {error.start} is not UTF-8 text; expected a report "
            "written by pytest --timestamps-report=json:PATH"
        ) from None
    except json.JSONDecodeError as error:
        raise ReportFormatError(
            f"not JSON: {error.msg} in line {error.lineno}, column {error.colno} "
            f"of {len(content):,} bytes; is the file complete?"
        ) from None
    except ValueError as error:
        raise ReportFormatError(f"not JSON: {error}") from None
    except RecursionError:
        raise ReportFormatError("not a session report: nested too deeply") from None


def _whole_number(text: str) -> int:
    """Sums and shares of larger numbers than our own writer makes would not fit a float."""
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
        raise ReportFormatError(
            f"not a session report: the number {text[:20]}... has {len(text)} characters; "
            "expected numbers that 64 bits hold"
        )
    return int(text)


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ReportFormatError(
            f"not a session report: the number {text[:20]} is too large; expected finite numbers"
        )
    return number


def _report(document: Mapping[str, Any]) -> SessionReport:
    """Build the frozen report from a document that fits the schema."""
    _check_once([row["nodeid"] for row in document["tests"]], "tests")
    _check_once(
        [(row["nodeid"], row["scope"], row["name"]) for row in document["fixtures"]], "fixtures"
    )
    session = document["session"]
    return SessionReport(
        session=_pick(
            SessionInfo,
            session,
            shards=tuple(session["shards"]),
            instrumented=tuple(session.get("instrumented", ())),
            budget=session.get("budget"),
            process_ns=session.get("process_ns", 0),
        ),
        machines=tuple(_pick(Machine, row) for row in document["machines"]),
        # earlier reports don't tell what freezing took, nor of a compiled core
        overhead=tuple(
            _pick(ShardOverhead, {"freezing_ns": 0, "compiled": False} | row)
            for row in document["overhead"]
        ),
        functions=_functions(document["functions"], "functions"),
        tests=tuple(_case(row, f"tests[{at}]") for at, row in enumerate(document["tests"])),
        fixtures=tuple(
            _fixture(row, f"fixtures[{at}]") for at, row in enumerate(document["fixtures"])
        ),
        call_tree=_paths(
            [[row.get(field, 0) for field in PathStats._fields] for row in document["call_tree"]],
            "call_tree",
        ),
        modules=_modules(document.get("modules", ())),
        runs=tuple(document["runs"]),
        timeline=_timeline(document["timeline"]),
        dropped_paths=document["dropped_paths"],
        dropped_spans=document["dropped_spans"],
        left_out=tuple(document.get("left_out", ())),
    )


def _pick(kind: type[_Row], row: Mapping[str, Any], **changed: object) -> _Row:
    """One of our dataclasses from the fields of that name; fields we don't know are left out."""
    names = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return kind(**{name: row[name] for name in names if name not in changed}, **changed)


def _check_once(keys: Sequence[object], where: str) -> None:
    """A second row of one name would be counted twice by one reader and not at all by another."""
    seen: set[object] = set()
    for at, key in enumerate(keys):
        if key in seen:
            named = json.dumps(key)
            shown = named if len(named) <= 80 else f"{named[:77]}..."
            raise ReportFormatError(f"{where}[{at}]: expected one row a name, got a second {shown}")
        seen.add(key)


def _functions(rows: Sequence[Mapping[str, Any]], where: str) -> tuple[Timing, ...]:
    _check_once([row["name"] for row in rows], where)
    return tuple(
        Timing(
            row["name"], row["calls"], row["errors"], row["total_ns"], row["self_ns"],
            row["min_ns"], row["max_ns"], row["suspended_ns"], row.get("open", 0),
            row.get("estimated", 0), row.get("untimed", 0),
        )
        for row in rows
    )  # fmt: skip


def _modules(rows: Sequence[Mapping[str, Any]]) -> tuple[ModuleTiming, ...]:
    _check_once([(row["name"], row["kind"]) for row in rows], "modules")
    return tuple(ModuleTiming(*(row[field] for field in ModuleTiming._fields)) for row in rows)


def _paths(rows: Sequence[Sequence[Any]], where: str) -> tuple[PathStats, ...]:
    """Rows of a call tree; the one rule that the schema can't say is checked here."""
    for at, row in enumerate(rows):
        if row[0] >= at:
            raise ReportFormatError(
                f"{where}[{at}].parent: expected a row before {at}, got {row[0]}"
            )
    return tuple(starmap(PathStats, rows))


def _case(row: Mapping[str, Any], where: str) -> CaseResult:
    return CaseResult(
        nodeid=row["nodeid"],
        outcome=row["outcome"],
        phases=_pick(Phases, row["phases"]),
        functions=_functions(row["functions"], f"{where}.functions"),
        call_tree=_paths(row.get("call_tree", ()), f"{where}.call_tree"),
        reruns=row.get("reruns", 0),
        left_out=row.get("left_out", 0),
    )


def _fixture(row: Mapping[str, Any], where: str) -> FixtureResult:
    return _pick(
        FixtureResult,
        row,
        functions=_functions(row["functions"], f"{where}.functions"),
        call_tree=_paths(row["call_tree"], f"{where}.call_tree"),
        left_out=row.get("left_out", 0),
    )


def _timeline(table: Mapping[str, Any]) -> tuple[SessionSpan, ...]:
    strings = table["strings"]
    known = len(strings)
    spans: list[SessionSpan] = []
    for at, (name, owner, phase, start_ns, end_ns, thread, task) in enumerate(table["spans"]):
        if max(name, owner, phase, thread, task) >= known:
            raise ReportFormatError(
                f"timeline.spans[{at}]: expected numbers of the {known} strings, "
                f"got {max(name, owner, phase, thread, task)}"
            )
        spans.append(
            SessionSpan(
                strings[name], strings[owner], strings[phase],
                start_ns, end_ns, strings[thread], strings[task],
            )
        )  # fmt: skip
    return tuple(spans)
