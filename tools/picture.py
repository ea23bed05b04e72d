"""Draws docs/demo.svg: what ``make demo`` shows, as it came out of a real run, a bit shorter."""

import os
import re
import subprocess
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from tools.demo import COMMAND, EXAMPLES

__all__ = ["draw"]

PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"
WIDTH = 98
SHOWN = (*COMMAND, "--timestamps-top=6")

# rich's own format fetches a font from another host; a picture of ours fetches nothing.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def draw(output: str) -> str:
    """The terminal's output, escape sequences included, as an SVG."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(output), soft_wrap=False)
    return console.export_svg(title=" ".join(SHOWN), code_format=FORMAT)


def main() -> None:
    """Run the example suite and write the picture."""
    done = subprocess.run(
        [sys.executable, "-m", *SHOWN, "--color=yes"],
        cwd=EXAMPLES,
        env=os.environ | {"COLUMNS": str(WIDTH)},
        capture_output=True,
        text=True,
        check=True,
    )
    start = done.stdout.index("hotspots")
    # From the heading's own line on: what pytest prints before it is known to everybody.
    output = done.stdout[done.stdout.rindex("\n", 0, start) + 1 :]
    PICTURE.write_text(draw(output), encoding="utf-8")
    print(f"written: {PICTURE.name}")


if __name__ == "__main__":
    main()
