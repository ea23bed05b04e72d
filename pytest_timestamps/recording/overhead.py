"""What recording costs, by kind of span: the inner part lies inside the span, the outer around it.

The inner part is taken out of the span itself, the outer part out of the span that called it,
and both out of everything further out.
"""

from __future__ import annotations

__all__ = ["NO_OVERHEAD", "Cost", "Kinds", "SpanCosts"]


class Cost:
    """Nanoseconds that one stretch of recording adds; ``spread_ns`` is half the quartile range.

    ``full_ns``, inner and outer together, is what it adds to whoever encloses it, besides the
    ``measured_ns`` that recording measures each time, and takes out by itself.
    """

    __slots__ = ("full_ns", "inner_ns", "measured_ns", "outer_ns", "spread_ns")

    def __init__(
        self,
        inner_ns: float,
        outer_ns: float,
        spread_ns: float = 0.0,
        measured_ns: float = 0.0,
    ) -> None:
        self.inner_ns = inner_ns
        self.outer_ns = outer_ns
        self.full_ns = inner_ns + outer_ns
        self.spread_ns = spread_ns
        self.measured_ns = measured_ns

    def times(self, factor: float) -> Cost:
        """The same where all that isn't measured takes so many times as long."""
        if factor == 1.0:
            return self
        spread_ns = self.spread_ns * factor
        return Cost(self.inner_ns * factor, self.outer_ns * factor, spread_ns, self.measured_ns)

    @property
    def whole_ns(self) -> float:
        """All that it takes, whoever finds out."""
        return self.full_ns + self.measured_ns


class Kinds(dict[str, Cost]):
    """Costs by kind; one that was not met yet when they were measured costs what code does."""

    def __missing__(self, kind: str) -> Cost:
        return self["code"]


class SpanCosts:
    """What a span costs: ``kinds`` by its site's kind, ``slow`` one on a guarded lane.

    ``fold`` is what a recursive call costs, ``resumed_fold`` what it does from a resumption on,
    ``guarded_fold`` what one on a guarded lane does,
    ``missed_ns`` what a span costs more where its caller called something else before.
    ``counted_ns`` is the cost of a call that is counted and not timed, ``sampled`` what such a
    function's call costs more than others where it is timed, ``sampled_resumption`` likewise.
    ``ignored_ns`` is what it takes to ignore an event of a call that isn't timed, while one that is
    has not ended.
    """

    __slots__ = (
        "_resumptions",
        "code",
        "counted_ns",
        "fold",
        "guarded_fold",
        "ignored_ns",
        "kinds",
        "missed_ns",
        "resumed_fold",
        "sampled",
        "sampled_resumption",
        "slow",
    )

    def __init__(
        self,
        kinds: dict[str, Cost],
        missed_ns: float,
        counted_ns: float = 0.0,
        sampled: Cost | None = None,
        sampled_resumption: Cost | None = None,
        ignored_ns: float = 0.0,
    ) -> None:
        self.kinds = kinds
        self.code = kinds["code"]
        self.slow = kinds["slow"]
        self._resumptions = {kind: kinds.get(f"{kind}, resumed", self.slow) for kind in kinds}
        self.fold = kinds["fold"]
        self.resumed_fold = kinds.get("resumed fold", self.fold)
        self.guarded_fold = kinds["guarded fold"]
        self.missed_ns = missed_ns
        self.counted_ns = counted_ns
        self.sampled = sampled or Cost(0.0, 0.0)
        self.sampled_resumption = sampled_resumption or Cost(0.0, 0.0)
        self.ignored_ns = ignored_ns

    def of(self, kind: str) -> Cost:
        """The cost of a plain span of ``kind``."""
        return self.kinds[kind]

    def of_resumption(self, kind: str) -> Cost:
        """The cost of suspending and resuming such a span once."""
        return self._resumptions.get(kind, self.slow)


class _Free(dict[str, Cost]):
    """Nothing costs anything."""

    def __missing__(self, kind: str) -> Cost:
        return Cost(0.0, 0.0)


NO_OVERHEAD = SpanCosts(_Free(), 0.0)
"""Nothing calibrated: nothing is taken out."""
