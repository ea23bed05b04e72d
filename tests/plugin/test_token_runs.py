"""Token runs as a user meets them: markers in, files and messages out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.listing import list_runs
from pytest_timestamps.tokens.record import RunRecord, RunState

KEY = "sk-proj-verysecret"
ID = "key_abcdefghijkl"
RUN_ID = "0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10"

Run = Callable[..., pytest.RunResult]

EVERYWHERE = [("-p", "no:xdist"), ("-n2", "--dist", "loadgroup")]


@pytest.fixture
def folder(
    pytester: pytest.Pytester, no_keys: None, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A folder for a suite, with the keys of two frameworks in the environment."""
    pytester.makeini("[pytest]\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-default")
    monkeypatch.setenv("OPENAI_API_KEY_ID", "key_default00000")
    monkeypatch.setenv("OPENAI_API_KEY_BAES", KEY)
    monkeypatch.setenv("OPENAI_API_KEY_BAES_ID", ID)
    return pytester


@pytest.fixture
def alone(folder: pytest.Pytester) -> Run:
    """Run pytest in this process, without xdist."""

    def run(*arguments: str) -> pytest.RunResult:
        return folder.runpytest_inprocess("-p", "no:xdist", *arguments)

    return run


@pytest.fixture(params=EVERYWHERE, ids=["no xdist", "n2"])
def everywhere(request: pytest.FixtureRequest, folder: pytest.Pytester) -> Run:
    """Run pytest without xdist, and with two workers."""

    def run(*arguments: str) -> pytest.RunResult:
        return folder.runpytest_inprocess(*request.param, *arguments)

    return run


@pytest.fixture
def recorded(folder: pytest.Pytester) -> Callable[..., dict[str, RunRecord]]:
    """The runs on the disk, all of them valid, by their tests."""

    def read(name: str = "runs") -> dict[str, RunRecord]:
        listing = list_runs(Ledger(folder.path / name))
        assert listing.bad == ()
        return {str(run.record.test): run.record for run in listing.runs}

    return read


Recorded = Callable[..., dict[str, RunRecord]]


def test_a_marked_test_is_a_run(
    folder: pytest.Pytester, everywhere: Run, recorded: Recorded
) -> None:
    """Each marked test has a file; the bare marker means framework 'default'."""
    folder.makepyfile(
        test_a="""
        import pytest

        @pytest.mark.token_run
        def test_bare(): pass

        @pytest.mark.token_run(framework="baes", project_id="proj_1")
        @pytest.mark.parametrize("n", [1, 2])
        def test_many(n): pass

        def test_other(): pass
        """
    )
    everywhere().assert_outcomes(passed=4)
    runs = recorded()
    many = ["test_a.py::test_many[1]", "test_a.py::test_many[2]"]
    assert sorted(runs) == ["test_a.py::test_bare", *many]
    bare, one = runs["test_a.py::test_bare"], runs["test_a.py::test_many[1]"]
    assert (bare.framework, bare.usage_scope.api_key_id) == ("default", "key_default00000")
    assert (one.framework, one.usage_scope.api_key_id) == ("baes", ID)
    assert one.usage_scope.project_id == "proj_1"
    assert {run.state for run in runs.values()} == {RunState.FINISHED}
    assert one.observed is not None
    assert (one.observed.calls, one.observed.complete) == (0, True)
    assert (bare.steps, bare.step_count) == ((), 0)


def test_a_class_or_a_module_may_be_marked(
    folder: pytest.Pytester, alone: Run, recorded: Recorded
) -> None:
    """The closest marker wins; each test is still a run of its own."""
    folder.makepyfile(
        test_a="""
        import pytest
        pytestmark = pytest.mark.token_run

        def test_module(): pass

        @pytest.mark.token_run(framework="baes")
        class TestOne:
            def test_class(self): pass
        """
    )
    alone().assert_outcomes(passed=2)
    assert {test: run.framework for test, run in recorded().items()} == {
        "test_a.py::test_module": "default",
        "test_a.py::TestOne::test_class": "baes",
    }


