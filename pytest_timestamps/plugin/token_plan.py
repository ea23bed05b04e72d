"""Which selected tests belong to which run, and whether that can work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest

from pytest_timestamps.plugin.token_marker import MARKER, RunSpec, read_marker

__all__ = [
    "PlannedRun",
    "RunSite",
    "plan_runs",
    "run_spec_of",
    "site_of",
    "split_runs",
    "twice_given",
]


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run to come: *name* is the test's id, or that of the class, module or session."""

    spec: RunSpec
    name: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunSite:
    """A test and the place that its run spans."""

    nodeid: str
    spec: RunSpec
    place: str


def run_spec_of(item: pytest.Item, for_all: RunSpec | None) -> RunSpec | None:
    """What *item*'s closest marker asks for, else *for_all*; raises `MarkerError`."""
    mark = item.get_closest_marker(MARKER)
    return for_all if mark is None else read_marker(mark)


def site_of(item: pytest.Item, spec: RunSpec) -> RunSite:
    """Where *item*'s run spans to.

    A test outside any class that asks for the scope of a class is a run by itself, as with
    fixtures.
    """
    if spec.scope == "session":
        return RunSite(item.nodeid, spec, "session")
    if spec.scope == "module":
        module = item.getparent(pytest.Module)
        return RunSite(item.nodeid, spec, module.nodeid if module else item.nodeid)
    if spec.scope == "class":
        owner = _marked_class(item) or item.getparent(pytest.Class)
        return RunSite(item.nodeid, spec, owner.nodeid if owner else item.nodeid)
    return RunSite(item.nodeid, spec, item.nodeid)


def plan_runs(sites: Iterable[RunSite]) -> list[PlannedRun]:
    """The runs of the selected tests, in the order of their first tests."""
    tests: dict[tuple[str, RunSpec], list[str]] = {}
    for site in sites:
        tests.setdefault((site.place, site.spec), []).append(site.nodeid)
    return [PlannedRun(spec, place, tuple(ids)) for (place, spec), ids in tests.items()]


def twice_given(runs: Sequence[PlannedRun]) -> str | None:
    """A complaint about a run id that more than one run was given, None if there is none."""
    given = Counter(run.spec.run_id for run in runs if run.spec.run_id is not None)
    for run_id, times in given.items():
        if times > 1:
            names = [run.name for run in runs if run.spec.run_id == run_id]
            return (
                f"run_id {run_id} is given to {times} runs: {names[0]} and {names[1]}"
                f"{' and others' if times > 2 else ''}; give each an id of its own, or none, or "
                "make them one run with scope='class', 'module' or 'session'"
            )
    return None


def split_runs(runs: Iterable[PlannedRun], dist: str, worker_count: int) -> str | None:
    """A complaint about a run whose tests xdist may give to several workers, None if none.

    *dist* is xdist's mode of distribution; ``loadgroup`` keeps runs together.
    """
    if worker_count <= 1 or dist in ("loadgroup", "each", "no"):
        return None
    for run in runs:
        if len(run.tests) > 1 and len({_unit(test, dist) for test in run.tests}) > 1:
            return (
                f"the run of {run.name} (scope='{run.spec.scope}') has {len(run.tests)} tests, "
                f"which --dist {dist} may give to several workers: that would be two half runs; "
                "use --dist loadgroup, which keeps the tests of a run together"
            )
    return None


def _unit(nodeid: str, dist: str) -> str:
    """What xdist keeps together in the mode *dist*."""
    if dist == "loadscope":
        return nodeid.rsplit("::", 1)[0]
    if dist == "loadfile":
        return nodeid.split("::", 1)[0]
    return nodeid


def _marked_class(item: pytest.Item) -> pytest.Class | None:
    """The class that the item's closest marker stands on."""
    for node, _ in item.iter_markers_with_node(MARKER):
        return node if isinstance(node, pytest.Class) else None
    return None
