"""Where a pytest suite's time and LLM tokens go, with figures that can be proven.

PYTEST_DONT_REWRITE: production code imports this before pytest could rewrite its asserts.
"""

from ._version import __version__
from .recording import timestamp, timestamp_block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .collector import Collector
    from .instrumenting import instrument

__all__ = ["Collector", "__version__", "instrument", "timestamp", "timestamp_block"]


def __getattr__(name: str) -> "Any":
    # gathering is needed by tests only: code that is merely decorated doesn't import it
    if name == "Collector":
        from .collector import Collector

        return Collector
    if name == "instrument":
        from .instrumenting import instrument

        return instrument
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
