"""Hooks that this plugin calls; implement them in a conftest or in a plugin.

They are known to pytest whether or not recording is on, and called only while it is, in the
process that writes the reports: never in an xdist worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_timestamps.report.model import SessionReport
    from pytest_timestamps.report.renderers import Renderer


@pytest.hookspec
def pytest_timestamps_renderers(config: pytest.Config) -> Sequence[Renderer]:  # type: ignore[empty-body]
    """Add formats for ``--timestamps-report``.

    Called once, before any test runs: implement it in the rootdir's conftest or in a plugin.
    A renderer is a function from the session report to bytes::

        from pytest_timestamps.report.renderers import Renderer

        def render_names(report):
            return "".join(f"{function.name}\\n" for function in report.functions).encode()

        def pytest_timestamps_renderers(config):
            return [Renderer(name="names", extension="txt", render=render_names)]

    Then ``pytest --timestamps-report=names:names.txt`` writes the names of all functions.
    """


@pytest.hookspec(firstresult=True)
def pytest_timestamps_report(config: pytest.Config, report: SessionReport) -> SessionReport | None:
    """Read or change the session report, before it is rendered.

    The report is frozen: return a changed copy, or None to leave it as it is.
    A wrapper also sees what others changed::

        import dataclasses

        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_timestamps_report(config, report):
            report = yield
            kept = [test for test in report.tests if "slow" in test.nodeid]
            return dataclasses.replace(report, tests=tuple(kept))

    Then every output lists only the tests with ``slow`` in their node id.
    """


@pytest.hookspec
def pytest_timestamps_runs(config: pytest.Config) -> Sequence[Mapping[str, object]]:  # type: ignore[empty-body]
    """Hand in token runs for the report's ``runs``, as values that JSON can hold.

    Called once, when all tests are done::

        def pytest_timestamps_runs(config):
            return [{"run_id": "3f2a", "framework": "default"}]

    Then the JSON report lists that run.
    """
