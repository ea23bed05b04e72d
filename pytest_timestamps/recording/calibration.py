"""How much one span costs here and now: measured with real spans on a tree that is thrown away."""

from .activation import GUARD, Activation
from .aside import put_aside
from .in_place import AT_HAND, Factors
from .lane import Lane
from .overhead import Cost, Kinds, SpanCosts
from .probes import FEW, IGNORED, RESUMPTION, SAMPLED_RESUMPTION, Probe, probes
from .scope import Origin
from .sites import KINDS
from .tree import Node, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .engine import Engine

    Clock = Callable[[], int]

__all__ = ["Calibration"]

_SHARE = 200
"""One kind of span is measured again, each in its turn, after so many times what that takes: half
a percent of the time, on a machine of whatever speed.
"""

_AGE_NS = 200_000_000
"""No later than that: what took longer was not measuring, but a pause of the process."""

_STALE_NS = 2_000_000_000
"""After which the rounds before tell nothing about how fast the processor is now."""

_FIRST_ROUNDS = 5
_KEPT_ROUNDS = 15
"""The clock's speed drifts, and a busy neighbour halves it for a while: rounds are spread over
time, and the median of the latest doesn't mind.
"""

_SURE = 2
_CALMER = 0.6
"""As many rounds in a row that are so much cheaper than any before: what was measured at first was
measured while something else kept the processor busy.
"""

_STEPS = {
    *(RESUMPTION, SAMPLED_RESUMPTION, IGNORED),
    *("suspendable wrapper, resumed", "resumed fold"),
}
"""Kinds that suspend and resume."""

_Round = tuple[float, float, float]
"""A span's cost inside it, its full cost, and what recording measured by itself besides."""


class Calibration:
    """The latest rounds of all kinds of spans, and what follows from them."""

    def __init__(self) -> None:
        self._rounds: dict[str, list[_Round]] = {}
        self._costs: dict[str, Cost] = {}
        self._due_ns = self._stale_ns = 0
        self._turn = 0
        self._factors = AT_HAND
        self._met = 0

    def refresh(self, engine: "Engine") -> SpanCosts | None:
        """The costs as of now; None where they need no new look."""
        now_ns, factors = engine.clock(), engine.in_place.factors
        if now_ns < self._due_ns and len(KINDS) == self._met:
            if factors is self._factors:
                return None
            self._factors = factors
            return _span_costs(self._costs, factors)
        if now_ns >= self._stale_ns:
            self._rounds.clear()
        available = probes(engine)
        self._met = len(KINDS)
        kinds = [name for name in available if not name.endswith(FEW)]
        kinds += [kind for kind, (name, _) in _ARRANGED.items() if name in available]
        new = [kind for kind in kinds if kind not in self._rounds]
        looked_at = new or [kinds[self._turn % len(kinds)]]
        _measure(engine, looked_at, available, self._rounds, _FIRST_ROUNDS if new else 1)
        self._turn += not new
        for kind in looked_at:
            self._costs[kind] = _cost(self._rounds[kind])
        done_ns = engine.clock()
        self._due_ns = done_ns + min(_SHARE * (done_ns - now_ns), _AGE_NS)
        self._stale_ns = done_ns + _STALE_NS
        self._factors = factors
        return _span_costs(self._costs, factors)


def _span_costs(measured: dict[str, Cost], factors: Factors) -> SpanCosts:
    kinds = {
        kind: cost.times(factors.step if kind in _STEPS else factors.call)
        for kind, cost in measured.items()
    }
    code = kinds["code"]
    # all of these are measured only where functions may be thinned, the last two where there is
    # something that can be suspended
    counted, sampled = (kinds.get(kind, code) for kind in ("counted", "sampled"))
    resumed, ignored = kinds.get(SAMPLED_RESUMPTION), kinds.get(IGNORED)
    return SpanCosts(
        Kinds(kinds),
        missed_ns=max(kinds["missed"].full_ns - code.full_ns, 0.0),
        counted_ns=counted.full_ns,
        sampled=_more(sampled, code),
        sampled_resumption=_more(resumed, kinds[RESUMPTION]) if resumed else None,
        # a stretch has two events
        ignored_ns=ignored.full_ns / 2 if ignored else 0.0,
    )


