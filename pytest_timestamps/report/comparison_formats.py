"""A comparison as text, Markdown and JSON.

Versions of the JSON form, each with the change that made it:
1: the first. Since then ``notes``, ``verdicts`` and ``withheld`` have been added, and ``base_is``
   and ``head_is`` of what is known in part.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence

from pytest_timestamps.analysis.changes import Change, Known
from pytest_timestamps.report.comparing import ReportComparison
from pytest_timestamps.report.comparison_text import (
    headers,
    listings,
    nothing_changed,
    render_comparison,
    row_cells,
    verdicts,
)
from pytest_timestamps.report.markdown import markdown_code, markdown_table, markdown_text

__all__ = ["COMPARISON_FORMATS", "render_comparison_markdown"]

FORMAT_VERSION = 1


def _render_text(compared: ReportComparison) -> bytes:
    return _encoded("\n".join(render_comparison(compared)))


def render_comparison_markdown(compared: ReportComparison) -> bytes:
    """For a pull request's comment: the verdict first, then what changed."""
    verdict = "a gate failed" if compared.failed else "nothing over a gate"
    if not compared.comparison.gates:
        verdict = "no gate was set"
    elif not compared.failed and compared.comparison.withheld:
        verdict = "a gate was withheld"
    title = "Compared with BASE" if compared.base_ids else "Limits"
    lines = [f"## {title}: {verdict}", ""]
    lines += [f"- {markdown_text(text)}" for text in verdicts(compared.comparison)]
    lines += [f"- Warning: {markdown_text(text)}" for text in compared.warnings]
    lines += [f"- Note: {markdown_text(text)}" for text in compared.notes]
    shown = listings(compared.comparison)
    if not shown and compared.base_ids:
        lines += ["", nothing_changed(compared.comparison)]
    for listing in shown:
        lines += ["", f"**{listing.title.capitalize()}**", ""]
        rows = [
            [
                f"{change.subject.kind} {markdown_code(change.subject.name)}",
                *row_cells(compared, change),
            ]
            for change in listing.changes
        ]
        lines += markdown_table(headers(compared), rows, left=2)
        if listing.left:
            lines.append(f"… and {listing.left:,} more.")
    return _encoded("\n".join(lines))


def _render_json(compared: ReportComparison) -> bytes:
    """Every change that there is, noise included, and which of them exceed a gate."""
    inner = compared.comparison
    document = {
        "format_version": FORMAT_VERSION,
        "base": compared.base_ids,
        "head": compared.head_ids,
        "failed": compared.failed,
        "warnings": compared.warnings,
        "notes": compared.notes,
        "gates": [gate.text for gate in inner.gates],
        "verdicts": [{"gate": gate.text, "state": inner.state_of(gate)} for gate in inner.gates],
        "breaches": [
            {"gate": breach.gate.text, **_row(breach.change)} for breach in inner.breaches
        ],
        "withheld": [{"gate": one.gate.text, **_row(one.change)} for one in inner.withheld],
        "changes": [_row(change) for change in inner.changes if change.growth],
    }
    return f"{json.dumps(document, indent=1)}\n".encode("ascii")


def _row(change: Change) -> dict[str, object]:
    unit = "_ns" if change.is_time else "_usd" if change.metric == "cost" else ""
    return {
        "kind": change.subject.kind,
        "name": change.subject.name,
        "metric": f"{change.metric}{unit}",
        "base": _known(change.base, change.base_is),
        "head": _known(change.head, change.head_is),
        "growth": change.growth if change.is_known else None,
        "is_new": change.is_new,
        "is_gone": change.is_gone,
        "p": change.p,
        **_doubt(change),
        **({} if change.base_is == "exact" else {"base_is": change.base_is}),
        **({} if change.head_is == "exact" else {"head_is": change.head_is}),
    }


def _known(figures: Sequence[float], known: Known) -> Sequence[float | None]:
    """No figure is shown as 0 that nobody knows."""
    return [None] * len(figures) if known == "unknown" else figures


def _doubt(change: Change) -> dict[str, object]:
    """For an estimated time only; null where nobody knows."""
    if not change.doubt:
        return {}
    return {"doubt_ns": round(change.doubt) if math.isfinite(change.doubt) else None}


def _encoded(text: str) -> bytes:
    return f"{text.rstrip()}\n".encode("utf-8", "backslashreplace")


# Format -> (ending of its files, renderer).
COMPARISON_FORMATS: Mapping[str, tuple[str, Callable[[ReportComparison], bytes]]] = {
    "json": ("json", _render_json),
    "markdown": ("md", render_comparison_markdown),
    "term": ("txt", _render_text),
}
