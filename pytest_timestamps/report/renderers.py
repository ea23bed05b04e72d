"""The formats: a renderer is a pure function from the session report to bytes.

A new format is a module with such a function, and one line in ``BUILT_IN``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_timestamps.errors import ArgumentError

if TYPE_CHECKING:
    from pytest_timestamps.report.model import SessionReport

__all__ = ["BUILT_IN", "Render", "Renderer", "collect_renderers"]

Render = Callable[["SessionReport"], bytes]


@dataclass(frozen=True, slots=True)
class Renderer:
    """A format by name, the ending of its files, and how it is made.

    ``extension`` has no dot.
    ``needs_timeline`` says that the format is nothing without one: asking for it records one.
    """

    name: str
    extension: str
    render: Render
    needs_timeline: bool = False


def _lazily(module: str, function: str) -> Render:
    """The renderer of that module, imported when it is first used: most sessions use few."""

    def render(report: SessionReport) -> bytes:
        made: bytes = getattr(importlib.import_module(module), function)(report)
        return made

    return render


_PACKAGE = "pytest_timestamps.report"

BUILT_IN: tuple[Renderer, ...] = (
    Renderer("csv", "csv", _lazily(f"{_PACKAGE}.csv_table", "render_csv")),
    Renderer("folded", "folded", _lazily(f"{_PACKAGE}.folded", "render_folded")),
    Renderer("html", "html", _lazily(f"{_PACKAGE}.html.page", "render_html")),
    Renderer("json", "json", _lazily(f"{_PACKAGE}.json_writer", "render_json")),
    Renderer("markdown", "md", _lazily(f"{_PACKAGE}.markdown", "render_markdown")),
    Renderer(
        "openmetrics", "openmetrics.txt", _lazily(f"{_PACKAGE}.openmetrics", "render_openmetrics")
    ),
    Renderer(
        "perfetto",
        "perfetto.json",
        _lazily(f"{_PACKAGE}.perfetto", "render_perfetto"),
        needs_timeline=True,
    ),
    Renderer(
        "speedscope", "speedscope.json", _lazily(f"{_PACKAGE}.speedscope", "render_speedscope")
    ),
    Renderer("term", "txt", _lazily(f"{_PACKAGE}.terminal", "render_terminal")),
)


def collect_renderers(added: Iterable[Renderer]) -> Mapping[str, Renderer]:
    """All renderers by name; ArgumentError for a second one of the same name."""
    renderers: dict[str, Renderer] = {}
    for renderer in (*BUILT_IN, *added):
        if not isinstance(renderer, Renderer):
            raise ArgumentError(
                f"expected a pytest_timestamps.report.renderers.Renderer, got {renderer!r}"
            )
        if renderer.name in renderers:
            raise ArgumentError(
                f"two renderers are called {renderer.name!r}; give the added one another name"
            )
        renderers[renderer.name] = renderer
    return renderers
