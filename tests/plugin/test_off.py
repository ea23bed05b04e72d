"""Without ``--timestamps``: nothing is recorded, imported, shown or changed."""

import sys

import pytest

from tests.plugin.conftest import Run


def test_off_shows_nothing(suite: pytest.Pytester, alone: Run) -> None:
    """A session without the flag looks as if the plugin weren't there."""
    suite.makepyfile("import shop\ndef test_it(): shop.total()")
    result = alone()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*hotspots*")
    result.stdout.no_fnmatch_line("*timestamps:*")
    assert not list(suite.path.glob("timestamps*"))


def test_off_imports_next_to_nothing(suite: pytest.Pytester) -> None:
    """No report code, and none of the libraries that reports and token runs need."""
    suite.makepyfile(
        """
        import sys

        def test_modules():
            unwanted = ("report", "tokens", "sandbox", "cli", "plugin.enable", "plugin.recorder")
            assert not [
                name for name in sys.modules
                if name.startswith(tuple(f"pytest_timestamps.{part}" for part in unwanted))
            ]
            heavy = {"openai", "pydantic", "rich", "jinja2", "tabulate", "click", "statistics"}
            assert not heavy & set(sys.modules)
        """
    )
    suite.makeini("[pytest]")
    suite.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", [("-p", "no:xdist"), ("-n2",)], ids=["no xdist", "n2"])
def test_the_fixture_records_without_the_flag(
    suite: pytest.Pytester, mode: tuple[str, ...]
) -> None:
    """Asking for it switches recording on for that test: its other fixtures' set-up included."""
    suite.makepyfile(
        """
        import pytest, shop

        @pytest.fixture(autouse=True)
        def before():
            shop.query()

        @pytest.fixture(scope="module", autouse=True)
        def wide():
            shop.total(5)

        def test_asks(timestamp_collector):
            shop.total(2)
            assert timestamp_collector.timings()["query"].calls == 3
            assert timestamp_collector.timings()["total"].calls == 1

        def test_asks_late(request):
            collector = request.getfixturevalue("timestamp_collector")
            shop.query()
            assert collector.timings()["query"].calls == 1

        def test_does_not_ask():
            shop.query()
        """
    )
    result = suite.runpytest_inprocess(*mode)
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*hotspots*")


@pytest.mark.parametrize("switch", ["--no-timestamps", "-v"])
def test_only_late_asking_works_too(suite: pytest.Pytester, alone: Run, switch: str) -> None:
    """A test that asks while it runs gets a collector that records from then on."""
    suite.makepyfile(
        """
        import shop

        def test_asks_late(request):
            shop.query()
            collector = request.getfixturevalue("timestamp_collector")
            shop.query()
            assert collector.timings()["query"].calls == 1
            assert collector.running
        """
    )
    alone(switch).assert_outcomes(passed=1)


def test_nothing_is_left_behind_in_this_process(suite: pytest.Pytester, alone: Run) -> None:
    """A session with recording, inside this one, leaves no module instrumented and no file."""
    suite.makepyfile("import shop\ndef test_it(): shop.total()")
    alone("--timestamps").assert_outcomes(passed=1)
    assert "shop" not in sys.modules
    assert not list(suite.path.glob("timestamps*"))
