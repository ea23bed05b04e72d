"""How a release's files are made and tried, and why none is made; what runs for it is played.

``make wheels`` does it in earnest: it compiles for some minutes.
"""

import json
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tools import wheels
from tools.pythons import FoundPython
from tools.running import Failure, run, users_environment
from tools.wheels import Machine, make_release
from tools.wheels_tried import Tried

STEM = "pytest_timestamps_tokens-0.1.0"
PLAIN = f"{STEM}-py3-none-any.whl"
PYTHONS = tuple(
    FoundPython(version, f"{version}.4", Path(f"/opt/{version}/bin/python3"))
    for version in ("3.11", "3.13")
)


class Tools:
    """The programs that make a release, played; remembers what was run, and with which variables.

    ``answers`` replaces what is printed where the command has that text in it, or raises it.
    """

    def __init__(self, **answers: str | Failure) -> None:
        self.answers = answers
        self.chosen: dict[str, str] = {}
        self.built: dict[str, str] = {}
        self.inside = b"machine code"
        self.ran: list[tuple[str, dict[str, str]]] = []

    def __call__(self, *command: str | Path, cwd: Path, **variables: str) -> str:
        words = [*map(str, command)]
        line = " ".join(words)
        self.ran.append((line, variables))
        for text, answer in self.answers.items():
            if text in line:
                if isinstance(answer, Failure):
                    raise answer
                return answer
        for step, play in self.steps().items():
            if step in line:
                return play(words)
        return ""

    def steps(self) -> dict[str, Callable[[Sequence[str]], str]]:
        return {
            "hatchling version": lambda words: "0.1.0\n",
            "hatchling build": self.make_source,
            "LDSHARED": lambda words: "gcc -shared -Wl,-rpath,/opt/lib -L/opt/lib\n",
            "pip --python": self.pip,
            "auditwheel repair": self.repair,
            "pytest --timestamps": self.test,
        }

    def make_source(self, words: Sequence[str]) -> str:
        folder = Path(words[-1])
        folder.mkdir(parents=True)
        (folder / f"{STEM}.tar.gz").write_bytes(b"sources")
        return ""

    def pip(self, words: Sequence[str]) -> str:
        action = words[words.index("--python") + 2]
        python = words[words.index("--python") + 1]
        if action == "wheel":
            compiles = "HATCH_BUILD_HOOKS_ENABLE" in self.ran[-1][1]
            version = next((one.version for one in PYTHONS if str(one.path) == python), "")
            tag = f"cp{version.replace('.', '')}"
            name = f"{STEM}-{tag}-{tag}-linux_x86_64.whl" if compiles else PLAIN
            self.make_wheel(Path(words[-2]), self.built.get(version, name))
        elif action == "download":
            target = words[words.index("--python-version") + 1]
            into = Path(words[words.index("--dest") + 1])
            into.mkdir()
            (into / self.chosen.get(target, PLAIN)).touch()
        elif "--report" in words:
            version = Path(python).parents[2].name
            tag = f"cp{version.replace('.', '')}"
            links = Path(words[words.index("--find-links") + 1])
            (name,) = (path.name for path in links.glob(f"*-{tag}-*"))
            self.report(Path(words[words.index("--report") + 1]), self.chosen.get(version, name))
        return ""

    def report(self, path: Path, name: str) -> None:
        url = f"file:///dist/{name}"
        installed = [
            {"metadata": {"name": "pytest"}, "download_info": {"url": "https://host/pytest.whl"}},
            {"metadata": {"name": "pytest-timestamps-tokens"}, "download_info": {"url": url}},
        ]
        path.write_text(json.dumps({"install": installed}))

    def make_wheel(self, folder: Path, name: str) -> None:
        folder.mkdir()
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("core.so", self.inside)

    def repair(self, words: Sequence[str]) -> str:
        wheel = Path(words[-1])
        self.make_wheel(Path(words[-2]), wheel.name.replace("-linux", "-manylinux_2_17"))
        return ""

    def test(self, words: Sequence[str]) -> str:
        core = "" if "plain" in Path(words[0]).parts else ", compiled core"
        return f"sum_of 1\nPython 3.11.4{core}\n1 passed in 1 s"


