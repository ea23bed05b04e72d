"""The formats: a renderer is a pure function from the session report to bytes.

A new format is a module with such a function, and one line in ``BUILT_IN``.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.report.model import SessionReport

__all__ = ["BUILT_IN", "Render", "Renderer", "collect_renderers"]

Render = Callable[[SessionReport], bytes]


@dataclass(frozen=True, slots=True)
class Renderer:
    """A format by name, the ending of its files, and how it is made.

    ``extension`` has no dot.
    """

    name: str
    extension: str
    render: Render


def _lazily(module: str, function: str) -> Render:
    """The renderer of that module, imported when it is first used: most sessions use few."""

    def render(report: SessionReport) -> bytes:
        made: bytes = getattr(importlib.import_module(module), function)(report)
        return made

    return render


BUILT_IN: tuple[Renderer, ...] = (
    Renderer("json", "json", _lazily("pytest_timestamps.report.json_writer", "render_json")),
    Renderer("term", "txt", _lazily("pytest_timestamps.report.terminal", "render_terminal")),
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
