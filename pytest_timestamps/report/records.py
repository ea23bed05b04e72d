"""What is kept of each finished test and wide fixture, and its form as one line of text.

While tests are running in this process, `KeptRecords` holds what there is of them so far.
Under xdist each worker appends such lines to its shard file, and the controller reads them:
a worker that dies leaves all lines but, at most, its last one whole.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pytest_timestamps.analysis.values import recording_from_values, recording_to_values
from pytest_timestamps.recording.results import Recording

__all__ = [
    "CaseRecord",
    "FixtureRecord",
    "KeptRecords",
    "Record",
    "read_lines",
    "threads_named",
    "to_line",
]


class CaseRecord(NamedTuple):
    """One run of one test; a rerun makes a second record.

    ``start_unix_ns`` is when the recording began, ``stack_depth`` the frames below the test
    (0 where it was not measured).
    ``modules`` are those of the functions in the recording that no earlier record of the same
    process has named.
    """

    nodeid: str
    start_unix_ns: int
    setup_ns: int
    call_ns: int
    teardown_ns: int
    stack_depth: int
    recording: Recording
    modules: tuple[str, ...] = ()


class FixtureRecord(NamedTuple):
    """The set-up or the teardown of one fixture that outlives a test.

    ``setups`` is 1 for a set-up and 0 for a teardown: records of one fixture are added up.
    """

    name: str
    scope: str
    nodeid: str
    start_unix_ns: int
    setups: int
    setup_ns: int
    teardown_ns: int
    recording: Recording
    modules: tuple[str, ...] = ()


Record = CaseRecord | FixtureRecord


def threads_named(record: Record, process: str) -> Record:
    """The record with its process named before each thread: they have the same names in all."""
    timeline = record.recording.timeline
    if not timeline:
        return record
    named = tuple(span._replace(thread=f"{process} {span.thread}") for span in timeline)
    return record._replace(recording=replace(record.recording, timeline=named))


class KeptRecords:
    """The records of the tests that are over, while others run.

    What they recorded is packed: the program under test is not to feel how much that is.
    """

    def __init__(self) -> None:
        # as in a line; most tests record nothing, and are kept as they are
        self._packed: list[tuple[Any, ...]] = []

    def keep(self, record: Record) -> None:
        """Keep one more."""
        if not (record.recording.paths or record.recording.timeline):
            self._packed.append(record)
            return
        self._packed.append(_values(record))

    def __iter__(self) -> Iterator[Record]:
        """All records, in the order in which they came."""
        for kept in self._packed:
            if isinstance(kept, Record):
                yield kept
            else:
                yield _from_values(kept)


def _kind(record: Record) -> str:
    return "test" if isinstance(record, CaseRecord) else "fixture"


def _values(record: Record) -> tuple[Any, ...]:
    """Kind, fields but the last two, modules, recording."""
    recording = recording_to_values(record.recording)
    return _kind(record), record[:-2], record.modules, *recording


def _from_values(values: Sequence[Any]) -> Record:
    kind, fields, modules, *recording = values
    fields = (*fields, recording_from_values(recording), tuple(modules))
    return CaseRecord._make(fields) if kind == "test" else FixtureRecord._make(fields)


def to_line(record: Record, left_out_before: tuple[str, ...] | None = None) -> str:
    """The record as one line of JSON, newline included.

    What is left out is hundreds of names and seldom changes: it is None where it is the same as in
    the line before.
    """
    *values, left_out = _values(record)
    if left_out_before == left_out:
        left_out = None
    return json.dumps((*values, left_out), separators=(",", ":")) + "\n"


def read_lines(text: str) -> Iterator[Record]:
    """The records of a shard's text; a last line that was cut short is left out."""
    left_out: tuple[str, ...] = ()
    for line in text.split("\n"):
        try:
            values = json.loads(line)
        except ValueError:
            # The writer died within this line; there is nothing after it.
            continue
        # one object for all that are the same: they are many
        left_out = values[-1] = left_out if values[-1] is None else tuple(values[-1])
        yield _from_values(values)