@pytest.mark.parametrize(("ini", "framework"), [("true", "default"), ("baes", "baes")])
def test_every_test_may_be_a_run_by_ini(
    folder: pytest.Pytester, alone: Run, recorded: Recorded, ini: str, framework: str
) -> None:
    """Unmarked tests are runs too, of the framework that the ini option names."""
    folder.makepyfile(test_a="def test_one(token_run): assert token_run.run_id")
    alone("-o", f"token_run={ini}").assert_outcomes(passed=1)
    assert recorded()["test_a.py::test_one"].framework == framework


def test_the_fixture_gives_run_steps_and_key(
    folder: pytest.Pytester, everywhere: Run, recorded: Recorded
) -> None:
    """All that a test can do with its run, and what of it is in the file."""
    folder.makepyfile(
        test_a=f"""
        import os, subprocess, sys, pytest

        @pytest.fixture
        def early():
            return os.environ["OPENAI_API_KEY"]

        @pytest.mark.token_run(framework="baes", run_id="{RUN_ID.upper()}")
        def test_one(early, token_run):
            assert token_run.run_id == "{RUN_ID}"
            assert token_run.api_key == early == os.environ["OPENAI_API_KEY"]
            assert "verysecret" not in repr(token_run) + repr(token_run.api_key)
            with token_run.step("plan") as step:
                step.retry()
                step.human_intervention()
            with pytest.raises(KeyError):
                with token_run.step("fail"):
                    raise KeyError
            script = "import os; print(os.environ['OPENAI_API_KEY'])"
            out = subprocess.check_output([sys.executable, "-c", script], env=token_run.env())
            assert out.decode().strip() == token_run.api_key
            assert token_run.observed.calls == 0

        def test_after():
            assert os.environ["OPENAI_API_KEY"] == "sk-default"
        """
    )
    everywhere().assert_outcomes(passed=2)
    run = recorded()["test_a.py::test_one"]
    assert run.run_id == RUN_ID
    assert [(s.number, s.name, s.success, s.retries) for s in run.steps] == [
        (1, "plan", True, 1),
        (2, "fail", False, 0),
    ]
    assert (run.step_count, run.human_interventions) == (2, 1)


def test_a_wider_run_has_a_step_a_test(
    folder: pytest.Pytester, everywhere: Run, recorded: Recorded
) -> None:
    """One run spans the class's tests, on one worker, each a step; steps of one's own are not."""
    folder.makepyfile(
        test_a="""
        import os, pytest

        @pytest.mark.token_run(scope="class")
        class TestAll:
            seen = set()

            def test_one(self, token_run):
                self.seen.add((token_run.run_id, os.getpid()))
                token_run.test_step.retry()

            def test_two(self, token_run):
                self.seen.add((token_run.run_id, os.getpid()))
                token_run.human_intervention()
                with token_run.step("own"):
                    pass

            def test_three(self, token_run):
                self.seen.add((token_run.run_id, os.getpid()))
                assert len(self.seen) == 1

        @pytest.mark.parametrize("n", range(4))
        def test_other(n): pass
        """
    )
    result = everywhere()
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(["*step 'own' can't begin: this run has scope='class', where*"])
    (run,) = recorded().values()
    assert run.test == "test_a.py::TestAll"
    assert [(step.name, step.success, step.retries) for step in run.steps] == [
        ("test_a.py::TestAll::test_one", True, 1),
        ("test_a.py::TestAll::test_two", False, 0),
        ("test_a.py::TestAll::test_three", True, 0),
    ]
    assert (run.step_count, run.human_interventions, run.state) == (3, 1, RunState.FINISHED)


@pytest.mark.parametrize("scope", ["module", "session"])
def test_a_run_may_span_a_module_or_the_session(
    folder: pytest.Pytester, alone: Run, recorded: Recorded, scope: str
) -> None:
    """The run is one however many classes or files it spans."""
    body = f"""
    import pytest
    pytestmark = pytest.mark.token_run(scope="{scope}")
    def test_one(): pass
    class TestA:
        def test_two(self): pass
    """
    folder.makepyfile(test_a=body, test_b=body)
    alone().assert_outcomes(passed=4)
    expected = {"session": 4} if scope == "session" else {"test_a.py": 2, "test_b.py": 2}
    assert {name: run.step_count for name, run in recorded().items()} == expected


