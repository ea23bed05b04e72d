"""A token run's figures, read from its file contract: how much, and how far it can be trusted.

A figure that nobody knows is None, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pytest_timestamps.analysis.text import format_usd

__all__ = ["RunFigures", "Trust", "read_run", "run_label"]

Trust = Literal["verified", "provisional", "observed", "incomplete", "unknown"]

PREMISE = "if no other run than those in the ledger used the key"
_NOTES: Mapping[Trust, str] = {
    "verified": "",
    "provisional": "the provider's books, not stable yet",
    "observed": "counted by this process, not compared with the provider's books",
    "incomplete": "only a part was observed",
    "unknown": "no figure yet",
}
_FIGURES = {
    "calls": "API_CALLS",
    "input_tokens": "TOK_IN",
    "output_tokens": "TOK_OUT",
    "cached_tokens": "CACHED_TOKENS",
}
TRUSTED: Final = "the books' word against what was observed"


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run; ``cached_tokens`` are a part of ``input_tokens``.

    ``trust`` says where the figures come from, ``note`` what a reader must know about them.
    """

    run_id: str
    framework: str
    test: str
    status: str
    trust: Trust
    note: str
    calls: int | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cost_usd: float | None
    cost_is_upper_bound: bool
    duration_s: float | None

    @property
    def tokens(self) -> int | None:
        """Input and output together."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return self.input_tokens + self.output_tokens

    @property
    def shown_cost(self) -> str:
        """The cost in US dollars as text: a dash for what nobody knows, a bound as one."""
        if self.cost_usd is None:
            return "-"
        return f"{'≤ ' if self.cost_is_upper_bound else ''}{format_usd(self.cost_usd)}"


def read_run(run: Mapping[str, object]) -> RunFigures:
    """The figures of one entry of the report's ``runs``; whatever is missing is unknown.

    Verified figures come first, then what the books said so far, then what was observed.
    """
    totals = _mapping(run.get("aggregate_metrics"))
    books = _mapping(run.get("usage_api_reconciliation"))
    observed = _mapping(run.get("observed"))
    status = _text(books.get("verification_status"), "unknown")
    trust, figures = _best(status, totals, observed)
    from_books = trust in ("verified", "provisional")
    cost = _mapping(books.get("cost")) if from_books else _mapping(observed.get("cost"))
    return RunFigures(
        run_id=_text(run.get("run_id")),
        framework=_text(run.get("framework")),
        test=_text(run.get("test")),
        status=status,
        trust=trust,
        note=_note(trust, books, observed, cost),
        **figures,
        cost_usd=_number(totals.get("COST_USD") if from_books else observed.get("cost_usd")),
        cost_is_upper_bound=cost.get("is_upper_bound") is True,
        duration_s=_duration_s(totals.get("DUR")),
    )


def run_label(run: RunFigures) -> str:
    """What stays the same from one session to the next: the framework, and the test if any."""
    return f"{run.framework or 'default'}: {run.test}" if run.test else run.framework or "default"


def _best(
    status: str, totals: Mapping[str, Any], observed: Mapping[str, Any]
) -> tuple[Trust, dict[str, int | None]]:
    """Where the best figures are, and these; before the books have answered theirs are zeros."""
    reported = {name: _count(totals.get(key)) for name, key in _FIGURES.items()}
    if status == "verified":
        return "verified", reported
    if status == "pending" and any(reported.values()):
        return "provisional", reported
    seen = {name: _count(observed.get(name)) for name in _FIGURES}
    if seen["input_tokens"] is None:
        return "unknown", dict.fromkeys(_FIGURES)
    return ("observed" if observed.get("complete") is True else "incomplete"), seen


def _note(
    trust: Trust, books: Mapping[str, Any], observed: Mapping[str, Any], cost: Mapping[str, Any]
) -> str:
    unpriced = cost.get("unpriced")
    price = ""
    if isinstance(unpriced, list | tuple) and unpriced:
        price = f"no known price for {', '.join(map(str, unpriced))}"
    if trust == "verified":
        attribution = _text(books.get("attribution"))
        premise = PREMISE if attribution in ("exclusive", "remainder") else ""
        trusted = TRUSTED if books.get("trusted_books") is True else ""
        return "; ".join(filter(None, [trusted, premise, price]))
    note = _NOTES[trust]
    if trust == "incomplete":
        reasons = observed.get("incomplete_reasons")
        if isinstance(reasons, list | tuple) and reasons:
            note = f"{note}: {'; '.join(map(str, reasons))}"
    if books.get("verification_status") == "failed":
        failure = _text(_mapping(books.get("failure")).get("message"), "no reason was recorded")
        note = f"{note}; not verified: {failure}"
    return f"{note}; {price}" if price else note


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object, otherwise: str = "") -> str:
    return value if isinstance(value, str) else otherwise


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _duration_s(value: object) -> float | None:
    """Seconds; more than 64 bits hold as nanoseconds is no duration."""
    seconds = _number(value)
    return seconds if seconds is not None and 0 <= seconds < 2**63 / 1e9 else None
