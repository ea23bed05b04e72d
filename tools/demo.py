"""``make demo``: the example suite with ``--timestamps``, and where to look in its output."""

import subprocess
import sys
from pathlib import Path

__all__ = ["COMMAND", "EXAMPLES"]

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMAND = ("pytest", "--timestamps")

WHAT_TO_LOOK_AT = """
What to look at
  * The first row of `hotspots` is the function with the most time of its own. Here it is
    shop.catalogue.words_of: its average is small and its number of calls is not. The search
    takes every description apart again, for each product and each question.
  * `slowest tests` says which test pays for it, and with which functions.
  * A coroutine that waits, such as shop.stock.level_in, has hardly any self time: waiting is
    suspended time, and is shown apart.
  * `errors` counts the calls that raised, expected or not.

Next: docs/tutorial.md, or in a project of your own: pip install pytest-timestamps-tokens,
put @timestamp above a function, and run: pytest --timestamps
"""


def main() -> int:
    """Run the suite; the exit status is pytest's."""
    print(f"$ cd {EXAMPLES.name} && {' '.join(COMMAND)}", flush=True)
    status = subprocess.run([sys.executable, "-m", *COMMAND], cwd=EXAMPLES, check=False).returncode
    print(WHAT_TO_LOOK_AT if status == 0 else "The example suite failed: see above.")
    return status


if __name__ == "__main__":
    sys.exit(main())
