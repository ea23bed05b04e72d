"""The documentation is run: what it says happens, happens.

In a page, a fenced block with ``title="name"`` becomes that file; other Python blocks are run, and
a ``text`` block right after one is its output; in a ``console`` block the lines after ``$ `` are
run by the shell, and the others are their output, with ``...`` for any lines.
Times, percentages, widths and the order of a table's rows may differ; counts may not.
"""

import inspect
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]

FENCE = re.compile(
    r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", re.M | re.S
)


class Block(NamedTuple):
    """A fenced block; ``follows`` is what stands between the block before and this one."""

    language: str
    title: str | None
    text: str
    follows: str


def blocks_of(page: Path) -> Iterator[Block]:
    content = page.read_text(encoding="utf-8")
    end = 0
    for found in FENCE.finditer(content):
        yield Block(
            found["language"], found["title"], found["text"], content[end : found.start()].strip()
        )
        end = found.end()


def normalized(text: str) -> str:
    """The text with its times, shares, versions and widths made equal, and rows in one order."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"\d[\d,.]* ?(ns|µs|ms|s)\b", "TIME", text)
    text = re.sub(r"<?\d+(\.\d+)?%", "SHARE", text)
    text = re.sub(r"Python \d+\.\d+\.\d+\S*( compiled core,)?", "Python VERSION", text)
    text = re.sub(r"[-─]{3,}( +-{2,})*", "---", text)
    text = re.sub(r"={3,}", "===", text)
    return "\n".join(unranked([" ".join(line.split()) for line in text.strip().splitlines()]))


def unranked(lines: list[str]) -> list[str]:
    """The rows of a table that the next section follows by name: ranks are a busy machine's."""
    ordered = list(lines)
    rule = None
    for at, line in enumerate(lines):
        if line.startswith("==="):
            if rule is not None:
                ordered[rule + 1 : at] = sorted(lines[rule + 1 : at])
            rule = None
        elif line == "---":
            rule = at
    return ordered


def matches(expected: str, actual: str) -> bool:
    """Whether the output is the expected one; ``...`` stands for any text, lines included."""
    parts = (re.escape(part.strip()) for part in normalized(expected).split("..."))
    pattern = r"\s*.*?\s*".join(parts)
    return re.fullmatch(pattern, normalized(actual), re.S) is not None


def environment() -> dict[str, str]:
    """A terminal of 80 columns, and this very Python's programs first."""
    return {
        # Nor is their code watched by coverage, which costs more than what the pages time.
        **{k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COVERAGE_"))},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        # Readers have this plugin and not all of its tests' neighbours.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": "-p pytest_timestamps.plugin -p no:cacheprovider --color=no",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": ".",
    }


def run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def run_console(block: Block, folder: Path) -> None:
    """Each command of a console block, against the lines below it."""
    for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
        command, _, expected = part.partition("\n")
        actual = run(["bash", "-c", command], folder).stdout
        assert matches(expected, actual), f"$ {command}\n{actual}\n--- expected:\n{expected}"


def run_page(page: Path, folder: Path) -> int:
    """Run a page's blocks in order; the number of those that were run."""
    ran = 0
    output: str | None = None
    for block in blocks_of(page):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            done = run([sys.executable, "-c", block.text], folder)
            assert done.returncode == 0, f"{block.text}\n{done.stdout}"
            output = done.stdout
            ran += 1
            continue
        elif block.language == "console":
            run_console(block, folder)
            ran += 1
        elif block.language == "text" and output is not None and not block.follows:
            assert matches(block.text, output), f"{output}\n--- expected:\n{block.text}"
        output = None
    return ran


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    """A page's snippets run, and print what the page shows."""
    run_page(page, tmp_path)


def test_wrong_output_is_noticed(tmp_path: Path) -> None:
    """A page whose output isn't what its snippet prints is refused."""
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nprint(2, 'calls in 1.5 ms')\n```\n\n```text\n3 calls in 9 ms\n```\n"
    )
    with pytest.raises(AssertionError, match="2 calls"):
        run_page(page, tmp_path)
    page.write_text(
        "```python\nprint(2, 'calls in 1.5 ms')\n```\n\n```text\n2 calls in 9 ms\n```\n"
    )
    assert run_page(page, tmp_path) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_has_one_sentence_a_line(page: Path) -> None:
    """A line of prose holds one sentence, so that a change shows as one line."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    prose = re.sub(r"`[^`\n]*`|\[[^]]*\]\([^)]*\)", "code", prose)
    lines = [line for line in prose.splitlines() if not line.startswith(("|", "#"))]
    double = [line for line in lines if re.search(r"[a-z)][.?!] [A-Z]", line)]
    assert not double


