"""Forgetting a subject that a message names which could not be recorded, whatever the policy has left of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.events.event import REJECTED
from analytics_es.ingest import InProcessBus
from analytics_es.testing import NOON
from tests.byte_search import Tables, holders
from tests.stores import data_of, opened

ADA, ZOE, ACME = "ada.lovelace@example.com", "Zoë Müller-Łukasz", "acme-of-somebody"
WRONG = {"provider": "openai", "cost": 12.5, "currency": "USD", "output_tokens": -3}
CALL = {**WRONG, "user_id": ADA, "tenant_id": ACME, "attributes": {"user.email": ADA, "n": 3}}

pytestmark = pytest.mark.store("sqlite", "postgres")


def deliver(analytics: AnalyticsService, *payloads: Any) -> None:
    with analytics.subscribe_to(bus := InProcessBus()):
        for n, payload in enumerate(payloads):
            bus.publish("provider.call.completed", payload, id=f"m-{n}", source="platform", time=NOON)


def left(analytics: AnalyticsService, tmp_path: Path, *needles: str) -> dict[str, list[str]]:
    place = analytics.store.read_models.place
    return holders(tmp_path if isinstance(place, Path) else Tables(str(analytics.store.log.database.url)), needles)  # type: ignore[attr-defined]


@pytest.mark.parametrize("privacy", ["full", "pseudonymous", "anonymous"])
def test_no_byte_of_the_subject_is_left_of_a_message_that_was_rejected(url: str, tmp_path: Path, privacy: str) -> None:
    with opened(url, privacy=privacy) as analytics:
        deliver(analytics, CALL, json.dumps({**CALL, "user_id": ZOE, "prompt": f"I am {ZOE}."}), f"no JSON of {ADA}")

        receipts = [analytics.forget(who).unwrap() for who in (ADA, ZOE)]

        assert left(analytics, tmp_path, ADA, ZOE) == {}
        assert [receipt.mentions for receipt in receipts] == [{}, {}]
        assert [receipt.other_spellings for receipt in receipts] == [{}, {}]
        assert len(data_of(analytics, REJECTED)) == 3


@pytest.mark.store(privacy={"preset": "full", "rules": {"raw": "drop"}})
def test_in_what_is_kept_of_the_event_it_is_masked_where_it_says_who_that_is(analytics: AnalyticsService) -> None:
    deliver(analytics, CALL)

    analytics.forget(ADA).unwrap()
    analytics.forget(ACME, entity="tenant").unwrap()

    (rejected,) = data_of(analytics, REJECTED)
    data = rejected["event"]["data"]
    assert (data["cost"], data["attributes"]["n"]) == (12.5, 3)
    assert data["user_id"].startswith("p_")
    assert data["attributes"]["user.email"] == data["user_id"] != data["tenant_id"]
    assert data["tenant_id"].startswith("p_")


@pytest.mark.store(privacy="full")
def test_where_a_message_only_mentions_the_subject_that_is_told_however_it_is_written(
    analytics: AnalyticsService,
) -> None:
    deliver(
        analytics, json.dumps({**WRONG, "prompt": f"I am {ZOE}."}), json.dumps({**WRONG, "prompt": ZOE.upper() + "!"})
    )

    receipt = analytics.forget(ZOE).unwrap()

    assert (receipt.mentions, receipt.other_spellings) == ({"data.raw": 1}, {"data.raw": 1})
