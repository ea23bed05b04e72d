"""From call paths to figures per name, and the ranking of names."""

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import Any, Literal, NamedTuple, get_args

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.recording.rows import Rows, columns_of

__all__ = [
    "SORT_ORDERS",
    "SortOrder",
    "Timing",
    "check_limit",
    "check_sort",
    "rank_hotspots",
    "rank_names",
    "rank_timings",
    "time_names",
]

SortOrder = Literal["self", "total", "calls"]
SORT_ORDERS: tuple[SortOrder, ...] = get_args(SortOrder)


class Timing(NamedTuple):
    """What one name cost, over all its call paths; times are integer nanoseconds.

    ``calls`` counts finished and open spans, ``errors`` those that an exception ended.
    ``min_ns`` and ``max_ns`` are the shortest and the longest single span's total.
    ``open`` counts those of the calls that had not ended: they count with their time so far.
    ``estimated`` and ``untimed`` count those of the calls that were not timed, as in a
    `PathStats`: the times hold an estimate for the former and nothing for the latter.
    """

    name: str
    calls: int
    errors: int
    total_ns: int
    self_ns: int
    min_ns: int
    max_ns: int
    suspended_ns: int
    open: int = 0
    estimated: int = 0
    untimed: int = 0

    @property
    def timed(self) -> int:
        """How many of the calls were timed; their times are what estimates are made from."""
        return self.calls - self.estimated - self.untimed

    @property
    def avg_ns(self) -> int:
        """Total time over the calls whose time is in it, rounded down; 0 where there is none."""
        known = self.calls - self.untimed
        return self.total_ns // known if known > 0 else 0


def time_names(paths: Sequence[PathStats]) -> dict[str, Timing]:
    """The figures of each name, in the order in which the names first occur.

    A name's total is the sum over its paths: recording has already folded recursion, so no
    path holds a second span of a name that is running above it.
    """
    sums = _sum_names(paths)
    return dict(zip(sums, map(tuple.__new__, repeat(Timing), sums.values()), strict=True))


def rank_names(paths: Sequence[PathStats]) -> Sequence[Timing]:
    """The figures of each name as `rank_hotspots` has them: the most self time first."""
    ranked = sorted(_sum_names(paths).values(), key=itemgetter(Timing._fields.index("name")))
    ranked.sort(key=itemgetter(Timing._fields.index("self_ns")), reverse=True)
    return Rows(Timing, tuple(zip(*ranked, strict=True))) if ranked else ()


def _sum_names(paths: Sequence[PathStats]) -> dict[str, tuple[Any, ...]]:
    # Plain tuples: a named one for each row is most of the cost.
    sums: dict[str, tuple[Any, ...]] = {}
    for (
        _, name, _, _, calls, errors, still_open,
        total_ns, self_ns, min_ns, max_ns, suspended_ns, estimated, untimed,
    ) in zip(*columns_of(paths), strict=True):  # fmt: skip
        known = sums.get(name)
        if known is not None:
            (
                _, calls_before, errors_before, total_before_ns, self_before_ns, least_ns, most_ns,
                suspended_before_ns, open_before, estimated_before, untimed_before,
            ) = known  # fmt: skip
            if calls <= estimated + untimed:
                min_ns, max_ns = least_ns, most_ns
            elif calls_before > estimated_before + untimed_before:
                min_ns = min_ns if min_ns < least_ns else least_ns
                max_ns = max_ns if max_ns > most_ns else most_ns
            calls += calls_before
            errors += errors_before
            still_open += open_before
            total_ns += total_before_ns
            self_ns += self_before_ns
            suspended_ns += suspended_before_ns
            estimated += estimated_before
            untimed += untimed_before
        sums[name] = (
            name, calls, errors, total_ns, self_ns, min_ns, max_ns, suspended_ns, still_open,
            estimated, untimed,
        )  # fmt: skip
    return sums


def rank_timings(
    timings: Iterable[Timing], *, sort: SortOrder = "self", limit: int | None = None
) -> tuple[Timing, ...]:
    """Timings in descending order of ``sort``, at most ``limit`` of them (None for all).

    Ties are broken by self time, then by name, so that equal input gives equal output.
    Raises ArgumentError or ArgumentTypeError for an unknown order or an impossible limit.
    """
    order = check_sort(sort)
    check_limit(limit)
    # Each sort is stable, so the last one rules and the earlier ones break its ties.
    ranked = sorted(timings, key=attrgetter("name"))
    ranked.sort(key=attrgetter("self_ns"), reverse=True)
    if order == "total":
        ranked.sort(key=attrgetter("total_ns"), reverse=True)
    elif order == "calls":
        ranked.sort(key=attrgetter("calls"), reverse=True)
    return tuple(ranked[:limit])


def rank_hotspots(timings: Iterable[Timing], limit: int | None = 10) -> tuple[Timing, ...]:
    """The names that took the most self time, the hottest first."""
    return rank_timings(timings, sort="self", limit=limit)


def check_limit(limit: int | None) -> None:
    """Refuse what can't be a number of rows; None stands for all of them."""
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise ArgumentTypeError(
            f"limit must be a whole number or None, got {limit!r} "
            f"({type(limit).__name__}); None gives all rows"
        )
    if limit < 0:
        raise ArgumentError(f"limit must be 0 or more, got {limit}; None gives all rows")


def check_sort(sort: str) -> SortOrder:
    """The sort order of that name; raises ArgumentError for any other."""
    for order in SORT_ORDERS:
        if sort == order:
            return order
    raise ArgumentError(f"sort must be one of {', '.join(SORT_ORDERS)}, got {sort!r}")
