"""A distribution that keeps the tests of a run on one worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]  # has no types

__all__ = ["grouping_scheduler"]


class _RunGroupScheduling(LoadGroupScheduling):  # type: ignore[misc]  # untyped base
    """xdist's ``loadgroup``, which also knows the tests of each run.

    Runs are not announced as ``xdist_group`` marks: xdist 3.8 puts groups into an attribute of
    the test that pytest 9.2 no longer has, and so doesn't see them.
    """

    groups: Mapping[str, str]

    def _split_scope(self, nodeid: str) -> str:
        group = self.groups.get(nodeid)
        return super()._split_scope(nodeid) if group is None else group


def grouping_scheduler(config: pytest.Config, log: Any, groups: Mapping[str, str]) -> Any:
    """A scheduler for ``--dist loadgroup``; *groups*, by node id, may still be filled."""
    scheduler = _RunGroupScheduling(config, log)
    scheduler.groups = groups
    return scheduler