def release(
    folder: Path,
    tools: Tools,
    pythons: tuple[FoundPython, ...] = PYTHONS,
    platform: str = "linux",
    reason: str = "",
) -> tuple[list[Tried], list[str]]:
    """Make one into ``folder / "dist"``; its files, and what was said meanwhile."""
    said: list[str] = []
    machine = Machine(pythons, platform, tools, lambda python: reason, said.append)
    return make_release(folder, folder / "dist", machine), said


def test_a_release_is_the_source_a_plain_wheel_and_compiled_ones(tmp_path: Path) -> None:
    """In this order, with the tags that the index takes, and what was seen of each."""
    tried, said = release(tmp_path, Tools())
    assert [(one.file.name, one.how) for one in tried] == [
        (f"{STEM}.tar.gz", "every wheel is built from it"),
        (
            PLAIN,
            "pip chose it for Python 3.14 and for other systems; its tests ran on Python 3.11.4",
        ),
        (
            f"{STEM}-cp311-cp311-manylinux_2_17_x86_64.whl",
            "pip chose it on Python 3.11.4; its tests ran compiled",
        ),
        (
            f"{STEM}-cp313-cp313-manylinux_2_17_x86_64.whl",
            "pip chose it on Python 3.13.4; its tests ran compiled",
        ),
    ]
    assert sorted(path.name for path in (tmp_path / "dist").iterdir()) == sorted(
        one.file.name for one in tried
    )
    assert "Python 3.12 was not found: it gets no compiled wheel" in said


def test_every_wheel_is_built_from_the_source_distribution(tmp_path: Path) -> None:
    """By pip, without its cache; only compiled ones with the hook, and without our libraries."""
    tools = Tools()
    release(tmp_path, tools)
    builds = [(line, variables) for line, variables in tools.ran if " wheel --quiet" in line]
    assert all(line.endswith(f"made/{STEM}.tar.gz") for line, _ in builds)
    assert all("--no-cache-dir" in line for line, _ in builds)
    compiles = {"HATCH_BUILD_HOOKS_ENABLE": "1", "LDSHARED": "gcc -shared -L/opt/lib"}
    assert [variables for _, variables in builds] == [{}, compiles, compiles]


def test_other_systems_keep_the_tags_of_the_build(tmp_path: Path) -> None:
    """auditwheel is Linux's, and so is the way to link."""
    tools = Tools()
    tried, _ = release(tmp_path, tools, platform="darwin")
    assert tried[2].file.name == f"{STEM}-cp311-cp311-linux_x86_64.whl"
    assert not [line for line, _ in tools.ran if "auditwheel" in line or "LDSHARED" in line]


def test_all_files_are_checked_by_twine(tmp_path: Path) -> None:
    """Strictly, before any of them is tried; what it finds is told."""
    tools = Tools()
    release(tmp_path, tools)
    (line,) = (line for line, _ in tools.ran if "twine" in line)
    checked = line.partition(" -m twine check --strict ")[2].split()
    assert [Path(name).name for name in checked] == [
        *(f"{STEM}.tar.gz", PLAIN),
        *(f"{STEM}-{tag}-{tag}-manylinux_2_17_x86_64.whl" for tag in ("cp311", "cp313")),
    ]
    with pytest.raises(Failure, match=r"^no description$"):
        release(tmp_path, Tools(twine=Failure("no description")))


def test_files_of_an_earlier_run_are_replaced(tmp_path: Path) -> None:
    """A wheel of this version that isn't made any more would be uploaded with the others."""
    dist = tmp_path / "dist"
    dist.mkdir()
    for name in (f"{STEM}.tar.gz", f"{STEM}-cp310-cp310-manylinux_2_17_x86_64.whl", ".gitignore"):
        (dist / name).touch()
    tried, _ = release(tmp_path, Tools())
    names = {one.file.name for one in tried} | {".gitignore"}
    assert {path.name for path in dist.iterdir()} == names
    assert (dist / f"{STEM}.tar.gz").read_bytes() == b"sources"


