"""Self times, folding and recording's own cost, on trees that are built by hand."""

from __future__ import annotations

from time import process_time

import pytest

from pytest_timestamps.recording import Capture
from pytest_timestamps.recording.engine import Engine
from pytest_timestamps.recording.freeze import add_scopes
from pytest_timestamps.recording.lane import Lane
from pytest_timestamps.recording.overhead import NO_OVERHEAD, Cost, SpanCosts
from pytest_timestamps.recording.paths import PathTable
from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.recording.scope import Origin, Scope
from pytest_timestamps.recording.sites import Site
from pytest_timestamps.recording.tree import NO_MINIMUM, Node, PartSite, Root

COSTS = SpanCosts(
    {
        "code": Cost(3.0, 7.0),
        "suspendable code": Cost(3.0, 7.0),
        "suspendable code, resumed": Cost(5.0, 20.0),
        "slow": Cost(30.0, 70.0),
        "fold": Cost(11.0, 22.0),
        "resumed fold": Cost(7.0, 11.0),
        "guarded fold": Cost(50.0, 90.0),
    },
    2.0,
)


class Trees:
    """One capture, its scope, and a root to grow a tree on."""

    def __init__(self) -> None:
        self.capture = Capture()
        self.scope = Scope((self.capture,), frozenset())
        self.lane: Lane = Engine(lambda: 0).lanes.here()
        self.root = self.grow(None)

    def grow(self, under: Node | None, scope: Scope | None = None) -> Root:
        """A further root, on top of ``under``."""
        return (scope or self.scope).root_for(Origin(scope or self.scope), under, self.lane)

    def freeze(self, costs: SpanCosts = NO_OVERHEAD) -> dict[str, PathStats]:
        """The rows by name, and the overhead under an empty name."""
        table = PathTable()
        self.overhead_ns, _ = add_scopes(table, self.capture, [self.scope], {}, costs)
        return {row.name: row for row in table.rows()}


@pytest.fixture
def trees() -> Trees:
    return Trees()


def spans(parent: Node, name: str, total_ns: int, calls: int = 1, kind: str = "code") -> Node:
    """A new child of ``parent`` with figures."""
    node = parent.add(object(), Site(name, kind))
    assert node is not None
    node.calls, node.total_ns = calls, total_ns
    node.min_ns = node.max_ns = total_ns // calls
    return node


def test_self_time_excludes_direct_children_only(trees: Trees) -> None:
    """Self time is total less the direct children's; grandchildren are the children's."""
    outer = spans(trees.root, "outer", 100)
    middle = spans(outer, "middle", 60)
    spans(middle, "inner", 50)
    rows = trees.freeze()
    assert [rows[name].self_ns for name in ("outer", "middle", "inner")] == [40, 10, 50]


@pytest.mark.parametrize(("calls", "slow"), [(1, 0), (2, 0), (1, 1)])
def test_no_call_takes_less_than_what_it_called(trees: Trees, calls: int, slow: int) -> None:
    """Recording's cost is a mean: where calls cost less, more is taken out than there was."""
    outer = spans(trees.root, "outer", 140, calls)
    outer.slow = slow
    # 3 inside of itself and 10 for each of these are taken out of it: 117 would be left
    spans(outer, "short", 63)
    spans(outer, "shorter", 63)
    rows = trees.freeze(COSTS)
    assert rows["short"].total_ns == rows["shorter"].total_ns == 60
    assert (rows["outer"].total_ns, rows["outer"].self_ns) == (120, 1)
    if calls == 1:
        assert rows["outer"].min_ns == rows["outer"].max_ns == 120


def test_what_runs_on_top_in_another_context_is_no_self_time(trees: Trees) -> None:
    """A task's step runs on top of the span that runs the loop: that time is the task's."""
    loop = spans(trees.root, "loop", 100)
    spans(trees.grow(loop), "step", 70)
    rows = trees.freeze()
    assert (rows["loop"].self_ns, rows["step"].self_ns) == (30, 70)


def test_folded_recursion_moves_self_time(trees: Trees) -> None:
    """What recursion books as credit and debit goes from the caller to the called name."""
    outer = spans(trees.root, "outer", 100)
    between = spans(outer, "between", 60)
    outer.calls, outer.credit_ns, between.debit_ns = 2, 45, 45
    rows = trees.freeze()
    assert (rows["outer"].total_ns, rows["outer"].self_ns) == (100, 85)
    assert (rows["between"].total_ns, rows["between"].self_ns) == (60, 15)


