"""Recording: what stays in production code. Standard library only.

`tree` and `lane` hold what is written, `spans` writes it, `monitoring` and `wrappers` are the two
ways in which a call becomes a span, `thinning` says which calls are only counted or left out,
`budget` which of them have to be, `engine` decides where a span belongs, `capture` gathers, and
`freeze` makes `results` of it.
"""

from .block import timestamp_block
from .decorator import DISABLED, timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .capture import Capture

__all__ = ["DISABLED", "Capture", "arm", "disarm", "timestamp", "timestamp_block"]


def arm() -> None:
    """Keep recording switched on, so that captures come and go cheaply; counted."""
    from .engine import ENGINE

    ENGINE.arm()


def disarm() -> None:
    """Undo one `arm`."""
    from .engine import ENGINE

    ENGINE.disarm()


def __getattr__(name: str) -> "Any":
    # production code that only decorates doesn't pay for gathering
    if name == "Capture":
        from .capture import Capture

        return Capture
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
