"""Folded stacks: one line a stack, for flamegraph.pl, speedscope, inferno and the like."""

from pytest_timestamps.analysis.frames import iterate_stacks, make_frames, name_frames
from pytest_timestamps.analysis.text import printable
from pytest_timestamps.report.left_out import session_callers
from pytest_timestamps.report.model import SessionReport

__all__ = ["render_folded"]


def render_folded(report: SessionReport) -> bytes:
    """``phase;outer;inner SELF_NS`` for each call path of the session.

    The format knows no escapes: a semicolon within a name becomes a colon, and what isn't
    printable is shown escaped. The mark of a time that is no plain one stands before the name.
    """
    frames = make_frames(report.call_tree, name_frames(report.functions, session_callers(report)))
    lines = [
        f"{';'.join(map(_frame, names))} {self_ns}\n" for names, self_ns in iterate_stacks(frames)
    ]
    # An empty file looks like a failed one; every reader skips a line without a stack's time.
    return "".join(lines or ["(nothing) 0\n"]).encode("utf-8", "backslashreplace")


def _frame(name: str) -> str:
    return printable(name).replace(";", ":") or "(no name)"
