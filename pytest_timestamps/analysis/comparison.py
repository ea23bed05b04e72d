"""Compare figures of BASE with those of HEAD: exact counts, noisy times, and gates on both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, NamedTuple

from pytest_timestamps.analysis.gates import METRICS, TIMES, Gate, Metric
from pytest_timestamps.analysis.significance import mann_whitney, spread

__all__ = [
    "Breach",
    "Change",
    "Comparison",
    "Doubts",
    "Figures",
    "NoisePolicy",
    "Subject",
    "compare",
]

Kind = Literal["function", "test", "run"]


class Subject(NamedTuple):
    """What is compared: a function, a test or a token run, by the name it keeps."""

    kind: Kind
    name: str


# One report's figures. A metric that is missing doesn't apply; None is a figure nobody knows.
Figures = Mapping[Subject, Mapping[Metric, float | None]]
# By how much growth may be due to estimates alone; a figure that isn't there is no estimate.
Doubts = Mapping[tuple[Subject, Metric], float]


@dataclass(frozen=True, slots=True)
class NoisePolicy:
    """What a difference of times must be to count as one.

    More than ``ratio`` of BASE (for what is shown unasked) and more than ``floor_ns``; with
    ``samples`` or more files on both sides also more than ``spreads`` times the larger spread
    (median absolute deviation), with p at most ``alpha``.
    """

    ratio: float = 0.5
    floor_ns: int = 50_000_000
    spreads: float = 3.0
    samples: int = 3
    alpha: float = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """One metric of one subject, by its medians.

    ``is_new`` says that no BASE has the subject, ``is_gone`` that no HEAD has it.
    ``p`` is the test's, None where there are too few files; ``spread`` the larger one of both.
    ``doubt`` is by how much the growth may be due to estimates alone.
    """

    subject: Subject
    metric: Metric
    base: tuple[float, ...]
    head: tuple[float, ...]
    is_new: bool = False
    is_gone: bool = False
    p: float | None = None
    spread: float | None = None
    doubt: float = 0.0

    @property
    def before(self) -> float:
        """BASE's median, 0 where it hasn't got the subject."""
        return median(self.base)

    @property
    def after(self) -> float:
        """HEAD's median."""
        return median(self.head)

    @property
    def growth(self) -> float:
        """How much more HEAD has."""
        return self.after - self.before

    @property
    def is_time(self) -> bool:
        """Whether it is a time, in nanoseconds."""
        return self.metric in TIMES

    def is_noise(self, policy: NoisePolicy) -> bool:
        """Whether repeated files show that the growth is within what the machine does anyway."""
        if self.p is None or self.spread is None:
            return False
        return self.p > policy.alpha or self.growth <= policy.spreads * self.spread

    def is_slower(self, policy: NoisePolicy) -> bool:
        """Whether a time grew by so much that a reader should see it, asked or not."""
        growth = self.growth - self.doubt
        grown = growth > policy.ratio * self.before and growth > policy.floor_ns
        return self.is_time and grown and not self.is_noise(policy)


