"""What xdist's workers tell the controller about token runs, through a folder.

A folder and not messages: what a worker wrote is there after its crash.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

__all__ = ["Preflight", "RunExchange"]


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a worker found before any test ran: a complaint or none, and tests to keep together."""

    complaint: str | None
    groups: Mapping[str, str]


class RunExchange:
    """The folder *root*; it is created by the first worker that has something to say."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def new(cls) -> RunExchange:
        """A folder of a new name, not created yet."""
        return cls(Path(tempfile.gettempdir()) / f"pytest-token-runs-{uuid.uuid4()}")

    def write_preflight(self, worker: str, preflight: Preflight) -> None:
        """Leave what *worker* found."""
        self._make()
        content = {"complaint": preflight.complaint, "groups": dict(preflight.groups)}
        (self.root / f"preflight-{worker}.json").write_text(json.dumps(content), "utf-8")

    def read_preflight(self, worker: str) -> Preflight | None:
        """What *worker* found, None if it has no token runs or can't be heard."""
        try:
            content = json.loads((self.root / f"preflight-{worker}.json").read_text("utf-8"))
        except OSError:
            return None
        return Preflight(content["complaint"], content["groups"])

    def add_run(self, worker: str, path: Path) -> None:
        """Note that *worker* started the run whose file is at *path*."""
        self._make()
        with (self.root / f"runs-{worker}-{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(str(path)) + "\n")

    def has_runs(self) -> bool:
        """Whether any worker has started a run."""
        return self.root.is_dir() and any(self.root.glob("runs-*.jsonl"))

    def runs(self) -> Iterator[Path]:
        """The files of the runs that were started, worker by worker."""
        for notes in sorted(self.root.glob("runs-*.jsonl")) if self.root.is_dir() else ():
            for line in notes.read_text("utf-8").splitlines():
                # A worker that was killed may have left half a line.
                with contextlib.suppress(ValueError):
                    yield Path(json.loads(line))

    def add_spending(self, run_id: str, amount_usd: Decimal) -> Decimal:
        """Add what a run cost; gives what the others had cost before it."""
        with self._spending() as spent:
            others = sum((usd for run, usd in spent.items() if run != run_id), Decimal(0))
            spent[run_id] = amount_usd
            return others

    def spent_usd(self) -> Decimal:
        """What all runs that ended cost."""
        with self._spending() as spent:
            return sum(spent.values(), Decimal(0))

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.root, ignore_errors=True)

    @contextlib.contextmanager
    def _spending(self) -> Iterator[dict[str, Decimal]]:
        import filelock

        self._make()
        path = self.root / "spent.json"
        with filelock.FileLock(self.root / "spent.lock"):
            text = path.read_text("ascii") if path.exists() else "{}"
            spent = {run: Decimal(usd) for run, usd in json.loads(text).items()}
            yield spent
            path.write_text(json.dumps({run: str(usd) for run, usd in spent.items()}), "ascii")

    def _make(self) -> None:
        # Only for the one who runs the tests: node ids are nobody else's business.
        self.root.mkdir(mode=0o700, exist_ok=True)
