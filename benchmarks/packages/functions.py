"""A package's functions by the places at which profilers know them."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import CodeType

from pytest_timestamps.instrumenting.codes import functions_in

__all__ = ["Place", "functions_of", "place"]

Place = tuple[str, int, str]
"""A file, the line at which the function begins, decorators included, and its bare name."""


def place(file: str, line: int, name: str) -> Place:
    """The same for every way to write the file's path."""
    return os.path.realpath(file), line, name


def functions_of(package: str, source: Path) -> Mapping[Place, str]:
    """``module.qualified.name`` of every function in the package's modules, nested ones too."""
    found: dict[Place, str] = {}
    for file in sorted((source / package).rglob("*.py")):
        module = ".".join(file.relative_to(source).with_suffix("").parts)
        module = module.removesuffix(".__init__")
        code: CodeType = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
        for one in functions_in(code):
            at = place(one.co_filename, one.co_firstlineno, one.co_name)
            found[at] = f"{module}.{one.co_qualname}"
    return found
