"""All options and ini values as one frozen value, checked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_timestamps.analysis.durations import parse_duration_ns
from pytest_timestamps.analysis.timings import SortOrder, check_sort
from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.plugin.options import ini_flag
from pytest_timestamps.report.renderers import Renderer
from pytest_timestamps.report.targets import ReportTarget, check_kept, parse_targets

if TYPE_CHECKING:
    from pytest_timestamps.plugin.gating import Baseline

__all__ = ["Settings", "parse_duration_ns", "read_settings"]


class Settings(NamedTuple):
    """What the user asked for; made once a session.

    ``timeline`` shows one on the terminal, ``records_timeline`` is also on for a format that is
    nothing without one.
    ``modules`` is None where nothing was said of them; ``instrumented`` are the patterns of
    packages to record undecorated, ``subprocesses`` has that done in child processes too, and
    ``budget`` is the share of the tests' own time that it may cost, None for no limit.
    """

    targets: tuple[ReportTarget, ...] = ()
    top: int = 10
    sort: SortOrder = "self"
    min_time_ns: int | None = None
    per_test: bool = False
    timeline: bool = False
    records_timeline: bool = False
    verbosity: int = 0
    modules: int | None = None
    instrumented: tuple[str, ...] = ()
    subprocesses: bool = False
    budget: float | None = None
    baseline: Baseline | None = None


def read_settings(config: pytest.Config, renderers: Mapping[str, Renderer]) -> Settings:
    """The session's settings; ``pytest.UsageError`` names the option that can't be used.

    An xdist worker writes no reports, so it has no targets and compares with nothing.
    """
    is_worker = hasattr(config, "workerinput")
    timeline = _flag(config, "timeline")
    try:
        targets = () if is_worker else _targets(config, renderers)
        return Settings(
            targets=targets,
            top=_top(_value(config, "top")),
            sort=_sort(_value(config, "sort")),
            min_time_ns=_min_time_ns(_value(config, "min_time")),
            per_test=_flag(config, "per_test"),
            timeline=timeline,
            records_timeline=timeline or _needs_timeline(config, renderers),
            # The option is the terminal's, which may have been switched off.
            verbosity=int(getattr(config.option, "verbose", 0)),
            modules=_modules(_value(config, "modules")),
            instrumented=_instrumented(config),
            subprocesses=_subprocesses(config),
            budget=_budget(config),
            baseline=None if is_worker else _baseline(config, targets),
        )
    except ArgumentError as error:
        raise pytest.UsageError(str(error)) from None


def _value(config: pytest.Config, name: str) -> str | None:
    """The option's text, else its ini twin's, else None."""
    given: str | None = getattr(config.option, f"timestamps_{name}", None)
    if given is not None:
        return given
    ini = str(config.getini(f"timestamps_{name}") or "")
    return ini or None


def _flag(config: pytest.Config, name: str) -> bool:
    given = getattr(config.option, f"timestamps_{name}", None)
    return bool(given) or ini_flag(config, f"timestamps_{name}")


def _specs(config: pytest.Config) -> list[str]:
    given: list[str] | None = getattr(config.option, "timestamps_report", None)
    return given if given is not None else list(config.getini("timestamps_report"))


def _targets(config: pytest.Config, renderers: Mapping[str, Renderer]) -> tuple[ReportTarget, ...]:
    try:
        return parse_targets(_specs(config), renderers, Path(config.rootpath))
    except ArgumentError as error:
        raise ArgumentError(f"--timestamps-report: {error}") from None


def _needs_timeline(config: pytest.Config, renderers: Mapping[str, Renderer]) -> bool:
    """Asked of the formats' names, which a worker knows too."""
    asked = (renderers.get(spec.partition(":")[0]) for spec in _specs(config))
    return any(renderer.needs_timeline for renderer in asked if renderer is not None)


def _instrumented(config: pytest.Config) -> tuple[str, ...]:
    given: list[str] | None = getattr(config.option, "timestamps_instrument", None)
    patterns = given if given is not None else list(config.getini("timestamps_instrument"))
    if not patterns:
        return ()
    from pytest_timestamps.plugin.instrumenting import check_patterns

    return check_patterns(patterns)


def _subprocesses(config: pytest.Config) -> bool:
    """The ini twin may stay in its file while nothing is instrumented."""
    if getattr(config.option, "timestamps_subprocesses", None) and not _instrumented(config):
        raise ArgumentError(
            "--timestamps-subprocesses needs --timestamps-instrument=PACKAGE, which says what to "
            "record in them"
        )
    return _flag(config, "subprocesses")


def _budget(config: pytest.Config) -> float | None:
    """A share, from a percentage; in an ini file it waits for a session that is instrumented."""
    text = _value(config, "budget")
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?%", text, re.ASCII) or not float(text[:-1]):
        raise ArgumentError(
            f"--timestamps-budget must be a percentage above 0, such as 10% or 2.5%, got {text!r}"
        )
    if _instrumented(config):
        # Not divided: 0.07 is the float nearest to it, and 7 / 100 need not be.
        return float(f"{text[:-1]}e-2")
    if getattr(config.option, "timestamps_budget", None) is not None:
        raise ArgumentError(
            "--timestamps-budget needs --timestamps-instrument=PACKAGE: it limits what recording "
            "whole packages may cost"
        )
    return None


def _baseline(config: pytest.Config, targets: tuple[ReportTarget, ...]) -> Baseline | None:
    given: list[str] | None = getattr(config.option, "timestamps_compare", None)
    paths = given if given is not None else list(config.getini("timestamps_compare"))
    fail_on = _value(config, "fail_on")
    if not paths and fail_on is None:
        return None
    from pytest_timestamps.plugin.gating import read_baseline

    # No shell expands a tilde after an equals sign.
    files = [Path(config.rootpath) / os.path.expanduser(path) for path in paths]
    baseline = read_baseline(files, fail_on)
    try:
        # A session that fails its gate would be the BASE by which the next one passes.
        check_kept(targets, files, "the session is compared with")
    except ArgumentError as error:
        raise ArgumentError(f"--timestamps-report: {error}") from None
    return baseline


def _top(text: str | None) -> int:
    if text is None:
        return 10
    if not re.fullmatch(r"\+?\d{1,9}", text.strip(), re.ASCII) or int(text) == 0:
        raise ArgumentError(f"--timestamps-top must be a positive integer, got {text!r}")
    return int(text)


def _modules(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"\+?\d{1,9}", text.strip(), re.ASCII):
        raise ArgumentError(f"--timestamps-modules must be 0 or more, got {text!r}")
    return int(text)


def _sort(text: str | None) -> SortOrder:
    if text is None:
        return "self"
    try:
        return check_sort(text)
    except ArgumentError as error:
        raise ArgumentError(f"--timestamps-{error}") from None


def _min_time_ns(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_duration_ns(text)
    except ArgumentError as error:
        raise ArgumentError(f"--timestamps-min-time {error}") from None
