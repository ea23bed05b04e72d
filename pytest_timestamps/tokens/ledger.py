"""The ledger: a folder of runs, one file each, that many processes may use at once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pytest_timestamps.errors import (
    LedgerError,
    RunExistsError,
    RunFileError,
    RunSettledError,
)
from pytest_timestamps.tokens import contract
from pytest_timestamps.tokens.atomic import read_bytes, write_atomically
from pytest_timestamps.tokens.record import RunRecord, Status
from pytest_timestamps.tokens.slugs import is_slug

__all__ = ["RUN_FILE", "Ledger"]

RUN_FILE: Final = "metrics.json"
_LOCK: Final = ".lock"
_LOCK_TIMEOUT_S: Final = 60.0
_PROBE_BYTES: Final = 16_384
"""Room for a run's file and the one that replaces it."""

_TAGS: Final = {
    ".gitignore": "# Token runs belong to the machine that made them.\n*\n",
    "CACHEDIR.TAG": (
        "Signature: 8a477f597d28d172789f06886806bc55\n"
        "# This folder holds token runs, written by pytest_timestamps.\n"
        "# See https://bford.info/cachedir/ for what this file means to backup programs.\n"
    ),
}


class Ledger:
    """The folder *root* of runs.

    Every method that touches the disk raises `LedgerError` with the path, what went wrong and
    what was kept; a file that breaks its contract is a `RunFileError` and is left as it is.
    *write* puts bytes at a path, whole or not at all.
    """

    def __init__(
        self, root: Path, *, write: Callable[[Path, bytes], None] = write_atomically
    ) -> None:
        self.root = root
        self._write = write

    def prepare(self) -> None:
        """Create the folder if need be and prove that a run's file can be written into it.

        It gets a ``.gitignore`` and a ``CACHEDIR.TAG`` unless it holds anything but runs: a
        project's own folder must not be hidden from its version control.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / f".probe-{os.getpid()}"
            # A full disk still takes an empty file.
            self._write(probe, b" " * _PROBE_BYTES)
            probe.unlink()
            with os.scandir(self.root) as entries:
                holds_only_runs = all(_is_tag_or_framework(entry) for entry in entries)
            if holds_only_runs:
                self._write_tags()
        except OSError as error:
            raise LedgerError(
                f"{self.root} can't hold token runs: {_reason(error, self.root)}; expected a "
                "folder that can be written to; choose another one with --token-run-dir"
            ) from error

    def path_of(self, framework: str, run_id: str) -> Path:
        """Where the file of a run is, or would be."""
        return self.root / framework / run_id / RUN_FILE

    def create(self, record: RunRecord) -> Path:
        """Write the first file of a run and give its path.

        Raises `RunExistsError` if any framework has a run of that id, also if another process
        created it a moment ago.
        """
        path = self.path_of(record.framework, record.run_id)
        content = contract.encode(record, path)
        existing = self.find(record.run_id)
        if existing is not None:
            raise _taken(record.run_id, existing)
        with self.locked(path):
            if path.exists():
                raise _taken(record.run_id, path)
            self._put(path, content)
        return path

    def find(self, run_id: str) -> Path | None:
        """The file of the run of that id, whatever its framework; None if there is none."""
        for framework in self._listed(self.root):
            path = framework / run_id / RUN_FILE
            # What lies behind a closed door isn't known, and keeps no other run from beginning.
            with contextlib.suppress(OSError):
                if path.exists():
                    return path
        return None

    def read(self, path: Path) -> RunRecord:
        """The run whose file is at *path*."""
        try:
            content = read_bytes(path)
        except OSError as error:
            raise LedgerError(f"{path} can't be read: {_reason(error, path)}") from error
        return contract.parse(content, path)

    def update(self, path: Path, change: Callable[[RunRecord], RunRecord]) -> RunRecord:
        """Replace the run at *path* by what *change* makes of it, and give that.

        No other process can write the file between reading and writing.
        Raises `RunSettledError` if the file is verified and *change* would alter it.
        """
        with self.locked(path):
            current = self.read(path)
            changed = change(current)
            if changed != current:
                if current.status is Status.VERIFIED:
                    raise _settled(path)
                self._put(path, contract.encode(changed, path))
            return changed

    def restore(self, record: RunRecord) -> None:
        """Write the file of *record* although none is there, as when the folder was deleted."""
        path = self.path_of(record.framework, record.run_id)
        with self.locked(path):
            if not path.exists():
                self._put(path, contract.encode(record, path))

    def paths(self, unlisted: Callable[[Path, LedgerError], None]) -> Iterator[Path]:
        """The run files, in the order of their names; folders that begin with a dot are ours.

        A framework's folder that can't be listed is told to *unlisted*, and the others go on.
        """
        for framework in self._listed(self.root):
            try:
                folders = self._listed(framework)
            except LedgerError as error:
                unlisted(framework, error)
                continue
            for run in folders:
                path = run / RUN_FILE
                # Not there yet: its process is about to write it, or died before it could.
                if not _is_known_to_be_absent(path):
                    yield path

    def remove(self, path: Path, is_removable: Callable[[RunRecord], bool]) -> bool:
        """Delete the run at *path* if it still *is_removable*; say whether it was.

        Its file goes first, so that a kill in between leaves no run rather than half of one.
        """
        with self.locked(path):
            try:
                if not is_removable(self.read(path)):
                    return False
            except RunFileError:
                return False
            with self._explained(path, "can't be removed"):
                path.unlink()
        with self._explained(path, "can't be removed whole"):
            for entry in path.parent.iterdir():
                entry.unlink(missing_ok=True)
            path.parent.rmdir()
            with contextlib.suppress(OSError):
                # Empty only if this was the framework's last run.
                path.parent.parent.rmdir()
        return True

    @contextlib.contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        """Keep every other process from writing the run at *path*."""
        import filelock

        lock = filelock.FileLock(path.with_name(_LOCK), timeout=_LOCK_TIMEOUT_S)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout as error:
            raise LedgerError(
                f"{path} is locked by another process, for more than {_LOCK_TIMEOUT_S:.0f} s now; "
                f"if none is running, delete {path.with_name(_LOCK)}"
            ) from error
        except OSError as error:
            raise LedgerError(f"{path} can't be locked: {_reason(error, path)}") from error
        try:
            yield
        finally:
            lock.release()

    def _listed(self, folder: Path) -> list[Path]:
        with self._explained(folder, "can't be listed", "; expected a folder of runs"):
            return _folders(folder)

    def _put(self, path: Path, content: bytes) -> None:
        with self._explained(path, "can't be written", "; what was written before is whole"):
            self._write(path, content)

    @contextlib.contextmanager
    def _explained(self, path: Path, what: str, hint: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LedgerError(f"{path} {what}: {_reason(error, path)}{hint}") from error

    def _write_tags(self) -> None:
        for name, text in _TAGS.items():
            tag = self.root / name
            if not tag.exists():
                self._write(tag, text.encode())


def _taken(run_id: str, path: Path) -> RunExistsError:
    return RunExistsError(
        f"run_id {run_id} is taken by {path}; give each run an id of its own, or none"
    )


def _settled(path: Path) -> RunSettledError:
    return RunSettledError(f"{path} is verified, and a verified run is never rewritten")


def _folders(folder: Path) -> list[Path]:
    if not folder.exists():
        return []
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]
    return [folder / name for name in sorted(names)]


def _is_known_to_be_absent(path: Path) -> bool:
    """Whether there is no file at *path*; one behind a closed door may be a run all the same."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _is_tag_or_framework(entry: os.DirEntry[str]) -> bool:
    if entry.is_dir():
        return is_slug(entry.name) or entry.name.startswith(".")
    return entry.name in _TAGS or entry.name.startswith(".probe-")


def _reason(error: OSError, path: Path) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "it is a file, or lies below one" if not path.is_dir() else "a file is in the way"
    return error.strerror or str(error)
