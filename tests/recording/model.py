"""A reference model of recording: keeps every event, and adds up at the end.

It is told by the program itself what happens, never by the code under test, and knows no tree,
no thread and no context variable: only the true stack of open spans, and who was gathering.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Row = tuple[tuple[str, bool], ...]
"""A call path: names from the top, each with whether it ran beside its parent."""


@dataclass(eq=False)
class Run:
    """One collector from its start to its stop, however often it is entered in between."""

    number: int
    started_ns: int
    entered: int = 0
    covers: int = 0
    stopped_ns: int | None = None


@dataclass(eq=False)
class Span:
    """One execution of a named region, and the collectors that were there when it began."""

    name: str
    seen_by: frozenset[Run]
    rows: dict[Run, Row] = field(default_factory=dict)
    active_ns: int = 0
    paused_at_ns: int = 0
    ended: bool = False
    generator: bool = False


@dataclass(eq=False)
class Flow:
    """A flow of control: the main one, or a task; its spans lie above ``base`` on the stack."""

    starter_rows: dict[Run, Row] = field(default_factory=dict)
    inherited: frozenset[Run] = frozenset()
    base: int = 0
    entered: list[Run] = field(default_factory=list)


@dataclass
class Figures:
    """What is expected of one row."""

    calls: int = 0
    errors: int = 0
    open: int = 0
    total_ns: int = 0
    self_ns: int = 0
    durations_ns: list[int] = field(default_factory=list)
    suspended_ns: int = 0


@dataclass(frozen=True)
class Tick:
    """Time that passed, and for each open span, outermost first, its row in each run."""

    ns: int
    gathering: tuple[Run, ...]
    stack: tuple[dict[Run, Row], ...]


@dataclass(frozen=True)
class End:
    """A span's end; ``open`` where only the collector's stop ended it."""

    rows: dict[Run, Row]
    active_ns: int
    failed: bool = False
    open: bool = False


@dataclass(frozen=True)
class Wait:
    """A suspended span was resumed."""

    rows: dict[Run, Row]
    ns: int


class Model:
    """The events of one program, and the figures that follow from them."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.stack: list[Span] = []
        self.flow = Flow()
        self.running: list[Run] = []
        self.events: list[Tick | End | Wait] = []
        self.spans: list[Span] = []

    def clock(self) -> int:
        """The fake clock: it stands still but for `tick`."""
        return self.now_ns

    def tick(self, ns: int) -> None:
        """Work that takes ``ns``."""
        self.now_ns += ns
        for span in self.stack:
            span.active_ns += ns
        self.events.append(
            Tick(ns, tuple(self.running), tuple(dict(span.rows) for span in self.stack))
        )

    # Collectors

    def enter(self, run: Run, in_task: bool) -> None:
        """``run`` is entered; outside tasks it covers whatever the thread does."""
        if not run.entered:
            self.running.append(run)
        run.entered += 1
        run.covers += not in_task
        self.flow.entered.append(run)

    def leave(self, run: Run, in_task: bool) -> None:
        """One entering of ``run`` is undone; the last one stops it."""
        run.entered -= 1
        run.covers -= not in_task
        self.flow.entered.remove(run)
        if not run.entered:
            self._stop(run)

    def _stop(self, run: Run) -> None:
        run.stopped_ns = self.now_ns
        self.running.remove(run)
        for span in self.spans:
            if not span.ended and run in span.rows:
                self.events.append(End({run: span.rows.pop(run)}, span.active_ns, open=True))

    def gathering(self) -> frozenset[Run]:
        """Who sees a span that begins here and now."""
        here = {run for run in self.running if run.covers}
        here |= {*self.flow.entered, *self.flow.inherited}
        if self.stack:
            here |= self.stack[-1].seen_by
        return frozenset(run for run in here if run in self.running)

    # Spans

    def begin(self, name: str) -> Span:
        """A span opens on top of the stack."""
        span = Span(name, self.gathering())
        self.spans.append(span)
        self._place(span)
        return span

    def end(self, span: Span, failed: bool = False) -> None:
        """The top span ends."""
        assert self.stack.pop() is span
        span.ended = True
        self.events.append(End(dict(span.rows), span.active_ns, failed))

    def suspend(self, base: int) -> list[Span]:
        """All spans above ``base`` leave the stack until they are resumed."""
        above = self.stack[base:]
        del self.stack[base:]
        for span in above:
            span.paused_at_ns = self.now_ns
        return above

    def resume(self, spans: Iterable[Span]) -> None:
        """Suspended spans go on, on top of what is running now."""
        for span in spans:
            self._place(span)
            self.events.append(Wait(dict(span.rows), self.now_ns - span.paused_at_ns))

    def abandon(self, spans: Iterable[Span]) -> None:
        """Suspended spans will never go on: they ended where they were."""
        for span in spans:
            span.ended = True
            self.events.append(End(dict(span.rows), span.active_ns))

    def _place(self, span: Span) -> None:
        seen = [run for run in span.seen_by if run in self.running]
        span.rows = {run: self._row(span.name, run) for run in seen}
        self.stack.append(span)

    def _row(self, name: str, run: Run) -> Row:
        for below in reversed(self.stack):
            if below.name == name and run in below.rows:
                return below.rows[run]
        path, beside = self._parent_row(run)
        names = [step[0] for step in path]
        if name in names:
            return path[: names.index(name) + 1]
        return (*path, (name, beside))

    def _parent_row(self, run: Run) -> tuple[Row, bool]:
        for below in reversed(self.stack[self.flow.base :]):
            if run in below.rows:
                return below.rows[run], False
        if run not in self.flow.starter_rows:
            return (), False
        path = self.flow.starter_rows[run]
        return path, all(below.rows.get(run) != path for below in self.stack)

    # Tasks

    def new_flow(self) -> Flow:
        """What a task that is started here and now will run as."""
        own = self.stack[self.flow.base :]
        if not own:
            return Flow(self.flow.starter_rows, self.gathering())
        return Flow(dict(own[-1].rows), self.gathering())

    @contextmanager
    def in_flow(self, flow: Flow, base: int) -> Iterator[None]:
        """``flow`` runs, on top of the lowest ``base`` spans."""
        outer, self.flow = self.flow, flow
        flow.base = base
        try:
            yield
        finally:
            self.flow = outer

    # Figures

    def figures(self, run: Run) -> dict[Row, Figures]:
        """What ``run`` has to report."""
        rows: dict[Row, Figures] = {}
        for event in self.events:
            if isinstance(event, Tick):
                self._add_tick(rows, event, run)
            elif run in event.rows:
                row = rows.setdefault(event.rows[run], Figures())
                if isinstance(event, Wait):
                    row.suspended_ns += event.ns
                    continue
                row.calls += 1
                row.errors += event.failed
                row.open += event.open
                row.durations_ns.append(event.active_ns)
        return rows

    def _add_tick(self, rows: dict[Row, Figures], tick: Tick, run: Run) -> None:
        open_rows = [span_rows[run] for span_rows in tick.stack if run in span_rows]
        if run not in tick.gathering or not open_rows:
            return
        for row in set(open_rows):
            rows.setdefault(row, Figures()).total_ns += tick.ns
        rows[open_rows[-1]].self_ns += tick.ns

    def names(self, run: Run) -> dict[str, tuple[int, int]]:
        """By name: calls, and the time for which it was on the stack at all."""
        calls: dict[str, int] = {}
        totals: dict[str, int] = {}
        for event in self.events:
            if isinstance(event, End) and run in event.rows:
                name = event.rows[run][-1][0]
                calls[name] = calls.get(name, 0) + 1
            elif isinstance(event, Tick) and run in event.gathering:
                for name in {rows[run][-1][0] for rows in event.stack if run in rows}:
                    totals[name] = totals.get(name, 0) + event.ns
        return {name: (calls.get(name, 0), totals.get(name, 0)) for name in {*calls, *totals}}
