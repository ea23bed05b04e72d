"""A distribution that keeps the tests of a run on one worker, and survives that worker's death."""

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
        return str(super()._split_scope(nodeid) if group is None else group)

    def remove_node(self, node: Any) -> str | None:
        """Give the work of a worker that died to others, but for the test that killed it.

        xdist 3.8 gives them that test too, which kills one worker after the other.
        """
        work = self.assigned_work.pop(node)
        unfinished = [(unit, test) for unit in work.values() for test in unit if not unit[test]]
        if not unfinished:
            return None
        unit, killer = unfinished[0]
        unit[killer] = True
        for scope, rest in work.items():
            if not all(rest.values()):
                self.workqueue[scope] = rest
        for other in self.nodes:
            self._reschedule(other)
        return str(killer)

    def _reschedule(self, node: Any) -> None:
        """Give *node* more work if it runs low, and tell it when there is none.

        A worker begins a test when it knows of another or of its end. xdist 3.8 gives the
        replacement of a dead worker one unit, which it waits with for ever if it is one test.
        """
        if node not in self.registered_collections:
            return
        super()._reschedule(node)
        while (
            self.workqueue
            and not node.shutting_down
            and self._pending_of(self.assigned_work[node]) < 2
        ):
            self._assign_work_unit(node)
        if not self.workqueue and not node.shutting_down:
            node.shutdown()


def grouping_scheduler(config: pytest.Config, log: Any, groups: Mapping[str, str]) -> Any:
    """A scheduler for ``--dist loadgroup``; *groups*, by node id, may still be filled."""
    scheduler = _RunGroupScheduling(config, log)
    scheduler.groups = groups
    return scheduler