def test_a_run_that_would_be_split_is_an_error(folder: pytest.Pytester) -> None:
    """Where xdist may divide a run, nothing is run and the way out is named."""
    body = """
    import pytest
    pytestmark = pytest.mark.token_run(scope="session")
    def test_one(): __import__("pathlib").Path("ran").touch()
    """
    folder.makepyfile(test_a=body, test_b=body)
    result = folder.runpytest_inprocess("-n2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: the run of session (scope='session') has 2 tests, which --dist load may "
            "give to several workers: that would be two half runs; use --dist loadgroup, *"
        ]
    )
    assert not (folder.path / "ran").exists()


BAD_MARKERS = {
    "framwork='x'": "unknown argument 'framwork'; expected one of framework, run_id, ",
    "'baes'": "takes keyword arguments only, got 'baes'; write framework=...",
    "framework='../../etc'": "framework must be a lower-case letter *; got '../../etc'",
    "framework='a b'": "*got 'a b'",
    "framework=''": "*got ''",
    "framework='a' * 300": "*(300 characters)",
    "framework=3": "framework must be a string, got 3",
    "run_id='x'": "run_id must be a UUID such as *; got 'x'",
    "api_key_id='sk-x'": "api_key_id must be 'key_' and 12 or more *; got 4 characters that don't*",
    "project_id='a/b'": "project_id must be 1 to 128 letters, *",
    "scope='package'": "scope must be one of function, class, module, session; got 'package'",
    "max_tokens=1.5": "max_tokens must be an integer, got 1.5",
    "max_cost_usd='ten'": "max_cost_usd must be a number of USD, 0 or more, got 'ten'",
}


@pytest.mark.parametrize("arguments", [(), ("-n0",), ("-n1",)], ids=["no -n", "n0", "n1"])
def test_a_mode_of_distribution_alone_distributes_nothing(
    folder: pytest.Pytester, recorded: Recorded, arguments: tuple[str, ...]
) -> None:
    """With ``--dist loadgroup`` in addopts the runs are recorded however the tests are run."""
    folder.makepyfile(
        test_a="""
        import pytest
        @pytest.mark.token_run
        def test_run(token_run): token_run.run_id
        """
    )
    result = folder.runpytest_inprocess("--dist", "loadgroup", *arguments)
    result.assert_outcomes(passed=1)
    assert list(recorded()) == ["test_a.py::test_run"]
    result.stdout.fnmatch_lines(["*= token runs =*"])


@pytest.mark.parametrize(("arguments", "message"), BAD_MARKERS.items(), ids=BAD_MARKERS)
def test_a_bad_marker_is_an_error_of_collection(
    folder: pytest.Pytester, arguments: str, message: str
) -> None:
    """The error names the test and what is wrong, and nothing is run."""
    folder.makepyfile(
        test_a=f"""
        import pytest
        def test_other(): __import__("pathlib").Path("ran").touch()
        @pytest.mark.token_run({arguments})
        def test_bad(): pass
        """
    )
    run = folder.runpytest_inprocess
    alone_only = ("-p", "no:xdist")
    for extra in (alone_only, (*alone_only, "--collect-only"), ("-n2", "--collect-only")):
        result = run(*extra)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.stdout.fnmatch_lines([f"test_a.py::test_bad: @pytest.mark.token_run: {message}*"])
    assert not (folder.path / "ran").exists()


ONE_RUN = """
import pytest
def test_before():
    import pathlib
    pathlib.Path("ran").touch()
@pytest.mark.token_run(framework="baes")
def test_run(): pass
"""


