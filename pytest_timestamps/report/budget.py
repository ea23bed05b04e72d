"""What recording cost, as a share of the program's own time, and whether it kept to its budget."""

from pytest_timestamps.report.model import SessionReport

__all__ = ["budget_lines", "overhead_share"]


# A budget is held to about its figure: what reads the same is kept.
_ABOUT = 1.005


def overhead_share(report: SessionReport) -> str:
    """The overhead in percent of what tests and fixtures took without it, and of the session."""
    share, of_wall = report.overhead_share, report.overhead_wall_share
    # None as of child processes that ran beside each other.
    own = "more than" if share is None else f"{_percent(share)} of"
    text = f"{own} the program's own time"
    if of_wall is None:
        return text
    whose = "the session's"
    if report.session.process_ns > report.session.duration_ns:
        whose = "all processes'"
    return f"{text}, {_percent(of_wall)} of {whose} wall time"


def _percent(share: float) -> str:
    return "<0.1%" if 0 < share < 0.0005 else f"{100 * share:,.1f}%"


def budget_lines(report: SessionReport) -> list[str]:
    """Whether recording kept to its budget, and what to do where it did not; often nothing."""
    share, budget = report.overhead_share, report.session.budget
    if budget is None:
        return []
    allowed = f"budget {100 * budget:g}% of the program's own time"
    if share is not None and share <= budget * _ABOUT:
        return [f"{allowed}: kept"]
    # Imported by those who need it.
    from pytest_timestamps.report.advice import advise

    what, todo = advise(report)
    return [f"{allowed}: exceeded; {what}", todo]
