"""How much dearer recording is in the midst of a program than where calibration looks at it.

Calibration records a small loop again and again, and the processor has all at hand that this needs.
In a program other work lies between two events, which puts recording's code and data out of the
caches: the same steps take half as long again there, or twice as long. By how much is measured in
place: now and then the callbacks of some plain calls are timed there, and right after them those of
calls that follow each other.
"""

from __future__ import annotations

from _thread import get_ident
from contextlib import contextmanager

from .aside import put_aside
from .scope import ORIGIN
from .sites import Site
from .thinned import NEVER
from .tree import NOWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from .engine import Engine
    from .lane import Lane

    Callbacks = Mapping[str, Callable[..., Any]]
    SetCallbacks = Callable[[Callbacks], None]

__all__ = ["AT_HAND", "Factors", "InPlace"]

_FIRST_NS = 1_000_000
"""How long after arming it is measured first: calibration comes before."""

_PERIOD_NS = 20_000_000
"""How long it takes at least until it is measured again."""

_SHARE = 200
"""It may take this part of the time."""

_SKIPPED = 16
"""So many events are let pass first: what brought it here is no work of the program."""

_WANTED = 24
"""So many of each event are timed each time."""

_PATIENCE = 400
"""After so many events it is over, however many of them were plain."""

_ENOUGH = 8
"""Fewer tell nothing."""

_KEPT = 15
"""How many measurements count, the latest."""

_DEAREST = 4.0
"""However dear it looks, it isn't: something else has kept the processor busy."""

_LONGEST = 4
"""No event is taken to last longer than so many times what is usual: it was interrupted."""

_CALL = ("PY_START", "PY_RETURN")
_STEP = ("PY_YIELD", "PY_RESUME")

_NAMES = {*_CALL, *_STEP}

_CALLS = range(_WANTED)
_WORK = range(12)


class Factors:
    """How many times as dear as calibration says a ``call`` is, and a generator's ``step``."""

    __slots__ = ("call", "step")

    def __init__(self, call: float, step: float) -> None:
        self.call = call
        self.step = step


AT_HAND = Factors(1.0, 1.0)
"""As calibration has it."""