def test_fallback_stands_in_for_the_package(tmp_path: Path) -> None:
    """The ten lines for code without the package do nothing, and let it run."""
    page = ROOT / "docs" / "production.md"
    blocks = list(blocks_of(page))
    at = next(number for number, block in enumerate(blocks) if block.title == "timing.py")
    fallback, use = blocks[at], blocks[at + 1]
    assert len([line for line in fallback.text.splitlines() if line]) <= 10
    (tmp_path / "timing.py").write_text(fallback.text)
    without = "import sys; sys.modules['pytest_timestamps'] = None\n"
    checks = (
        "\nimport inspect\n"
        "assert inspect.iscoroutinefunction(save)\n"
        "assert 'pytest_timestamps' not in timestamp.__module__\n"
        "@timestamp\ndef plain(): return 1\n"
        "assert plain() == 1\n"
    )
    done = run([sys.executable, "-c", without + use.text + checks], tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_reference_names_every_option(tmp_path: Path) -> None:
    """Each option of ``pytest --help`` stands in the reference with its ini twin."""
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    shown = run([sys.executable, "-m", "pytest", "--help"], tmp_path).stdout
    options = set(re.findall(r"^  (--(?:(?:no-)?timestamps|token-run)[a-z-]*)", shown, re.M))
    assert {"--timestamps-top", "--token-run-dir"} <= options
    assert [option for option in sorted(options) if f"`{option}" not in reference] == []
    twins = {option[2:].replace("-", "_") for option in options} - {"no_timestamps"}
    assert [twin for twin in sorted(twins) if f"`{twin}`" not in reference] == []


def hook_examples() -> dict[str, str]:
    """The literal block of each hook's docstring."""
    from pytest_timestamps.plugin import hookspecs

    examples = {}
    for name, hook in vars(hookspecs).items():
        if name.startswith("pytest_timestamps_"):
            block = re.search(r"::\n\n((?:    .*\n|\n)+)", f"{inspect.getdoc(hook)}\n")
            assert block is not None, f"{name} shows no example"
            examples[name] = textwrap.dedent(block[1])
    return examples


@pytest.mark.parametrize("hook", ["renderers", "report", "runs"])
def test_hook_docstring_example_runs(hook: str, tmp_path: Path) -> None:
    """A conftest made of a hook's docstring does what the docstring says."""
    examples = hook_examples()
    assert len(examples) == 3
    (tmp_path / "conftest.py").write_text(examples[f"pytest_timestamps_{hook}"])
    (tmp_path / "test_it.py").write_text(
        "from pytest_timestamps import timestamp\n"
        "@timestamp(name='work')\ndef work(): pass\n"
        "def test_slow(): work()\ndef test_quick(): pass\n"
    )
    reports = ["--timestamps-report=json:report.json"]
    if hook == "renderers":
        reports.append("--timestamps-report=names:names.txt")
    done = run([sys.executable, "-m", "pytest", "-q", *reports], tmp_path)
    assert done.returncode == 0, done.stdout
    report = (tmp_path / "report.json").read_text()
    if hook == "renderers":
        assert (tmp_path / "names.txt").read_text() == "work\n"
    elif hook == "report":
        assert "::test_slow" in report
        assert "::test_quick" not in report
    else:
        assert '"run_id":"3f2a"' in report