def test_cost_of_each_call_is_taken_out_of_all_that_encloses_it(trees: Trees) -> None:
    """Of each call the inner part leaves the span, the outer its caller's own time."""
    outer = spans(trees.root, "outer", 100_000)
    spans(spans(outer, "middle", 50_000, calls=10), "leaf", 20_000, calls=100)
    rows = trees.freeze(COSTS)
    assert rows["leaf"].total_ns == 20_000 - 100 * 3
    assert rows["middle"].total_ns == 50_000 - 10 * 3 - 100 * 10
    assert rows["middle"].self_ns == 30_000 - 10 * 3 - 100 * 7
    assert rows["outer"].total_ns == 100_000 - 3 - 10 * 10 - 100 * 10
    assert trees.overhead_ns == (1 + 10 + 100) * 10


def test_cost_of_resumptions_is_their_own(trees: Trees) -> None:
    """A generator's resumptions cost what suspending and resuming costs, not what a call does."""
    outer = spans(trees.root, "outer", 10_000)
    spans(outer, "steps", 5_000, kind="suspendable code").resumes = 20
    rows = trees.freeze(COSTS)
    assert rows["steps"].total_ns == 5_000 - 3 - 20 * 5
    assert rows["outer"].self_ns == 5_000 - 3 - 7 - 20 * 20


def test_cost_of_resumptions_without_an_end(trees: Trees) -> None:
    """A generator that nobody went through to the end has cost what its resumptions did."""
    outer = spans(trees.root, "outer", 10_000)
    steps = spans(outer, "steps", 5_000, kind="suspendable code")
    steps.calls, steps.resumes = 0, 20
    rows = trees.freeze(COSTS)
    assert (rows["steps"].calls, rows["steps"].total_ns) == (0, 5_000 - 20 * 5)
    assert rows["outer"].self_ns == 5_000 - 3 - 20 * 20


def test_cost_of_calling_several_in_turn(trees: Trees) -> None:
    """A caller whose children alternate pays for finding them."""
    outer = spans(trees.root, "outer", 10_000)
    spans(outer, "one", 1_000, calls=10)
    outer.misses = 10
    assert trees.freeze(COSTS)["outer"].self_ns == 9_000 - 3 - 10 * 7 - 10 * 2


def test_cost_on_a_guarded_lane(trees: Trees) -> None:
    """Spans that took the guarded way are charged as such."""
    spans(trees.root, "slow", 10_000, calls=10).slow = 4
    assert trees.freeze(COSTS)["slow"].total_ns == 10_000 - 6 * 3 - 4 * 30


def test_cost_of_a_recursion_is_its_own(trees: Trees) -> None:
    """A folded call is charged once, at what such calls cost."""
    outer = spans(trees.root, "outer", 10_000)
    outer.calls, outer.plain_folds_in, outer.plain_folds_out = 11, 10, 10
    row = trees.freeze(COSTS)["outer"]
    assert (row.total_ns, row.self_ns) == (10_000 - 3 - 10 * 33, 10_000 - 3 - 10 * 33)
    assert trees.overhead_ns == 10 + 10 * 33


def test_cost_of_a_resumption_within_a_recursion_is_its_own(trees: Trees) -> None:
    """A recursive generator's stretches are charged apart from its calls, and none twice."""
    outer = spans(trees.root, "outer", 10_000, kind="suspendable code")
    outer.calls, outer.plain_folds_in, outer.plain_folds_out = 3, 12, 12
    outer.resumed_folds_in = outer.resumed_folds_out = 10
    outer.resumes = 10 + 4
    row = trees.freeze(COSTS)["outer"]
    # one plain start, four plain resumptions, two recursive calls, ten of their resumptions
    left_ns = 10_000 - 3 - 4 * 5 - 2 * 33 - 10 * 18
    assert (row.total_ns, row.self_ns) == (left_ns, left_ns)
    assert trees.overhead_ns == 10 + 4 * 25 + 2 * 33 + 10 * 18


def test_cost_of_a_recursion_on_a_guarded_lane_is_its_own(trees: Trees) -> None:
    """It took another way, at another cost."""
    outer = spans(trees.root, "outer", 10_000)
    outer.calls, outer.slow, outer.folded_in, outer.folded_out = 11, 10, 10, 10
    row = trees.freeze(COSTS)["outer"]
    assert (row.total_ns, row.self_ns) == (10_000 - 3 - 10 * 140, 10_000 - 3 - 10 * 140)
    assert trees.overhead_ns == 10 + 10 * 140


def test_cost_of_mutual_recursion_is_in_all_that_takes_part(trees: Trees) -> None:
    """Of two names that call each other the inner one never has more time than the outer one."""
    outer = spans(trees.root, "outer", 10_000)
    inner = spans(outer, "inner", 9_990)
    outer.folded_in = inner.folded_out = inner.folded_in = outer.folded_out = 50
    outer.calls = inner.calls = outer.slow = inner.slow = 51
    rows = trees.freeze(COSTS)
    assert rows["inner"].total_ns == rows["outer"].total_ns
    assert rows["inner"].max_ns == rows["inner"].total_ns