def test_files_of_another_version_are_told(tmp_path: Path) -> None:
    """A longer version that begins alike is another one."""
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / f"{STEM}.post1.tar.gz").touch()
    with pytest.raises(Failure) as told:
        release(tmp_path, Tools())
    assert str(told.value) == (
        f"dist/ holds {STEM}.post1.tar.gz, and this is version 0.1.0; "
        "remove what is not to be uploaded with it: rm -r dist"
    )


def test_what_is_not_committed_is_not_released(tmp_path: Path) -> None:
    """Nor is anything where git can't tell."""
    for status, told_of in (
        ("?? notes.txt\n", "?? notes.txt"),
        (" M README.md\n?? notes.txt\n", "M README.md and 1 more"),
    ):
        with pytest.raises(Failure) as told:
            release(tmp_path, Tools(**{"git status": status}))
        assert str(told.value) == (
            f"a release is made of what is committed, and this isn't: {told_of}; "
            "commit it, or put it away: git stash -u"
        )
    with pytest.raises(Failure) as told:
        release(tmp_path, Tools(**{"git status": Failure("not a git repository")}))
    assert str(told.value) == (
        "a release is made of what is committed, and git says: not a git repository"
    )


def test_a_python_that_can_not_compile_is_told(tmp_path: Path) -> None:
    """Before anything is built."""
    tools = Tools()
    with pytest.raises(Failure) as told:
        release(tmp_path, tools, reason="there is no C compiler (gcc)")
    assert str(told.value) == "Python 3.11 can't compile: there is no C compiler (gcc)"
    with pytest.raises(Failure) as told:
        release(tmp_path, tools, pythons=())
    assert str(told.value) == "none of the Pythons 3.11, 3.12, 3.13 was found to compile for"
    assert tools.ran == []


def test_a_wheel_that_the_index_refuses_is_told(tmp_path: Path) -> None:
    """With auditwheel's own words; dist/ is left as it was."""
    with pytest.raises(Failure) as told:
        release(tmp_path, Tools(auditwheel=Failure("too-recent symbols")))
    assert str(told.value) == (
        f"the index takes no {STEM}-cp311-cp311-linux_x86_64.whl, "
        "and auditwheel can't make it one that it takes: too-recent symbols"
    )
    assert not (tmp_path / "dist").exists()


def test_a_wheel_that_came_out_otherwise_is_told(tmp_path: Path) -> None:
    """One that isn't compiled, one that should be plain, one with a folder of this machine."""
    tools = Tools()
    tools.built = {"3.13": PLAIN}
    with pytest.raises(Failure) as told:
        release(tmp_path, tools)
    assert str(told.value) == f"Python 3.13 built {PLAIN}, of which nothing is compiled"
    tools.built = {"": f"{STEM}-cp312-cp312-linux_x86_64.whl"}
    with pytest.raises(Failure) as told:
        release(tmp_path, tools)
    assert str(told.value) == (
        f"{STEM}-cp312-cp312-linux_x86_64.whl was to be plain Python, for every Python and system"
    )
    tools.built = {}
    tools.inside = b"RUNPATH\0/opt/3.11/lib\0"
    with pytest.raises(Failure) as told:
        release(tmp_path, tools)
    assert str(told.value) == (
        f"core.so in {STEM}-cp311-cp311-linux_x86_64.whl names a folder of this machine: "
        "/opt/3.11/lib"
    )


