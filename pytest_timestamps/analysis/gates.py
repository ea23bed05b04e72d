"""Gates: ``METRIC>[+]NUMBER[%|ns|ms|s]``, several joined by commas, any of which fails."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from pytest_timestamps.errors import ArgumentError

__all__ = ["METRICS", "TIMES", "Gate", "Metric", "parse_gates"]

Metric = Literal["calls", "errors", "self", "total", "tokens", "cost"]
METRICS: tuple[Metric, ...] = get_args(Metric)
TIMES: frozenset[Metric] = frozenset({"self", "total"})
_UNITS_NS = {"ns": 1, "ms": 1_000_000, "s": 1_000_000_000}
_GATE = re.compile(
    r"(?P<metric>\w+)\s*>\s*(?P<growth>\+?)\s*(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>%|\w*)",
    re.ASCII,
)
EXAMPLES = "such as calls>+0, tokens>+10%, self>+50% or total>2s"


@dataclass(frozen=True, slots=True)
class Gate:
    """What must not happen: a figure, or its growth over BASE, exceeds a limit.

    ``limit`` is in the metric's unit (calls, nanoseconds, tokens, US dollars), or in percent of
    BASE where ``is_percent``; a percentage is always one of growth.
    """

    text: str
    metric: Metric
    is_growth: bool
    limit: Decimal
    is_percent: bool = False

    @property
    def is_time(self) -> bool:
        """Whether it looks at times, which are noisy."""
        return self.metric in TIMES

    def is_exceeded(self, base: float, head: float) -> bool:
        """Whether ``head`` breaks the limit; what BASE hasn't got counts as 0 there.

        Any growth from 0 exceeds every percentage.
        """
        before, after = Decimal(base), Decimal(head)
        if not self.is_growth:
            return after > self.limit
        if self.is_percent:
            return (after - before) * 100 > self.limit * before
        return after - before > self.limit


def parse_gates(text: str) -> tuple[Gate, ...]:
    """The gates of an expression; ArgumentError says which part can't be used and why."""
    gates = tuple(_parse_gate(part.strip()) for part in text.split(","))
    return tuple(dict.fromkeys(gates))


def _parse_gate(text: str) -> Gate:
    if not text:
        raise ArgumentError(f"a gate is empty; expected METRIC>[+]NUMBER[%|ns|ms|s], {EXAMPLES}")
    match = _GATE.fullmatch(text)
    if match is None or len(match["number"]) > 30:
        raise ArgumentError(
            f"{text[:80]!r} is no gate; expected METRIC>[+]NUMBER[%|ns|ms|s], {EXAMPLES}"
        )
    metric = _metric(match["metric"], text)
    limit, unit = Decimal(match["number"]), match["unit"]
    is_percent = unit == "%"
    if not is_percent:
        limit *= _unit(metric, unit, limit, text)
    if metric not in TIMES and metric != "cost" and not is_percent and limit % 1:
        raise ArgumentError(f"{text!r}: {metric} are counted in whole numbers, got {limit}")
    return Gate(text, metric, bool(match["growth"]) or is_percent, limit, is_percent)


def _metric(name: str, text: str) -> Metric:
    for metric in METRICS:
        if name == metric:
            return metric
    raise ArgumentError(f"{text!r}: unknown metric {name!r}; expected one of {', '.join(METRICS)}")


def _unit(metric: Metric, unit: str, number: Decimal, text: str) -> int:
    """Nanoseconds in the unit of a time, 1 for everything else."""
    if metric not in TIMES:
        if unit:
            raise ArgumentError(
                f"{text!r}: {metric} has no unit {unit!r}; expected a number or a percentage, "
                f"such as {metric}>+10%"
            )
        return 1
    if unit in _UNITS_NS:
        return _UNITS_NS[unit]
    if not unit and not number:
        return 1
    seen = f"the unit {unit!r}" if unit else "no unit"
    raise ArgumentError(
        f"{text!r}: {metric} is a time and has {seen}; expected %, ns, ms or s, "
        f"such as {metric}>+50% or {metric}>+5ms"
    )
