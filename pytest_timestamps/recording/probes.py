"""Small programs that calibration runs: each with its spans, without them, and without its calls.

What they call works a little: right after another span, recording finds its own code and data
in the processor's caches, and would look cheaper than it is.
"""

from contextlib import suppress

from .sites import KINDS, Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from .engine import Engine
    from .thinned import SetReturns

    Loop = Callable[[], None]

__all__ = ["FEW", "IGNORED", "RESUMPTION", "SAMPLED_RESUMPTION", "Probe", "probes"]

_CALLS = 40
"""Spans of one run of a probe; even, so that two functions can share them."""

_FEW_CALLS = 10
"""The same where each costs several times what others do: with these a session begins."""

FEW = ", few"
"""What the names of probes end in that are shorter ones of a kind of which there is another."""

RESUMPTION = "suspendable code, resumed"
"""The kind of probe whose spans are one generator's stretches."""

SAMPLED_RESUMPTION = "sampled, resumed"
"""The same of a generator that is thinned, and one of the sample."""

IGNORED = "ignored"
"""The same of one that isn't timed: what it takes to ignore its suspensions and resumptions."""

_RANGE = range(_CALLS)
_FEW_RANGE = range(_FEW_CALLS)
_HALF = range(_CALLS // 2)
_WORK = range(12)


class Probe:
    """``recorded`` opens ``calls`` spans of ``sites``; ``bare`` is the same undecorated, and
    ``empty`` is that without what the spans cover.
    """

    __slots__ = ("bare", "calls", "empty", "recorded", "sites")

    def __init__(
        self,
        recorded: "Loop",
        bare: "Loop",
        empty: "Loop",
        *sites: Site,
        calls: int = _CALLS,
    ) -> None:
        self.recorded = recorded
        self.bare = bare
        self.empty = empty
        self.sites = sites
        self.calls = calls


def _function() -> None:
    for _ in _WORK:
        pass


async def _coroutine() -> None:
    for _ in _WORK:
        pass


def _generator(calls: range) -> "Generator[None, None, None]":
    for _ in calls:
        for _ in _WORK:
            pass
        yield


def _copy(function: "Any") -> "Any":
    """A function of its own, so that it can be marked apart."""
    kind: Any = type(function)
    return kind(function.__code__.replace(), globals(), function.__name__)


def _calls(call: "Callable[[], Any]", calls: range = _RANGE) -> "Loop":
    def loop() -> None:
        for _ in calls:
            call()

    return loop


def _alternating(one: "Callable[[], Any]", other: "Callable[[], Any]") -> "Loop":
    def loop() -> None:
        for _ in _HALF:
            one()
            other()

    return loop


def _awaits(call: "Callable[[], Any]") -> "Loop":
    async def run() -> None:
        for _ in _RANGE:
            await call()

    return lambda: _finish(run())


def _finish(coroutine: "Any") -> None:
    with suppress(StopIteration):
        coroutine.send(None)


def _resumes(call: "Callable[[range], Any]", calls: range) -> "Loop":
    def loop() -> None:
        for _ in call(calls):
            pass

    return loop


def _blocks(name: str) -> "Loop":
    from .block import timestamp_block

    def loop() -> None:
        for _ in _RANGE:
            with timestamp_block(name):
                for _ in _WORK:
                    pass

    return loop


def _unblocked() -> None:
    for _ in _RANGE:
        for _ in _WORK:
            pass


def _no_calls() -> None:
    for _ in _RANGE:
        pass


def _few_no_calls() -> None:
    for _ in _FEW_RANGE:
        pass


def _no_awaits() -> None:
    async def run() -> None:
        for _ in _RANGE:
            pass

    _finish(run())


def _recorded(function: "Any", kind: str) -> "tuple[Any, Site]":
    """A copy of ``function`` that is recorded in the way of ``kind``, and its site."""
    from .marks import MARKS
    from .wrappers import wrap

    site = Site("calibration", kind)
    copy = _copy(function)
    if kind in ("wrapper", "suspendable wrapper") or MARKS is None:
        return wrap(copy, site), site
    MARKS.mark(copy.__code__, site)
    return copy, site


def _called(kind: str) -> Probe:
    function, site = _recorded(_function, kind)
    return Probe(_calls(function), _calls(_function), _no_calls, site)


def _few_called(function: "Any", site: Site) -> Probe:
    recorded, bare = _calls(function, _FEW_RANGE), _calls(_function, _FEW_RANGE)
    return Probe(recorded, bare, _few_no_calls, site, calls=_FEW_CALLS)


def _awaited(kind: str) -> Probe:
    coroutine, site = _recorded(_coroutine, kind)
    return Probe(_awaits(coroutine), _awaits(_coroutine), _no_awaits, site)


def _resumed(kind: str) -> Probe:
    generator, site = _recorded(_generator, kind)
    return Probe(_resumes(generator, _RANGE), _resumes(_generator, _RANGE), _no_calls, site)


def _few_resumed(generator: "Any", site: Site) -> Probe:
    """The same for where each stretch counts: it runs in one more than it is resumed."""
    recorded, bare = _resumes(generator, _FEW_RANGE), _resumes(_generator, _FEW_RANGE)
    return Probe(recorded, bare, _few_no_calls, site, calls=_FEW_CALLS + 1)


def _block() -> Probe:
    from .block import timestamp_block

    site = timestamp_block("calibration")._site
    return Probe(_blocks("calibration"), _unblocked, _no_calls, site)


def _missing() -> Probe:
    """Two functions in turn: neither is the one that was called last."""
    one, site = _recorded(_function, "code")
    other, other_site = _recorded(_function, "code")
    bare = _alternating(_function, _function)
    return Probe(_alternating(one, other), bare, _no_calls, site, other_site)


def _thinned(rate: int | None, set_returns: "SetReturns | None") -> Probe:
    """A function that is thinned, one in ``rate`` of whose calls is timed."""
    function, site = _counted(_function, "code", rate, set_returns)
    if rate is not None:
        return _few_called(function, site)
    return Probe(_calls(function), _calls(_function), _no_calls, site)


def _sampled_generator(set_returns: "SetReturns | None") -> Probe:
    """A generator's stretches, whose call is one of a sample."""
    generator, site = _counted(_generator, "suspendable code", 1, set_returns)
    return _few_resumed(generator, site)


def _ignored(set_returns: "SetReturns | None") -> Probe:
    """A generator's stretches, whose call is none of a sample, but is told of meanwhile."""
    from .marks import MARKS

    generator, site = _counted(_generator, "suspendable code", None, set_returns)
    if MARKS is not None:
        MARKS.watch(generator.__code__)
    return Probe(_resumes(generator, _RANGE), _resumes(_generator, _RANGE), _no_calls, site)


def _counted(
    function: "Any", kind: str, rate: int | None, set_returns: "SetReturns | None"
) -> "tuple[Any, Site]":
    """A copy of ``function`` that is thinned, and its site."""
    from .marks import MARKS
    from .thinned import Thinned

    copy, site = _recorded(function, kind)
    if MARKS is None:
        site.thinned = Thinned(site, site, rate, None)
    else:
        assert set_returns is not None
        site.thinned = Thinned(copy.__code__, site, rate, set_returns)
        set_returns(copy.__code__, False)
    return copy, site


def probes(engine: "Engine") -> "dict[str, Probe]":
    """By kind of span, what to measure here and now: of kinds that there are; made once each."""
    wanted = ["code", "code" + FEW, "missed"]
    suspendable = KINDS & {"suspendable code", "suspendable wrapper"}
    # what recursion costs from a resumption on is measured with this one alone
    for kind in sorted(suspendable | {"suspendable code"} if suspendable else ()):
        wanted += [kind, f"{kind}, resumed"]
    if suspendable:
        wanted.append(RESUMPTION + FEW)
    wanted += sorted(KINDS & {"wrapper", "block"})
    if engine.thinning.active:
        wanted += ["counted", "sampled", *([SAMPLED_RESUMPTION, IGNORED] if suspendable else ())]
    for kind in wanted:
        if kind not in _made:
            _made[kind] = _make(kind, engine)
    return {kind: _made[kind] for kind in wanted}


def _make(kind: str, engine: "Engine") -> Probe:
    set_returns = engine.thinning.cuts.set_returns
    if kind in ("counted", "sampled"):
        return _thinned(1 if kind == "sampled" else None, set_returns)
    if kind == SAMPLED_RESUMPTION:
        return _sampled_generator(set_returns)
    if kind == IGNORED:
        return _ignored(set_returns)
    if kind == "missed":
        return _missing()
    if kind == "code" + FEW:
        return _few_called(*_recorded(_function, "code"))
    if kind == RESUMPTION + FEW:
        return _few_resumed(*_recorded(_generator, "suspendable code"))
    if kind == "block":
        return _block()
    if kind.endswith(", resumed"):
        return _resumed(kind.removesuffix(", resumed"))
    return _awaited(kind) if kind.startswith("suspendable") else _called(kind)


_made: "dict[str, Probe]" = {}
