"""Whether the core of recording is compiled.

The core is what runs at each call: the modules that pyproject.toml lists for mypyc. They are plain
Python, and do the same compiled at a half to a third of the cost. What this asks of them: a context
is known by its type and not by its likeness, constants are `Final`, and an attribute is given its
first value once.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["CALLER", "COMPILED"]

# it is in that list itself
COMPILED: Final = __file__.endswith((".so", ".pyd"))
"""Is it?"""

CALLER: Final = 0 if COMPILED else 1
"""The depth at which `sys._getframe` finds who called: compiled code has no frame of its own."""
