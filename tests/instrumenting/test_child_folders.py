"""What children hand over, and how it is joined with the recording of whoever started them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_timestamps.analysis.values import recording_from_values, recording_to_values
from pytest_timestamps.instrumenting import Instrumentation
from pytest_timestamps.instrumenting.child_folders import ChildFolders
from pytest_timestamps.instrumenting.hand_over import HandOver
from pytest_timestamps.instrumenting.orders import read_running
from pytest_timestamps.instrumenting.selection import Selection
from pytest_timestamps.recording.results import Overhead, PathStats, Recording, TimelineSpan


def row(parent: int, name: str, section: str = "", detached: bool = False) -> PathStats:
    return PathStats(parent, name, section, detached, 1, 0, 0, 10, 10, 10, 10, 0)


CHILD = Recording("child", 90, 80, Overhead(5, 1, 10), (row(-1, "a"), row(0, "b")), (), 2)


@pytest.fixture
def folders() -> Iterator[ChildFolders]:
    made = ChildFolders(["shop", "!shop.fast"])
    yield made
    made.close()


def hand_over(folder: str, recording: Recording = CHILD, name: str = "1.json") -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    content = {"modules": ["shop"], "functions": 3, "recording": recording_to_values(recording)}
    Path(folder, name).write_text(json.dumps(content))


def test_a_recording_survives_being_values() -> None:
    """Through JSON too, timeline included."""
    span = TimelineSpan("a", "call", 1, 2, "main", "")
    recording = Recording("r", 9, 8, Overhead(1, 2, 3), (row(-1, "a", "call"),), (span,), 4, 5)
    values = json.loads(json.dumps(recording_to_values(recording)))
    assert recording_from_values(values) == recording


def test_children_are_detached_below_their_section(folders: ChildFolders) -> None:
    """Equal paths of several become one, told apart from the test's own; the times are its own."""
    hand_over(folders.folder_for("test", "setup"))
    hand_over(folders.folder_for("test", "call"))
    hand_over(folders.folder_for("test", "call"), name="2.json")
    own = Recording("test", 900, 800, Overhead(7, 2, 100), (row(-1, "a", "call"),), (), 1)
    joined = folders.collect("test", own)
    tops = {(one.section, one.detached): one.calls for one in joined.paths if one.parent < 0}
    assert tops == {("setup", True): 1, ("call", True): 2, ("call", False): 1}
    assert (joined.wall_ns, joined.total_ns) == (900, 800)
    assert joined.overhead == Overhead(7, 2, 130)
    assert joined.dropped_paths == 7
    assert (folders.recorded, folders.modules, folders.functions) == (3, {"shop"}, 3)


def test_a_test_that_recorded_nothing_has_the_childs_costs(folders: ChildFolders) -> None:
    """What a span costs is then known from the child alone."""
    hand_over(folders.folder_for("test", "call"))
    joined = folders.collect("test", Recording("", 0, 0, Overhead(0, 0, 0), ()))
    assert joined.overhead == Overhead(5, 1, 10)


def test_everything_is_collected_once(folders: ChildFolders) -> None:
    """Nobody else gets it, nor the owner again; what comes later is dropped."""
    nothing = Recording("", 0, 0, Overhead(0, 0, 0), ())
    folder = folders.folder_for("one", "call")
    hand_over(folder)
    assert folders.collect("two", nothing) is nothing
    assert folders.collect("one", nothing).paths
    hand_over(folder)
    folders.folder_for("one", "call")
    assert folders.collect("one", nothing) is nothing


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"recording": [1]}', '{"recording": 3}'])
def test_what_can_not_be_read_is_left_out(folders: ChildFolders, text: str) -> None:
    """Another version's files break nothing."""
    folder = folders.folder_for("test", "call")
    hand_over(folder)
    Path(folder, "2.json").write_text(text)
    joined = folders.collect("test", Recording("", 0, 0, Overhead(0, 0, 0), ()))
    assert [one.calls for one in joined.paths] == [1, 1]
    assert folders.recorded == 1


