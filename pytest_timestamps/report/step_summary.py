"""GitHub's job summary: a Markdown file that each step of a job may add to."""

from pathlib import Path

from pytest_timestamps.errors import ReportFileError

__all__ = ["SUMMARISED", "SUMMARY_LIMIT_BYTES", "SUMMARY_VARIABLE", "append_summary"]

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
SUMMARISED = "markdown"
# GitHub shows nothing at all of a step's summary that is larger than this.
SUMMARY_LIMIT_BYTES = 1024 * 1024


def append_summary(path: Path, content: bytes) -> None:
    """Add ``content`` to the summary; ReportFileError if that would make it too large."""
    try:
        size = path.stat().st_size if path.exists() else 0
        separator = b"\n" if size else b""
        if size + len(separator) + len(content) > SUMMARY_LIMIT_BYTES:
            raise ReportFileError(
                f"the job's summary has {size:,} bytes and room for {SUMMARY_LIMIT_BYTES:,}: "
                f"the report's {len(content):,} were not added; add less to it before"
            )
        with path.open("ab") as summary:
            summary.write(separator + content)
    except OSError as error:
        raise ReportFileError(
            f"the report was not added to the job's summary {path}: {error.strerror or error}"
        ) from error
