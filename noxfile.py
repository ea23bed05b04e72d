"""Tests on every supported Python that this machine has, their joint coverage, and benchmarks.

``nox`` runs the tests and the coverage floor; ``nox -s oldest`` those of the plugin and of token
runs with the oldest SDK and pytest that are supported; ``nox -s compiled`` those of the package
with its core compiled; ``nox -s bench`` writes docs/performance.md.
The variable ``TESTED`` names a version whose tests have just run under coverage: it is left out.
Then the newest runs without coverage, and those between run what depends on Python's version.
"""

import os
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))

from tools.compiled import build_compiled, lay_out_tests, why_not
from tools.pythons import SUPPORTED, find_pythons

FOUND = find_pythons()
VERSIONS = [python.version for python in FOUND]
TESTED = os.environ.get("TESTED", "")

OLDEST = ("openai==1.66.0", "pytest==8.2.0")
OLDEST_TESTS = ("tests/plugin", "tests/tokens")

# What runs the core by itself, and what runs it in all that is built on it.
CORE_TESTS = ("tests/recording", "tests/instrumenting")
COMPILED_TESTS = (
    *CORE_TESTS,
    *("tests/analysis", "tests/children", "tests/plugin", "tests/report"),
    *(
        "tests/test_cli.py",
        "tests/test_collector.py",
        "tests/test_docs.py",
        "tests/test_imports.py",
    ),
)
# What depends most on Python's version.
BY_VERSION = (*CORE_TESTS, "tests/children", "tests/test_collector.py")
# What these make, from a copy of the sources, is the same on every Python.
MADE_ALIKE = ("tests/test_demo.py", "tests/test_packaging.py")
# The newest: what compiled code takes for granted changes with Python.
NEWEST = VERSIONS[-1:]

# nox looks its interpreters up on PATH; pyenv's folders aren't there, and its shims may fail.
os.environ["PATH"] = os.pathsep.join(
    [*(str(python.path.parent) for python in FOUND), os.environ.get("PATH", "")]
)

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = [
    "pythons",
    *(["tests"] if VERSIONS != [TESTED] else []),
    "coverage",
    "compiled_core",
]


@nox.session(python=False)
def pythons(session: nox.Session) -> None:
    """Name the interpreters found, and forget earlier coverage."""
    for python in FOUND:
        session.log(f"Python {python.version}: {python.full_version} at {python.path}")
    for version in SUPPORTED:
        if version not in VERSIONS:
            session.log(f"Python {version}: not found, not tested")
    if TESTED:
        session.log(f"Python {TESTED}: tested before, its coverage is joined")
    else:
        _run_here(session, "coverage", "erase")


@nox.session(python=[version for version in VERSIONS if version != TESTED])
def tests(session: nox.Session) -> None:
    """The whole suite under coverage, which only this way sees the plugin being loaded."""
    _install(session, "test")
    command = ["pytest", "-n", "auto", "-q"]
    is_newest = session.python in NEWEST
    if TESTED and not is_newest:
        command += BY_VERSION
    elif TESTED:
        command += [f"--ignore={path}" for path in MADE_ALIKE]
    if not (TESTED and is_newest and len(VERSIONS) > 2):
        # what the newest alone runs is a few lines, and coverage is a third of the time
        command = ["coverage", "run", "-m", *command]
    session.run(*command, *session.posargs)


@nox.session(python=VERSIONS[:1])
def oldest(session: nox.Session) -> None:
    """The plugin and token runs with the oldest SDK and pytest that pyproject.toml allows."""
    _install(session, "test", pins=OLDEST)
    session.run("pytest", "-n", "2", "-q", *OLDEST_TESTS, *session.posargs)


@nox.session(python=VERSIONS)
def compiled(session: nox.Session) -> None:
    """All tests that run compiled code, against an installed package with its core compiled."""
    _test_compiled(session, COMPILED_TESTS)


@nox.session(python=NEWEST)
def compiled_core(session: nox.Session) -> None:
    """The tests of the core alone, compiled for one Python: a part of every check."""
    _test_compiled(session, CORE_TESTS)


def _test_compiled(session: nox.Session, tests: tuple[str, ...]) -> None:
    reason = why_not(Path(session.bin) / "python")
    if reason:
        session.skip(f"the compiled core is not tested on Python {session.python}: {reason}")
    # Not in the environment: coverage takes what lies in there for other people's.
    folder = Path(session.cache_dir) / f"compiled-{session.python}"
    wheel = str(build_compiled(Path(session.bin) / "python", folder))
    session.install("--quiet", "--upgrade", "pip")
    session.install("--quiet", "--group=test", wheel)
    # one of the same version may have been there
    session.install("--quiet", "--force-reinstall", "--no-deps", wheel)
    session.chdir(lay_out_tests(folder))
    session.run("python", "-m", "tools.compiled", "--check")
    session.run("python", "-m", "pytest", "-n", "auto", "-q", *tests, *session.posargs)


@nox.session(python=False)
def coverage(session: nox.Session) -> None:
    """Joined over the Pythons: some code runs on one version only."""
    _run_here(session, "coverage", "combine", "--quiet")
    _run_here(session, "coverage", "report")


@nox.session(python=False)
def bench(session: nox.Session) -> None:
    """The speed table on every Python found, each in an environment of its own."""
    _run_here(session, "benchmarks", "--all-pythons", *session.posargs)


def _run_here(session: nox.Session, module: str, *arguments: str) -> None:
    """Run a module with nox's own Python, whose programs need not be on PATH."""
    session.run(sys.executable, "-m", module, *arguments)


def _install(session: nox.Session, *groups: str, pins: tuple[str, ...] = ()) -> None:
    """All at once, so that each package comes in a version that the *pins* allow."""
    session.install("--quiet", "--upgrade", "pip")
    session.install("--quiet", "--editable", ".", *(f"--group={group}" for group in groups), *pins)
