"""Stored bytes: what goes in comes out, old shapes are brought up to date, and answers are JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.codec import UPCASTERS, _converter, decode, encode, same_content, to_json, to_plain, upcast
from analytics_es.events.event import RecordedEvent, admit
from analytics_es.events.fields import VOCABULARY
from analytics_es.testing import (
    NOON,
    budget_allocated,
    job_failed,
    message_added,
    provider_call,
    task_completed,
    tool_call,
)
from analytics_es.types import Distribution, Receipt

# ── any event ───────────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
NAMES = TEXTS.filter(lambda name: name not in VOCABULARY)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 12, 31), timezones=st.just(UTC))
MONEY = st.decimals(0, 10**15, places=9)
TOKENS = st.integers(0, 10**12)
OWN = st.fixed_dictionaries(
    {},
    optional={
        "user_id": TEXTS,
        "model": TEXTS,
        "status": st.sampled_from(["ok", "error", "cancelled"]),
        "duration_ms": st.floats(0, 1e12),
        "value": MONEY,
        "attributes": st.dictionaries(TEXTS, st.booleans() | TEXTS | st.integers(-9, 9), max_size=3),
        "input_tokens": TOKENS,
        "output_tokens": TOKENS,
        "amount": MONEY,
    },
)


@st.composite
def events(draw: st.DrawFn) -> RecordedEvent:
    """Draw an event that passed the door."""
    data = {**draw(st.dictionaries(NAMES, JSON, max_size=4)), **draw(OWN), "currency": "EUR"}
    return admit(
        draw(st.sampled_from(["provider.call.completed", "job.failed", "budget.spent", "shop.order.placed"])),
        data,
        now=draw(TIMES),
        occurred_at=draw(TIMES),
        id=draw(TEXTS.filter(bool)),
        source=draw(TEXTS.filter(bool)),
    )


@given(events(), st.integers(1, 2**62))
def test_what_is_encoded_is_decoded(event: RecordedEvent, position: int) -> None:
    found = decode(position, event.type, encode(event))

    assert found == evolve(event, position=position)
    assert repr(found.data) == repr(event.data)  # 1, 1.0 and True are equal, and not the same
    assert (found.occurred_at.tzinfo, found.recorded_at and found.recorded_at.tzinfo) == (UTC, UTC)


PARTS = st.sampled_from(["source", "id", "occurred_at", "recorded_at", "data", "more"])
ODD = st.sampled_from(["", "x", "2026-03-02", "2026-03-02T12:00", 7, 1.5, True, None, {}, {"a": 1}, [], [["a", 1]]])


@given(events(), st.dictionaries(PARTS, ODD, max_size=3), st.sets(PARTS, max_size=1))
def test_what_is_stored_is_decoded_as_by_the_converter(
    event: RecordedEvent, odd: dict[str, Any], without: set[str]
) -> None:
    told = {**orjson.loads(encode(event)), **odd}
    state = orjson.dumps({name: part for name, part in told.items() if name not in without})
    stored = {**orjson.loads(state), "type": event.type, "position": 1}

    def outcome(decoding: Callable[[], RecordedEvent]) -> str:
        try:
            return repr(decoding())
        except Exception as error:
            return repr(error)

    assert outcome(lambda: decode(1, event.type, state)) == outcome(
        lambda: _converter().structure(stored, RecordedEvent)
    )


@given(events())
def test_the_same_event_is_the_same_bytes(event: RecordedEvent) -> None:
    assert encode(decode(1, event.type, encode(event))) == encode(event)


@given(events(), TIMES)
def test_when_it_was_recorded_makes_no_difference(event: RecordedEvent, recorded_at: datetime) -> None:
    assert same_content(encode(event), encode(evolve(event, recorded_at=recorded_at)))


# ── stored bytes ────────────────────────────────────────────────────────────────────────────────────────────────


def stored(event: dict[str, Any], id: str = "1") -> bytes:
    return encode(admit(now=NOON + timedelta(seconds=1), **event, id=id))


def test_stored_bytes_are_json_whose_names_never_change() -> None:
    assert stored(tool_call(occurred_at=NOON + timedelta(microseconds=1), cost=0.5, currency="EUR")) == (
        b'{"source":"local","id":"1","occurred_at":"2026-03-02T12:00:00.000001Z","recorded_at":"2026-03-02T12:00:01Z",'
        b'"data":{"user_id":"ada","tenant_id":"acme","agent_id":"helper","job_id":"job-1","task_id":"task-1",'
        b'"conversation_id":"talk-1","tool":"bash","duration_ms":35.5,"status":"ok","cost":"0.5","currency":"EUR"}}'
    )


@pytest.mark.parametrize(
    "valid", [provider_call, tool_call, task_completed, job_failed, budget_allocated, message_added]
)
def test_every_example_comes_back_from_the_log(valid: Any) -> None:
    event = admit(now=NOON, **valid())

    assert decode(7, event.type, encode(event)) == evolve(event, position=7)


def test_the_order_of_fields_makes_no_difference() -> None:
    event = provider_call()
    turned = {**event, "data": dict(reversed(event["data"].items()))}

    assert stored(turned) != stored(event)
    assert same_content(stored(turned), stored(event))


@pytest.mark.parametrize(("one", "other"), [("0.20", 0.2), ("0.20", "0.2"), ("100", "1e2"), ("0.00", 0), ("1.0", 1)])
def test_an_amount_is_the_same_however_it_is_written(one: Any, other: Any) -> None:
    assert same_content(stored(provider_call(cost=one)), stored(provider_call(cost=other)))


@pytest.mark.parametrize(
    "cost", ["NaN", "1e999999999", "x", "", None, 0.2, [], "0.20000000000000000000000000000000001"]
)
def test_amounts_of_another_hand_are_compared_as_they_are(cost: Any) -> None:
    one, other = (orjson.dumps({"data": {"cost": amount}}) for amount in (cost, "0.2"))

    assert same_content(one, one)
    assert not same_content(one, other)


@pytest.mark.parametrize(
    "other",
    [
        provider_call(input_tokens=1201),
        provider_call(user_id=None),
        provider_call(note=None) | {"data": {**provider_call()["data"], "note": None}},
        {**provider_call(), "source": "crm"},
        provider_call(attributes={"n": True}),
        provider_call(attributes={"n": 2}),
    ],
)
def test_anything_else_makes_a_difference(other: dict[str, Any]) -> None:
    assert not same_content(stored(provider_call(attributes={"n": 1})), stored(other))


def test_when_it_happened_makes_no_difference() -> None:
    assert same_content(stored(provider_call()), stored(provider_call(occurred_at=NOON + timedelta(hours=1))))


def test_a_number_is_the_same_however_it_is_written() -> None:
    assert same_content(b'{"data":{"n":[1,{"m":2.0}]}}', b'{"data":{"n":[1.0,{"m":2}]}}')


@pytest.mark.parametrize("state", [b"", b"no JSON", b"[1]", b'"text"'])
def test_bytes_of_another_hand_are_another_content(state: bytes) -> None:
    assert not same_content(state, stored(provider_call()))


def test_another_id_makes_a_difference() -> None:
    assert not same_content(stored(provider_call(), id="1"), stored(provider_call(), id="2"))


# ── old shapes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_old_shape_is_brought_up_to_date_on_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    state = stored(job_failed(reason="quota"))
    monkeypatch.setitem(UPCASTERS, "job.failed", lambda data: {**data, "error_type": data["reason"]})

    assert decode(1, "job.failed", upcast("job.failed", state)).data["error_type"] == "quota"
    assert orjson.loads(state)["data"]["reason"] == "quota"


def test_other_types_keep_their_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTERS, "job.failed", lambda data: {})
    state = stored(tool_call())

    assert upcast("tool.call.completed", state) == state


def test_what_cannot_be_brought_up_to_date_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTERS, "job.failed", lambda data: {"reason": data["reason"]})
    state = stored(job_failed())

    assert upcast("job.failed", state) == state
    assert upcast("job.failed", b"not JSON") == b"not JSON"


def test_folds_see_old_shapes_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTERS, "job.failed", lambda data: {**data, "user_id": data["person"]})

    with AnalyticsService.open(":memory:", follow=False) as analytics:
        analytics.record_event(**job_failed(user_id=None, person="grace")).unwrap()
        analytics.catch_up()
        usage = analytics.get_usage_stats("user", "grace", TimePeriod.day(NOON.date())).unwrap()

    assert usage.totals.events == 1


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_plain_with_decimals_as_text_and_times_as_iso() -> None:
    figures = Distribution(count=2, total=Decimal("1E+3"), mean=Decimal("0.000000001"))
    period = TimePeriod(NOON, NOON + timedelta(hours=1))

    assert to_plain(period) == {
        "start": "2026-03-02T12:00:00+00:00",
        "end": "2026-03-02T13:00:00+00:00",
        "granularity": "hour",
    }
    assert {name: value for name, value in to_plain(figures).items() if value is not None} == {
        "count": 2,
        "total": "1000",
        "mean": "0.000000001",
    }


def test_an_answer_is_json_field_for_field() -> None:
    assert (
        to_json(Receipt(position=1), indent=False) == '{"position":1,"duplicate":false,"differs":false,"waiting":false}'
    )
    assert to_json(Receipt(position=1)).splitlines()[1] == '  "position": 1,'
