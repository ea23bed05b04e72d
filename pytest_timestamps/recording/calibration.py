"""How much one span costs here and now: measured with real spans on a tree that is thrown away."""

from .activation import GUARD, Activation
from .lane import Lane
from .overhead import Cost, SpanCosts
from .probes import CALLS, RESUMPTION, Probe, probes
from .scope import ORIGIN, Origin, Scope
from .tree import Node, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .engine import Engine

    Clock = Callable[[], int]

__all__ = ["Calibration"]

_AGE_NS = 200_000_000
"""After which one more round is run: about 0.5 ms, so a quarter of a percent of the time."""

_STALE_NS = 2_000_000_000
"""After which the rounds before tell nothing about how fast the processor is now."""

_FIRST_ROUNDS = 7
_KEPT_ROUNDS = 15
"""The clock's speed drifts, and a busy neighbour halves it for a while: rounds are spread over
time, and the median of the latest doesn't mind.
"""

_Round = tuple[float, float, float]
"""A span's cost inside it, its full cost, and what recording measured by itself besides."""


class Calibration:
    """The latest rounds of all probes, and what follows from them."""

    def __init__(self) -> None:
        self._rounds: dict[str, list[_Round]] = {}
        self._measured_ns: int | None = None

    def refresh(self, engine: "Engine") -> SpanCosts | None:
        """The costs as of now; None where they need no new look."""
        now_ns = engine.clock()
        age_ns = _STALE_NS if self._measured_ns is None else now_ns - self._measured_ns
        if age_ns < _AGE_NS:
            return None
        rounds = 1
        if age_ns >= _STALE_NS:
            self._rounds.clear()
            rounds = _FIRST_ROUNDS
        _measure(engine, rounds, self._rounds)
        self._measured_ns = engine.clock()
        costs = {kind: _cost(latest) for kind, latest in self._rounds.items()}
        code = costs["code"]
        # these two are measured only where functions may be thinned
        counted, sampled = (costs.get(kind, code) for kind in ("counted", "sampled"))
        return SpanCosts(
            costs,
            missed_ns=max(costs["missed"].full_ns - code.full_ns, 0.0),
            counted_ns=counted.full_ns,
            sampled=Cost(
                max(sampled.inner_ns - code.inner_ns, 0.0),
                max(sampled.outer_ns - code.outer_ns, 0.0),
            ),
        )


def _measure(engine: "Engine", rounds: int, results: dict[str, list[_Round]]) -> None:
    """Run all probes on the running thread, whose lane and context are put aside meanwhile."""
    lane = engine.lanes.here()
    origin_before = ORIGIN.get()
    saved = lane.put_aside()
    scope = Scope((), frozenset())
    origin = Origin(scope, lane=lane)
    ORIGIN.set(origin)
    available = probes(engine)
    clock = engine.clock
    try:
        lane.top = root = scope.root_for(origin, None, lane)
        for probe in available.values():
            probe.recorded()
        for _ in range(rounds):
            for kind, probe in available.items():
                _note(results, kind, _round(root, probe, clock))
            plain = available["code"]
            _guard(lane, root, root, origin)
            _note(results, "slow", _round(root, plain, clock))
            node = next(n for n in root.children.values() if n.site in plain.sites)
            _guard(lane, root, node, origin)
            _note(results, "guarded fold", _round(root, plain, clock))
            lane.stack, lane.named = [], {}
            lane.top = node  # as if it were open: each call is a recursion
            _note(results, "fold", _round(root, plain, clock))
            resumed = available[RESUMPTION]
            lane.top = next(n for n in root.children.values() if n.site in resumed.sites)
            _note(results, "resumed fold", _round(root, resumed, clock))
            lane.top = root
    finally:
        lane.take_back(saved)
        ORIGIN.set(origin_before)


def _note(results: dict[str, list[_Round]], kind: str, one: _Round) -> None:
    latest = results.setdefault(kind, [])
    latest.append(one)
    del latest[:-_KEPT_ROUNDS]


def _guard(lane: Lane, root: Node, place: Node, origin: Origin) -> None:
    """Make the lane guarded, with a span open at ``place``."""
    lane.below = root
    lane.top = GUARD
    lane.stack = [Activation(object(), None, place, origin)]
    lane.named = {} if place is root else {place.site.name: [place]}


def _round(root: Root, probe: Probe, clock: "Clock") -> _Round:
    """The cost of each of the probe's spans, this time."""
    empty_ns = _time(probe.empty, clock)
    bare_ns = _time(probe.bare, clock)
    before_ns, spent_before_ns = _total_ns(root, probe), root.scope.spent_ns
    spans_ns = _time(probe.recorded, clock)
    recorded_ns = _total_ns(root, probe) - before_ns
    spent_ns = root.scope.spent_ns - spent_before_ns
    return (
        (recorded_ns - (bare_ns - empty_ns)) / CALLS,
        (spans_ns - bare_ns - spent_ns) / CALLS,
        spent_ns / CALLS,
    )


def _cost(rounds: list[_Round]) -> Cost:
    inner = sorted(one[0] for one in rounds)
    full = sorted(one[1] for one in rounds)
    measured = sorted(one[2] for one in rounds)
    middle, quarter = len(rounds) // 2, len(rounds) // 4
    inner_ns = max(inner[middle], 0.0)
    spread_ns = (full[-1 - quarter] - full[quarter]) / 2
    outer_ns = max(full[middle] - inner_ns, 0.0)
    return Cost(inner_ns, outer_ns, spread_ns, measured[middle])


def _time(loop: "Callable[[], None]", clock: "Clock") -> int:
    start_ns = clock()
    loop()
    return clock() - start_ns


def _total_ns(root: Node, probe: Probe) -> int:
    """All time of the probe's spans; that of folded ones is credited."""
    nodes = [n for n in root.children.values() if n.site in probe.sites]
    return sum(n.total_ns + n.credit_ns for n in nodes)
