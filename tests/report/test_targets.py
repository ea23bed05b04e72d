"""Which report goes to which file, and the writing of it."""

import os
import stat
from pathlib import Path

import pytest

from pytest_timestamps.errors import ArgumentError, ReportFileError
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.renderers import BUILT_IN, Renderer, collect_renderers
from pytest_timestamps.report.targets import (
    ReportTarget,
    parse_targets,
    render_target,
    write_atomically,
    write_content,
)
from tests.samples import report

NAMES = Renderer("names", "txt", lambda made: b"names")
RENDERERS = collect_renderers([NAMES])


def parse(*specs: str, base: Path) -> list[tuple[str, Path | None]]:
    targets = parse_targets(specs, RENDERERS, base)
    return [(target.renderer.name, target.path) for target in targets]


def test_specs_name_formats_and_files(tmp_path: Path) -> None:
    """Relative paths count from the base; without a path there is a name to fall back on."""
    assert parse("json", "names:a:b/c.txt", "term", base=tmp_path) == [
        ("json", tmp_path / "timestamps.json"),
        ("names", tmp_path / "a:b" / "c.txt"),
        ("term", None),
    ]
    assert parse(f"json:{tmp_path}/x", base=Path("/")) == [("json", tmp_path / "x")]


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in pytest's own options: no shell expands it after the colon."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert parse("json:~/x", base=tmp_path) == [("json", tmp_path / "home" / "x")]


def test_the_same_spec_twice_is_one_target(tmp_path: Path) -> None:
    """Addopts and the command line may say the same thing."""
    assert len(parse("json", "json:timestamps.json", "json:./timestamps.json", base=tmp_path)) == 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "html5",
            "unknown format 'html5'; expected one of csv, folded, html, json, markdown, names, ",
        ),
        ("", "unknown format ''; expected one of csv, folded, html, json, markdown, names, "),
        ("JSON", "unknown format 'JSON'; expected one of"),
        (
            "json:",
            "the path in 'json:' is empty; expected json:PATH, or json alone for timestamps.json",
        ),
        ("json:  ", "the path in 'json:  ' is empty"),
        ("term:x", "term takes no path, got 'term:x'; use term alone"),
        ("term:", "term takes no path, got 'term:'; use term alone"),
        ("json:a\0b", "the path in 'json:a\\x00b' holds a NUL character"),
        ("json:.", "{base} is a directory; expected the path of a file"),
        ("json:file/x.json", "{base}/file/x.json can't be written: {base}/file is not a directory"),
        ("json:" + "x" * 300, "{base}/" + "x" * 300 + " can't be written: "),
    ],
)
def test_a_spec_that_cannot_be_written_is_refused(tmp_path: Path, spec: str, message: str) -> None:
    """The message says what was seen and what would do, and nothing is created."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError) as refused:
        parse(spec, base=tmp_path)
    assert str(refused.value).startswith(message.format(base=tmp_path))
    assert os.listdir(tmp_path) == ["file"]


def test_two_formats_to_one_file_are_refused(tmp_path: Path) -> None:
    """Whatever way the path is spelled, a link included."""
    (tmp_path / "link").symlink_to(tmp_path / "x")
    for other in ("x", "./x", "y/../x", "link"):
        with pytest.raises(
            ArgumentError, match=r"json and names would both be written to .*; give"
        ):
            parse("json:x", f"names:{other}", base=tmp_path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_read_only_place_is_refused(tmp_path: Path) -> None:
    """Both a folder and a file without permission to write."""
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    with pytest.raises(ArgumentError, match="no permission to write in"):
        parse("json:locked/new/x.json", base=tmp_path)
    (tmp_path / "x.json").write_text("")
    (tmp_path / "x.json").chmod(0o400)
    with pytest.raises(ArgumentError, match=r"x\.json is read-only; choose another path"):
        parse("json:x.json", base=tmp_path)


def test_writing_makes_folders_and_replaces_whole(tmp_path: Path) -> None:
    """The file is new or old, never half; nothing else is left behind."""
    target = tmp_path / "a" / "b" / "x.txt"
    write_atomically(target, b"one")
    write_atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert os.listdir(target.parent) == ["x.txt"]


def test_a_new_file_is_as_readable_as_any(tmp_path: Path) -> None:
    """The mode follows the umask, and an existing file's mode is kept."""
    (tmp_path / "plain").write_text("")
    write_atomically(tmp_path / "x", b"")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "x").chmod(0o640)
    write_atomically(tmp_path / "x", b"")
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_a_link_is_written_through(tmp_path: Path) -> None:
    """A link to the report stays a link."""
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    """A report may go to ``/dev/null``, which is one afterwards too."""
    write_atomically(Path(os.devnull), b"gone")
    assert not Path(os.devnull).is_file()


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full at the last moment costs nothing that was there."""
    target = tmp_path / "x"
    target.write_bytes(b"old")

    def full(source: object, destination: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ReportFileError) as refused:
        write_content(ReportTarget(NAMES, target), b"names")
    assert str(refused.value) == (
        f"the names report was not written to {target}: No space left on device"
    )
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def fail(made: SessionReport) -> bytes:
    raise ValueError("no such template")


@pytest.mark.parametrize(
    ("render", "message"),
    [
        (fail, "the mine report was not made: its renderer raised ValueError: no such template"),
        (
            lambda made: "text",
            "the mine report was not written: its renderer returned str, expected bytes",
        ),
    ],
)
def test_a_broken_renderer_is_named(tmp_path: Path, render: object, message: str) -> None:
    """Nothing is written where a renderer fails."""
    target = ReportTarget(Renderer("mine", "txt", render), tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(ReportFileError) as refused:
        write_content(target, render_target(target, report()))
    assert str(refused.value) == message
    assert os.listdir(tmp_path) == []


def test_renderers_have_names_of_their_own() -> None:
    """A second renderer of a name, and what is no renderer, are refused."""
    with pytest.raises(ArgumentError, match="two renderers are called 'json'; give the added one"):
        collect_renderers([Renderer("json", "x", lambda made: b"")])
    with pytest.raises(ArgumentError, match=r"expected a .*\.Renderer, got 'json'"):
        collect_renderers(["json"])  # type: ignore[list-item]


@pytest.mark.parametrize("renderer", BUILT_IN, ids=lambda renderer: renderer.name)
def test_every_format_renders_any_report(renderer: Renderer) -> None:
    """Each built-in format makes bytes of a full and of an empty report, the same each time."""
    for made in (report(), report([])):
        assert renderer.render(made) == renderer.render(made)
        assert renderer.render(made)
