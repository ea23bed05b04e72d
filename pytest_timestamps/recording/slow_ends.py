"""The ends and suspensions of spans that are not on the plain path, and of what isn't a span."""

from __future__ import annotations

from .sites import Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from .engine import Engine
    from .lane import Lane
    from .marks import Mark

__all__ = ["SlowEnds"]


class SlowEnds:
    """What the callbacks of ``engine`` do for the ``marks`` where the top span isn't the one."""

    __slots__ = ("_lanes", "_marks", "_spans")

    def __init__(self, engine: Engine, marks: dict[int, Mark]) -> None:
        self._lanes = engine.lanes
        self._spans = engine.spans
        self._marks = marks

    def end(self, code: CodeType, now_ns: int, failed: bool) -> None:
        """A frame of ``code`` has returned or was unwound."""
        mark = self._marks.get(id(code))
        if isinstance(mark, Site):
            if mark.thinned is None:
                self._lanes.here().close(code, now_ns, failed)
            else:
                mark.thinned.end(self._lanes.here(), now_ns, failed)
        elif mark is not None:
            mark.end()

    def suspend(
        self, code: CodeType, offset: int, frame_id: int, lane: Lane | None, now_ns: int
    ) -> None:
        """The frame with ``frame_id``, of ``code``, was suspended at ``offset``."""
        suspended = self._lanes.paused
        folded = lane.pause_folded(code, now_ns) if lane is not None and lane.folds else None
        paused = self._spans.pause(code, frame_id) if folded is None else [folded]
        if paused:
            paused[-1].code = code
            paused[-1].offset = offset
            # of a generator that died without an event, and whose address is used again
            for one in suspended.get(frame_id, ()):
                one.node.finish(one.active_ns, False)
            suspended[frame_id] = paused
            return
        mark = self._marks.get(id(code))
        if mark is not None and not isinstance(mark, Site):
            mark.end()
