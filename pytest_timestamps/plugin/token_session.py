"""The token runs of this process: what they share, and how one begins and ends."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_timestamps.errors import KeysError, RunExistsError, TokenRunError
from pytest_timestamps.plugin.token_exchange import RunExchange
from pytest_timestamps.plugin.token_plan import PlannedRun
from pytest_timestamps.plugin.token_settings import TokenSettings
from pytest_timestamps.tokens import observed
from pytest_timestamps.tokens.budgets import cost_breach, session_breach, token_breach
from pytest_timestamps.tokens.heartbeat import shared_heartbeat
from pytest_timestamps.tokens.keys import (
    EXECUTION_KEY,
    KeyPolicy,
    KeyWish,
    RunKey,
    find_keys,
)
from pytest_timestamps.tokens.ledger import Ledger
from pytest_timestamps.tokens.mint import KeySource
from pytest_timestamps.tokens.pricing import Cost, price_usage
from pytest_timestamps.tokens.record import RunState, UsageScope
from pytest_timestamps.tokens.recorder import RunPlan, RunRecorder
from pytest_timestamps.tokens.run import TokenRun
from pytest_timestamps.tokens.secret import SecretText
from pytest_timestamps.tokens.usage import ObservedUsage

if TYPE_CHECKING:
    from pytest_timestamps.tokens.forwarding import Forwarder

__all__ = ["LiveRun", "RunSession", "check_session"]


@dataclass(slots=True)
class LiveRun:
    """A run that has begun and not ended."""

    planned: PlannedRun
    run: TokenRun
    recorder: RunRecorder
    tally: observed.Tally
    key: SecretText | None
    charged_tokens: int = -1

    @property
    def is_shared(self) -> bool:
        """Whether it spans several tests, each a step."""
        return self.planned.spec.scope != "function"


@dataclass(slots=True)
class Spending:
    """What runs cost in one process; with xdist the exchange does this for all of them."""

    spent: dict[str, Decimal] = field(default_factory=dict)

    def spent_usd(self) -> Decimal:
        """What all runs that ended cost."""
        return sum(self.spent.values(), Decimal(0))

    def add_spending(self, run_id: str, amount_usd: Decimal) -> Decimal:
        """Add what a run cost; gives what the others had cost before it."""
        others = self.spent_usd()
        self.spent[run_id] = amount_usd
        return others


class RunSession:
    """Begins and ends the runs of one process; made when the selected tests are known."""

    def __init__(
        self,
        settings: TokenSettings,
        keys: Mapping[KeyWish, RunKey],
        *,
        key_source: KeySource | None = None,
        worker: str | None = None,
        exchange: RunExchange | None = None,
    ) -> None:
        self.settings = settings
        self.paths: list[Path] = []
        self.secrets: set[str] = {str(k.value) for k in keys.values() if k.value is not None}
        self._ledger = Ledger(settings.run_dir)
        self._keys = keys
        self._key_source = key_source
        self._worker = worker
        self._exchange = exchange
        self._spending: Spending | RunExchange = exchange or Spending()
        self._forwarder: Forwarder | None = None

    def begin(self, planned: PlannedRun, first_test: str) -> LiveRun:
        """Start a run: its key, its file, its pulse.

        Raises `TokenRunError`; nothing is left going then.
        """
        run_id = planned.spec.run_id or str(uuid.uuid4())
        key, scope = self._key(planned, run_id)
        tally = observed.Tally()
        plan = RunPlan(
            run_id=run_id,
            framework=planned.spec.framework,
            test=first_test if planned.spec.scope == "function" else planned.name,
            worker=self._worker,
            usage_scope=scope,
        )
        recorder = RunRecorder(self._ledger, plan, observe=tally.snapshot)
        try:
            recorder.start()
        except BaseException:
            with contextlib.suppress(TokenRunError):
                self._remove_key(run_id)
            raise
        shared_heartbeat().add(recorder.beat)
        self.paths.append(recorder.path)
        if self._exchange is not None:
            self._exchange.add_run(self._worker or "", recorder.path)
        run = TokenRun(
            recorder, tally, key, scope=planned.spec.scope, forwarder=self._running_forwarder()
        )
        return LiveRun(planned, run, recorder, tally, key)

    def end(self, live: LiveRun, state: RunState = RunState.FINISHED) -> None:
        """End a run, whatever it takes: pulse, file, tally, key.

        Raises `TokenRunError` for the first of these that failed, after all have been tried.
        """
        shared_heartbeat().remove(live.recorder.beat)
        with contextlib.ExitStack() as stack:
            # The stack unwinds from the last: the file is written first.
            stack.callback(self._remove_key, live.run.run_id)
            stack.callback(live.tally.close)
            if self._forwarder is not None:
                stack.callback(self._forwarder.release, live.tally)
            stack.callback(self._charge, live)
            stack.callback(live.recorder.finish, state)

    def close(self) -> None:
        """Stop what served the runs, when all of them have ended."""
        if self._forwarder is not None:
            self._forwarder.stop()
            self._forwarder = None

    @contextlib.contextmanager
    def entered(self, live: LiveRun) -> Iterator[None]:
        """What holds while a test of the run goes on: its calls are the run's, and its key."""
        variables: dict[str, str] = {}
        if live.key is not None and self.settings.sets_environment:
            variables[EXECUTION_KEY] = live.key
        if self.settings.covers_subprocesses:
            variables |= live.run.child_variables(dict(os.environ))
        with (
            _environment(variables),
            observed.attribute_to(live.tally, api_key=live.key),
        ):
            yield

    def breach(self, live: LiveRun) -> str | None:
        """Why the run, as far as it was seen, is over a budget; None if it isn't, or was told so.

        A run that is over its budget fails each test that used more still.
        """
        spec, limit = live.planned.spec, self.settings.max_cost_usd
        if spec.max_tokens is None and spec.max_cost_usd is None and limit is None:
            return None
        seen = live.tally.snapshot()
        used = seen.input_tokens + seen.output_tokens
        if used == live.charged_tokens:
            return None
        live.charged_tokens = used
        complaint = None if spec.max_tokens is None else token_breach(seen, spec.max_tokens)
        if complaint is None and (spec.max_cost_usd is not None or limit is not None):
            complaint = self._cost_breach(live, seen)
        return complaint

    def _cost_breach(self, live: LiveRun, seen: ObservedUsage) -> str | None:
        max_run_usd, max_session_usd = live.planned.spec.max_cost_usd, self.settings.max_cost_usd
        cost = self._cost(live, seen)
        complaint = None if max_run_usd is None else cost_breach(seen, cost, max_run_usd)
        if complaint is None and max_session_usd is not None:
            others_usd = self._spending.add_spending(live.run.run_id, cost.known_usd)
            complaint = session_breach(others_usd, seen, cost, max_session_usd)
        return complaint

    def _charge(self, live: LiveRun) -> None:
        if self.settings.max_cost_usd is not None:
            seen = live.tally.snapshot()
            self._spending.add_spending(live.run.run_id, self._cost(live, seen).known_usd)

    def _cost(self, live: LiveRun, seen: ObservedUsage) -> Cost:
        prices = self.settings.prices
        return price_usage(seen.by_model, live.recorder.start_s, overrides=prices)

    def _key(self, planned: PlannedRun, run_id: str) -> tuple[SecretText | None, UsageScope]:
        spec = planned.spec
        if self._key_source is not None:
            project = spec.project_id or self.settings.project_id or ""
            minted = self._key_source.mint(run_id, project)
            self.secrets.add(str(minted.value))
            return minted.value, UsageScope(minted.key_id, minted.project_id, minted=True)
        key = self._keys[wish_of(planned)]
        return key.value, UsageScope(key.key_id, spec.project_id)

    def _running_forwarder(self) -> Forwarder | None:
        if self.settings.forwards and self._forwarder is None:
            from pytest_timestamps.tokens.forwarding import Forwarder

            self._forwarder = Forwarder().start()
        return self._forwarder

    def _remove_key(self, run_id: str) -> None:
        if self._key_source is not None:
            self._key_source.remove(run_id)


