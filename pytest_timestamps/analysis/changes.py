"""A figure of BASE and of HEAD: by how much it changed, as far as the two are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple

from pytest_timestamps.analysis.gates import TIMES, Metric
from pytest_timestamps.analysis.significance import mann_whitney, spread

__all__ = [
    "Bounds",
    "Change",
    "Doubts",
    "Figure",
    "Figures",
    "Known",
    "NoisePolicy",
    "Subject",
    "find_change",
]

Kind = Literal["function", "test", "run"]
Known = Literal["exact", "at least", "at most", "unknown"]


class Subject(NamedTuple):
    """What is compared: a function, a test or a token run, by the name it keeps."""

    kind: Kind
    name: str


class Bounds(NamedTuple):
    """A figure known in part: it was ``least`` or more, and ``most`` or less if that is known."""

    least: float = 0
    most: float | None = None


# A figure that is known, one that is known in part, one that nobody knows anything of.
Figure = float | Bounds | None
# One report's figures. A metric that is missing doesn't apply.
Figures = Mapping[Subject, Mapping[Metric, Figure]]
# By how much growth may be due to estimates alone; a figure that isn't there is no estimate.
Doubts = Mapping[tuple[Subject, Metric], float]

_NOTHING = Bounds()


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
    ``base_is`` and ``head_is`` say what the figures are that stand in ``base`` and ``head``. Of a
    figure known in part that is the end that a proof of growth needs, if it is known: the most
    that BASE was, the least that HEAD was. ``bounds`` are the other ends, the least that BASE was
    and the most that HEAD was, None for nobody knows.
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
    base_is: Known = "exact"
    head_is: Known = "exact"
    bounds: Bounds = _NOTHING

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
        """How much more HEAD has, or has at least; means nothing unless ``is_known``."""
        return self.after - self.before

    @property
    def is_time(self) -> bool:
        """Whether it is a time, in nanoseconds."""
        return self.metric in TIMES

    @property
    def is_exact(self) -> bool:
        """Whether both sides' figures are known."""
        return self.base_is == self.head_is == "exact"

    @property
    def is_least(self) -> bool:
        """Whether HEAD had what stands there, or more."""
        return self.head_is in ("exact", "at least")

    @property
    def is_proof(self) -> bool:
        """Whether it has grown by what stands there, or by more."""
        return self.is_least and self.base_is in ("exact", "at most")

    @property
    def is_known(self) -> bool:
        """Whether it is known by how much it changed, or that it has grown at all."""
        return self.is_exact or (self.is_proof and self.growth > 0)

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


def find_change(
    subject: Subject,
    metric: Metric,
    bases: Sequence[Figures],
    heads: Sequence[Figures],
    policy: NoisePolicy,
    doubt: float,
) -> Change | None:
    """None where the metric doesn't apply."""
    if not any(metric in figures.get(subject, {}) for figures in (*bases, *heads)):
        return None
    base = [_bounds(figures, subject, metric) for figures in bases]
    head = [_bounds(figures, subject, metric) for figures in heads]
    base_is, before = _most(base)
    head_is, after = _least(head)
    enough = min(len(before), len(after)) >= policy.samples and metric in TIMES
    at_most = _all_known([one.most for one in head])
    return Change(
        subject,
        metric,
        before,
        after,
        is_new=not any(subject in figures for figures in bases),
        is_gone=not any(subject in figures for figures in heads),
        p=mann_whitney(before, after) if enough else None,
        spread=max(spread(before), spread(after)) if enough else None,
        doubt=doubt,
        base_is=base_is,
        head_is=head_is,
        bounds=Bounds(
            _one_of([one.least for one in base], metric),
            None if at_most is None else median(at_most),
        ),
    )


def _bounds(figures: Figures, subject: Subject, metric: Metric) -> Bounds:
    """Of the figure; 0 where the report hasn't got the subject or the metric doesn't apply."""
    known = figures.get(subject)
    figure = 0 if known is None else known.get(metric, 0)
    if figure is None:
        return _NOTHING
    return figure if isinstance(figure, Bounds) else Bounds(figure, figure)


def _most(sides: Sequence[Bounds]) -> tuple[Known, tuple[float, ...]]:
    """What the figures are known to be at most, else what they are at least."""
    leasts = tuple(one.least for one in sides)
    mosts = _all_known([one.most for one in sides])
    if mosts is None:
        return ("at least" if any(leasts) else "unknown"), leasts
    return ("exact" if mosts == leasts else "at most"), mosts


def _least(sides: Sequence[Bounds]) -> tuple[Known, tuple[float, ...]]:
    """What the figures are known to be at least, else what they are at most."""
    leasts = tuple(one.least for one in sides)
    mosts = _all_known([one.most for one in sides])
    if mosts == leasts:
        return "exact", leasts
    if any(leasts) or mosts is None:
        return ("at least" if any(leasts) else "unknown"), leasts
    return "at most", mosts


def _all_known(figures: Sequence[float | None]) -> tuple[float, ...] | None:
    known = tuple(figure for figure in figures if figure is not None)
    return known if len(known) == len(figures) else None


def _one_of(base: Sequence[float], metric: Metric) -> float:
    return median(base) if metric in TIMES else max(base)