def test_cost_never_makes_a_zero(trees: Trees) -> None:
    """However dear recording was, where there was work there is at least a nanosecond."""
    spans(spans(trees.root, "outer", 30), "leaf", 20, calls=10)
    rows = trees.freeze(COSTS)
    figures = [(row.total_ns, row.self_ns, row.min_ns, row.max_ns) for row in rows.values()]
    assert figures == [(1, 1, 1, 1), (1, 1, 1, 1)]


@pytest.mark.parametrize("recycles", [False, True])
def test_a_path_without_an_end_has_no_extremes(trees: Trees, recycles: bool) -> None:
    """Of calls that were only counted none is the shortest: that is 0, as the longest is."""
    trees.capture.recycles = recycles
    node = spans(trees.root, "counted", 0)
    node.calls, node.counted, node.min_ns = 0, 3, NO_MINIMUM
    row = trees.freeze(COSTS)["counted"]
    assert (row.calls, row.untimed, row.min_ns, row.max_ns) == (3, 3, 0, 0)


def test_a_single_call_has_one_time(trees: Trees) -> None:
    """It is the shortest and the longest at once, however dear recording it was."""
    spans(trees.root, "short", 2)
    row = trees.freeze(COSTS)["short"]
    assert (row.total_ns, row.self_ns, row.min_ns, row.max_ns) == (1, 1, 1, 1)


def test_the_shortest_call_keeps_its_share(trees: Trees) -> None:
    """It may have called little: the cost of an average call can exceed all of its time."""
    outer = spans(trees.root, "outer", 10_000, calls=2)
    outer.min_ns, outer.max_ns = 400, 9_600
    spans(outer, "leaf", 5_000, calls=100).min_ns = 4
    rows = trees.freeze(COSTS)
    within_ns = 2 * 3 + 100 * 10
    assert rows["outer"].min_ns == 400 - round(400 * within_ns / 10_000)
    assert rows["outer"].max_ns == 9_600 - within_ns // 2
    # a leaf's calls all cost the same
    assert rows["leaf"].min_ns == 4 - 3


def test_cost_of_a_scope_that_is_gone_stays_out(trees: Trees) -> None:
    """What recording cost in collectors that came and went is taken out of what enclosed them."""
    outer = spans(trees.root, "outer", 10_000)
    outer.settled_ns = 500.0
    assert trees.freeze(COSTS)["outer"].total_ns == 10_000 - 3 - 500


def test_spans_that_a_capture_did_not_see_begin_are_their_callers_time() -> None:
    """Where a generator began before a capture, its stretches are its resumer's own time."""
    trees = Trees()
    resumer = spans(trees.root, "resumer", 100)
    site = PartSite(Site("generator", "code"), frozenset(), ())
    part = resumer.add(object(), site)
    assert part is not None
    part.calls, part.total_ns = 1, 80
    spans(part, "callee", 50)
    rows = trees.freeze()
    assert set(rows) == {"resumer", "callee"}
    assert (rows["resumer"].self_ns, rows["callee"].self_ns) == (50, 50)
    assert rows["callee"].parent == 0


def test_recursion_across_scopes_folds_for_those_who_saw_it_begin(trees: Trees) -> None:
    """A capture that saw the outer call of a name counts the inner one as its recursion."""
    outer = spans(trees.root, "f", 100)
    between = spans(outer, "g", 90)
    inner = between.add(object(), PartSite(Site("f", "code"), None, (outer,)))
    assert inner is not None
    inner.calls, inner.total_ns = 1, 70
    rows = trees.freeze()
    assert (rows["f"].calls, rows["f"].total_ns, rows["f"].self_ns) == (2, 100, 80)
    assert rows["g"].self_ns == 20


def _deep(names: int) -> Trees:
    trees = Trees()
    node: Node = trees.root
    for depth in range(names):
        node = spans(node, f"level {depth}", names - depth)
    return trees


def test_a_deep_tree() -> None:
    """Ten thousand names deep: no recursion of ours, and each row below the other."""
    trees = _deep(10_000)
    rows = list(trees.freeze(COSTS).values())
    assert [row.parent for row in rows] == list(range(-1, 9_999))
    assert all(row.self_ns == 1 for row in rows)


def test_a_deep_tree_takes_linear_time() -> None:
    """Eight times the depth takes far less than the sixty-four times of a quadratic walk."""

    def seconds(names: int) -> float:
        trees = _deep(names)
        fastest = float("inf")
        for _ in range(3):
            start = process_time()
            trees.freeze(COSTS)
            fastest = min(fastest, process_time() - start)
        return fastest

    assert seconds(8_000) < 30 * seconds(1_000)
