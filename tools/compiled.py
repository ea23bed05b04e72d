"""The wheel whose core of recording is compiled, and tests of it out of reach of the sources.

A build leaves what it compiled beside the sources, and Python imports that in their place: so it
is built in a copy, and the tests run beside a copy of everything but the package.
Run as a program it makes both with its own Python: ``python -m tools.compiled FOLDER``; and
``python -m tools.compiled --check`` says what of the installed package isn't compiled.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

__all__ = [
    "beside_sources",
    "build_compiled",
    "lay_out_tests",
    "modules_to_compile",
    "not_compiled",
    "why_not",
]

ROOT = Path(__file__).parents[1]
PACKAGE = "pytest_timestamps"

_COMPILED = ("*.so", "*.pyd")
_BUILD_NEEDS = (PACKAGE, "pyproject.toml", "README.md", "LICENSE")
_TESTS_NEED = (
    *("tests", "tools", "benchmarks", "docs", "examples", "conftest.py", "noxfile.py", "Makefile"),
    *("mkdocs.yml", "CHANGELOG.md", "pyproject.toml", "README.md", "LICENSE"),
)
# what it prints is a reason, or nothing
_ASK = """
import pathlib, shutil, sysconfig
compiler = (sysconfig.get_config_var("CC") or "").split()
header = pathlib.Path(sysconfig.get_path("include"), "Python.h")
if not compiler or shutil.which(compiler[0]) is None:
    print(f"there is no C compiler ({compiler[0] if compiler else 'unknown'})")
elif not header.is_file():
    print(f"Python's headers are not installed ({header})")
"""


def modules_to_compile(root: Path = ROOT) -> tuple[str, ...]:
    """The paths of the modules that pyproject.toml lists for mypyc, as it has them."""
    content = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = content["tool"]["hatch"]["build"]["targets"]["wheel"]
    return tuple(wheel["hooks"]["mypyc"]["include"])


def why_not(python: Path) -> str:
    """Why that Python can't compile, as far as can be seen without trying; empty if it can."""
    asked = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=True)
    return asked.stdout.strip()


def build_compiled(python: Path, folder: Path) -> Path:
    """The compiled wheel for that Python, whose pip builds it in ``folder``, from a copy there.

    Raises `subprocess.CalledProcessError` where it can't be built.
    """
    _copy(_BUILD_NEEDS, folder / "source")
    wheels = folder / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    pip = [str(python), "-m", "pip", "wheel", "--quiet", "--no-deps"]
    environment = {**os.environ, "HATCH_BUILD_HOOKS_ENABLE": "1"}
    command = [*pip, "--wheel-dir", str(wheels), str(folder / "source")]
    subprocess.run(command, env=environment, check=True)
    (wheel,) = wheels.glob("*.whl")
    return wheel


def lay_out_tests(folder: Path) -> Path:
    """Where the tests run against whatever package is installed: a copy without its sources."""
    _copy(_TESTS_NEED, folder / "suite")
    return folder / "suite"


def not_compiled() -> list[str]:
    """Those of the listed modules that would be imported as Python, or not at all."""
    names = [path.removesuffix(".py").replace("/", ".") for path in modules_to_compile()]
    return [name for name in names if not _is_compiled(name)]


def beside_sources(package: Path) -> str:
    """What to say where compiled modules lie beside their sources; empty where none does."""
    found = [path for pattern in _COMPILED for path in sorted(package.rglob(pattern))]
    hiding = [path for path in found if path.with_name(f"{path.name.split('.')[0]}.py").exists()]
    if not hiding:
        return ""
    return (
        f"{len(hiding)} compiled modules lie beside their sources and would run in their place "
        f"({hiding[0].relative_to(package.parent).as_posix()}); "
        f"remove them: find {package.name} -name '*.so' -delete"
    )


def _is_compiled(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and str(spec.origin).endswith((".so", ".pyd"))


def _copy(names: tuple[str, ...], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in names:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", *_COMPILED)
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, folder / name)


def main() -> None:
    """Make both, and print the wheel's path; or check what is installed."""
    if sys.argv[1:] == ["--check"]:
        plain = not_compiled()
        sys.exit(f"not compiled: {', '.join(plain)}" if plain else 0)
    folder = Path(sys.argv[1])
    lay_out_tests(folder)
    print(build_compiled(Path(sys.executable), folder))


if __name__ == "__main__":
    main()
