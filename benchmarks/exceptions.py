"""What an exception in undecorated code costs while a collector records.

Watching for the end of a decorated call by exception means being told of every frame that any
exception leaves: ``PY_UNWIND`` can't be set for single code objects.
"""

from collections.abc import Iterator

from benchmarks.loops import UNROLL, make_loop, warmed
from benchmarks.results import Row
from benchmarks.rounds import Subject, interleave
from pytest_timestamps import Collector

__all__ = ["exceptions"]

CAUGHT = "try:\n    target()\nexcept ValueError:\n    pass"


def _raise() -> None:
    raise ValueError("bench")


def exceptions(quick: bool) -> Iterator[Row]:
    """Raised one undecorated frame down, caught by the caller."""
    plain, recorded = (make_loop(CAUGHT, _raise) for _ in range(2))

    def recording(n: int) -> int:
        with Collector("bench"):
            return warmed(recorded, n)

    subjects = [
        Subject("raised and caught", lambda n: warmed(plain, n), UNROLL),
        Subject("raised and caught, recording", recording, UNROLL),
    ]
    rounds = interleave(subjects, rounds=40 if quick else 300)
    extra_ns = rounds.difference(subjects[1].name, subjects[0].name)
    section = "an exception in undecorated code"
    yield Row(section, subjects[0].name, rounds.ns(subjects[0].name), "ns")
    yield Row(section, subjects[1].name, rounds.ns(subjects[1].name), "ns")
    yield Row(section, "added while recording", extra_ns, "ns")
