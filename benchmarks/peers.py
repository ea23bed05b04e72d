"""The other ways to time a function, each switched on and off the way its own users do it.

A peer that isn't installed is left out of the table.
"""

import cProfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter_ns
from typing import Any

from benchmarks.loops import UNROLL, at_depth, make_function, make_loop, warmed
from benchmarks.rounds import Subject

__all__ = ["active_peers", "call_subject", "idle_peers", "pass_through"]

CALL = "target()"


def call_subject(name: str, function: Callable[..., Any], statement: str = CALL) -> Subject:
    """The function called in a loop, with nothing switched on."""
    loop = make_loop(statement, function)
    return Subject(name, lambda n: warmed(loop, n), UNROLL)


def pass_through(function: Callable[..., Any]) -> Callable[..., Any]:
    """The least that a wrapper can do."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def _two_clock_reads(function: Callable[..., Any]) -> Callable[..., Any]:
    """The least that a wrapper can do which keeps a total."""
    total_ns = 0

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        nonlocal total_ns
        start_ns = perf_counter_ns()
        try:
            return function(*args, **kwargs)
        finally:
            total_ns += perf_counter_ns() - start_ns

    return wrapper


def idle_peers() -> Iterator[Subject]:
    """Decorators of others that are in place and switched off."""
    with suppress(ImportError):
        from osbot_utils.helpers.timestamp_capture.decorators.timestamp import timestamp

        yield call_subject("osbot-utils @timestamp", timestamp(make_function()))
    with suppress(ImportError):
        from line_profiler.explicit_profiler import GlobalProfiler

        profile = GlobalProfiler()
        profile.disable()
        yield call_subject("line_profiler @profile", profile(make_function()))
    with suppress(ImportError):
        from opentelemetry import trace

        tracer = trace.NoOpTracerProvider().get_tracer("bench")
        decorate = tracer.start_as_current_span("leaf")
        yield call_subject("OpenTelemetry span, no SDK", decorate(make_function()))


def active_peers() -> Iterator[Subject]:
    """Others while they record the call."""
    yield call_subject("wrapper with two clock reads", _two_clock_reads(make_function()))
    yield _switched("cProfile", _cprofile, make_function())
    with suppress(ImportError):
        import yappi  # noqa: F401

        yield _switched("yappi", _yappi, make_function())
    with suppress(ImportError):
        import viztracer  # noqa: F401

        yield _switched("viztracer", _viztracer, make_function())
    with suppress(ImportError):
        from line_profiler import LineProfiler

        yield call_subject("line_profiler @profile", LineProfiler()(make_function()))
    with suppress(ImportError):
        from opentelemetry.sdk.trace import TracerProvider

        tracer = TracerProvider().get_tracer("bench")
        decorate = tracer.start_as_current_span("leaf")
        yield call_subject("OpenTelemetry span, SDK", decorate(make_function()))
    with suppress(ImportError):
        yield from _osbot_active()


def _switched(name: str, switched_on: Callable[[], Any], function: Callable[..., Any]) -> Subject:
    loop = make_loop(CALL, function)

    def run(n: int) -> int:
        with switched_on():
            return warmed(loop, n)

    return Subject(name, run, UNROLL)


@contextmanager
def _cprofile() -> Iterator[None]:
    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()


@contextmanager
def _yappi() -> Iterator[None]:
    import yappi

    yappi.set_clock_type("wall")
    yappi.start(builtins=False)
    try:
        yield
    finally:
        yappi.stop()
        yappi.clear_stats()


_tracers: list[Any] = []


@contextmanager
def _viztracer() -> Iterator[None]:
    from viztracer import VizTracer

    if not _tracers:
        # One for the process: each would set aside its own buffer of a million entries.
        _tracers.append(VizTracer(verbose=0, register_global=False))
    tracer = _tracers[0]
    tracer.start()
    try:
        yield
    finally:
        tracer.stop()
        tracer.clear()


def _osbot_active() -> Iterator[Subject]:
    from osbot_utils.helpers.timestamp_capture.decorators.timestamp import timestamp
    from osbot_utils.helpers.timestamp_capture.Timestamp_Collector import Timestamp_Collector

    for depth in (5, 40):
        loop = make_loop(CALL, timestamp(make_function()))

        def run(n: int, loop: Callable[[int], int] = loop, depth: int = depth) -> int:
            # It finds the collector by this very name among the callers' locals.
            _timestamp_collector_ = Timestamp_Collector(name="bench")
            with _timestamp_collector_:
                return at_depth(depth, lambda: warmed(loop, n))

        yield Subject(f"osbot-utils @timestamp, depth {depth}", run, UNROLL)
