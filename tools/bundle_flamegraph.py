"""Bundle d3-flame-graph and d3-selection for the HTML report, with their licences.

``python -m tools.bundle_flamegraph`` needs npm. It is run by hand when a version changes, and
its output is committed: neither a build nor a report fetches anything.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

VERSIONS = {"d3-flame-graph": "5.0.0", "d3-selection": "3.0.0", "esbuild": "0.25.0"}
ENTRY = Path(__file__).with_name("flamegraph_entry.js")
VENDOR = Path(__file__).parents[1] / "pytest_timestamps" / "report" / "html" / "vendor"


def main() -> int:
    """Write the bundle and the licences of all that is in it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "package.json").write_text('{"private": true}')
        (place / ENTRY.name).write_text(ENTRY.read_text())
        packages = [f"{name}@{version}" for name, version in VERSIONS.items()]
        subprocess.run(["npm", "install", "--silent", *packages], cwd=place, check=True)
        VENDOR.mkdir(parents=True, exist_ok=True)
        bundled = _bundle(place, VENDOR / "flamegraph.min.js")
        (VENDOR / "LICENSES.txt").write_text(_licences(place / "node_modules", bundled))
    print(f"{VENDOR}: {', '.join(bundled)}")
    return 0


def _bundle(place: Path, target: Path) -> list[str]:
    """Make one script; the names of the packages that are in it."""
    meta = place / "meta.json"
    command = [
        str(place / "node_modules" / ".bin" / "esbuild"), ENTRY.name, "--bundle", "--minify",
        "--format=iife", "--target=es2020", "--charset=ascii", "--legal-comments=none",
        "--loader:.css=empty", f"--metafile={meta}", f"--outfile={target}",
    ]  # fmt: skip
    subprocess.run(command, cwd=place, check=True)
    inputs = json.loads(meta.read_text())["inputs"]
    return sorted({name.split("/")[1] for name in inputs if name.startswith("node_modules/")})


def _licences(modules: Path, names: list[str]) -> str:
    parts = ["flamegraph.min.js is made of these packages, unchanged but for being minified.\n"]
    for name in names:
        about = json.loads((modules / name / "package.json").read_text())
        text = (modules / name / "LICENSE").read_text().strip()
        heading = f"{name} {about['version']} ({about['license']})"
        parts.append(f"{heading}\n{'=' * len(heading)}\n\n{text}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
