"""What recording cost, as a share of the session's time, and whether it kept to its budget."""

from pytest_timestamps.report.model import SessionReport

__all__ = ["budget_lines", "overhead_share"]


# What reads the same as the budget has kept to it, and it is held to no more than about its figure.
_SAME, _ABOUT = 1.005, 1.1

_SHORT = 10
"""Where the overhead is so many times the program's own time, that took next to nothing, and a
share of it says nothing: as of one short test, before which it is found out what recording costs.
"""


def overhead_share(report: SessionReport) -> str:
    """The overhead in percent of the session, and of what tests and fixtures took without it."""
    share, of_wall = report.overhead_share, report.overhead_wall_share
    # None as of child processes that ran beside each other.
    own = "more than" if share is None else f"{_percent(share)} of"
    text = f"{own} the program's own time"
    if of_wall is None:
        return text
    if share is not None and share > _SHORT:
        return f"{_percent(of_wall)} of {_wall_time(report)}"
    return f"{_percent(of_wall)} of {_wall_time(report)}, {text}"


def _wall_time(report: SessionReport) -> str:
    many = report.session.process_ns > report.session.duration_ns
    return "all processes' wall time" if many else "the session's wall time"


def _percent(share: float) -> str:
    return "<0.1%" if 0 < share < 0.0005 else f"{100 * share:,.1f}%"


def budget_lines(report: SessionReport) -> list[str]:
    """Whether recording kept to its budget, and what to do where it did not; often nothing."""
    share, budget = report.budget_share, report.session.budget
    if budget is None:
        return []
    known = report.overhead_wall_share is not None
    whole = _wall_time(report) if known else "the program's own time"
    allowed = f"budget {100 * budget:g}% of {whole}"
    if share is not None and share <= budget * _ABOUT:
        return [f"{allowed}: {'kept' if share <= budget * _SAME else 'about kept'}"]
    # Imported by those who need it.
    from pytest_timestamps.report.advice import advise

    what, todo = advise(report)
    return [f"{allowed}: exceeded; {what}", todo]
