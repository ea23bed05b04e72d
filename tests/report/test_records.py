"""A record as one line of text."""

import pytest

from pytest_timestamps.recording.results import TimelineSpan
from pytest_timestamps.report.records import Record, read_lines, to_line
from tests.samples import case, fixture, path, recording

RECORDS: list[Record] = [
    case("a::b[\n\x1b é \ud800]", path("f\n", section="call"), path("g", parent=0, detached=True)),
    case(
        "t",
        modules=("a", "a.b"),
        recording=recording(timeline=(TimelineSpan("f", "call", 1, 2, "main", "task"),)),
    ),
    fixture(
        "db",
        path("q", section="setup"),
        setups=0,
        teardown_ns=4,
        scope="module",
        nodeid="m",
        modules=("q",),
    ),
]


@pytest.mark.parametrize("record", RECORDS, ids=["hostile", "timeline", "fixture"])
def test_a_record_survives_its_line(record: Record) -> None:
    """One line in, the same record out, whatever characters its names hold."""
    line = to_line(record)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    line.encode("ascii")
    assert list(read_lines(line)) == [record]


def test_a_line_cut_short_loses_only_itself() -> None:
    """A worker that dies while it writes leaves all earlier records readable."""
    text = "".join(map(to_line, RECORDS))
    for missing in (1, 2, 40):
        kept = list(read_lines(text[:-missing]))
        assert kept[:2] == RECORDS[:2]
        assert len(kept) == (3 if missing == 1 else 2)
