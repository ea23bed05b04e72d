"""Merge call-path tables: additive, and independent of the order they come in."""

from collections.abc import Iterable, Sequence

from pytest_timestamps.recording.results import PathStats

__all__ = ["merge_paths"]

_Key = tuple[int, str, bool, str]
# calls, errors, open, total_ns, self_ns, min_ns, max_ns, suspended_ns, estimated, untimed
_Sums = list[int]


def merge_paths(tables: Iterable[Sequence[PathStats]]) -> tuple[PathStats, ...]:
    """One table with the sums of all; equal paths become one row.

    Two rows are the same path if their parents are, and they agree in section, in being
    detached, and in name.
    Times and counts are added, ``min_ns`` and ``max_ns`` are the extremes over rows that have
    a call that was timed.
    The result is in canonical order (depth first, siblings by section, name, detached), so any
    order and any grouping of the input gives the same table.
    """
    keys: list[_Key] = []
    sums: list[_Sums] = []
    index: dict[_Key, int] = {}
    for table in tables:
        _add_table(table, keys, sums, index)
    return _in_canonical_order(keys, sums)


def _add_table(
    table: Sequence[PathStats],
    keys: list[_Key],
    sums: list[_Sums],
    index: dict[_Key, int],
) -> None:
    """Add one table's rows; this loop is the whole cost of merging, hence no calls in it."""
    merged: list[int] = []
    for (
        parent, name, section, detached, calls, errors, still_open,
        total_ns, self_ns, min_ns, max_ns, suspended_ns, estimated, untimed,
    ) in table:  # fmt: skip
        key = (merged[parent] if parent >= 0 else -1, section, detached, name)
        at = index.get(key)
        if at is None:
            at = index[key] = len(keys)
            keys.append(key)
            sums.append(
                [
                    calls, errors, still_open, total_ns, self_ns, min_ns, max_ns, suspended_ns,
                    estimated, untimed,
                ]
            )  # fmt: skip
        else:
            row = sums[at]
            if calls > estimated + untimed:
                silent = row[0] <= row[8] + row[9]
                if silent or min_ns < row[5]:
                    row[5] = min_ns
                if silent or max_ns > row[6]:
                    row[6] = max_ns
            row[0] += calls
            row[1] += errors
            row[2] += still_open
            row[3] += total_ns
            row[4] += self_ns
            row[7] += suspended_ns
            row[8] += estimated
            row[9] += untimed
        merged.append(at)


def _in_canonical_order(keys: list[_Key], sums: list[_Sums]) -> tuple[PathStats, ...]:
    """Depth first with a stack of our own: a tree may be deeper than Python may recurse."""
    children: list[list[int]] = [[] for _ in keys]
    top: list[int] = []
    for at, key in enumerate(keys):
        (children[key[0]] if key[0] >= 0 else top).append(at)

    def canonical(at: int) -> tuple[str, str, bool]:
        _, section, detached, name = keys[at]
        return section, name, detached

    rows: list[PathStats] = []
    stack = [(at, -1) for at in sorted(top, key=canonical, reverse=True)]
    while stack:
        at, parent = stack.pop()
        _, section, detached, name = keys[at]
        below = len(rows)
        rows.append(PathStats(parent, name, section, detached, *sums[at]))
        if children[at]:
            ordered = sorted(children[at], key=canonical, reverse=True)
            stack.extend((child, below) for child in ordered)
    return tuple(rows)
