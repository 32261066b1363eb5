"""Prepaid credits as OpenMeter burns them down: every case of its tests, restated."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from analytics_es.cost.budgets.credits import Grant, burn

ZERO = datetime(2024, 1, 1, tzinfo=UTC)


def hour(number: float) -> datetime:
    return ZERO + timedelta(seconds=round(number * 3600))


def grant(told: Any) -> Grant:
    def at(name: str) -> datetime | None:
        return hour(told[name]) if name in told else None

    return Grant(
        id=told["id"],
        amount=Decimal(told["amount"]),
        priority=told["priority"],
        effective_at=hour(told["effective_h"]),
        expires_at=at("expires_h"),
        voided_at=at("ends_h"),
        recurs=timedelta(hours=told["recur_h"]) if "recur_h" in told else None,
        anchor=at("anchor_h"),
    )


def test_every_case_comes_out_exactly(data: Path) -> None:
    cases = json.loads((data / "metering" / "openmeter_credit_burndown.json").read_text())["cases"]
    found, expected = {}, {}

    for case in cases:
        grants = [grant(each) for each in case["grants"]]
        burnt = burn(
            grants,
            [(hour(at), Decimal(amount)) for at, amount in case["usage"]],
            start=hour(case["at_h"]),
            end=hour(case["until_h"]),
            balances=[Decimal(case["start"][each.id]) for each in grants],
        )
        balances = {each.id: left for each, left in zip(grants, burnt.balances, strict=True)}
        found[case["name"]] = (balances, burnt.overage)
        overage = Decimal(case["independent_recomputation"]["overage"])
        assert case["expect"].get("overage", overage) == overage
        expected[case["name"]] = (case["expect"]["balances"], overage)

    assert expected == found
    assert len(found) == 14