@pytest.mark.parametrize(
    ("where", "chosen", "message"),
    [
        (
            "3.13",
            PLAIN,
            f"pip chose {PLAIN} for Python 3.13, "
            f"and {STEM}-cp313-cp313-manylinux_2_17_x86_64.whl is made for it",
        ),
        (
            "3.14",
            f"{STEM}.tar.gz",
            f"pip chose {STEM}.tar.gz for --python-version 3.14, and {PLAIN} is made for it",
        ),
        (
            "3.11",
            f"{STEM}-cp311-cp311-any.whl",
            f"pip chose {STEM}-cp311-cp311-any.whl for --python-version 3.11 --platform any, "
            f"and {PLAIN} is made for it",
        ),
    ],
)
def test_a_choice_of_pip_that_is_another_is_told(
    where: str, chosen: str, message: str, tmp_path: Path
) -> None:
    """The compiled wheel where there is one, the plain one elsewhere."""
    tools = Tools()
    tools.chosen = {where: chosen}
    with pytest.raises(Failure) as told:
        release(tmp_path, tools)
    assert str(told.value) == message
    assert not (tmp_path / "dist").exists()


def test_a_core_that_is_not_what_the_wheel_promises_is_told(tmp_path: Path) -> None:
    """By the report of a suite, and by the modules that aren't compiled; a failed test as well."""
    plain = "sum_of 1\nPython 3.11.4\n1 passed"
    for said, wheel, core in (
        (plain, f"{STEM}-cp311-cp311-manylinux_2_17_x86_64.whl", "a compiled core"),
        (plain.replace("4", "4, compiled core"), PLAIN, "plain Python"),
        (plain.replace("sum_of", ""), PLAIN, "plain Python"),
        (plain.replace("1 passed", "no tests ran"), PLAIN, "plain Python"),
    ):
        with pytest.raises(Failure) as told:
            release(tmp_path, Tools(**{"pytest --timestamps": said}))
        assert str(told.value) == f"{wheel} was to record a test with {core}; pytest said:\n{said}"
    with pytest.raises(Failure, match=r"^not compiled: one$"):
        release(tmp_path, Tools(**{"tools.compiled --check": Failure("not compiled: one")}))


def test_the_program_shows_a_table_or_why_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row for each file; one line that names the target, and status 1."""
    file = tmp_path / f"{STEM}.tar.gz"
    file.write_bytes(b"." * 2_600)
    monkeypatch.setattr(wheels, "make_release", lambda *_: [Tried(file, "built from")])
    wheels.main()
    assert capsys.readouterr().out.splitlines() == [
        "in dist/                                 size  how it was tried",
        "-------------------------------------  ------  ------------------",
        "pytest_timestamps_tokens-0.1.0.tar.gz    3 kB  built from",
    ]

    def refuse(*_: object) -> None:
        raise Failure("the reason")

    monkeypatch.setattr(wheels, "make_release", refuse)
    with pytest.raises(SystemExit, match=r"^make wheels: the reason$"):
        wheels.main()


def test_programs_run_as_a_user_would_run_them(tmp_path: Path) -> None:
    """In a folder, with variables of one's own, and without those of this checkout."""
    ask = "import os; print(os.getcwd(), os.environ['OWN'])"
    assert run(sys.executable, "-c", ask, cwd=tmp_path, OWN="yes").split() == [
        str(tmp_path.resolve()),
        "yes",
    ]
    ours = {"PYTHONPATH": ".", "PYTEST_ADDOPTS": "-x", "HATCH_BUILD_HOOKS_ENABLE": "1"}
    assert users_environment({**ours, "PATH": "/bin"}) == {"PATH": "/bin"}


def test_a_program_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    """And one that can't be started with the reason."""
    program = "for line in range(30): print(line)\nexit('no room')"
    with pytest.raises(Failure) as told:
        run(sys.executable, "-c", program, cwd=tmp_path)
    assert str(told.value) == "\n".join(
        [
            f"this ended with status 1: {sys.executable} -c {program}",
            *(str(line) for line in range(11, 30)),
            "no room",
        ]
    )
    with pytest.raises(Failure) as told:
        run("./no-such-program", cwd=tmp_path)
    assert str(told.value) == "./no-such-program can't be started: No such file or directory"