def wish_of(planned: PlannedRun) -> KeyWish:
    """The key that a run needs."""
    return KeyWish(planned.spec.framework, planned.tests[0], planned.spec.api_key_id)


def check_session(
    settings: TokenSettings,
    runs: Sequence[PlannedRun],
    environ: Mapping[str, str],
    *,
    has_begun: bool = False,
) -> dict[KeyWish, RunKey]:
    """Check what can be known to fail before a test has run; gives the keys.

    Raises `TokenRunError`: a key is missing, the folder can't be used, a run id is taken.
    A session that *has_begun* has written some of its runs already.
    """
    keys = find_keys(map(wish_of, runs), environ, settings.keys)
    if settings.keys is KeyPolicy.MINT:
        _require_projects(runs, settings.project_id)
    ledger = Ledger(settings.run_dir)
    ledger.prepare()
    for run in runs:
        if run.spec.run_id is not None and not has_begun:
            path = ledger.find(run.spec.run_id)
            if path is not None:
                raise RunExistsError(
                    f"run_id {run.spec.run_id}, given to {run.name}, is taken by {path}; give "
                    "each run an id of its own, or none"
                )
    return keys


def _require_projects(runs: Sequence[PlannedRun], project_id: str | None) -> None:
    for run in runs:
        if project_id is None and run.spec.project_id is None:
            raise KeysError(
                f"there is no project to mint the key of {run.name} in; expected one from "
                "token_run_project_id, --token-run-project-id or the marker's project_id"
            )


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set *variables*, and put back afterwards what was there."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
