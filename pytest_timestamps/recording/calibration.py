"""How much one span costs here and now: measured with real spans on a tree that is thrown away."""

from time import perf_counter_ns

from .lane import GUARD, Activation, Lane
from .overhead import Cost, SpanCosts
from .scope import ORIGIN, Origin, Scope
from .sites import Site
from .tree import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .engine import Engine

__all__ = ["calibrate"]

_ROUNDS = 9
_CALLS = 24
"""Short rounds, interleaved: the clock's speed drifts, and the median of rounds doesn't mind."""


def _bare() -> None:
    return None


def _empty_loop() -> None:
    for _ in _RANGE:
        pass


def _bare_loop() -> None:
    call = _bare
    for _ in _RANGE:
        call()


_RANGE = range(_CALLS)


def calibrate(engine: "Engine") -> SpanCosts:
    """The costs of all kinds of span on the running thread; takes about a millisecond.

    The thread's lane and context are put aside meanwhile.
    """
    lane = engine.lanes.here()
    origin_before = ORIGIN.get()
    saved = lane.top, lane.below, lane.stack
    scope = Scope((), frozenset())
    origin = Origin(scope, lane=lane)
    ORIGIN.set(origin)
    try:
        lane.stack = []
        lane.top = scope.root_for(origin, None, lane)
        wrapper = _measure(lane, *_wrapper_loop())
        code = _measure(lane, *_code_loop()) if _CODE_SITE is not None else wrapper
        block = _measure(lane, *_block_loop())
        _guard(lane, lane.top, origin)
        slow = _measure(lane, *(_code_loop() if _CODE_SITE is not None else _wrapper_loop()))
    finally:
        lane.top, lane.below, lane.stack = saved
        ORIGIN.set(origin_before)
    return SpanCosts(code=code, wrapper=wrapper, block=block, slow=slow)


def _guard(lane: Lane, root: Node, origin: Origin) -> None:
    """Make the lane guarded, as a recursion does."""
    lane.below = root
    lane.top = GUARD
    lane.stack = [Activation(object(), None, root, origin)]


def _measure(lane: Lane, loop: "Callable[[], None]", site: Site) -> Cost:
    """The cost of each of ``loop``'s spans, which are recorded as ``site``."""
    loop()
    inner, full = [], []
    for _ in range(_ROUNDS):
        empty_ns = _time(_empty_loop)
        bare_ns = _time(_bare_loop)
        before_ns, _ = _recorded(lane, site)
        spans_ns = _time(loop)
        recorded_ns = _recorded(lane, site)[0] - before_ns
        full.append((spans_ns - bare_ns) / _CALLS)
        inner.append((recorded_ns - (bare_ns - empty_ns)) / _CALLS)
    full.sort()
    inner.sort()
    middle, quarter = _ROUNDS // 2, _ROUNDS // 4
    inner_ns = max(inner[middle], 0.0)
    spread_ns = (full[-1 - quarter] - full[quarter]) / 2
    return Cost(inner_ns, max(full[middle] - inner_ns, 0.0), spread_ns)


def _time(loop: "Callable[[], None]") -> int:
    start_ns = perf_counter_ns()
    loop()
    return perf_counter_ns() - start_ns


def _recorded(lane: Lane, site: Site) -> tuple[int, int]:
    place = lane.place()
    for node in place.children.values():
        if node.site is site:
            return node.total_ns, node.calls
    return 0, 0


def _loop_over(call: "Callable[[], Any]") -> "Callable[[], None]":
    def loop() -> None:
        for _ in _RANGE:
            call()

    return loop


def _wrapper_loop() -> "tuple[Callable[[], None], Site]":
    from .wrappers import wrap

    site = Site("calibration", "wrapper")
    return _loop_over(wrap(_bare, site)), site


def _code_loop() -> "tuple[Callable[[], None], Site]":
    assert _CODE_SITE is not None
    return _loop_over(_marked), _CODE_SITE


def _block_loop() -> "tuple[Callable[[], None], Site]":
    from .block import timestamp_block

    block = timestamp_block("calibration")
    site = block._site

    def loop() -> None:
        for _ in _RANGE:
            with timestamp_block("calibration"):
                pass

    return loop, site


def _marked() -> None:
    return None


def _mark() -> Site | None:
    from .marks import MARKS

    if MARKS is None:
        return None
    site = Site("calibration", "code")
    MARKS.mark(_marked.__code__, site)
    return site


_CODE_SITE = _mark()
