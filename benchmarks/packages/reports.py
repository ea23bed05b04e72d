"""The functions in a session report, as a table or as JSON."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["functions_in_report", "overhead_in_table"]


def functions_in_report(file: Path) -> Iterable[Mapping[str, str | int]]:
    """A function's figures each, by the names that they have in both formats."""
    text = file.read_text(encoding="utf-8")
    if text.startswith("{"):
        functions: Iterable[Mapping[str, str | int]] = json.loads(text)["functions"]
        return functions
    return [row for row in csv.DictReader(text.splitlines()) if row["kind"] == "function"]


def overhead_in_table(file: Path) -> float | None:
    """Seconds that recording cost, as a report as a table says; None for another one.

    Making a larger report takes longer, which is no part of it.
    """
    text = file.read_text(encoding="utf-8")
    if text.startswith("{"):
        return None
    rows = csv.DictReader(text.splitlines())
    return sum(int(row["total_ns"]) for row in rows if row["kind"] == "overhead") / 1e9