@pytest.mark.parametrize("arguments", EVERYWHERE, ids=["no xdist", "n2"])
def test_a_missing_key_stops_the_session_first(
    folder: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Exit 4, naming variable and test, before any test, marked or not."""
    monkeypatch.delenv("OPENAI_API_KEY_BAES_ID")
    folder.makepyfile(test_a=ONE_RUN)
    result = folder.runpytest_inprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*OPENAI_API_KEY_BAES_ID is not set; expected the id of the API key, *"
            "(framework 'baes', test_a.py::test_run)"
        ]
    )
    assert not (folder.path / "ran").exists()


def test_keys_are_checked_for_the_selected_tests_only(
    folder: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, alone: Run
) -> None:
    """A deselected run needs no key, and neither does looking at what there is."""
    monkeypatch.delenv("OPENAI_API_KEY_BAES")
    folder.makepyfile(test_a=ONE_RUN)
    assert alone("-k", "before").ret == 0
    assert alone("--collect-only").ret == 0
    assert not (folder.path / "runs").exists()
    assert alone("-k", "run").ret == pytest.ExitCode.USAGE_ERROR


def test_observing_needs_no_key(
    folder: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, alone: Run, recorded: Recorded
) -> None:
    """The run is recorded, says that it can't be reconciled, and has no key to give."""
    monkeypatch.delenv("OPENAI_API_KEY_BAES")
    monkeypatch.delenv("OPENAI_API_KEY_BAES_ID")
    folder.makepyfile(
        test_a="""
        import os, pytest
        @pytest.mark.token_run(framework="baes")
        def test_run(token_run):
            assert os.environ["OPENAI_API_KEY"] == "sk-default"
            token_run.api_key
        """
    )
    result = alone("--token-run-keys=observe")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*TokenRunError: run * has no key: none was found for framework 'baes', and *",
            "* can't be reconciled: it has no key id",
        ]
    )
    (run,) = recorded().values()
    assert run.usage_scope.api_key_id is None


def test_the_environment_may_be_left_alone(folder: pytest.Pytester, alone: Run) -> None:
    """With token_run_set_env = false the run's key is given by the fixture alone."""
    folder.makepyfile(
        test_a="""
        import os, pytest
        @pytest.mark.token_run(framework="baes")
        def test_run(token_run):
            assert os.environ["OPENAI_API_KEY"] == "sk-default"
            assert token_run.api_key == "sk-proj-verysecret"
        """
    )
    alone("-o", "token_run_set_env=false").assert_outcomes(passed=1)


def test_a_folder_that_is_a_file_stops_the_session_first(
    folder: pytest.Pytester, alone: Run
) -> None:
    """A ledger that can't be written to is said so at the session's start."""
    folder.makepyfile(test_a=ONE_RUN)
    (folder.path / "full").touch()
    result = alone("--token-run-dir=full/runs")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: *runs can't hold token runs: it is a file, or lies below*"]
    )
    assert not (folder.path / "ran").exists()


def test_a_run_that_can_not_be_written_fails(folder: pytest.Pytester, alone: Run) -> None:
    """A ledger that breaks in the middle fails the run that noticed, with the reason."""
    folder.makepyfile(
        test_a="""
        import pathlib, shutil, pytest
        @pytest.mark.token_run
        def test_run(token_run):
            shutil.rmtree("runs")
            pathlib.Path("runs").touch()

        @pytest.mark.token_run
        def test_next(): pass

        def test_other(): pass
        """
    )
    result = alone()
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["*metrics.json can't be locked: it is a file, or lies below one"])


def test_the_reason_is_told_once(folder: pytest.Pytester, alone: Run) -> None:
    """A run that can't be ended has one message, without the exceptions that led to it."""
    folder.makepyfile(
        test_a="""
        import pytest
        @pytest.mark.token_run
        def test_run(token_run):
            token_run.path.write_text("{")
        """
    )
    result = alone("-rN")
    result.assert_outcomes(passed=1, errors=1)
    lines = result.stdout.lines
    assert [line for line in lines if "another exception" in line or "direct cause" in line] == []
    start = next(n for n, line in enumerate(lines) if "ERROR at teardown of test_run" in line)
    assert "metrics.json: (the file): got 1 bytes that are no JSON" in lines[start + 1]
    assert lines[start + 2].startswith("==")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--token-run-keys=maybe"], "--token-run-keys must be one of require, observe, mint; *"),
        (["--token-run-max-cost=ten"], "--token-run-max-cost must be a number of USD, 0 or more,*"),
        (["-o", "token_run_keys=maybe"], "--token-run-keys must be one of *; got 'maybe'"),
        (["-o", "token_run=A B"], "token_run must be a lower-case letter *; or true, for fram*"),
        (["--token-run-project-id=a b"], "project_id must be 1 to 128 letters, *"),
    ],
)
def test_a_bad_option_is_a_usage_error(
    folder: pytest.Pytester, alone: Run, arguments: list[str], message: str
) -> None:
    """Whether or not there is a token run, the option is named before any test."""
    folder.makepyfile(test_a="def test_one(): pass")
    result = alone(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_an_id_given_to_two_runs_is_an_error(folder: pytest.Pytester, alone: Run) -> None:
    """A parametrized test with a run id of its own would be two runs of one id."""
    folder.makepyfile(
        test_a=f"""
        import pytest
        @pytest.mark.token_run(run_id="{RUN_ID}")
        @pytest.mark.parametrize("n", [1, 2])
        def test_run(n): pass
        """
    )
    result = alone()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: run_id {RUN_ID} is given to 2 runs: test_a.py::test_ru*"])


def test_an_id_that_is_on_the_disk_is_an_error(folder: pytest.Pytester, alone: Run) -> None:
    """The second session with the same id stops at its start and changes nothing."""
    folder.makepyfile(
        test_a=f"""
        import pytest
        @pytest.mark.token_run(run_id="{RUN_ID}")
        def test_run(): pass
        """
    )
    assert alone().ret == 0
    (path,) = (folder.path / "runs").rglob("metrics.json")
    before = path.read_bytes()
    result = alone()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: run_id {RUN_ID}, given to test_a.py::test_run, is taken*"]
    )
    assert path.read_bytes() == before


