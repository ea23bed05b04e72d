"""The call tree as nodes."""

import pickle
import sys

import pytest

from pytest_timestamps.analysis.tree import CallNode, build_call_tree
from tests.samples import path

TABLE = (
    path("a", section="call", calls=2, total_ns=60, self_ns=20),
    path("b", parent=0, calls=4, total_ns=40, errors=1),
    path("task", parent=0, total_ns=500, detached=True),
    path("c", section="setup", total_ns=7),
)


def test_the_root_is_the_collector() -> None:
    """The root has the collector's name and total, and what its children leave as self time."""
    root = build_call_tree("import", 100, TABLE)
    assert (root.name, root.calls, root.total_ns, root.self_ns) == ("import", 1, 100, 33)
    assert [child.name for child in root.children] == ["a", "c"]


def test_detached_work_takes_nothing_from_the_root() -> None:
    """A thread that ran longer than the collector leaves the root's self time alone."""
    root = build_call_tree("r", 100, [path("worker", total_ns=900, detached=True)])
    assert root.self_ns == 100


def test_a_node_reads_its_row() -> None:
    """Names, figures and flags are those of the path."""
    node = build_call_tree("r", 100, TABLE).find("a", "b")
    assert (node.name, node.calls, node.errors, node.total_ns) == ("b", 4, 1, 40)
    assert (node.self_ns, node.suspended_ns, node.section, node.detached) == (40, 0, "", False)
    assert (node.estimated, node.untimed) == (0, 0)
    thinned = build_call_tree("r", 100, [path("f", calls=9, estimated=5, untimed=3)]).find("f")
    assert (thinned.estimated, thinned.untimed) == (5, 3)
    assert build_call_tree("r", 100, TABLE).find("a").section == "call"
    assert build_call_tree("r", 100, TABLE).find("a", "task").detached


def test_walk_goes_parents_first() -> None:
    """Each node comes with its depth, below its parent."""
    walked = [(depth, node.name) for depth, node in build_call_tree("r", 1, TABLE).walk()]
    assert walked == [(0, "r"), (1, "a"), (2, "b"), (2, "task"), (1, "c")]


def test_find_says_where_the_trail_ends() -> None:
    """The message names what is missing and what there is."""
    with pytest.raises(KeyError, match="'x' is not below 'a'; below it: 'b', 'task'"):
        build_call_tree("r", 1, TABLE).find("a", "x")


def test_trees_compare_by_content() -> None:
    """Equal shape and figures are equal, wherever their rows lie."""
    moved = [TABLE[3], TABLE[0], TABLE[1]._replace(parent=1)]
    assert build_call_tree("r", 1, moved).find("a") == build_call_tree("r", 1, TABLE[:2]).find("a")
    assert build_call_tree("r", 1, TABLE) != build_call_tree("r", 1, TABLE[:3])
    assert build_call_tree("r", 1, TABLE) != build_call_tree("r", 2, TABLE)
    assert build_call_tree("r", 1, TABLE) != "r"
    assert len({build_call_tree("r", 1, TABLE), build_call_tree("r", 1, TABLE)}) == 1


def test_a_deep_tree_never_recurses() -> None:
    """Build, compare, print, walk, pickle and drop a tree far past the recursion limit."""
    depth = sys.getrecursionlimit() * 20

    def deep() -> CallNode:
        rows = [path(f"f{level}", parent=level - 1) for level in range(depth)]
        return build_call_tree("r", depth, rows)

    tree = deep()
    assert tree == deep()
    assert (
        repr(tree) == f"CallNode('r', calls=1, total_ns={depth}, self_ns={depth - 10}, children=1)"
    )
    assert max(level for level, _ in tree.walk()) == depth
    assert pickle.loads(pickle.dumps(tree)) == tree
