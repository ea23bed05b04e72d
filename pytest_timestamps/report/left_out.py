"""What a report doesn't tell because functions were left out, for its session and for its parts."""

from pytest_timestamps.analysis.certainty import NO_CALLERS, Callers, find_callers
from pytest_timestamps.analysis.text import count
from pytest_timestamps.recording.rows import columns_of
from pytest_timestamps.report.model import CaseResult, FixtureResult, SessionReport

__all__ = ["part_callers", "session_callers", "where_left_out"]


def session_callers(report: SessionReport) -> Callers:
    """Whose calls and times the session's tables don't know for sure."""
    trees = [test.call_tree for test in report.tests if test.left_out]
    trees += [fixture.call_tree for fixture in report.fixtures if fixture.left_out]
    meanwhile = {name for tree in trees for name in columns_of(tree).name}
    return find_callers(report.functions, report.call_tree, report.left_out, meanwhile)


def part_callers(report: SessionReport, part: CaseResult | FixtureResult) -> Callers:
    """The same of a test or a fixture: it may lack any of the report's functions."""
    columns = columns_of(part.call_tree)
    if not part.left_out:
        # Every call was timed in most parts: nobody needs to look at their rows.
        plain = not any(columns.estimated) and not any(columns.untimed)
        return NO_CALLERS if plain else find_callers(part.functions, part.call_tree)
    meanwhile = frozenset(columns.name)
    return find_callers(part.functions, part.call_tree, report.left_out, meanwhile)


def where_left_out(report: SessionReport) -> str:
    """In how many of the tests something was left out."""
    number = sum(1 for test in report.tests if test.left_out)
    return f" in {number:,} of {count(len(report.tests), 'test')}" if number else ""
