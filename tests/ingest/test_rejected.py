"""A message that could not be recorded is listed with what is kept of it, and recorded once it is put right."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cli import main
from analytics_es.events.event import REJECTED
from analytics_es.events.fields import LEFT_OUT
from analytics_es.ingest import InProcessBus
from analytics_es.testing import NOON
from tests.ingest.test_rejections import ADA, CALL, SECRET, delivered
from tests.stores import data_of, found_in, opened, recorded

both = pytest.mark.store("sqlite", "postgres")


def position(analytics: AnalyticsService) -> int:
    return analytics.rejected_messages(recorded=True).unwrap()[0].position


@both
def test_a_call_of_12_50_is_recovered_under_the_default(analytics: AnalyticsService) -> None:
    delivered(analytics, CALL)
    (message,) = analytics.rejected_messages().unwrap()
    assert (message.code, message.field, message.recorded) == ("bad_field", "output_tokens", None)
    assert message.event and message.event["data"]["cost"] == 12.5

    first, again = (analytics.record_rejected(message.position, {"output_tokens": 3}).unwrap() for _ in range(2))
    analytics.catch_up()

    assert (first.duplicate, again.duplicate, again.position) == (False, True, first.position)
    cost = analytics.get_cost_breakdown(TimePeriod(NOON.replace(hour=0), NOON.replace(hour=23)), by=["user"]).unwrap()
    assert [(row.keys["user"], row.cost) for row in cost.rows] == [
        (analytics.store.vault.find("user", ADA), Decimal("12.5"))
    ]
    assert analytics.rejected_messages().unwrap() == []
    assert [one.recorded for one in analytics.rejected_messages(recorded=True).unwrap()] == [first.position]


@both
def test_delivered_again_after_it_was_put_right_it_is_the_same_event(analytics: AnalyticsService) -> None:
    delivered(analytics, CALL)
    analytics.record_rejected(position(analytics), {"output_tokens": 3}).unwrap()

    with analytics.subscribe_to(bus := InProcessBus()) as subscription:
        bus.publish("provider.call.completed", {**CALL, "output_tokens": 3}, id="m-1", source="platform", time=NOON)

        assert (subscription.stats().duplicates, subscription.stats().rejected) == (1, 0)


@pytest.mark.store("sqlite")
def test_what_is_put_right_passes_the_policy_too(analytics: AnalyticsService, tmp_path: Path) -> None:
    delivered(analytics, {**CALL, "user_id": ""})
    changes = {"output_tokens": 3, "user_id": ADA, "prompt": SECRET, "provider": None}

    analytics.record_rejected(position(analytics), changes).unwrap()

    (data,) = data_of(analytics, "provider.call.completed")
    assert data["user_id"] == analytics.store.vault.find("user", ADA)
    assert not {"prompt", "provider"} & data.keys()
    assert found_in(tmp_path, ADA) == found_in(tmp_path, SECRET) == []


@pytest.mark.parametrize("privacy", ["pseudonymous", "anonymous"])
def test_what_a_weaker_policy_has_left_is_recorded_as_the_one_of_now_leaves_it(path: Path, privacy: str) -> None:
    with opened(path, privacy={"preset": "full", "rules": {"raw": "drop"}}) as before:
        delivered(before, CALL)
    with opened(path, privacy=privacy) as now:
        now.record_rejected(position(now), {"output_tokens": 3, "prompt": SECRET}).unwrap()

        (data,) = data_of(now, "provider.call.completed")
        assert data[LEFT_OUT] == "attributes.prompt prompt"
        assert data.get("user_id") == now.store.vault.find("user", ADA)
    assert "prompt" not in data and "prompt" not in data["attributes"]
    assert (float(data["cost"]), data["attributes"]["n"]) == (12.5, 3)


@pytest.mark.store(privacy="full")
def test_where_the_raw_bytes_are_kept_it_is_recorded_from_them(analytics: AnalyticsService) -> None:
    delivered(analytics, json.dumps(CALL).encode())

    analytics.record_rejected(position(analytics), {"output_tokens": 3}).unwrap()

    assert data_of(analytics, "provider.call.completed")[0]["prompt"] == SECRET


def test_what_is_still_wrong_is_refused_and_stays() -> None:
    with opened() as analytics:
        delivered(analytics, CALL)

        failure = analytics.record_rejected(position(analytics)).failure

        assert failure and failure.code == "bad_field"
        assert len(analytics.rejected_messages().unwrap()) == 1


def test_type_time_and_id_can_be_put_right() -> None:
    with opened() as analytics:
        delivered(analytics, {"cost": 12.5, "currency": "USD", "input_tokens": -1})
        about: dict[str, Any] = {"event_type": "provider.call.failed", "occurred_at": NOON.replace(hour=3), "id": "x"}
        analytics.record_rejected(position(analytics), {"input_tokens": 1}, **about).unwrap()
        row = analytics.store.log.scan(after=0, limit=10).to_pylist()[-1]
        state = json.loads(row["state"])

    assert (row["type"], state["id"], state["occurred_at"][:13]) == ("provider.call.failed", "x", "2026-03-02T03")


def test_what_contradicts_an_event_is_listed_and_needs_an_id_of_its_own() -> None:
    with opened() as analytics:
        right = {**CALL, "output_tokens": 3}
        with analytics.subscribe_to(bus := InProcessBus()):
            bus.publish("provider.call.completed", right, id="m-1", source="platform", time=NOON)
        delivered(analytics, {**right, "cost": 13})
        (message,) = analytics.rejected_messages().unwrap()

        again = analytics.record_rejected(message.position).unwrap()
        other = analytics.record_rejected(message.position, id="m-1b").unwrap()

    assert (again.duplicate, again.differs, other.duplicate) == (True, True, False)


@pytest.mark.parametrize(("at", "code"), [(1, "no_rejected_message"), (99, "no_rejected_message"), (2, "nothing_kept")])
def test_what_is_none_or_holds_nothing_is_said(at: int, code: str) -> None:
    with opened() as analytics:
        delivered(analytics, b"no json")

        failure = analytics.record_rejected(at).failure

        assert failure and failure.code == code


def test_what_only_looks_like_a_rejected_message_is_left_out() -> None:
    with opened() as analytics:
        for data in ({}, {"reason": 7}, {"reason": {"code": 7}}, {"reason": {"code": "x"}, "raw": "no base64"}):
            analytics.store.recorder.announce(REJECTED, data)

        assert [one.code for one in analytics.rejected_messages().unwrap()] == ["x"]


@pytest.mark.parametrize("time", [f"when {ADA} was there", "1767225600000000", "2026-02-30T00:00:00Z"])
def test_a_time_that_is_none_is_not_kept_and_the_event_is_recorded_at_that_of_the_message(
    path: Path, time: Any
) -> None:
    event = {"specversion": "1.0", "type": "provider.call.completed", "source": "s", "id": "x", "time": time}
    with opened(path) as analytics:
        delivered(analytics, {**event, "data": CALL})
        (message,) = analytics.rejected_messages().unwrap()
        assert message.event and "occurred_at" not in message.event

        analytics.record_rejected(message.position, {"output_tokens": 3}).unwrap()

        assert analytics.rejected_messages().unwrap() == []
        assert recorded(analytics, "provider.call.completed")[0].occurred_at == NOON
    assert found_in(path.parent, ADA) == []


def test_what_was_kept_before_with_a_time_that_is_none_is_listed_and_recorded() -> None:
    event = {"type": "provider.call.completed", "id": "x", "occurred_at": "once", "data": {"provider": "openai"}}
    with opened() as analytics:
        kept = {"reason": {"code": "unreadable_message"}, "event": event}
        at = analytics.store.recorder.announce(REJECTED, kept, occurred_at=NOON).position

        assert [message.position for message in analytics.rejected_messages().unwrap()] == [at]
        analytics.record_rejected(at).unwrap()
        assert recorded(analytics, "provider.call.completed")[0].occurred_at == NOON


@pytest.fixture
def cli() -> Callable[..., Any]:
    from click.testing import CliRunner

    return lambda *words: CliRunner().invoke(main, [*map(str, words)])


def test_the_command_line_lists_shows_and_records(path: Path, cli: Callable[..., Any]) -> None:
    with opened(path) as analytics:
        delivered(analytics, CALL)

    listed = cli("rejected", "list", "--db", path).output
    shown = cli("rejected", "show", 2, "--db", path).output
    recorded = cli("rejected", "record", 2, "--data", '{"output_tokens": 3}', "--db", path).output
    after = cli("rejected", "list", "--db", path).output
    none = cli("rejected", "show", 1, "--db", path)

    assert "output_tokens" in listed and "bad_field" in listed
    assert '"cost": 12.5' in shown and ADA not in shown
    assert recorded == "recorded at position 3\n"
    assert after == "no rejected messages\n"
    assert none.exit_code == 1 and "no rejected message at position 1" in none.output
