"""A record as one line of text."""

import gc

import pytest

from pytest_timestamps.recording.results import TimelineSpan
from pytest_timestamps.report.records import KeptRecords, Record, read_lines, to_line
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


def test_kept_records_come_back_as_they_were() -> None:
    """In order, again and again, whatever they hold."""
    kept = KeptRecords()
    records = [*RECORDS, case("nothing")]
    for record in records:
        kept.keep(record)
    assert list(kept) == list(kept) == records


def test_kept_records_are_nothing_to_the_garbage_collector() -> None:
    """However many rows have been recorded, a full pass has no more objects to walk."""
    spans = tuple(TimelineSpan("f", "call", at, at + 1, "main", "task") for at in range(50))
    made = case("t", recording=recording(*[path("f")] * 50, timeline=spans), modules=("a", "b"))
    kept = KeptRecords()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(100):
        kept.keep(made)
    for _ in range(3):  # a pass lets go of columns, the next of tables, the last of what holds them
        gc.collect()
    assert len(gc.get_objects()) - before < 10
