"""xdist: each worker appends its records to a file of its own, the controller reads them all.

A file and not the workers' parting message: a worker that crashes sends none.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from pytest_timestamps.report.records import Record, read_lines, threads_named, to_line

__all__ = ["INPUT_KEY", "ShardCollector", "ShardWriter"]

INPUT_KEY = "timestamps_shards"
_OUTPUT_KEY = "timestamps_lines"


class ShardWriter:
    """The worker's side: one line a record, flushed at once.

    A worker on another machine can't see the controller's folder; it sends its lines back
    when it is done.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._lines: list[str] = []
        self._left_out: tuple[str, ...] | None = None
        self._stream: IO[str] | None = None
        workerinput: dict[str, Any] = getattr(config, "workerinput", {})
        folder, self._worker = workerinput.get(INPUT_KEY), workerinput.get("workerid", "worker")
        if folder is not None and os.path.isdir(folder):
            path = Path(folder, f"{self._worker}-{os.getpid()}.jsonl")
            with contextlib.suppress(OSError):
                self._stream = path.open("a", encoding="ascii")

    def keep(self, record: Record) -> None:
        """Write one record, so that whatever happens next can't lose it."""
        record = threads_named(record, self._worker)
        line = to_line(record, self._left_out)
        self._left_out = record.recording.left_out
        if self._stream is not None:
            try:
                self._stream.write(line)
                self._stream.flush()
                return
            except (OSError, ValueError):
                # The disk is full or the file was closed under us: keep the rest in memory.
                self._stream = None
                line = to_line(record)
        self._lines.append(line)

    # After the recorder's, which hands over its last records in its own.
    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        try:
            return (yield)
        finally:
            self._finish()

    def _finish(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self._lines:
            workeroutput: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
            if workeroutput is not None:
                workeroutput[_OUTPUT_KEY] = "".join(self._lines)


class ShardCollector:
    """The controller's side: hands out the folder, and reads what was left in it.

    ``processes`` is how many run tests side by side: this one alone without workers.
    """

    def __init__(self) -> None:
        self.processes = 1
        self._folder: Path | None = None
        self._sent: list[str] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        if self._folder is None:
            # Without a folder the workers send what they have, at their end.
            with contextlib.suppress(OSError):
                self._folder = Path(tempfile.mkdtemp(prefix="pytest-timestamps-"))
        # One that replaces a worker which has crashed isn't one more.
        self.processes = max(1, int(node.workerinput.get("workercount", 1)))
        node.workerinput[INPUT_KEY] = str(self._folder) if self._folder else None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        # A worker that crashed has no workeroutput.
        lines = getattr(node, "workeroutput", {}).get(_OUTPUT_KEY)
        if lines:
            self._sent.append(lines)

    def records(self) -> Iterator[Record]:
        """All records of all workers."""
        for path in sorted(self._folder.glob("*.jsonl")) if self._folder else ():
            yield from read_lines(path.read_text("ascii"))
        for lines in self._sent:
            yield from read_lines(lines)

    def pytest_unconfigure(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
