"""Every exception that this project raises on purpose.

    TimestampsError
    ├── ArgumentError              an argument that can't be used (also a ValueError)
    ├── ArgumentTypeError          an argument of the wrong type (also a TypeError)
    └── ReportFileError            a report file that can't be read or written
        └── ReportFormatError      ... because its content isn't a session report

The plugin turns them into ``pytest.UsageError``, the command line into one line on stderr
and an exit code.
Each message says what was seen, what was expected, and what to try.
"""

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "ReportFileError",
    "ReportFormatError",
    "TimestampsError",
]


class TimestampsError(Exception):
    """The root of the tree: catch it to catch whatever this project raises on purpose."""


class ArgumentError(TimestampsError, ValueError):
    """An argument has the right type and an impossible value."""


class ArgumentTypeError(TimestampsError, TypeError):
    """An argument has the wrong type."""


class ReportFileError(TimestampsError):
    """A report file can't be read or written."""


class ReportFormatError(ReportFileError):
    """A report file was read, and its content isn't a session report of a known version."""