class InPlace:
    """Measures the ``factors`` by which recording is dearer in place.

    A chore of the engine: it is begun at the end of a span, within an event.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._site = Site("calibration", "code")
        self._set_callbacks: SetCallbacks | None = None
        self._usual: Callbacks = {}
        self._timed: Callbacks = {}
        self._build: Callable[[], Callbacks] = dict
        self._times: dict[str, list[int]] = {}
        self._seen = 0
        self._measuring = False
        self.forget()

    def forget(self) -> None:
        """Know nothing yet."""
        self.due_ns = NEVER
        self.factors = AT_HAND
        self._again_ns = 0
        self._calls: list[float] = []
        self._steps: list[float] = []

    def arm(
        self, usual: Callbacks, build: Callable[[], Callbacks], set_callbacks: SetCallbacks
    ) -> None:
        """From now on the ``usual`` callbacks are set; ``set_callbacks`` sets others.

        ``build`` makes the same for where a frame lies between them and the program's: most
        captures are over before it is time for that. Where there are no events, the operations on
        spans that wrappers use stand in for their callbacks.
        """
        self._set_callbacks = set_callbacks
        self._usual, self._timed, self._build = usual, {}, build
        if self._engine.calibrates:
            self._begin_soon()

    def disarm(self) -> None:
        """No callbacks are set any more."""
        self._stop()
        self._set_callbacks = None
        self._next_at(NEVER)

    def do(self) -> None:
        """Begin to measure; never raises."""
        # where there is no room for it, as near the recursion limit, it is tried again then
        self.due_ns = self._engine.clock() + _PERIOD_NS
        try:
            # another thread may be disarming
            with self._engine.lock:
                self._begin()
        except RecursionError:
            pass
        except Exception:
            self._engine.note_fault()

    def _begin(self) -> None:
        if self._set_callbacks is not None:
            if not self._timed:
                built = self._build()
                self._timed = {name: self._time(name, built[name]) for name in _NAMES & set(built)}
            self._seen = 0
            self._times = {name: [] for name in _NAMES}
            self._measuring = True
            self._set_callbacks(self._timed)
        self.due_ns = NEVER

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """What runs meanwhile is no program, but calibration."""
        self._stop()
        self._next_at(NEVER)
        try:
            yield
        finally:
            if self._set_callbacks is not None:
                self._begin_soon()

    def _begin_soon(self) -> None:
        """No sooner than usual, however often it is armed: each time costs something."""
        self._next_at(max(self._engine.clock() + _FIRST_NS, self._again_ns))

    def _stop(self) -> None:
        if self._measuring and self._set_callbacks is not None:
            # where a signal's handler raises in the midst of it, the next event tries again
            self._set_callbacks(self._usual)
            self._measuring = False

    def _next_at(self, due_ns: int) -> None:
        self.due_ns = due_ns
        self._engine.thinning.find_due()

    # What is timed

    def _time(self, name: str, callback: Callable[..., None]) -> Callable[..., None]:
        """What does as ``callback`` does for the event of that name, and times it."""
        clock, note, fault = self._engine.clock, self._note, self._engine.note_fault

        def on_event(key: object, *rest: object) -> None:
            began_ns = clock()
            callback(key, *rest)
            spent_ns = clock() - began_ns
            try:
                note(name, spent_ns, key, began_ns)
            except RecursionError:
                # there is no room for it here; the event has been told
                pass
            except Exception:
                fault()
            # what it does more than usual is nobody's time, after a start the new span's
            _exempt(clock() - began_ns - spent_ns)

        return on_event

    def _note(self, name: str, spent_ns: int, key: object, began_ns: int) -> None:
        """Keep what an event took, if it was plain, and see whether that will do."""
        self._seen += 1
        if self._seen > _SKIPPED and _was_plain(name, key, began_ns):
            self._times[name].append(spent_ns)
        if self._measuring and (self._is_enough() or self._seen >= _PATIENCE):
            # meanwhile no other thread stops a capture: what is open here would be missing there
            with self._engine.lock:
                # or has one done so while this one waited?
                if self._measuring:
                    self._finish()

    def _is_enough(self) -> bool:
        times = self._times
        found = [min(len(times[name]) for name in names) for names in (_CALL, _STEP)]
        # a program has plenty of both, or hardly any of one
        wanted = max(found) if self._seen >= _PATIENCE // 4 else min(found)
        return wanted >= _WANTED

    def _finish(self) -> None:
        began_ns = self._engine.clock()
        try:
            self._stop()
            self._compare()
        finally:
            spent_ns = self._engine.clock() - began_ns
            self._again_ns = began_ns + max(_PERIOD_NS, _SHARE * spent_ns)
            self._next_at(self._again_ns)

    def _compare(self) -> None:
        here, self._times = self._times, {name: [] for name in self._times}
        with put_aside(self._engine.lanes) as (_, root, _):
            if "PY_YIELD" in self._timed:
                root.add(_PROBE, self._site)
                self._run_calls(_PROBE, (0,), (0, None))
                self._run_steps()
            else:
                root.add(self._site, self._site)
                self._run_calls(self._site, (self._site,), ())
        there = self._times
        _keep(self._calls, here, there, _CALL)
        _keep(self._steps, here, there, _STEP)
        if self._calls or self._steps:
            self.factors = Factors(
                _middle(self._calls or self._steps), _middle(self._steps or self._calls)
            )

    # The same where one follows the other

    def _run_calls(self, key: Any, start: tuple[Any, ...], end: tuple[Any, ...]) -> None:
        on_start, on_return = (self._timed[name] for name in _CALL)
        for _ in _CALLS:
            on_start(key, *start)
            for _ in _WORK:
                pass
            on_return(key, *end)

    def _run_steps(self) -> None:
        on_yield, on_resume = (self._timed[name] for name in _STEP)
        self._timed["PY_START"](_PROBE, 0)
        for _ in _CALLS:
            on_yield(_PROBE, 0, None)
            for _ in _WORK:
                pass
            on_resume(_PROBE, 0)
            for _ in _WORK:
                pass


_PROBE = InPlace._run_calls.__code__
"""Any code will do, as nobody has marked it."""


def _exempt(spent_ns: int) -> None:
    """Take ``spent_ns`` out of what is going on in the running context."""
    lane = _lane()
    place = NOWHERE if lane is None else lane.place()
    if place is not NOWHERE:
        place.exempt(spent_ns)


def _lane() -> Lane | None:
    """The running context's lane, if that is this thread's."""
    lane = ORIGIN.get().lane
    return None if lane is None or lane.thread != get_ident() else lane


def _was_plain(name: str, key: object, began_ns: int) -> bool:
    """Did the event of the span of ``key`` that was told since ``began_ns`` take the plain path?"""
    lane = _lane()
    top = NOWHERE if lane is None else lane.top
    if name == "PY_START":
        return top.latch.key is key and top.parent.recent is top and top.start_ns >= began_ns
    if name == "PY_RESUME":
        return top.latch.key is key and top.parked is not None
    return top.children.get(id(key), NOWHERE).latch.key is key


def _keep(
    ratios: list[float],
    here: Mapping[str, list[int]],
    there: Mapping[str, list[int]],
    names: tuple[str, ...],
) -> None:
    """Add how much dearer events of these names were here than there, if both is known."""
    if min(len(times[name]) for times in (here, there) for name in names) < _ENOUGH:
        return
    here_ns, there_ns = (sum(_typical(times[name]) for name in names) for times in (here, there))
    if there_ns > 0:
        ratios.append(min(here_ns / there_ns, _DEAREST))
        del ratios[:-_KEPT]


def _typical(times_ns: list[int]) -> float:
    """The mean, in which nothing counts as much longer than the rest."""
    longest_ns = _LONGEST * sorted(times_ns)[len(times_ns) // 2]
    return sum(min(one_ns, longest_ns) for one_ns in times_ns) / len(times_ns)


def _middle(ratios: list[float]) -> float:
    """The lower one of two: whatever else goes on makes recording look dearer, never cheaper."""
    return sorted(ratios)[(len(ratios) - 1) // 2]