@dataclass(frozen=True, slots=True)
class Breach:
    """A gate and the change that exceeds it."""

    gate: Gate
    change: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, and what the gates say.

    ``too_small``, ``noise`` and ``doubtful`` are changes of time that exceed a gate's number and
    don't count, the last ones because they exceed it only if the estimates are right.
    ``unknown`` counts the subjects whose figure for a gate's metric nobody knows, ``untested``
    names gates whose metric nothing has.
    """

    changes: tuple[Change, ...]
    policy: NoisePolicy
    gates: tuple[Gate, ...] = ()
    breaches: tuple[Breach, ...] = ()
    too_small: tuple[Breach, ...] = ()
    noise: tuple[Breach, ...] = ()
    doubtful: tuple[Breach, ...] = ()
    unknown: Mapping[Metric, int] = field(default_factory=dict)
    untested: tuple[Gate, ...] = ()
    samples: tuple[int, int] = (1, 1)


def compare(
    bases: Sequence[Figures],
    heads: Sequence[Figures],
    gates: Sequence[Gate] = (),
    policy: NoisePolicy | None = None,
    doubts: Doubts | None = None,
) -> Comparison:
    """Every subject's figures in the HEADs against those in the BASEs, and against the gates."""
    policy, doubts = policy or NoisePolicy(), doubts or {}
    changes: list[Change] = []
    unknown: dict[Metric, int] = {}
    for subject in _subjects((*bases, *heads)):
        for metric in METRICS:
            doubt = doubts.get((subject, metric), 0.0)
            change = _change(subject, metric, bases, heads, policy, doubt)
            if change is not None:
                changes.append(change)
            elif any(_figure(figures, subject, metric) is None for figures in (*bases, *heads)):
                unknown[metric] = unknown.get(metric, 0) + 1
    verdicts: dict[str, list[Breach]] = {"breach": [], "small": [], "noise": [], "doubt": []}
    for gate, change in _exceeded(gates, changes):
        verdicts[_verdict(gate, change, policy)].append(Breach(gate, change))
    measured = {change.metric for change in changes}
    return Comparison(
        changes=tuple(changes),
        policy=policy,
        gates=tuple(gates),
        breaches=tuple(verdicts["breach"]),
        too_small=tuple(verdicts["small"]),
        noise=tuple(verdicts["noise"]),
        doubtful=tuple(verdicts["doubt"]),
        unknown=unknown,
        untested=tuple(gate for gate in gates if gate.metric not in measured),
        samples=(len(bases), len(heads)),
    )


def _subjects(reports: Iterable[Figures]) -> list[Subject]:
    return sorted({subject for figures in reports for subject in figures})


def _figure(figures: Figures, subject: Subject, metric: Metric) -> float | None:
    """The figure; 0 where the report hasn't got the subject or the metric doesn't apply."""
    known = figures.get(subject)
    return 0 if known is None else known.get(metric, 0)


def _change(
    subject: Subject,
    metric: Metric,
    bases: Sequence[Figures],
    heads: Sequence[Figures],
    policy: NoisePolicy,
    doubt: float,
) -> Change | None:
    """None where the metric doesn't apply or a figure is unknown."""
    if not any(metric in figures.get(subject, {}) for figures in (*bases, *heads)):
        return None
    base = [_figure(figures, subject, metric) for figures in bases]
    head = [_figure(figures, subject, metric) for figures in heads]
    before = [value for value in base if value is not None]
    after = [value for value in head if value is not None]
    if len(before) < len(base) or len(after) < len(head):
        return None
    enough = min(len(before), len(after)) >= policy.samples and metric in TIMES
    return Change(
        subject,
        metric,
        tuple(before),
        tuple(after),
        is_new=not any(subject in figures for figures in bases),
        is_gone=not any(subject in figures for figures in heads),
        p=mann_whitney(before, after) if enough else None,
        spread=max(spread(before), spread(after)) if enough else None,
        doubt=doubt,
    )


def _exceeded(gates: Sequence[Gate], changes: Sequence[Change]) -> Iterator[tuple[Gate, Change]]:
    for gate in gates:
        for change in changes:
            if change.metric != gate.metric or change.is_gone:
                continue
            # A new test isn't an old one grown; what it calls is counted by function.
            if gate.is_growth and change.is_new and change.subject.kind == "test":
                continue
            # A count that differs among equal sessions is compared with the largest of them.
            before = change.before if gate.is_time else max(change.base)
            if gate.is_exceeded(before, change.after):
                yield gate, change


def _verdict(gate: Gate, change: Change, policy: NoisePolicy) -> str:
    """``breach``, or why a time that exceeds the gate's number doesn't count.

    A gate in ns, ms or s sets its own least size; the floor is for percentages.
    """
    if change.doubt and not gate.is_exceeded(change.before, change.after - change.doubt):
        return "doubt"
    if not gate.is_time or not gate.is_growth:
        return "breach"
    if gate.is_percent and change.growth <= policy.floor_ns:
        return "small"
    return "noise" if change.is_noise(policy) else "breach"
