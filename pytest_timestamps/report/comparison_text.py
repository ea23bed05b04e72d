"""A comparison in words: what each line of its text and of its Markdown says."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pytest_timestamps.analysis.changes import Change, Known
from pytest_timestamps.analysis.comparison import Breach, Comparison
from pytest_timestamps.analysis.gates import Gate
from pytest_timestamps.analysis.text import (
    count,
    draw_table,
    format_ns,
    format_usd,
    printable,
    shorten,
)
from pytest_timestamps.report.comparing import ReportComparison

__all__ = [
    "FAILED",
    "Listing",
    "headers",
    "listings",
    "nothing_changed",
    "render_comparison",
    "row_cells",
    "verdicts",
]

HEADERS = ("what", "metric", "BASE", "HEAD", "change", "how sure")
HEADERS_WITHOUT_BASE = ("what", "metric", "figure")
FAILED = "FAILED "
_MARKS: Mapping[Known, str] = {"exact": "", "at least": "≥", "at most": "≤", "unknown": "-"}
ROWS = 20
NAME_WIDTH = 70


class Listing(NamedTuple):
    """A heading and the changes below it; ``left`` more are not listed."""

    title: str
    changes: Sequence[Change]
    left: int


def render_comparison(compared: ReportComparison) -> list[str]:
    """The lines of the comparison for a terminal or a text file."""
    lines = [_headline(compared), *(f"warning: {text}" for text in compared.warnings)]
    lines += [f"note: {text}" for text in compared.notes]
    lines += verdicts(compared.comparison)
    shown = listings(compared.comparison)
    if not shown and compared.base_ids:
        lines.append(nothing_changed(compared.comparison))
    for listing in shown:
        rows = [
            [shorten(printable(_label(change)), NAME_WIDTH), *row_cells(compared, change)]
            for change in listing.changes
        ]
        lines += ["", f"{listing.title}:", *draw_table(headers(compared), rows, left=2)]
        if listing.left:
            lines.append(f"... and {listing.left:,} more (--report=json:PATH has them all)")
    return lines


def nothing_changed(compared: Comparison) -> str:
    """What is said where there is nothing to list."""
    policy = compared.policy
    known = " of what is known" if compared.has_unknown else ""
    return (
        f"No count changed, and no time grew by more than {policy.ratio:.0%} "
        f"and {format_ns(policy.floor_ns)}{known}."
    )


def _headline(compared: ReportComparison) -> str:
    base, head = compared.comparison.samples
    if not compared.base_ids:
        return "No BASE: only limits on this session's own figures apply"
    return f"HEAD ({count(head, 'report')}) compared with BASE ({count(base, 'report')})"


def verdicts(compared: Comparison) -> list[str]:
    """A line for each gate: passed, failed or withheld, and what came near."""
    return [_verdict(compared, gate) for gate in compared.gates]


def _verdict(compared: Comparison, gate: Gate) -> str:
    state = compared.state_of(gate)
    if state == "no data":
        return f"no data {gate.text}: nothing has {gate.metric}"
    withheld = _of(compared.withheld, gate)
    notes = _near(compared, gate)
    text = f"passed {gate.text}"
    if state == "failed":
        text = f"{FAILED}{gate.text}: {count(len(_of(compared.breaches, gate)), 'figure')} over it"
        if withheld:
            notes.append(f"{len(withheld):,} not known well enough")
    elif state == "withheld":
        text = (
            f"withheld {gate.text}: {count(len(withheld), 'figure')} not known well enough, "
            f"such as {printable(_label(withheld[0].change))}"
        )
    return f"{text} ({', '.join(notes)} not counted)" if notes else text


def _near(compared: Comparison, gate: Gate) -> list[str]:
    """How many figures were over the gate and don't count, by why."""
    floor = format_ns(compared.policy.floor_ns)
    why = (
        (compared.too_small, f"grew by less than {floor}"),
        (compared.noise, "within the noise of the repeated reports"),
        (compared.doubtful, "within the doubt about estimated times"),
    )
    return [f"{len(_of(near, gate)):,} {text}" for near, text in why if _of(near, gate)]


def _of(breaches: Iterable[Breach], gate: Gate) -> list[Breach]:
    return [breach for breach in breaches if breach.gate == gate]


def listings(compared: Comparison) -> list[Listing]:
    """What broke a gate, what took longer, what is called more or less, what is new or gone."""
    broken = list(dict.fromkeys(breach.change for breach in compared.breaches))
    seen = set(broken)
    rest = [change for change in compared.changes if change not in seen]
    slower = [change for change in rest if change.is_slower(compared.policy)]
    exact = [change for change in rest if not change.is_time and change.growth]
    parts = [
        ("over a gate", sorted(broken, key=_by_growth)),
        ("took longer, for information", sorted(slower, key=lambda change: -change.growth)),
        ("counts that changed", sorted(exact, key=_by_growth)),
    ]
    return [
        Listing(title, changes[:ROWS], max(0, len(changes) - ROWS))
        for title, changes in parts
        if changes
    ]


def _by_growth(change: Change) -> tuple[float, float, str, str]:
    """Growth first, the largest share of BASE at the top; what grew alike by its figure."""
    base = max(change.before, 1e-9)
    return -change.growth / base, -change.after, change.subject.name, change.metric


def headers(compared: ReportComparison) -> tuple[str, ...]:
    """The headings above `row_cells`, that of the name included."""
    return HEADERS if compared.base_ids else HEADERS_WITHOUT_BASE


def row_cells(compared: ReportComparison, change: Change) -> list[str]:
    """Metric, both medians, the difference, and how sure that is; without a BASE the figure."""
    if not compared.base_ids:
        return [change.metric, _marked(change, change.after, change.head_is)]
    return [
        change.metric,
        _marked(change, change.before, change.base_is) if not change.is_new else "-",
        _marked(change, change.after, change.head_is) if not change.is_gone else "-",
        _difference(change),
        _certainty(change),
    ]


def _label(change: Change) -> str:
    return f"{change.subject.kind} {change.subject.name}"


def _marked(change: Change, value: float, known: Known) -> str:
    return _MARKS[known] if known == "unknown" else f"{_MARKS[known]}{_figure(change, value)}"


def _figure(change: Change, value: float) -> str:
    if change.is_time:
        return format_ns(round(value))
    if change.metric == "cost":
        return f"${format_usd(value)}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _difference(change: Change) -> str:
    if change.is_new or change.is_gone:
        return "new" if change.is_new else "gone"
    if not change.is_known:
        return "unknown"
    if not change.growth:
        return "none"
    sign = "-" if change.growth < 0 else "+" if change.is_exact else "≥+"
    size = _figure(change, abs(change.growth))
    if not change.before:
        return f"{sign}{size}"
    share = abs(100 * change.growth / change.before)
    return f"{sign}{size} ({f'{sign}{share:.1f}%' if share >= 0.05 else '<0.1%'})"


def _certainty(change: Change) -> str:
    if not change.is_time and not change.is_exact:
        return "proven by bounds"
    if not change.is_time:
        varied = len(set(change.base)) > 1
        return (
            f"varies in BASE, {min(change.base):,g} to {max(change.base):,g}" if varied else "exact"
        )
    files = f"{len(change.base)} v {len(change.head)} reports"
    if change.doubt:
        # Never without end here: such growth is beyond no gate, and is listed nowhere.
        files = f"estimated, ± {format_ns(round(change.doubt))} at most; {files}"
    if not change.is_exact:
        files = f"by bounds; {files}"
    if change.p is None:
        return f"unsure: {files}, can't tell it from noise"
    return f"p = {change.p:.2g} (Mann-Whitney), {files}"
