"""Every exception that this project raises on purpose.

    TimestampsError
    ├── ArgumentError              an argument that can't be used (also a ValueError)
    ├── ArgumentTypeError          an argument of the wrong type (also a TypeError)
    ├── ReportFileError            a report file that can't be read or written
    │   └── ReportFormatError      ... because its content isn't a session report
    ├── SandboxError               the sandbox can't start, or isn't running
    └── TokenRunError              token runs: what can't be recorded, read or settled
        ├── KeysError              an API key or key id is missing, malformed or ambiguous
        ├── MintError              a run's own key can't be created or removed
        ├── BudgetError            a run used more than it was allowed to
        ├── LedgerError            the folder of runs can't be used (also an OSError)
        ├── RunExistsError         a run id that is taken
        ├── RunSettledError        a verified file, which is never rewritten
        └── RunFileError           one run's file breaks its contract
            ├── RunFieldMissing    ... a field isn't there (also a KeyError)
            ├── RunFieldTypeError  ... a field has the wrong type (also a TypeError)
            └── RunFieldValueError ... a field has an impossible value (also a ValueError)

The plugin turns them into ``pytest.UsageError``, the command line into one line on stderr
and an exit code.
Each message says what was seen, what was expected, and what to try.
"""

from __future__ import annotations

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "BooksAccessError",
    "BooksAnswerError",
    "BooksQueryError",
    "BudgetError",
    "KeysError",
    "LedgerError",
    "MintError",
    "ReportFileError",
    "ReportFormatError",
    "RunExistsError",
    "RunFieldMissing",
    "RunFieldTypeError",
    "RunFieldValueError",
    "RunFileError",
    "RunSettledError",
    "SandboxError",
    "TimestampsError",
    "TokenRunError",
]


class TimestampsError(Exception):
    """The root of the tree: catch it to catch whatever this project raises on purpose."""


class ArgumentError(TimestampsError, ValueError):
    """An argument has the right type and an impossible value."""


class ArgumentTypeError(TimestampsError, TypeError):
    """An argument has the wrong type."""


class SandboxError(TimestampsError):
    """The sandbox can't start, or is asked for something that only a running one has."""


class ReportFileError(TimestampsError):
    """A report file can't be read or written."""


class ReportFormatError(ReportFileError):
    """A report file was read, and its content isn't a session report of a known version."""


class TokenRunError(TimestampsError):
    """A token run can't be recorded, read or settled as asked."""


class KeysError(TokenRunError):
    """An API key or its id is missing, malformed, or named by two frameworks."""


class MintError(TokenRunError):
    """A run's own key can't be created or removed."""


class BudgetError(TokenRunError):
    """A run was seen to use more tokens or money than it may."""


class LedgerError(TokenRunError, OSError):
    """The folder of runs, or a file in it, can't be created, read, written or locked."""


class BooksAccessError(TokenRunError):
    """The provider refuses the key that asks for its books: no further question makes sense."""


class BooksQueryError(TokenRunError):
    """The provider's books gave no answer, after all retries.

    ``status`` is the HTTP status that came in its place, None where none did.
    """

    status: int | None = None


class BooksAnswerError(BooksQueryError):
    """The provider's books gave an answer that can't be believed."""


class RunExistsError(TokenRunError):
    """A run id is taken, by a file or by another run of the same session."""


class RunSettledError(TokenRunError):
    """A verified run's file was about to be rewritten."""


class RunFileError(TokenRunError):
    """One run's file breaks its contract.

    *path*, *field*, *seen* and *expected* are there to be read by programs; the message has all
    four.
    """

    def __init__(self, path: object, field: str, seen: str, expected: str) -> None:
        self.path = path
        self.field = field
        self.seen = seen
        self.expected = expected
        super().__init__(f"{path}: {field}: got {seen}, expected {expected}")

    def __str__(self) -> str:
        # KeyError would show the repr of its argument.
        return str(self.args[0])

    def __reduce__(self) -> tuple[type[RunFileError], tuple[object, str, str, str]]:
        return type(self), (self.path, self.field, self.seen, self.expected)


class RunFieldMissing(RunFileError, KeyError):
    """A field that the contract requires isn't there."""


class RunFieldTypeError(RunFileError, TypeError):
    """A field has a type that the contract doesn't allow; nothing is coerced."""


class RunFieldValueError(RunFileError, ValueError):
    """A field has the right type and a value that can't be."""
