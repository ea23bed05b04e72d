"""``FORMAT[:PATH]``: which report goes to which file, and the writing of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_timestamps.errors import ArgumentError, ReportFileError
from pytest_timestamps.report.renderers import Renderer

if TYPE_CHECKING:
    from pytest_timestamps.report.model import SessionReport

__all__ = [
    "TERMINAL",
    "ReportTarget",
    "check_kept",
    "parse_targets",
    "render_target",
    "write_atomically",
    "write_content",
]

TERMINAL = "term"


class ReportTarget(NamedTuple):
    """One format and the file it goes to; no path stands for the terminal."""

    renderer: Renderer
    path: Path | None


def parse_targets(
    specs: Iterable[str], renderers: Mapping[str, Renderer], base: Path
) -> tuple[ReportTarget, ...]:
    """The targets that the ``FORMAT[:PATH]`` specs name, relative paths below ``base``.

    Without a path a format goes to ``timestamps.EXTENSION``; ``term`` takes none.
    The same spec twice is one target.
    Raises ArgumentError for an unknown format, an empty path, a path that can't be written
    and two formats that share a file; nothing is created.
    """
    targets: dict[str, ReportTarget] = {}
    for spec in specs:
        target = _parse_target(spec, renderers, base)
        # The real path: a link or another spelling of it is the same file.
        place = os.path.normcase(os.path.realpath(target.path)) if target.path else ""
        other = targets.get(place)
        if other is not None and other.renderer.name != target.renderer.name:
            raise ArgumentError(
                f"{other.renderer.name} and {target.renderer.name} would both be written to "
                f"{target.path}; give each a path of its own"
            )
        targets.setdefault(place, target)
    return tuple(targets.values())


def _parse_target(spec: str, renderers: Mapping[str, Renderer], base: Path) -> ReportTarget:
    name, colon, given = spec.partition(":")
    renderer = renderers.get(name)
    if renderer is None:
        known = ", ".join(sorted(renderers))
        raise ArgumentError(f"unknown format {name!r}; expected one of {known}")
    if name == TERMINAL:
        if colon:
            raise ArgumentError(f"term takes no path, got {spec!r}; use term alone")
        return ReportTarget(renderer, None)
    if colon and not given.strip():
        raise ArgumentError(
            f"the path in {spec!r} is empty; expected {name}:PATH, "
            f"or {name} alone for timestamps.{renderer.extension}"
        )
    if "\0" in given:
        raise ArgumentError(f"the path in {spec!r} holds a NUL character, which no path can")
    # No shell expands a tilde after a colon.
    path = base / os.path.expanduser(given or f"timestamps.{renderer.extension}")
    _check_writable(path)
    return ReportTarget(renderer, path)


def _check_writable(path: Path) -> None:
    """Refuse a path that is bound to fail later, without creating anything."""
    try:
        if path.is_dir():
            raise ArgumentError(f"{path} is a directory; expected the path of a file")
        if path.exists() and not os.access(path, os.W_OK):
            raise ArgumentError(f"{path} is read-only; choose another path")
        folder = path.parent
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            raise ArgumentError(f"{path} can't be written: {folder} is not a directory")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ArgumentError(f"{path} can't be written: no permission to write in {folder}")
        if any(len(os.fsencode(part)) > 255 for part in path.parts):
            raise ArgumentError(f"{path} can't be written: a name in it is too long")
    except OSError as error:
        raise ArgumentError(f"{path} can't be written: {error.strerror}") from None


def check_kept(targets: Iterable[ReportTarget], inputs: Iterable[Path], what: str) -> None:
    """ArgumentError for a target that is one of the ``inputs``, which are ``what``."""
    read = [source for source in inputs if source.exists()]
    for target in targets:
        if target.path is None or not target.path.exists():
            continue
        for source in read:
            if target.path.samefile(source):
                raise ArgumentError(
                    f"{target.renderer.name} would overwrite {source}, which {what}; "
                    "give it a path of its own"
                )


def render_target(target: ReportTarget, report: SessionReport) -> bytes:
    """The report in the target's format; ReportFileError says what failed and why."""
    name = target.renderer.name
    try:
        content = target.renderer.render(report)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    # Not only Exception: pytest.fail(), pytest.skip() and sys.exit() raise others.
    except BaseException as error:
        said = " ".join(str(error).split()) or "no message"
        raise ReportFileError(
            f"the {name} report was not made: its renderer raised {type(error).__name__}: {said}"
        ) from error
    if not isinstance(content, bytes):
        raise ReportFileError(
            f"the {name} report was not written: its renderer returned "
            f"{type(content).__name__}, expected bytes"
        )
    return content


def write_content(target: ReportTarget, content: bytes) -> None:
    """Put what a renderer made into the target's file; or ReportFileError."""
    if target.path is None:
        raise AssertionError("the terminal is not a file")
    try:
        write_atomically(target.path, content)
    except OSError as error:
        raise ReportFileError(
            f"the {target.renderer.name} report was not written to {target.path}: "
            f"{error.strerror or error}"
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, whole or not at all; folders are made as needed.

    A device or a pipe (``/dev/stdout``) is written to, never replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    # Through a link to its target: replacing the link itself would cut it.
    path = Path(os.path.realpath(path))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".timestamps-", suffix=".tmp")
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp's files are private; a report should be as readable as any new file.
        os.chmod(temporary, _mode_of(path))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _mode_of(path: Path) -> int:
    """The mode that a plain ``open`` would leave the file with."""
    with contextlib.suppress(OSError):
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
