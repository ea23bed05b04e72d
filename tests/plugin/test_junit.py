"""Properties in pytest's own JUnit XML."""

from xml.etree import ElementTree

import pytest

from tests.plugin.conftest import Run


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


def test_without_timestamps_the_xml_is_pytests_own(suite: pytest.Pytester, alone: Run) -> None:
    """Both must be on."""
    suite.makepyfile("def test_it(): pass")
    assert alone("--junitxml=junit.xml").ret == 0
    assert properties("test_it") == {}