@pytest.mark.usefixtures("all_plugins")
def test_a_rerun_is_a_run_of_its_own(
    folder: pytest.Pytester, alone: Run, recorded: Recorded
) -> None:
    """Each attempt at a flaky test has its file; a wider run goes on until the last attempt."""
    folder.makepyfile(
        test_a="""
        import pytest
        tries = []

        @pytest.mark.token_run
        def test_flaky():
            tries.append(1)
            assert len(tries) == 3

        @pytest.mark.token_run(scope="class")
        class TestAll:
            tries = []
            def test_flaky(self, token_run):
                self.tries.append(token_run.run_id)
                assert len(self.tries) == 2
                assert len(set(self.tries)) == 1
        """
    )
    result = alone("--reruns=2")
    assert result.parseoutcomes() == {"passed": 2, "rerun": 3}
    listing = list_runs(Ledger(folder.path / "runs"))
    runs = [run.record for run in listing.runs]
    assert (
        sorted(str(run.test) for run in runs)
        == ["test_a.py::TestAll"] + ["test_a.py::test_flaky"] * 3
    )
    (wide,) = (run for run in runs if run.test == "test_a.py::TestAll")
    assert [step.success for step in wide.steps] == [False, True]
    assert wide.state is RunState.FINISHED


def test_a_skipped_test_is_no_run(folder: pytest.Pytester, alone: Run, recorded: Recorded) -> None:
    """What never began has no window; what began and was skipped has."""
    folder.makepyfile(
        test_a="""
        import pytest
        @pytest.mark.skip
        @pytest.mark.token_run
        def test_skipped(): pass
        @pytest.mark.token_run
        def test_skips(): pytest.skip("now")
        """
    )
    alone().assert_outcomes(skipped=2)
    assert list(recorded()) == ["test_a.py::test_skips"]


@pytest.mark.parametrize("ending", ["assert 0", "raise KeyboardInterrupt", "pytest.exit('stop')"])
def test_a_session_that_ends_early_ends_its_runs(
    folder: pytest.Pytester, recorded: Recorded, ending: str
) -> None:
    """-x, Ctrl-C and pytest.exit leave finished runs, whose last tests never came."""
    folder.makepyfile(
        test_a=f"""
        import pytest
        pytestmark = pytest.mark.token_run(scope="module")
        def test_one(): {ending}
        def test_two(): pass
        """
    )
    folder.runpytest_subprocess("-p", "no:xdist", "-x")
    (run,) = recorded().values()
    assert (run.state, run.step_count) == (RunState.FINISHED, 1)


def test_the_fixture_needs_the_marker(folder: pytest.Pytester, alone: Run) -> None:
    """A test that asks for a run without being one is told how to be one."""
    folder.makepyfile(test_a="def test_one(token_run): pass")
    result = alone()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["test_a.py::test_one asks for the fixture token_run and is no token run; mark it with *"]
    )