def test_handing_over_takes_a_twentieth_of_the_time(folders: ChildFolders) -> None:
    """After the first few, the next is due when twenty times as long has passed as one took."""
    now_ns = [0]

    def snapshot() -> Recording:
        now_ns[0] += 100
        return CHILD

    instrumented = Instrumentation(Selection("json"))
    due = []
    try:
        folder = folders.folder_for("test", "call")
        chore = HandOver(folder, snapshot, instrumented, lambda: now_ns[0])
        for _ in range(21):
            start_ns = now_ns[0] = now_ns[0] + 5_000
            chore.do()
            due.append(chore.due_ns - start_ns)
    finally:
        instrumented.remove()
    assert due == [100] * 19 + [100 + 20 * 100] * 2
    joined = folders.collect("test", Recording("", 0, 0, Overhead(0, 0, 0), ()))
    assert [one.name for one in joined.paths] == ["a", "b"]


def test_nothing_is_handed_over_where_nothing_was_met(folders: ChildFolders) -> None:
    """A child that imports none of the modules leaves no trace."""
    instrumented = Instrumentation(Selection("no_such_module"))
    folder = folders.folder_for("test", "call")
    HandOver(folder, lambda: CHILD, instrumented).do()
    instrumented.remove()
    assert not Path(folder).exists()


def test_nothing_is_left_behind_after_the_session(folders: ChildFolders) -> None:
    """A process that outlives it doesn't make its folder anew."""
    instrumented = Instrumentation(Selection("json"))
    folder = folders.folder_for("test", "call")
    folders.close()
    HandOver(folder, lambda: CHILD, instrumented).do()
    instrumented.remove()
    assert not Path(folder).parents[1].exists()


def test_only_news_is_handed_over(folders: ChildFolders) -> None:
    """A process that was forked inherits its modules: without calls and others it is as nothing."""
    instrumented = Instrumentation(Selection("json"))
    nothing = Recording("", 0, 0, Overhead(0, 0, 0), ())
    told = []
    try:
        modules = set(instrumented.modules)
        for recording, known in (
            (nothing, modules),
            (nothing, modules - {"json"}),
            (CHILD, modules),
        ):
            folder = folders.folder_for(len(told), "call")
            HandOver(folder, lambda one=recording: one, instrumented, known=known).now()
            told.append(Path(folder).exists())
    finally:
        instrumented.remove()
    assert told == [False, True, True]


def test_a_forked_process_hands_over_for_itself(folders: ChildFolders) -> None:
    """Soon, to a file of its own, elsewhere if it is told so, whoever holds the old lock."""
    now_ns = [0]
    instrumented = Instrumentation(Selection("json"))
    try:
        chore = HandOver("", lambda: CHILD, instrumented, lambda: now_ns[0])
        chore.go_on(folders.folder_for("test", "call"))
        assert chore.due_ns > now_ns[0]  # nothing has begun
        chore.begin()
        chore.do()
        chore._lock.acquire()
        now_ns[0] = 7
        chore.go_on()
        assert chore.due_ns == 7
        chore.do()
    finally:
        instrumented.remove()
    joined = folders.collect("test", Recording("", 0, 0, Overhead(0, 0, 0), ()))
    assert [(one.name, one.calls) for one in joined.paths] == [("a", 2), ("b", 2)]


def test_a_session_says_what_is_running(folders: ChildFolders) -> None:
    """Whichever name is longer, until it is closed; nobody finds a session that is none."""
    for folder in (folders.folder_for("one", "teardown"), folders.folder_for("two", "call"), ""):
        folders.tell_running(folder)
        assert read_running(folders.folder_for("any", "call")) == folder
    folders.close()
    folders.tell_running(folder)
    assert read_running(folders.folder_for("any", "call")) == ""
