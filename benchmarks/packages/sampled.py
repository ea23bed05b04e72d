"""``python -m benchmarks.packages.sampled OUT MODULE ARGUMENT...``: py-spy beside a program.

It looks at the program from another process, which stops it for each look, so that it runs as if
nobody did: nothing in it is recorded or made dearer than the rest.
"""

import os
import sys
from pathlib import Path

__all__ = ["PROGRAM", "RATE"]

PROGRAM = "py-spy"
RATE = 1_000
"""Looks a second of the program's own time, nearly."""


def main() -> None:
    """Become py-spy, which runs the module with this Python."""
    out, *program = sys.argv[1:]
    spy = Path(sys.executable).with_name(PROGRAM)
    os.execv(
        spy,
        [
            *(str(spy), "record", "--rate", str(RATE), "--format", "raw", "--output", out),
            *("--function", "--full-filenames", "--", sys.executable, "-m", *program),
        ],
    )


if __name__ == "__main__":
    main()