def test_a_key_is_in_no_report(folder: pytest.Pytester, everywhere: Run) -> None:
    """Not in a traceback, its locals, a comparison, what was printed, or any file."""
    folder.makepyfile(
        test_a="""
        import logging, os, pytest
        pytestmark = pytest.mark.token_run(framework="baes")

        def test_locals(token_run):
            key = token_run.api_key
            headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
            assert not headers

        def test_comparison(token_run):
            assert token_run.api_key == "another"

        def test_environment(token_run):
            assert token_run.env() == {}

        def test_properties(token_run, record_property):
            record_property("header", f"Bearer {token_run.api_key}")
            record_property("count", 3)

        def test_printed(token_run):
            print("key", token_run.api_key)
            logging.warning("key %s", token_run.api_key)
            raise RuntimeError(f"bad key {token_run.api_key}")

        @pytest.fixture
        def broken():
            raise RuntimeError(os.environ["OPENAI_API_KEY"])

        def test_broken(broken): pass
        """
    )
    xml_options = ("--junitxml=out.xml", "-o", "junit_family=xunit1")
    result = everywhere("--showlocals", "-vv", "-rA", *xml_options)
    result.assert_outcomes(passed=1, failed=4, errors=1)
    xml = (folder.path / "out.xml").read_text()
    assert '<property name="header" value="Bearer ********"' in xml
    assert '<property name="count" value="3"' in xml
    assert "bad key ********" in result.stdout.str()
    assert "test_a.py:10: AssertionError" in result.stdout.str()
    assert KEY not in result.stdout.str() + result.stderr.str()
    for path in folder.path.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_no_part_of_a_key_is_in_a_comparison(folder: pytest.Pytester, everywhere: Run) -> None:
    """Masks come before pytest shortens and compares, and the rest of the comparison is shown."""
    folder.makepyfile(
        test_a="""
        import os, pytest
        pytestmark = pytest.mark.token_run(framework="baes")
        long = "y" * 200

        def header(): return "Bearer " + os.environ["OPENAI_API_KEY"]

        def test_text(): assert header() == "Bearer nothing"
        def test_ends(): assert long + header() + "1" == long + header() + "2"
        def test_dict(): assert {"auth": header(), "x": 1} == {"auth": header(), "x": 2}
        def test_list(): assert "a" in [long, (header() + long,), {header()}]
        def test_call(): assert (long + header() + long).startswith("x")

        class Held:
            def __repr__(self): return header() + long
        def test_object(): assert Held() == long

        class Silent:
            def __repr__(self): raise ValueError
        def test_silent(): assert Silent() == header()
        """,
        test_b="""
        import os
        def test_no_run():
            assert "-" * 99 + os.environ["OPENAI_API_KEY_BAES"] + "-" * 99 == 3
        """,
    )
    result = everywhere("-l")
    result.assert_outcomes(failed=8)
    shown = result.stdout.str()
    for part in (KEY[3:9], KEY[-6:]):
        assert part not in shown
    for line in (
        "*+ Bearer [*][*][*][*][*][*][*][*]",
        "*- r [*][*][*][*][*][*][*][*]2",
        "*{'x': 1} != {'x': 2}",
        "*assert Bearer [*][*][*][*][*][*][*][*]yyy* == *yyy*",
        "E * keys are masked",
        "*<Silent whose repr raised ValueError> == 'Bearer [*][*][*][*][*][*][*][*]'",
    ):
        result.stdout.fnmatch_lines([line])


def test_a_key_is_in_no_live_log(folder: pytest.Pytester, everywhere: Run) -> None:
    """Neither on the terminal nor in the file; the test itself sees what was logged."""
    folder.makepyfile(
        test_a="""
        import logging, os, pytest
        @pytest.mark.token_run(framework="baes")
        def test_run(token_run, caplog):
            logging.warning("key %s", os.environ["OPENAI_API_KEY"])
            assert str(token_run.api_key) in caplog.text
        """
    )
    result = everywhere("-o", "log_cli=true", "--log-file=live.log")
    result.assert_outcomes(passed=1)
    assert KEY not in result.stdout.str() + result.stderr.str()
    logged = (folder.path / "live.log").read_text()
    assert KEY not in logged
    assert "key ********" in logged


def test_a_key_is_in_no_warning(folder: pytest.Pytester, everywhere: Run) -> None:
    """The summary of warnings shows the warning, masked."""
    folder.makepyfile(
        test_a="""
        import pytest, warnings
        @pytest.mark.token_run(framework="baes")
        def test_run(token_run):
            warnings.warn(f"bad key {token_run.api_key}")
        """
    )
    result = everywhere("-W", "default::UserWarning")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*UserWarning: bad key [*][*][*][*][*][*][*][*]"])
    assert f"UserWarning: bad key {KEY}" not in result.stdout.str() + result.stderr.str()


