"""What recording cost, as a share of the program's own time, and whether it kept to its budget."""

from pytest_timestamps.report.model import SessionReport

__all__ = ["budget_lines", "overhead_share"]


# A budget is held to about its figure: what reads the same is kept.
_ABOUT = 1.005


def overhead_share(report: SessionReport) -> str:
    """The overhead in percent of what tests and fixtures took without it."""
    share = report.overhead_share
    if share is None:
        # As of child processes that ran beside each other.
        return "more than the program's own time"
    percent = "<0.1%" if 0 < share < 0.0005 else f"{100 * share:,.1f}%"
    return f"{percent} of the program's own time"


def budget_lines(report: SessionReport) -> list[str]:
    """Whether recording kept to its budget, and what to do where it did not; often nothing."""
    share, budget = report.overhead_share, report.session.budget
    if budget is None:
        return []
    allowed = f"budget {100 * budget:g}%"
    if share is not None and share <= budget * _ABOUT:
        return [f"{allowed}: kept"]
    if report.left_out:
        return [
            f"{allowed}: exceeded, before functions were left out, or by what it costs to record a "
            "test whatever it calls"
        ]
    # Where nothing is left of the program's time, recording took all of it.
    return [
        f"{allowed}: exceeded; leave out what is called most often, "
        f"such as --timestamps-instrument='!{_busiest(report)}'"
    ]


def _busiest(report: SessionReport) -> str:
    """The function with the most calls that a pattern has brought in and one can leave out."""
    patterns = tuple(f"{pattern}." for pattern in report.session.instrumented)
    found = [
        row
        for row in report.functions
        if row.name.startswith(patterns) and all(map(str.isidentifier, row.name.split(".")))
    ]
    return max(found, key=lambda row: (row.calls, row.name)).name if found else "NAME"
