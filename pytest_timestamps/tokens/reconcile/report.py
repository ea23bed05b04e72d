"""A pass as a file for other programs and for people: json, markdown, csv."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from pytest_timestamps.errors import ArgumentError, ReportFileError
from pytest_timestamps.tokens.atomic import write_atomically
from pytest_timestamps.tokens.reconcile.document import document_of
from pytest_timestamps.tokens.reconcile.result import PassResult
from pytest_timestamps.tokens.reconcile.table import HEADERS, cells_of, summary_lines

__all__ = ["Target", "parse_target", "write_report"]

Renderer = Callable[[PassResult, Path, Decimal | None], str]
_CSV_COUNTERS: Final = ("calls", "input_tokens", "output_tokens", "cached_tokens")


@dataclass(frozen=True, slots=True)
class Target:
    """A report that is wanted: its format and its file."""

    format: str
    path: Path


def parse_target(text: str) -> Target:
    """``FORMAT[:PATH]``, split at the first colon; without a path it has the format's own."""
    name, colon, path = text.partition(":")
    if name not in _FORMATS:
        raise ArgumentError(
            f"--report: unknown format {name!r:.40}; expected one of {', '.join(_FORMATS)}"
        )
    if colon and not path:
        raise ArgumentError(f"--report: the path in {text!r:.60} is empty; expected FORMAT[:PATH]")
    return Target(name, Path(path or f"reconciliation.{_FORMATS[name][0]}"))


def write_report(
    target: Target, result: PassResult, root: Path, tolerance: Decimal | None = None
) -> None:
    """Write the report, whole or not at all; raises `ReportFileError`."""
    text = _FORMATS[target.format][1](result, root, tolerance)
    try:
        target.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target.path, text.encode("utf-8"))
    except OSError as error:
        raise ReportFileError(
            f"{target.path}: can't be written ({error.strerror or error}); expected a file in a "
            "folder that can be written to"
        ) from error


def _json(result: PassResult, root: Path, tolerance: Decimal | None) -> str:
    return json.dumps(document_of(result, root, tolerance), indent=1) + "\n"


def _markdown(result: PassResult, root: Path, tolerance: Decimal | None) -> str:
    lines = ["# Token runs, reconciled", ""]
    if result.runs:
        lines.append(_markdown_row(HEADERS))
        lines.append("|" + " --- |" * len(HEADERS))
        lines += [_markdown_row(cells_of(run, result, root)) for run in result.runs]
        lines.append("")
    lines += [f"- {_escaped(line)}" for line in summary_lines(result, tolerance)]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    text = " ".join(text.split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _csv(result: PassResult, root: Path, tolerance: Decimal | None) -> str:
    """One line a run; what isn't known is an empty field."""
    entries = document_of(result, root, tolerance)["runs"]
    assert isinstance(entries, list)
    names = (
        "run_id",
        "framework",
        "test",
        "status",
        "disputed",
        "provisional",
        "attribution",
        "attempts",
        "next_read_due_s",
        *_CSV_COUNTERS,
        "cost_usd",
        "exceeds_tolerance",
        "why",
    )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for entry in entries:
        fields = {**entry, **(entry["reported"] or {})}
        writer.writerow([_csv_cell(fields.get(name)) for name in names])
    return out.getvalue()


def _csv_cell(value: object) -> object:
    # A spreadsheet takes text that begins so for a formula.
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")):
        return f"'{value}"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value


_FORMATS: Mapping[str, tuple[str, Renderer]] = {
    "json": ("json", _json),
    "markdown": ("md", _markdown),
    "csv": ("csv", _csv),
}
