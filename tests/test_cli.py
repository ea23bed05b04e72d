"""The program ``pytest-timestamps``, as its users run it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from pytest_timestamps.cli import main
from pytest_timestamps.report.json_writer import render_json
from tests.samples import case, path, report


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a report in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.json").write_bytes(render_json(report()))
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_show_prints_the_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The hotspots, the slowest tests and the totals of the session in the file."""
    assert run("show", "report.json") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert " hotspots " in out.splitlines()[0]
    assert "shop.query" in out
    assert "2 tests, 5 spans of 2 functions" in out


def test_show_sorts_and_limits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The order and the number of rows are the reader's."""
    assert run("show", "report.json", "--sort", "total", "--limit=1") == 0
    out = capsys.readouterr().out
    assert " hotspots (by total) " in out
    assert "... and 1 more (--limit=N shows N)" in out


def test_show_writes_other_formats(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Relative paths count from the current directory, and folders are made."""
    assert run("show", "report.json", "--report=json:deep/er.json", "--report", "json") == 0
    assert (folder / "deep" / "er.json").read_bytes() == (folder / "report.json").read_bytes()
    assert (folder / "timestamps.json").exists()
    assert capsys.readouterr().out.splitlines() == [
        f"json report: {folder / 'deep' / 'er.json'}",
        f"json report: {folder / 'timestamps.json'}",
    ]


BAD: list[tuple[list[str], str]] = [
    (["show", "gone.json"], "gone.json: can't be read (No such file or directory); expected"),
    (["show", "."], ".: can't be read (Is a directory); expected a report"),
    (["show", "cut.json"], "cut.json: not JSON: "),
    (["show", "binary.json"], "binary.json: not JSON: byte 0 is not UTF-8 text; expected a report"),
    (["show", "future.json"], "future.json: format_version is 99, this version of"),
    (["show", "wrong.json"], "wrong.json: functions[0].calls: expected 0 or more, got -1"),
    (["show", "report.json", "--limit=-1"], "Invalid value for '--limit': -1 is not in the range"),
    (["show", "report.json", "--limit=ten"], "Invalid value for '--limit': 'ten' is not a valid"),
    (["show", "report.json", "--sort=cpu"], "Invalid value for '--sort': 'cpu' is not one of"),
    (["show", "report.json", "--report=pdf"], "--report: unknown format 'pdf'; expected one of"),
    (["show", "report.json", "--report=json:"], "--report: the path in 'json:' is empty"),
    (["show", "report.json", "--report=json:."], "--report: "),
    (["show", "report.json", "--report=json:report.json"], "--report: json would overwrite report"),
    (["show", "report.json", "--report=json:link.json"], "--report: json would overwrite report"),
    (["show"], "Missing argument 'REPORT.json'."),
    (["shwo"], "No such command 'shwo'."),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """What was seen and expected on one line of stderr, no traceback, and no file touched."""
    good = (folder / "report.json").read_bytes()
    made = json.loads(good)
    (folder / "cut.json").write_bytes(good[: len(good) // 2])
    (folder / "binary.json").write_bytes(b"\xff\x00\xfe")
    (folder / "future.json").write_text(json.dumps(made | {"format_version": 99}))
    made["functions"][0]["calls"] = -1
    (folder / "wrong.json").write_text(json.dumps(made))
    (folder / "link.json").symlink_to("report.json")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"pytest-timestamps: {message}")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_no_command_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Calling the bare program shows what it can do."""
    run()
    out = capsys.readouterr()
    assert "show" in out.out + out.err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Both are answered, with exit code 0."""
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("pytest-timestamps, version ")
    assert run("show", "-h") == 0
    assert "--report FORMAT[:PATH]" in capsys.readouterr().out


def test_the_module_is_the_program(folder: Path) -> None:
    """``python -m pytest_timestamps`` does what ``pytest-timestamps`` does, in any encoding."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_timestamps", "show", "report.json"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"15.0 \\xb5s" in done.stdout


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    """``pytest-timestamps show report.json | head -0`` says nothing on stderr."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_timestamps", "show", "report.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_finds_no_room_is_one_line(folder: Path) -> None:
    """``pytest-timestamps show report.json > /dev/full`` says why, without a traceback."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pytest_timestamps", "show", "report.json"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.stderr == (
        b"pytest-timestamps: the output can't be written (No space left on device)\n"
    )
    assert done.returncode == 2


def test_listing_the_commands_imports_none(folder: Path) -> None:
    """The program's help costs click and nothing else of weight."""
    code = (
        "import sys\n"
        "from pytest_timestamps.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'tabulate', 'openai', 'pydantic', 'rich', 'jinja2', 'pytest'}\n"
        "sys.exit(','.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def write_session(name: str, *, calls: int = 3) -> None:
    """A report of a session of its own, in which shop.query is called so often."""
    made = report(
        [case("tests/test_a.py::test_a", path("shop.query", section="call", calls=calls))]
    )
    known = str(UUID(bytes=name.encode().ljust(16)[:16]))
    session = replace(made.session, id=known, shards=(known,))
    Path(name).write_bytes(render_json(replace(made, session=session)))


def test_merge_writes_one_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In any order the same bytes; without --report it is shown."""
    write_session("a.json")
    write_session("b.json")
    assert run("merge", "a.json", "b.json", "--report=json:ab.json") == 0
    assert run("merge", "b.json", "a.json", "--report=json:ba.json") == 0
    assert (folder / "ab.json").read_bytes() == (folder / "ba.json").read_bytes()
    capsys.readouterr()
    assert run("merge", "a.json", "b.json") == 0
    assert "1 test, 6 spans of 1 function" in capsys.readouterr().out


def test_compare_exits_with_1_on_a_regression(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 without gates or below them, 1 over one of them; the reports are written either way."""
    write_session("base.json")
    write_session("head.json", calls=4)
    assert run("compare", "base.json", "head.json") == 0
    assert run("compare", "base.json", "head.json", "--fail-on=calls>+1") == 0
    capsys.readouterr()
    options = ["--fail-on=errors>0,calls>+0", "--report=markdown:c.md", "--report=term"]
    assert run("compare", "base.json", "head.json", *options) == 1
    assert "FAILED calls>+0: 2 figures over it" in capsys.readouterr().out
    assert (folder / "c.md").read_text().startswith("## Compared with BASE: a gate failed")


def test_compare_takes_repeated_reports(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--base and --head add files to the two that are named first."""
    for name in ("b1", "b2", "b3", "h1", "h2"):
        write_session(name)
    more = ["--base=b2", "--base", "b3", "--head=h2"]
    assert run("compare", "b1", "h1", *more, "--fail-on=calls>+0") == 0
    assert "HEAD (2 reports) compared with BASE (3 reports)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["merge"], "Missing argument 'A.json B.json ...'."),
        (["merge", "gone.json"], "gone.json: can't be read (No such file"),
        (["merge", "a.json", "a.json"], "session 612e6a73-6f6e-2020-2020-2020"),
        (["merge", "a.json", "--report=json:a.json"], "--report: json would overwrite a.json"),
        (["compare", "a.json", "./a.json"], "session 612e6a73-6f6e-2020-2020-202020202020 occurs "
         "twice; expected reports of different sessions, each given once"),
        (["compare", "a.json"], "Missing argument 'HEAD.json'."),
        (["compare", "a.json", "gone.json"], "gone.json: can't be read"),
        (["compare", "a.json", "a.json", "--fail-on=speed>1"], "--fail-on: 'speed>1': unknown"),
        (["compare", "a.json", "a.json", "--floor=much"], "--floor must be a time with its unit"),
        (["compare", "a.json", "a.json", "--report=html:x"], "--report: unknown format 'html'; "
         "expected one of json, markdown, term"),
        (["compare", "a.json", "a.json", "--report=json:a.json"], "--report: json would overwrite"),
    ],
)  # fmt: skip
def test_merge_and_compare_refuse_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit status 2, one line on stderr, nothing written."""
    write_session("a.json")
    before = sorted(folder.iterdir())
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"pytest-timestamps: {message}"), err
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before
