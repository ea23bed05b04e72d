"""Where a pytest suite's time and LLM tokens go, with figures that can be proven.

PYTEST_DONT_REWRITE: production code imports this before pytest could rewrite its asserts.
"""

from ._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .collector import Collector
    from .instrumenting import instrument
    from .recording import timestamp, timestamp_block

__all__ = ["Collector", "__version__", "instrument", "timestamp", "timestamp_block"]


def __getattr__(name: str) -> "Any":
    # each part is imported by who asks for it: code that is merely decorated gathers nothing,
    # and every pytest run imports this package, for its plugin
    if name in ("timestamp", "timestamp_block"):
        from .recording import timestamp, timestamp_block

        # found without this function from now on: blocks are entered in hot code
        globals().update(timestamp=timestamp, timestamp_block=timestamp_block)
        return globals()[name]
    if name == "Collector":
        from .collector import Collector

        return Collector
    if name == "instrument":
        from .instrumenting import instrument

        return instrument
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
