"""A world in which runs happen, books fill up with delay, and somebody reconciles."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from pathlib import Path

from pytest_timestamps.sandbox import Sandbox
from pytest_timestamps.sandbox.model import TokenUse
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.reconcile.agenda import Selection
from pytest_timestamps.tokens.reconcile.client import AdminKey, BooksClient
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.reconciler import EVERYTHING, Reconciler
from pytest_timestamps.tokens.reconcile.result import PassResult
from pytest_timestamps.tokens.record import RunRecord, RunState, UsageScope
from pytest_timestamps.tokens.secret import SecretText
from pytest_timestamps.tokens.usage import ModelUsage, ObservedUsage, TierUsage, TokenCounts
from pytest_timestamps.tokens.window import Window

NOON_S = 1_761_566_400  # 2025-10-27 12:00 UTC
KEY = "key_sandboxsandbox"
MODEL = "gpt-4o-mini-2024-07-18"
REASON = "a try whose answer never arrived: a timeout"

_ids = itertools.count(1)


def new_id() -> str:
    """A run id that no other test has."""
    return str(uuid.UUID(int=next(_ids)))


@dataclasses.dataclass(frozen=True)
class Call:
    """A model request of a run, *after_s* its start."""

    after_s: int = 10
    input_tokens: int = 100
    output_tokens: int = 20
    cached_tokens: int = 0
    model: str = MODEL
    endpoint: str = "completions"


def observed_of(
    calls: tuple[Call, ...], *, complete: bool = True, reasons: tuple[str, ...] = (REASON,)
) -> ObservedUsage:
    """What a process that made *calls* saw."""
    by_model: dict[str, ModelUsage] = {}
    for call in calls:
        usage = TierUsage(1, call.input_tokens, call.output_tokens, call.cached_tokens)
        before = by_model[call.model].by_tier["default"] if call.model in by_model else TierUsage()
        by_model[call.model] = ModelUsage.of_tiers({"default": before.plus_tier(usage)})
    total = TokenCounts.total(by_model.values())
    return ObservedUsage(
        total.calls,
        total.input_tokens,
        total.output_tokens,
        total.cached_tokens,
        complete=complete,
        incomplete_reasons=() if complete else reasons,
        by_model=by_model,
    )


class World:
    """A sandbox, a ledger, and a reconciler whose clock is the sandbox's."""

    def __init__(
        self, sandbox: Sandbox, root: Path, *, durable: bool = True, timeout_s: float = 60
    ) -> None:
        self.sandbox = sandbox
        # Thousands of writes to the real disk would be most of a simulation's time.
        self.ledger = Ledger(root) if durable else Ledger(root, write=Path.write_bytes)
        self.ledger.prepare()
        self.pauses: list[float] = []
        self.client = BooksClient(
            AdminKey(SecretText(sandbox.admin_key), "OPENAI_ADMIN_KEY"),
            sandbox.base_url,
            timeout_s=timeout_s,
            pause=self.pauses.append,
        )

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def add_run(
        self,
        start_s: int = NOON_S,
        duration_s: int = 60,
        calls: tuple[Call, ...] = (Call(),),
        *,
        key: str | None = KEY,
        framework: str = "baes",
        minted: bool = False,
        observed: ObservedUsage | str | None = "complete",
        delay_s: float = 0,
        lag_s: float = 0,
        state: RunState = RunState.FINISHED,
        run_id: str | None = None,
    ) -> RunRecord:
        """A run that made *calls*, in the ledger and in the books."""
        record = RunRecord(
            run_id=run_id or new_id(),
            framework=framework,
            window=Window(start_s, start_s + duration_s),
            duration_s=float(duration_s),
            state=state,
            usage_scope=UsageScope(key, "proj_sandbox", minted),
            observed=observed_of(calls) if observed == "complete" else observed,  # type: ignore[arg-type]
        )
        for call in calls:
            self.serve(call, start_s, key or "key_of_nobody", record.run_id, delay_s, lag_s)
        self.ledger.create(record)
        return record

    def serve(
        self,
        call: Call,
        start_s: int,
        key: str = KEY,
        tag: str = "",
        delay_s: float = 0,
        lag_s: float = 0,
    ) -> None:
        """Put a call into the books."""
        self.sandbox.core.serve(
            api_key_id=key,
            model=call.model,
            use=TokenUse(call.input_tokens, call.output_tokens, cached_tokens=call.cached_tokens),
            endpoint=call.endpoint,  # type: ignore[arg-type]
            at_s=start_s + call.after_s,
            availability_delay_s=delay_s,
            attribution_lag_s=lag_s,
            tag=tag,
        )

    def reconciler(self, policy: Policy | None = None) -> Reconciler:
        """A reconciler of this world."""
        return Reconciler(
            self.ledger, policy or Policy(), lambda: self.client, self.sandbox.clock.now_s
        )

    def reconcile(
        self,
        at_s: float | None = None,
        policy: Policy | None = None,
        selection: Selection = EVERYTHING,
    ) -> PassResult:
        """One pass, at *at_s* or now."""
        if at_s is not None:
            self.sandbox.clock.move_to(at_s)
        return self.reconciler(policy).run_pass(selection)

    def read(self, record: RunRecord) -> RunRecord:
        """What the run's file says now."""
        return self.ledger.read(self.ledger.path_of(record.framework, record.run_id))

    def served_to(self, run_id: str) -> TokenCounts:
        """What the sandbox really charged a run."""
        return TokenCounts.total(
            TokenCounts(1, call.input_tokens, call.output_tokens, call.cached_tokens)
            for call in self.sandbox.served(tag=run_id)
        )
