"""Whether tests run in this process or are handed to xdist's workers."""

from __future__ import annotations

import pytest

__all__ = ["hands_out_tests"]


def hands_out_tests(config: pytest.Config) -> bool:
    """Whether this process runs no tests itself, by xdist's own rule.

    A mode such as ``--dist loadgroup`` in ``addopts`` alone distributes nothing: it takes workers
    too (``-n`` or ``--tx``). With ``--collect-only`` there are none.
    """
    return (
        not hasattr(config, "workerinput")
        and config.getoption("dist", "no") != "no"
        and bool(config.getoption("tx", None))
        and not config.getoption("collectonly", False)
    )
