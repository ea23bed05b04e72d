"""The program ``pytest-timestamps``: its commands, and how its errors are told.

A command lives in the module that does its work and is imported when it is called, so that no
command pays for what another one imports.
"""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from pytest_timestamps._version import __version__
from pytest_timestamps.errors import TimestampsError

__all__ = ["main", "program"]

# Command -> (module, attribute, one line of help). The line stands here, so that listing the
# commands imports none of them.
COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "compare": (
        "pytest_timestamps.report.compare",
        "compare",
        "Compare reports of two versions, and fail when a gate says so.",
    ),
    "doctor": (
        "pytest_timestamps.tokens.reconcile.doctor",
        "doctor",
        "Check what reconciliation needs.",
    ),
    "merge": ("pytest_timestamps.report.merge", "merge", "Merge the reports of a run's shards."),
    "reconcile": (
        "pytest_timestamps.tokens.reconcile.command",
        "reconcile",
        "Settle token runs by the provider's books.",
    ),
    "runs": ("pytest_timestamps.tokens.runs_command", "runs", "List a folder of token runs."),
    "sandbox": (
        "pytest_timestamps.sandbox.command",
        "sandbox",
        "Run an offline, OpenAI-compatible server for trying and testing.",
    ),
    "show": ("pytest_timestamps.report.show", "show", "Show a report that pytest wrote."),
}

USAGE_ERROR = 2

# click 8.1 has no such exception: it prints its help by itself.
_NO_ARGUMENTS: tuple[type[click.ClickException], ...] = tuple(
    filter(None, [getattr(click.exceptions, "NoArgsIsHelpError", None)])
)


class LazyCommands(click.Group):
    """A group whose commands are imported when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in sorted(COMMANDS)])


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pytest-timestamps")
def program() -> None:
    """Where a pytest suite's time and LLM tokens went, from the files that pytest wrote."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and exit: 0, a command's own status, or 2 with one line on stderr."""
    try:
        status = program.main(
            args=None if arguments is None else list(arguments),
            prog_name="pytest-timestamps",
            standalone_mode=False,
        )
    except _NO_ARGUMENTS as error:
        click.echo(error.format_message())
        sys.exit(USAGE_ERROR)
    except click.ClickException as error:
        _refuse(error.format_message())
    except TimestampsError as error:
        _refuse(str(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) has gone.
        _drop_output()
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            _drop_output()
        _refuse(f"{error.filename or 'the output'} can't be written ({error.strerror})")
    sys.exit(status if isinstance(status, int) else 0)


def _drop_output() -> None:
    """Forget what couldn't be printed: Python would complain when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(message: str) -> NoReturn:
    """One line on stderr, and the status of a usage error."""
    line = " ".join(message.split())
    click.echo(f"pytest-timestamps: {line}", err=True)
    sys.exit(USAGE_ERROR)
