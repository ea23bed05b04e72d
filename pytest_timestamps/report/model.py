"""The session report: the frozen result of a session, and all that a renderer may look at.

Times are integer nanoseconds; those of spans are less recording's own cost.
Every table is sorted, and every figure is a sum, a minimum or a maximum, or belongs to one
shard by name: reports can be merged in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from pytest_timestamps.analysis.modules import ModuleTiming
from pytest_timestamps.analysis.timings import Timing, rank_names
from pytest_timestamps.recording.results import PathStats

__all__ = [
    "OUTCOMES",
    "CaseResult",
    "FixtureResult",
    "Machine",
    "Outcome",
    "Phases",
    "SessionInfo",
    "SessionReport",
    "SessionSpan",
    "ShardOverhead",
]

Outcome = Literal["passed", "failed", "skipped", "xfailed", "xpassed", "error"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """The session as a whole.

    ``shards`` names the sessions that were merged into this report, its own id included.
    ``duration_ns`` is wall time, ``process_ns`` that of all processes that ran tests together, 0
    for unknown; ``work_ns`` is the time of all test phases and of all
    fixtures with rows of their own, which under xdist may exceed it.
    ``exit_status`` is pytest's.
    ``instrumented`` are the patterns of packages that were recorded undecorated, sorted;
    ``budget`` is the share of the tests' own time that this was allowed to cost, None for no limit.
    """

    id: str
    shards: tuple[str, ...]
    start_s: float
    end_s: float
    duration_ns: int
    work_ns: int
    outcomes: Mapping[str, int]
    exit_status: int
    pytest_version: str
    plugin_version: str
    python_version: str
    instrumented: tuple[str, ...] = ()
    budget: float | None = None
    process_ns: int = 0


@dataclass(frozen=True, slots=True)
class Machine:
    """What a shard ran on; times of different machines don't compare."""

    shard: str
    hostname: str
    system: str
    architecture: str
    cpu: str
    cpu_count: int
    python_implementation: str
    python_version: str


@dataclass(frozen=True, slots=True)
class ShardOverhead:
    """What recording cost in a shard: taken out of all times of functions, not of the phases.

    ``span_ns`` is the cost of one span as calibrated (the median over the shard's tests),
    ``spread_ns`` the calibration's spread, ``total_ns`` the cost of all ``spans``.
    ``freezing_ns`` was spent between the tests, on adding up what they had recorded.
    ``stack_depth`` is the number of frames below a test when it starts; ``compiled`` says whether
    the core of recording was.
    """

    shard: str
    python_version: str
    stack_depth: int
    span_ns: int
    spread_ns: int
    spans: int
    total_ns: int
    freezing_ns: int = 0
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class Phases:
    """A test's wall time by phase, 0 where a phase did not run.

    Time of class, module, package and session fixtures is not in it.
    """

    setup_ns: int = 0
    call_ns: int = 0
    teardown_ns: int = 0

    @property
    def total_ns(self) -> int:
        """All phases together."""
        return self.setup_ns + self.call_ns + self.teardown_ns


# Stands for functions that weren't given.
_AS_IN_CALL_TREE: Sequence[Timing] = (Timing("", 0, 0, 0, 0, 0, 0, 0),)


class _Ranked:
    """What has ``functions``: those of its ``call_tree``, if it is made without any.

    They are ranked when they are first asked for, which most renderers never do.
    """

    __slots__ = ()

    call_tree: Sequence[PathStats]
    functions: Sequence[Timing]

    def __post_init__(self) -> None:
        if self.functions is _AS_IN_CALL_TREE:
            object.__delattr__(self, "functions")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Sequence[Timing]:
            """Called for what isn't there: functions that nobody has asked for yet."""
            if name != "functions":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            ranked = rank_names(self.call_tree)
            object.__setattr__(self, "functions", ranked)
            return ranked


@dataclass(frozen=True, slots=True)
class CaseResult(_Ranked):
    """One test: reruns are summed, and ``reruns`` counts those after the first run.

    ``functions`` are those of the ``call_tree``, the most self time first.
    ``left_out`` counts the functions of the report that were left out in it, or in a part of it:
    what it called of these isn't there.
    """

    nodeid: str
    outcome: Outcome
    phases: Phases
    functions: Sequence[Timing] = _AS_IN_CALL_TREE
    call_tree: Sequence[PathStats] = ()
    reruns: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class FixtureResult(_Ranked):
    """A fixture that outlives a test: its time is charged to no test.

    ``nodeid`` is the class, module or package that it was set up for, empty for the session.
    ``setups`` counts how often it was set up: once per parameter and per xdist worker.
    ``left_out`` is as a test's.
    """

    name: str
    scope: str
    nodeid: str
    setups: int
    setup_ns: int
    teardown_ns: int
    functions: Sequence[Timing] = _AS_IN_CALL_TREE
    call_tree: Sequence[PathStats] = ()
    left_out: int = 0

    @property
    def total_ns(self) -> int:
        """Set-up and teardown together."""
        return self.setup_ns + self.teardown_ns


class SessionSpan(NamedTuple):
    """One span of the session's timeline; times count from the session's start.

    ``owner`` is the test's node id, or the name of a fixture with a row of its own.
    """

    name: str
    owner: str
    phase: str
    start_ns: int
    end_ns: int
    thread: str
    task: str


@dataclass(frozen=True, slots=True)
class SessionReport:
    """All of a session, frozen.

    ``functions`` has one row per name, the most self time first, ``modules`` one for each module
    and package of those whose module is known; ``call_tree`` is the merged tree of all tests and
    fixtures, parents before children; ``runs`` are the token runs, as
    their own file contract has them; ``timeline`` is empty unless it was asked for.
    ``left_out`` names the functions that were left out at some time, sorted.
    ``dropped_paths`` counts spans folded into their parents because of the cap on call paths,
    ``dropped_spans`` spans that the timeline's cap left out.
    """

    session: SessionInfo
    machines: tuple[Machine, ...]
    overhead: tuple[ShardOverhead, ...]
    functions: Sequence[Timing] = ()
    tests: tuple[CaseResult, ...] = ()
    fixtures: tuple[FixtureResult, ...] = ()
    call_tree: Sequence[PathStats] = ()
    modules: tuple[ModuleTiming, ...] = ()
    runs: tuple[Mapping[str, object], ...] = ()
    timeline: tuple[SessionSpan, ...] = ()
    dropped_paths: int = 0
    dropped_spans: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def overhead_share(self) -> float | None:
        """What recording cost, as a share of the time that tests and fixtures took without it.

        What it did between them, too. None where it cost something, and nothing of that time is
        left.
        """
        taken_ns = sum(overhead.total_ns for overhead in self.overhead)
        own_ns = self.session.work_ns - taken_ns
        taken_ns += sum(overhead.freezing_ns for overhead in self.overhead)
        if own_ns <= 0:
            return None if taken_ns else 0.0
        return taken_ns / own_ns

    @property
    def overhead_wall_share(self) -> float | None:
        """The same as a share of the wall time of all processes that ran tests, cost included.

        None where that time is unknown.
        """
        wall_ns = self.session.process_ns
        cost_ns = sum(one.total_ns + one.freezing_ns for one in self.overhead)
        return cost_ns / wall_ns if wall_ns > 0 else None

    @property
    def budget_share(self) -> float | None:
        """The share that a budget is about: of the wall time, or where that is unknown, as in
        earlier reports, of the program's own time.
        """
        share = self.overhead_wall_share
        return self.overhead_share if share is None else share
