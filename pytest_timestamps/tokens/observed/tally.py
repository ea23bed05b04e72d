"""The tally of one run: what this process and the children that report to it saw."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pytest_timestamps.tokens.usage import ObservedUsage

from .counting import UsageCount
from .journal import JournalReader, JournalSink
from .observation import Observation
from .reasons import with_times

__all__ = ["Sink", "Tally"]


class Sink(Protocol):
    """Takes what is seen of tries; ids are unique within a process."""

    def begin(self, try_id: int) -> None:
        """A try is under way."""

    def settle(self, try_id: int, observation: Observation) -> None:
        """A try has ended."""

    def look_again(self, try_id: int, observation: Observation) -> None:
        """A response was looked at a second time."""


class Tally:
    """Counts what is seen of one run; safe to use from several threads and after a fork.

    ``journal_folder`` is where other processes write what they see: it need not exist, and
    `close` removes it. Without one given it has a name of its own in the folder for temporary
    files.
    """

    def __init__(self, journal_folder: Path | None = None) -> None:
        self.journal_folder = journal_folder or (
            Path(tempfile.gettempdir()) / f"pytest-timestamps-{uuid.uuid4()}"
        )
        self._count = UsageCount()
        self._reader = JournalReader(self.journal_folder)
        self._inbox: deque[Callable[[UsageCount], None]] = deque()
        self._fold_lock = threading.Lock()
        self._pid = os.getpid()
        self._journal = JournalSink(self.journal_folder)

    def begin(self, try_id: int) -> None:
        """A try is under way."""
        if os.getpid() != self._pid:
            self._journal.begin(try_id)
        else:
            self._receive(lambda count: count.begin(try_id))

    def settle(self, try_id: int, observation: Observation) -> None:
        """A try has ended, or something became known that belongs to no try."""
        if os.getpid() != self._pid:
            self._journal.settle(try_id, observation)
        else:
            self._receive(lambda count: count.settle(try_id, observation))

    def look_again(self, try_id: int, observation: Observation) -> None:
        """A response was looked at a second time."""
        if os.getpid() != self._pid:
            self._journal.look_again(try_id, observation)
        else:
            self._receive(lambda count: count.look_again(try_id, observation))

    def snapshot(self) -> ObservedUsage:
        """The usage so far, the children's included."""
        with self._fold_lock:
            self._fold()
            half_lines = self._reader.read_into(self._count)
            usage = self._count.usage()
        if not half_lines:
            return usage
        reason = with_times("a child process whose record ends in the middle of a line", half_lines)
        reasons = (*usage.incomplete_reasons, reason)
        return replace(usage, complete=False, incomplete_reasons=reasons)

    def _receive(self, news: Callable[[UsageCount], None]) -> None:
        """Take in what was seen without ever waiting.

        A stream that is thrown away is settled by the garbage collector, which may run in the
        middle of a fold on this very thread; so what can't be folded now is left to the next.
        """
        self._inbox.append(news)
        if self._fold_lock.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._fold_lock.release()

    def _fold(self) -> None:
        while self._inbox:
            self._inbox.popleft()(self._count)

    def close(self) -> ObservedUsage:
        """The final usage; the children's records are removed."""
        usage = self.snapshot()
        shutil.rmtree(self.journal_folder, ignore_errors=True)
        return usage
