"""Properties in pytest's own JUnit XML."""

from xml.etree import ElementTree

import pytest

from pytest_timestamps.plugin.junit import junit_properties
from pytest_timestamps.recording.results import PathStats
from tests.plugin.conftest import Run
from tests.samples import case, path


def properties(name: str) -> dict[str, str]:
    """The properties of that test's case in the XML."""
    cases = ElementTree.parse("junit.xml").getroot().iter("testcase")
    case = next(case for case in cases if case.get("name") == name)
    return {str(one.get("name")): str(one.get("value")) for one in case.iter("property")}


def test_each_case_has_its_figures(suite: pytest.Pytester, run: Run) -> None:
    """Phases in seconds, calls, errors and the hottest function; the test's own stay."""
    suite.makepyfile(
        """
        import pytest
        from shop import explode, total

        def test_calls(record_property):
            record_property("mine", 1)
            total(3)

        def test_raises():
            with pytest.raises(ValueError):
                explode()

        def test_nothing():
            pass
        """
    )
    assert run("--junitxml=junit.xml", "-o", "junit_family=xunit1").ret == 0
    found = properties("test_calls")
    assert found["mine"] == "1"
    assert (found["timestamps.calls"], found["timestamps.errors"]) == ("4", "0")
    assert found["timestamps.hotspot"] in ("query", "total")
    for phase in ("setup", "call", "teardown"):
        assert 0 < float(found[f"timestamps.{phase}_s"]) < 60
    assert properties("test_raises")["timestamps.errors"] == "1"
    assert properties("test_nothing")["timestamps.calls"] == "0"
    assert "timestamps.hotspot" not in properties("test_nothing")


def test_failing_and_skipped_tests_have_them_too(suite: pytest.Pytester, run: Run) -> None:
    """Whatever a test comes to."""
    suite.makepyfile(
        """
        import pytest
        from shop import total

        def test_fails():
            total(2)
            assert False

        @pytest.mark.skip
        def test_skipped():
            pass
        """
    )
    run("--junitxml=junit.xml")
    assert properties("test_fails")["timestamps.calls"] == "3"
    assert properties("test_skipped")["timestamps.calls"] == "0"


@pytest.mark.usefixtures("all_plugins")
def test_each_run_of_a_test_has_its_own(suite: pytest.Pytester, alone: Run) -> None:
    """pytest's XML has a case for each run: its properties are that run's, each a single time."""
    suite.makepyfile(
        """
        from shop import total
        runs = []

        def test_flaky():
            runs.append(1)
            total(len(runs))
            assert len(runs) == 2
        """
    )
    assert alone("--timestamps", "--reruns=2", "--junitxml=junit.xml").ret == 0
    cases = list(ElementTree.parse("junit.xml").getroot().iter("testcase"))
    found = [[(one.get("name"), one.get("value")) for one in c.iter("property")] for c in cases]
    assert [len({name for name, _ in pairs}) == len(pairs) for pairs in found] == [True, True]
    assert [dict(pairs)["timestamps.calls"] for pairs in found] == ["2", "3"]


JUNIT: list[tuple[tuple[PathStats, ...], dict[str, str]]] = [
    ((path("f", calls=9),), {"hotspot": "f", "hotspot_self_s": "0.000000010"}),
    (
        (path("f", calls=9, estimated=8),),
        {
            "estimated_calls": "8", "hotspot": "f", "hotspot_self_s": "0.000000010",
            "hotspot_self_is": "estimated",
        },
    ),
    (
        (path("f"), path("g", parent=0, calls=9, total_ns=0, untimed=9)),
        {
            "untimed_calls": "9", "hotspot": "f", "hotspot_self_s": "0.000000010",
            "hotspot_self_is": "at most",
        },
    ),
    (
        (path("f", calls=9, estimated=2, untimed=3),),
        {
            "estimated_calls": "2", "untimed_calls": "3", "hotspot": "f",
            "hotspot_self_s": "0.000000010", "hotspot_self_is": "at least, estimated",
        },
    ),
    (
        (path("f", calls=9, total_ns=0, untimed=9),),
        {"untimed_calls": "9", "hotspot": "f", "hotspot_self_is": "unknown"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("paths", "expected"), JUNIT)
def test_times_that_are_no_plain_ones_are_told(
    paths: tuple[PathStats, ...], expected: dict[str, str]
) -> None:
    """What the hotspot's time is, and how many calls were not timed; an unknown one is left out."""
    properties = junit_properties(case("t", *paths))
    found = {name.removeprefix("timestamps."): str(value) for name, value in properties}
    for name in ("setup_s", "call_s", "teardown_s", "calls", "errors"):
        del found[name]
    assert found == expected


def test_without_timestamps_the_xml_is_pytests_own(suite: pytest.Pytester, alone: Run) -> None:
    """Both must be on."""
    suite.makepyfile("def test_it(): pass")
    assert alone("--junitxml=junit.xml").ret == 0
    assert properties("test_it") == {}
