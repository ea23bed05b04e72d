"""Reading JSON objects field by field, believing nothing and coercing nothing.

Every complaint names the file, the field with its place (``steps[2].success``), what was seen
and what was expected.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

from pytest_timestamps.errors import RunFieldMissing, RunFieldTypeError, RunFieldValueError

__all__ = ["Fields", "json_type"]

_Choice = TypeVar("_Choice", bound=enum.StrEnum)


def json_type(value: object) -> str:
    """What JSON calls the type of *value*, with the value itself where it is short."""
    match value:
        case None:
            return "null"
        case bool():
            return f"a boolean ({str(value).lower()})"
        case int():
            return f"an integer ({value:.60g})" if abs(value) > 10**20 else f"an integer ({value})"
        case float():
            return f"a number with a fraction ({value!r})"
        case str():
            return f"a string ({value!r:.60})"
        case list():
            return f"an array of {len(value)}"
        case dict():
            return f"an object with {len(value)} fields"
        case _:
            return type(value).__name__


class Fields:
    """The fields of one JSON object of one file.

    Each method reads one field and raises a `RunFieldMissing`, `RunFieldTypeError` or
    `RunFieldValueError` that names it.
    """

    # A ledger of ten thousand runs makes two hundred thousand of these and reads millions of
    # fields: places are put together only for a complaint, and integers take a short way.
    __slots__ = ("_data", "_name", "_parent", "path")

    def __init__(
        self, value: object, path: object, name: str = "", parent: Fields | None = None
    ) -> None:
        self.path = path
        self._name = name
        self._parent = parent
        if not isinstance(value, dict):
            raise RunFieldTypeError(path, self.place or "(the file)", json_type(value), "an object")
        self._data: dict[str, object] = value

    @property
    def place(self) -> str:
        """Where this object is in the file, such as ``steps[2]``; empty for the file itself."""
        return self._name if self._parent is None else self._parent.where(self._name)

    def __contains__(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._data.get(name) is not None

    def where(self, name: str) -> str:
        """The field's place in the file."""
        place = self.place
        return f"{place}.{name}" if place else name

    def bad_type(self, name: str, expected: str) -> RunFieldTypeError:
        """The error for a field of the wrong type."""
        return RunFieldTypeError(
            self.path, self.where(name), json_type(self._data.get(name)), expected
        )

    def bad_value(self, name: str, expected: str, seen: str | None = None) -> RunFieldValueError:
        """The error for a field of the right type whose value can't be."""
        shown = f"{self._data.get(name)!r:.80}" if seen is None else seen
        return RunFieldValueError(self.path, self.where(name), shown, expected)

    def raw(self, name: str) -> object:
        """The field's value as it is; `RunFieldMissing` if it isn't there."""
        if name not in self._data:
            raise RunFieldMissing(self.path, self.where(name), "nothing", "the field")
        return self._data[name]

    def integer(self, name: str) -> int:
        """An integer: neither a boolean nor ``1.0``."""
        value = self.raw(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.bad_type(name, "an integer")
        return value

    def count(self, name: str) -> int:
        """An integer of 0 or more."""
        value = self._data.get(name)
        # Most of what is read of a ledger of thousands of runs are counts that are fine.
        if type(value) is int and value >= 0:
            return value
        value = self.integer(name)
        if value < 0:
            raise self.bad_value(name, "0 or more")
        return value

    def optional_count(self, name: str) -> int:
        """An integer of 0 or more; 0 if it is absent or null."""
        return 0 if self._data.get(name) is None else self.count(name)

    def amount(self, name: str) -> float:
        """A finite number of 0 or more, with or without a fraction."""
        value = self.raw(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.bad_type(name, "a number")
        # A number such as 1e999 is infinite once read, and no float holds 10**400.
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number) or number < 0:
            raise self.bad_value(name, "a finite number of 0 or more")
        return number

    def flag(self, name: str) -> bool:
        """A boolean: neither 0 nor 1."""
        value = self.raw(name)
        if not isinstance(value, bool):
            raise self.bad_type(name, "a boolean")
        return value

    def text(self, name: str) -> str:
        """A string."""
        value = self.raw(name)
        if not isinstance(value, str):
            raise self.bad_type(name, "a string")
        return value

    def choice(self, name: str, choices: type[_Choice]) -> _Choice:
        """One of the words of *choices*."""
        word = self.text(name)
        try:
            return choices(word)
        except ValueError:
            words = ", ".join(f"'{choice.value}'" for choice in choices)
            raise self.bad_value(name, f"one of {words}") from None

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of strings."""
        values = self.array(name)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                place = f"{self.where(name)}[{index}]"
                raise RunFieldTypeError(self.path, place, json_type(value), "a string")
        return tuple(value for value in values if isinstance(value, str))

    def array(self, name: str) -> list[object]:
        """An array of whatever."""
        value = self.raw(name)
        if not isinstance(value, list):
            raise self.bad_type(name, "an array")
        return value

    def nested(self, name: str) -> Fields:
        """An object, to be read field by field."""
        return Fields(self.raw(name), self.path, name, self)

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects of an array, each with its index in its place."""
        for index, value in enumerate(self.array(name)):
            yield Fields(value, self.path, f"{name}[{index}]", self)

    def named_objects(self, name: str) -> Iterator[tuple[str, Fields]]:
        """The objects that are the fields of an object, with their names."""
        parent = self.nested(name)
        for key in parent._data:
            yield key, parent.nested(key)

    def mapping(self, name: str) -> Mapping[str, object]:
        """An object that is kept as it is."""
        value = self.raw(name)
        if not isinstance(value, dict):
            raise self.bad_type(name, "an object")
        return value

    def rest(self, known: Collection[str]) -> dict[str, object]:
        """The fields that are not *known*, as they are."""
        return {key: value for key, value in self._data.items() if key not in known}