def _more(cost: Cost, usual: Cost) -> Cost:
    """What it costs more than usual."""
    return Cost(max(cost.inner_ns - usual.inner_ns, 0.0), max(cost.outer_ns - usual.outer_ns, 0.0))


def _measure(
    engine: "Engine",
    kinds: "Iterable[str]",
    available: "Mapping[str, Probe]",
    results: dict[str, list[_Round]],
    rounds: int,
) -> None:
    """Run the probes of ``kinds`` on the running thread, whose lane and context are put aside."""
    arranged = {kind: _ARRANGED.get(kind, (kind, None)) for kind in kinds}
    with engine.in_place.postponed(), put_aside(engine.lanes) as (lane, root, origin):
        for name in dict.fromkeys(name for name, _ in arranged.values()):
            available[name].recorded()
        for _ in range(rounds):
            for kind, (name, arrange) in arranged.items():
                probe = available[name]
                if arrange is not None:
                    arrange(lane, root, origin, _node_of(root, probe))
                one = _round(root, probe, engine.clock)
                # what is taken out of the callers' time is what was found here before
                _note(results, kind, (0.0, one[1] + one[2], 0.0) if kind == IGNORED else one)
                lane.stack, lane.named = [], {}
                lane.top = root


def _node_of(root: Node, probe: Probe) -> Node:
    return next(node for node in root.children.values() if node.site in probe.sites)


def _note(results: dict[str, list[_Round]], kind: str, one: _Round) -> None:
    latest = results.setdefault(kind, [])
    latest.append(one)
    del latest[:-_KEPT_ROUNDS]
    whole_ns = [full_ns + measured_ns for _, full_ns, measured_ns in latest]
    if len(latest) > _SURE and max(whole_ns[-_SURE:]) < _CALMER * min(whole_ns[:-_SURE]):
        # whatever made all of those before so dear is over
        del latest[:-_SURE]


def _guard(lane: Lane, root: Node, origin: Origin, place: Node) -> None:
    """Make the lane guarded, with a span open at ``place``."""
    lane.below = root
    lane.top = GUARD
    lane.stack = [Activation(object(), None, place, origin)]
    lane.named = {} if place is root else {place.site.name: [place]}


def _guard_alone(lane: Lane, root: Node, origin: Origin, place: Node) -> None:
    """Make the lane guarded, with nothing open that has a name."""
    _guard(lane, root, origin, root)


def _recur(lane: Lane, root: Node, origin: Origin, place: Node) -> None:
    """As if the span at ``place`` were open: each call is a recursion."""
    lane.top = place


_ARRANGED: "Mapping[str, tuple[str, Callable[[Lane, Node, Origin, Node], None]]]" = {
    "slow": ("code" + FEW, _guard_alone),
    "guarded fold": ("code" + FEW, _guard),
    "fold": ("code" + FEW, _recur),
    "resumed fold": (RESUMPTION + FEW, _recur),
}
"""Kinds that are another kind's probe, on a lane that was prepared for it."""


def _round(root: Root, probe: Probe, clock: "Clock") -> _Round:
    """The cost of each of the probe's spans, this time."""
    empty_ns = _time(probe.empty, clock)
    bare_ns = _time(probe.bare, clock)
    before_ns, spent_before_ns = _total_ns(root, probe), root.scope.spent_ns
    spans_ns = _time(probe.recorded, clock)
    recorded_ns = _total_ns(root, probe) - before_ns
    spent_ns = root.scope.spent_ns - spent_before_ns
    return (
        (recorded_ns - (bare_ns - empty_ns)) / probe.calls,
        (spans_ns - bare_ns - spent_ns) / probe.calls,
        spent_ns / probe.calls,
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
