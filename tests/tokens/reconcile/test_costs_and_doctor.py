"""Whole days against the Costs endpoint, and what the doctor finds."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_timestamps.errors import BooksQueryError
from pytest_timestamps.tokens.reconcile.costs import (
    INVOICE,
    DayCosts,
    compare_days,
    costs_lines,
    whole_days,
)
from pytest_timestamps.tokens.reconcile.doctor import examine
from tests.tokens.reconcile.world import NOON_S, Call, World

DAY_S = 86_400
ENDPOINTS = ("completions", "embeddings")


def test_days_that_agree_have_no_mismatch(world: World) -> None:
    """Usage, price table and costs of a day that is over."""
    run = world.add_run(calls=(Call(5, 1_000_000, 100_000, 400_000),))
    assert not whole_days([run], NOON_S + 3_600)
    world.sandbox.clock.advance(DAY_S)
    (day,) = compare_days(world.client, [run], NOON_S + DAY_S, ENDPOINTS, {})
    assert (day.used_tokens, day.billed_tokens) == (1_100_000, 1_100_000)
    assert day.priced_usd == pytest.approx(Decimal("0.18"))
    line, invoice = costs_lines([day])
    assert line == (
        "costs of 2025-10-27 (1 keys): usage 1,100,000 tokens, costs 1,100,000 tokens; by the "
        "price table 0.1800 USD, billed 0.1800 USD; quantity mismatch +0.0000 USD, price "
        "mismatch +0.0000 USD"
    )
    assert invoice == INVOICE
    assert "the invoice is the provider's" in INVOICE


class ChangedCosts:
    """The sandbox's answers, but for the costs."""

    def __init__(self, world: World, *, refuses_keys: bool = False) -> None:
        self.world = world
        self.refuses_keys = refuses_keys
        self.asked: list[object] = []

    def get(self, path: str, params: Mapping[str, object]) -> str:
        """Costs of twice the tokens at half as much again."""
        if path != "/organization/costs":
            return self.world.client.get(path, params)
        groups = params["group_by"]
        self.asked.append(groups)
        assert isinstance(groups, list)
        if self.refuses_keys and "api_key_id" in groups:
            error = BooksQueryError("answered 400")
            error.status = 400
            raise error
        page = json.loads(self.world.client.get(path, params))
        for row in page["data"][0]["results"]:
            row["quantity"] *= 2
            row["amount"]["value"] *= 3
        return json.dumps(page)


def test_quantity_and_price_mismatch_stand_apart(world: World) -> None:
    """Twice the tokens at one and a half times the price."""
    run = world.add_run(calls=(Call(5, 1_000_000, 0),))
    world.sandbox.clock.advance(DAY_S)
    (day,) = compare_days(ChangedCosts(world), [run], NOON_S + DAY_S, ENDPOINTS, {})
    assert day.priced_usd == pytest.approx(Decimal("0.15"))
    assert day.billed_usd == pytest.approx(Decimal("0.45"))
    assert day.quantity_gap_usd == pytest.approx(Decimal("0.225"))
    assert day.price_gap_usd == pytest.approx(Decimal("0.075"))


def test_trap_12_costs_that_refuse_keys_are_asked_by_project(world: World) -> None:
    """A 400 for the split by key falls back to project and line item, and says so."""
    run = world.add_run()
    world.sandbox.clock.advance(DAY_S)
    source = ChangedCosts(world, refuses_keys=True)
    (day,) = compare_days(source, [run], NOON_S + DAY_S, ENDPOINTS, {})
    assert source.asked == [["api_key_id", "line_item"], ["project_id", "line_item"]]
    assert day.scope == "1 projects"
    assert day.used_tokens == 120


def test_a_day_with_an_unknown_price_says_so(world: World) -> None:
    """No mismatch of prices is claimed then."""
    run = world.add_run(calls=(Call(5, model="whisper-of-tomorrow"),))
    world.sandbox.clock.advance(DAY_S)
    (day,) = compare_days(world.client, [run], NOON_S + DAY_S, ENDPOINTS, {})
    assert "by the price table unknown (no price for whisper-of-tomorrow)" in costs_lines([day])[0]
    assert "price mismatch unknown" in costs_lines([day])[0]


def findings(world: World, **environ: str) -> dict[str, tuple[bool | None, str]]:
    """What the doctor says, by subject."""
    found = examine(world.ledger.root, environ, world.sandbox.base_url, NOON_S)
    return {finding.subject: (finding.is_fine, finding.text) for finding in found}


def test_doctor_finds_all_well(world: World) -> None:
    """Keys, permission, runs and prices; the sandbox's address is worth a note."""
    world.add_run()
    found = findings(
        world,
        OPENAI_ADMIN_KEY=world.sandbox.admin_key,
        OPENAI_API_KEY_BAES="sk-anything-that-is-a-key",
        OPENAI_API_KEY_BAES_ID="key_abcdefabcdef",
    )
    assert found["admin key"] == (True, "in OPENAI_ADMIN_KEY")
    assert found["permission to read usage"][0] is True
    assert found["base URL"][0] is None
    assert "is not the provider's own" in found["base URL"][1]
    assert found["keys of baes"][0] is True
    assert found["prices"][0] is True
    assert "genai-prices" in found["prices"][1]
    old = list(examine(world.ledger.root, {}, None, int(time.time()) + 91 * DAY_S))[-1]
    assert old.is_fine is None
    assert "installed 91 days ago; newer ones: pip install --upgrade" in old.text


def test_doctor_names_what_is_missing(world: World) -> None:
    """No key; a project's key, which may not read usage; a bad file."""
    assert findings(world)["admin key"][0] is False
    (world.ledger.root / "baes" / "x").mkdir(parents=True)
    (world.ledger.root / "baes" / "x" / "metrics.json").write_text("{")
    found = findings(world, OPEN_AI_KEY_ADM=world.sandbox.api_key.value)
    assert found["admin key"] == (True, "in OPEN_AI_KEY_ADM")
    is_fine, text = found["permission to read usage"]
    assert is_fine is False
    assert "lacks the permission to read usage (api.usage.read)" in text
    assert found["runs"] == (False, f"0 runs, 1 bad files in {world.ledger.root}")
    assert world.sandbox.api_key.value not in text


def test_doctor_without_a_folder_only_notes_it(world: World, tmp_path: Path) -> None:
    """It may be a fresh machine."""
    found = list(examine(tmp_path / "gone", {}, None, NOON_S))
    assert [(f.subject, f.is_fine) for f in found][:2] == [("admin key", False), ("runs", None)]


def test_doctor_names_an_address_that_is_none(world: World, tmp_path: Path) -> None:
    """An empty variable, as CI makes it of a missing secret, is no outage."""
    environ = {"OPENAI_ADMIN_KEY": "sk-admin-x", "OPENAI_BASE_URL": ""}
    found = {f.subject: f for f in examine(tmp_path / "gone", environ, None, NOON_S)}
    assert found["base URL"].is_fine is False
    assert "OPENAI_BASE_URL must be an http or https address" in found["base URL"].text
    assert "permission to read usage" not in found


def test_a_rounding_error_is_no_negative_mismatch() -> None:
    """Amounts come as binary fractions; what is left of them is nothing."""
    day = DayCosts(NOON_S, "1 keys", 100, 100, Decimal("0.1"), Decimal("0.0999999999"))
    assert "quantity mismatch +0.0000 USD, price mismatch +0.0000 USD" in costs_lines([day])[0]