def test_the_table_has_a_row_a_run(folder: pytest.Pytester, alone: Run, everywhere: Run) -> None:
    """With or without --timestamps, what was seen of each run is shown, and where its file is."""
    folder.makepyfile(
        test_a="""
        import pytest
        @pytest.mark.token_run(framework="baes")
        def test_run(token_run):
            with token_run.step("one"): pass
        """
    )
    for run, extra in ((everywhere, ()), (alone, ("--timestamps",))):
        result = run(*extra)
        result.stdout.re_match_lines(
            [
                r"=+ token runs =+",
                r"run +framework +test +duration +steps +calls +input +cached +output +cost "
                r"\(USD\) +complete +file",
                r"-+",
                r"[0-9a-f]{8} +baes +test_a.py::test_run +\d+\.\d\d s +1 +0 +0 +0 +0 +0.0000 +yes "
                r"+runs.baes.[0-9a-f-]{36}.metrics.json",
            ],
            consecutive=True,
        )


def test_the_table_fits_a_narrow_terminal(
    folder: pytest.Pytester, everywhere: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 80 columns the test and the file, which can be copied, are below the row."""
    monkeypatch.setenv("COLUMNS", "80")
    folder.makeconftest(
        """
        def pytest_sessionstart(session):
            reporter = session.config.pluginmanager.get_plugin("terminalreporter")
            if reporter is not None:
                reporter.isatty = lambda: True
        """
    )
    folder.makepyfile(
        test_a="""
        import pytest
        @pytest.mark.token_run(framework="baes")
        def test_run(): pass
        """
    )
    everywhere().stdout.re_match_lines(
        [
            r"run +duration +steps +calls +input +cached +output +cost \(USD\) +complete$",
            r"[- ]{70,79}$",
            r"[0-9a-f]{8} +\d+\.\d\d s +0 +0 +0 +0 +0 +0.0000 +yes$",
            r"  test: test_a.py::test_run$",
            r"  file: runs.baes.[0-9a-f-]{36}.metrics.json$",
        ],
        consecutive=True,
    )


def test_a_session_without_runs_shows_no_table(folder: pytest.Pytester, alone: Run) -> None:
    """And makes no folder."""
    folder.makepyfile(test_a="def test_one(): pass")
    assert "token runs" not in alone().stdout.str()
    assert not (folder.path / "runs").exists()


def test_the_json_report_has_the_runs(folder: pytest.Pytester, alone: Run) -> None:
    """Each as its file has it, with the place of that file, and priced."""
    import json

    folder.makepyfile(
        test_a="""
        import pytest
        @pytest.mark.token_run
        def test_run(): pass
        """
    )
    alone("--timestamps-report=json:out.json").assert_outcomes(passed=1)
    (run,) = json.loads((folder.path / "out.json").read_text())["runs"]
    path = Path(run.pop("file"))
    priced = run["observed"].pop("cost_usd"), run["observed"].pop("cost")
    assert priced == (0.0, {"unpriced": [], "is_upper_bound": False})
    assert run == json.loads(path.read_bytes())


@pytest.mark.parametrize("dist", ["load", "loadgroup"])
def test_a_worker_that_is_killed_leaves_its_runs(
    folder: pytest.Pytester, recorded: Recorded, dist: str
) -> None:
    """Its last run is whole and marked as interrupted; the table has it."""
    folder.makepyfile(
        test_a="""
        import os, signal, pytest

        @pytest.mark.token_run
        @pytest.mark.parametrize("n", range(6))
        def test_run(n):
            if n == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    result = folder.runpytest_inprocess("-n2", "--dist", dist)
    result.assert_outcomes(passed=5, failed=1)
    runs = recorded()
    assert len(runs) == 6
    killed = runs["test_a.py::test_run[3]"]
    assert killed.state is RunState.INTERRUPTED
    assert killed.observed is not None
    assert not killed.observed.complete
    assert killed.worker in ("gw0", "gw1")
    result.stdout.fnmatch_lines(["* is incomplete: the run had not ended when this was written"])
