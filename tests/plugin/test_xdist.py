"""xdist: one report, with all that the workers recorded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_timestamps.plugin.shards import INPUT_KEY, ShardCollector, ShardWriter
from tests.samples import case, fixture, path

Written = Callable[..., dict[str, Any]]

MANY = """
import pytest, shop

@pytest.mark.parametrize("n", range(12))
def test_many(n):
    shop.total(n)
"""


def calls_by_test(report: dict[str, Any]) -> dict[str, Any]:
    return {
        row["nodeid"]: (row["outcome"], sorted((f["name"], f["calls"]) for f in row["functions"]))
        for row in report["tests"]
    }


def test_a_mode_of_distribution_alone_loses_nothing(
    suite: pytest.Pytester, written: Written
) -> None:
    """With ``--dist`` in addopts and no workers the tests run here, and are recorded here."""
    suite.makepyfile(test_many=MANY)
    suite.runpytest_inprocess("--dist", "load", "--timestamps-report=json").assert_outcomes(
        passed=12
    )
    assert sum(f["calls"] for f in written()["functions"] if f["name"] == "total") == 12


def test_workers_make_one_report(suite: pytest.Pytester, written: Written) -> None:
    """Identical in calls to the run without xdist, and written by the controller alone."""
    suite.makepyfile(test_many=MANY)
    suite.runpytest_inprocess("-p", "no:xdist", "--timestamps-report=json:one.json")
    result = suite.runpytest_inprocess("-n2", "--timestamps-report=json:two.json", "-v")
    result.assert_outcomes(passed=12)
    one, two = written("one.json"), written("two.json")
    assert calls_by_test(one) == calls_by_test(two)
    assert [(f["name"], f["calls"]) for f in one["functions"]] == [
        (f["name"], f["calls"]) for f in two["functions"]
    ]
    assert [row["calls"] for row in one["call_tree"]] == [row["calls"] for row in two["call_tree"]]
    assert result.stdout.str().count(" hotspots ") == 1


def test_a_crash_loses_only_the_current_test(suite: pytest.Pytester, written: Written) -> None:
    """What a worker recorded before it died is reported; the test that killed it is listed."""
    suite.makepyfile(
        test_crash="""
        import os, signal, pytest, shop

        @pytest.mark.parametrize("n", range(6))
        def test_fine(n):
            shop.query()

        def test_killer():
            shop.total(1)
            os.kill(os.getpid(), signal.SIGKILL)

        @pytest.mark.parametrize("n", range(6))
        def test_more(n):
            shop.query()
        """
    )
    result = suite.runpytest_inprocess("-n1", "--timestamps-report=json")
    result.stdout.fnmatch_lines(["*hotspots*"])
    report = written()
    by_test = calls_by_test(report)
    assert by_test.pop("test_crash.py::test_killer") == ("error", [])
    assert len(by_test) == 12
    assert set(map(str, by_test.values())) == {str(("passed", [("query", 1)]))}


def test_stopping_early_keeps_what_there_is(suite: pytest.Pytester, written: Written) -> None:
    """``-x`` under xdist: every test that was reported is in the report."""
    suite.makepyfile(test_many=MANY.replace("shop.total(n)", "shop.query(); assert n != 3"))
    suite.runpytest_inprocess("-n2", "-x", "--timestamps-report=json")
    tests = calls_by_test(written())
    assert tests["test_many.py::test_many[3]"] == ("failed", [("query", 1)])


class Config:
    """As much of a worker's config as a shard needs."""

    def __init__(self, folder: object) -> None:
        self.workerinput = {INPUT_KEY: folder, "workerid": "gw0"}
        self.workeroutput: dict[str, Any] = {}


class Node:
    """As much of a worker as the controller sees."""

    def __init__(self) -> None:
        self.workerinput: dict[str, Any] = {}


RECORDS = [case("t", path("f", section="call")), fixture("db", path("f", section="setup"))]


def finish(writer: ShardWriter) -> None:
    steps = writer.pytest_sessionfinish()
    next(steps)
    with pytest.raises(StopIteration):
        next(steps)


def test_records_are_on_disk_at_once() -> None:
    """The controller can read a record before the worker has finished or closed anything."""
    shards, node = ShardCollector(), Node()
    shards.pytest_configure_node(node)
    writer = ShardWriter(Config(node.workerinput[INPUT_KEY]))  # type: ignore[arg-type]
    for record in RECORDS:
        writer.keep(record)
        assert list(shards.records())[-1] == record
    finish(writer)
    shards.pytest_unconfigure()
    assert not Path(node.workerinput[INPUT_KEY]).exists()


@pytest.mark.parametrize("folder", [None, "/nowhere/at/all"])
def test_a_worker_without_the_folder_sends_its_records(folder: object) -> None:
    """On another machine the folder doesn't exist: the lines travel with the worker's goodbye."""
    config = Config(folder)
    writer = ShardWriter(config)  # type: ignore[arg-type]
    for record in RECORDS:
        writer.keep(record)
    finish(writer)
    json.dumps(config.workeroutput)
    shards, node = ShardCollector(), Node()
    node.workeroutput = config.workeroutput  # type: ignore[attr-defined]
    shards.pytest_testnodedown(node)
    assert list(shards.records()) == RECORDS


def test_a_full_disk_loses_no_record(tmp_path: Path) -> None:
    """Records that can't be written any more are sent instead."""
    config = Config(str(tmp_path))
    writer = ShardWriter(config)  # type: ignore[arg-type]
    writer.keep(RECORDS[0])
    assert writer._stream is not None
    writer._stream.close()
    writer.keep(RECORDS[1])
    finish(writer)
    assert len(config.workeroutput) == 1


def test_a_worker_that_died_said_nothing() -> None:
    """A node without a workeroutput is no error, and neither is a session without workers."""
    shards = ShardCollector()
    shards.pytest_testnodedown(Node())
    assert list(shards.records()) == []
    shards.pytest_unconfigure()


def test_workers_have_rows_of_their_own_in_a_timeline(
    suite: pytest.Pytester, written: Written
) -> None:
    """Each worker's main thread is called MainThread: their names begin with the worker's."""
    suite.makepyfile(
        """
        import pytest, shop

        @pytest.mark.parametrize("n", range(2))
        def test_it(n): shop.query()
        """
    )
    suite.runpytest_inprocess("-n2", "--timestamps-report=json", "--timestamps-timeline")
    timeline = written()["timeline"]
    threads = {timeline["strings"][span[5]] for span in timeline["spans"]}
    assert threads == {"gw0 MainThread", "gw1 MainThread"}
