"""The ends and suspensions of spans that are not on the plain path, and of what isn't a span."""

from __future__ import annotations

from .activation import drop_abandoned
from .sites import NO_KEY, Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from .engine import Engine
    from .lane import Lane
    from .marks import Mark

__all__ = ["SlowEnds"]


class SlowEnds:
    """What the callbacks of ``engine`` do for the ``marks`` where the top span isn't the one."""

    __slots__ = ("_engine", "_lanes", "_marks")

    def __init__(self, engine: Engine, marks: dict[int, Mark]) -> None:
        self._engine = engine
        self._lanes = engine.lanes
        self._marks = marks

    def end(self, code: CodeType, now_ns: int, failed: bool) -> None:
        """A frame of ``code`` has returned or was unwound."""
        mark = self._marks.get(id(code))
        if isinstance(mark, Site):
            if mark.thinned is None:
                self._lanes.here().close(code, now_ns, failed)
            else:
                lane = self._lanes.here()
                if not mark.thinned.end(lane, now_ns, failed, self._lanes.paused):
                    lane.exempt_ignored(self._engine.costs.ignored_ns)
        elif mark is not None:
            mark.end()

    def suspend(
        self, code: CodeType, offset: int, frame_id: int, lane: Lane | None, now_ns: int
    ) -> None:
        """The frame with ``frame_id``, of ``code``, was suspended at ``offset``."""
        suspended = self._lanes.paused
        mark = self._marks.get(id(code))
        thinned = mark.thinned if isinstance(mark, Site) else None
        if thinned is not None and thinned.ignores(frame_id):
            self._ignore(frame_id, lane, now_ns)
            return
        folded = lane.pause_folded(code, now_ns) if lane is not None and lane.folds else None
        paused = [folded] if folded else self._lanes.here().pause(code, now_ns, frame_id)
        if paused:
            paused[-1].code = code
            paused[-1].offset = offset
            if frame_id in suspended:
                drop_abandoned(suspended, frame_id, False)
            suspended[frame_id] = paused
        elif thinned is not None:
            # at the address of one of the sample that died without an event
            self._ignore(frame_id, lane, now_ns)
        elif mark is not None and not isinstance(mark, Site):
            mark.end()

    def _ignore(self, frame_id: int, lane: Lane | None, now_ns: int) -> None:
        """A call was suspended that is not timed; a block that was entered in it is."""
        suspended = self._lanes.paused
        if frame_id in suspended:
            drop_abandoned(suspended, frame_id, True)
        if lane is None:
            lane = self._lanes.here()
        if lane.innermost_frame() == frame_id:
            suspended[frame_id] = lane.pause(NO_KEY, now_ns, frame_id)
        # and it was resumed, or will be
        lane.exempt_ignored(2 * self._engine.costs.ignored_ns)
