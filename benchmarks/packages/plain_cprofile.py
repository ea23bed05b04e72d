"""``python -m benchmarks.packages.plain_cprofile OUT MODULE ARGUMENT...``: cProfile's plain form.

As ``python -m cProfile -o OUT -m MODULE``, but with ``builtins=False``, for which that program has
no option: what a builtin takes is then its caller's own time, and its calls cost nothing.
"""

import cProfile
import runpy
import sys


def main() -> None:
    """Run the module as a program, and write what was profiled however it ends."""
    out, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    profile = cProfile.Profile(builtins=False)
    try:
        profile.runcall(runpy.run_module, module, run_name="__main__", alter_sys=True)
    finally:
        profile.dump_stats(out)


if __name__ == "__main__":
    main()
