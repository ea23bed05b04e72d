"""What a benchmark hands over: rows of one table, some with a limit to be judged by."""

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Row", "format_figure", "row_from_json", "row_to_json"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure on one Python.

    ``limit`` is the highest value that meets the target, None where there is none;
    ``ns`` is the time per call behind a ratio, and ``detail`` whatever helps to read it.
    """

    section: str
    label: str
    value: float
    unit: str
    limit: float | None = None
    ns: float | None = None
    detail: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the target is met, None where there is none."""
        return None if self.limit is None else self.value <= self.limit


def format_figure(value: float, unit: str) -> str:
    """The figure with the digits that mean something."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 20 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def row_to_json(row: Row) -> dict[str, Any]:
    return asdict(row)


def row_from_json(content: dict[str, Any]) -> Row:
    return Row(**content)
