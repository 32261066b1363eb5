"""Folding: what each measure keeps of events, what one event is spread over, and what becomes of the unreadable."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from attrs import evolve

from analytics_es.errors import FoldFailed
from analytics_es.events.outcomes import BEGUN, WORDS
from analytics_es.projection import (
    Histogram,
    count,
    declaration_of,
    histogram,
    key,
    largest,
    projection,
    smallest,
    total,
)
from analytics_es.projection import engine as duckdb
from analytics_es.projection.declaration import shortened
from analytics_es.projection.fold import Folded, succeeded
from analytics_es.projection.fold_sql import BUCKET_OF
from analytics_es.projections import Cost, Performance, Usage
from analytics_es.testing import (
    NOON,
    budget_allocated,
    job_failed,
    message_added,
    provider_call,
    task_completed,
    tool_call,
)
from tests.stores import batch, engine, folded, log_of, rows, runner_of, stored, views_of

NOON_HOUR = int(NOON.timestamp())
BILLION = 10**9
ENDS = {word: verdict for verdict, words in WORDS.items() if verdict != BEGUN for word in words}
LARGEST = 2**63 - 1


@projection(version=1, consumes=(">",))
class Kinds:
    """One of each kind of measure."""

    events: int = count()
    failures: int = count(where="outcome = 'error'")
    tokens: int | None = total("input_tokens")
    cost: int | None = total("cost", decimals=9)
    briefest: int | None = smallest("duration_ms", decimals=3)
    longest: int | None = largest("duration_ms", decimals=3)
    duration: Histogram = histogram("duration_ms", decimals=3)


@projection(version=1, consumes=(">",))
class Custom:
    """Values and attributes of custom events."""

    region: str = key("attributes.region")
    events: int = count()
    value: int | None = total("value", decimals=3)
    weight: int | None = total("attributes.weight", decimals=3)
    size: Histogram = histogram("data.size")
    heavy: int = count(where="CAST(attributes.weight AS INTEGER) > 10")


@projection(version=1, consumes=(">",), entities=("user", "tenant", "model"))
class Spread:
    """Events of entities."""

    who: str = key("entity.type")
    which: str = key("entity.id")
    family: str = key("family")
    events: int = count()
    tokens: int | None = total("input_tokens")


def only(found: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = found
    return row


# ── measures ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_measure_keeps_its_part_of_an_hour() -> None:
    row = only(
        rows(
            Kinds,
            provider_call(input_tokens=1200, cost="0.005115", duration_ms=2500),
            provider_call(input_tokens=1000, cost="0.000000001", duration_ms=0.25),
            provider_call(input_tokens=900, cost="12", duration_ms=0, status="error"),
        )
    )

    assert row == {
        "bucket": NOON_HOUR,
        "events": 3,
        "failures": 1,
        "tokens": 3100,
        "cost": 12_005_115_001,
        "briefest": 0,
        "longest": 2_500_000,
        "duration_count": 3,
        "duration_sum": 2_500_250,
        "duration_min": 0,
        "duration_max": 2_500_000,
        "duration_buckets": "[[-2,254,680],[1,1,1]]",
    }


def test_what_no_event_tells_is_none_and_counts_are_zero() -> None:
    row = only(rows(Kinds, message_added()))

    assert (row["events"], row["failures"], row["duration_count"], row["duration_buckets"]) == (1, 0, 0, "[[],[]]")
    assert {row[name] for name in ("tokens", "cost", "briefest", "longest", "duration_sum", "duration_min")} == {None}


def test_a_day_is_merged_from_its_hours() -> None:
    calls = [provider_call(occurred_at=NOON + timedelta(hours=n), input_tokens=1000 + n) for n in (-12, 0, 11)]

    day = only(rows(Kinds, *calls, grain="day"))

    assert (day["bucket"], day["events"], day["tokens"]) == (NOON_HOUR - 12 * 3600, 3, 2999)
    assert (day["duration_count"], day["duration_buckets"]) == (3, "[[680],[3]]")
    assert [row["events"] for row in rows(Kinds, *calls)] == [1, 1, 1]


def test_an_event_on_the_edge_of_an_hour_is_the_first_of_the_next() -> None:
    edge = NOON + timedelta(hours=1)
    found = rows(Kinds, tool_call(occurred_at=edge), tool_call(occurred_at=edge - timedelta(microseconds=1)))

    assert [(row["bucket"], row["events"]) for row in found] == [(NOON_HOUR, 1), (NOON_HOUR + 3600, 1)]


@pytest.mark.parametrize(
    ("reported", "kept"),
    [("0.0000000005", 1), ("0.00000000049", 0), ("0.0000000015", 2), ("1.0000000025", BILLION + 3)],
)
def test_money_is_rounded_once_an_event_half_away_from_zero(reported: str, kept: int) -> None:
    assert only(rows(Kinds, provider_call(cost=reported)))["cost"] == kept


@pytest.mark.parametrize(("value", "kept"), [("-2.0005", -2001), ("2.0005", 2001), ("-0.0004", 0)])
def test_a_value_below_zero_is_rounded_as_one_above(value: str, kept: int) -> None:
    assert only(rows(Custom, stored(value=value)))["value"] == kept


def test_the_largest_number_of_64_bits_is_kept_exactly() -> None:
    row = only(rows(Kinds, stored("provider.call.completed", input_tokens=LARGEST, cost="9223372036.854775807")))

    assert (row["tokens"], row["cost"]) == (LARGEST, LARGEST)


# ── keys and conditions ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_that_is_null_is_empty_and_a_number_is_text() -> None:
    found = rows(
        Custom, stored(), stored(attributes={"region": "eu"}), stored(attributes={"region": 7}), stored(attributes={})
    )

    assert [(row["region"], row["events"]) for row in found] == [("", 2), ("7", 1), ("eu", 1)]


def test_a_condition_that_is_null_does_not_count_the_event() -> None:
    @projection(version=1, consumes=(">",))
    class Ok:
        """Counts by a field that may be missing."""

        ok: int = count(where="status = 'ok'")
        not_ok: int = count(where="NOT status = 'ok'")

    assert folded(Ok, message_added(status=None), tool_call()).unreadable == []
    assert only(rows(Ok, message_added(status=None), tool_call()))["not_ok"] == 0


def test_the_filter_of_a_projection_leaves_out_whole_events() -> None:
    @projection(version=1, consumes=("tool.>", "job.>"), where="duration_ms > 40")
    class Slow:
        """Slow ones."""

        events: int = count()

    found = rows(Slow, tool_call(duration_ms=40), tool_call(duration_ms=40.001), job_failed(), task_completed())

    assert only(found)["events"] == 2


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (tool_call(status="ok"), "ok"),
        (tool_call(status="error"), "error"),
        (tool_call(status="cancelled"), "cancelled"),
        (tool_call(status=None), "ok"),
        (job_failed(status=None), "error"),
        (job_failed(status="cancelled"), "cancelled"),
        ({**task_completed(), "event_type": "task.cancelled"}, "cancelled"),
        ({**task_completed(), "event_type": "task.timed_out"}, "error"),
        ({**task_completed(), "event_type": "task.started"}, ""),
        ({**tool_call(status="ok"), "event_type": "tool.call.requested"}, ""),
        (message_added(), ""),
        (message_added(duration_ms=5), "unknown"),
        (message_added(status="error"), "error"),
        ({**tool_call(status=None), "event_type": "tool.call.exploded"}, "unknown"),
        ({**tool_call(status=None, duration_ms=None), "event_type": "tool.call.exploded"}, ""),
        ({**tool_call(status="ok"), "event_type": "tool.call.error"}, "ok"),
        *(
            ({**tool_call(status=None, duration_ms=time), "event_type": f"tool.call.{word}"}, verdict)
            for word, verdict in [*ENDS.items(), *dict.fromkeys(WORDS[BEGUN], "").items()]
            for time in (None, 5)
        ),
    ],
)
def test_the_outcome_is_the_status_else_what_the_type_says_else_unknown_where_it_took_time(
    event: Any, outcome: str
) -> None:
    @projection(version=1, consumes=(">",))
    class Outcomes:
        """How events ended."""

        outcome: str = key("outcome")
        events: int = count()

    assert only(rows(Outcomes, event))["outcome"] == outcome


def test_family_and_activity_come_from_the_type() -> None:
    @projection(version=1, consumes=(">",))
    class Types:
        """What types say."""

        family: str = key("family")
        activity: str = key("activity")
        events: int = count()

    found = rows(Types, provider_call(), stored("review.pull_request.merged"))

    assert [(row["family"], row["activity"]) for row in found] == [
        ("provider", "provider.call"),
        ("review", "review.pull_request"),
    ]


def test_a_projection_folds_only_the_types_it_consumes() -> None:
    found = engine()(batch(provider_call(), tool_call(), budget_allocated(), stored()))

    counted = {
        name: sum(row[-1] is not None for row in each.rows if row[0] == "hour")
        for name, each in found.items()
        if isinstance(each, Folded)
    }
    assert set(counted) == {"budgets", "cost", "performance", "usage"}
    assert {row[2] for row in found["performance"].rows} == {"provider.call", "tool.call"}


def test_what_the_service_says_of_itself_is_consumed_only_where_it_is_named() -> None:
    @projection(version=1, consumes=("analytics.>",))
    class Housekeeping:
        """Counts what the service did."""

        events: int = count()

    events = [provider_call(), stored("analytics.export.completed")]

    assert [[row["events"] for row in rows(each, *events)] for each in (Kinds, Housekeeping)] == [[1], [1]]


# ── entities ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_counts_once_for_all_and_once_for_each_entity_it_belongs_to() -> None:
    found = rows(Spread, provider_call(), provider_call(user_id="bob"), tool_call(user_id=None, tenant_id=None))

    assert [(row["who"], row["which"], row["family"], row["events"], row["tokens"]) for row in found] == [
        ("", "", "provider", 2, 2400),
        ("", "", "tool", 1, None),
        ("model", "claude-sonnet-4-5", "provider", 2, 2400),
        ("tenant", "acme", "provider", 2, 2400),
        ("user", "ada", "provider", 1, 1200),
        ("user", "bob", "provider", 1, 1200),
    ]


def test_an_event_that_belongs_to_nothing_is_counted_all_the_same() -> None:
    assert [(row["who"], row["events"]) for row in rows(Spread, stored())] == [("", 1)]


def test_entities_of_one_name_are_told_apart_by_their_type() -> None:
    found = rows(Spread, stored(user_id="acme", tenant_id="acme", model=""))

    assert [(row["who"], row["which"]) for row in found] == [("", ""), ("tenant", "acme"), ("user", "acme")]


# ── what cannot be read ─────────────────────────────────────────────────────────────────────────────────────────

READABLE = {"value": "1.5", "attributes": {"weight": 12}, "size": 100}
ALL_MEASURES = {"events": 2, "value": 3000, "weight": 24_000, "size_count": 2, "size_sum": 200, "heavy": 2}


def left_out(**changes: Any) -> tuple[dict[str, Any], list[tuple[int, int, str]]]:
    """Fold a readable event and a changed one; return what is missing of each measure, and what is listed."""
    events = stored(**READABLE), stored(**{**READABLE, **changes})
    row = only(rows(Custom, *events))
    missing = {name: expected - row[name] for name, expected in ALL_MEASURES.items() if row[name] != expected}
    return missing, folded(Custom, *events).unreadable


def test_the_example_to_change_is_readable() -> None:
    assert left_out() == ({}, [])


@pytest.mark.parametrize(
    ("changes", "missing", "listed"),
    [
        ({"value": "lots"}, {"value": 1500}, ["value"]),
        ({"value": ""}, {"value": 1500}, ["value"]),
        ({"value": True}, {"value": 1500}, ["value"]),
        ({"value": [1]}, {"value": 1500}, ["value"]),
        ({"value": {"n": 1}}, {"value": 1500}, ["value"]),
        ({"value": "1.5 USD"}, {"value": 1500}, ["value"]),
        ({"value": "NaN"}, {"value": 1500}, ["value"]),
        ({"value": "1e30"}, {"value": 1500}, ["value"]),
        ({"value": "123456789012345678901"}, {"value": 1500}, ["value"]),
        ({"attributes": {"weight": "much"}}, {"weight": 12_000, "heavy": 1}, ["heavy", "weight"]),
        ({"attributes": {"weight": ""}}, {"weight": 12_000, "heavy": 1}, ["heavy", "weight"]),
        ({"attributes": {"weight": "123456789012345678901"}}, {"weight": 12_000, "heavy": 1}, ["heavy", "weight"]),
        ({"size": LARGEST + 1}, {"size_count": 1, "size_sum": 100}, ["size"]),
        ({"size": "big"}, {"size_count": 1, "size_sum": 100}, ["size"]),
        ({"size": -1}, {"size_count": 1, "size_sum": 100}, ["size"]),
    ],
)
def test_a_value_that_cannot_be_read_is_left_out_of_its_measure_alone_and_listed(
    changes: dict[str, Any], missing: dict[str, int], listed: list[str]
) -> None:
    assert left_out(**changes) == (missing, [(2, NOON_HOUR, name) for name in listed])


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"value": None}, {"value": 1500}),
        ({"attributes": {"weight": None}}, {"weight": 12_000, "heavy": 1}),
        ({"attributes": {}}, {"weight": 12_000, "heavy": 1}),
        ({"attributes": None}, {"weight": 12_000, "heavy": 1}),
        ({"size": None}, {"size_count": 1, "size_sum": 100}),
    ],
)
def test_what_is_not_there_is_not_unreadable(changes: dict[str, Any], missing: dict[str, int]) -> None:
    assert left_out(**changes) == (missing, [])


def test_a_number_written_as_text_is_a_number() -> None:
    assert left_out(value=1.5, attributes={"weight": "12.0"}, size="100") == ({}, [])


@projection(version=1, consumes=(">",))
class Sizes:
    """The same field to different decimals, added up and spread."""

    whole: int | None = total("cost")
    exact: int | None = total("cost", decimals=18)
    coarse: Histogram = histogram("cost")
    fine: Histogram = histogram("cost", decimals=18)


def test_an_event_of_a_family_that_is_too_large_for_a_measure_is_listed_too() -> None:
    events = provider_call(cost="10"), stored(cost="10"), provider_call(cost="1000000000000000")

    row = only(rows(Sizes, *events))

    assert (row["whole"], row["exact"]) == (10**15 + 20, (10**15 + 20) * 10**18)
    assert (row["coarse_sum"], row["fine_count"]) == (10**15 + 20, 0)
    assert folded(Sizes, *events).unreadable == [(position, NOON_HOUR, "fine") for position in (1, 2, 3)]


def test_a_field_of_a_family_that_another_family_fills_with_text_is_listed() -> None:
    events = (
        stored(input_tokens="many", cost="free", duration_ms=3),
        stored(input_tokens="7", cost="0.5", duration_ms=3),
    )

    row = only(rows(Kinds, *events))

    assert (row["events"], row["tokens"], row["cost"], row["duration_count"]) == (2, 7, BILLION // 2, 2)
    assert folded(Kinds, *events).unreadable == [(1, NOON_HOUR, "cost"), (1, NOON_HOUR, "tokens")]


def test_an_expression_that_is_null_on_purpose_is_not_unreadable() -> None:
    @projection(version=1, consumes=(">",))
    class Chosen:
        """Measures that choose."""

        ok_time: int | None = total("CASE WHEN outcome = 'ok' THEN duration_ms END", decimals=3)
        nonzero: int | None = smallest("nullif(input_tokens, 0)")
        failed: int = count(where="nullif(status, 'ok') = 'error'")

    events = (
        provider_call(),
        provider_call(status="error", input_tokens=0, cache_read_tokens=0, cache_creation_tokens=0),
    )

    assert only(rows(Chosen, *events)) == {"bucket": NOON_HOUR, "ok_time": 2_500_000, "nonzero": 1200, "failed": 1}
    assert folded(Chosen, *events).unreadable == []


def test_an_expression_that_fails_or_has_nothing_else_to_choose_is_listed() -> None:
    @projection(version=1, consumes=(">",))
    class Failing:
        """Measures that may fail."""

        either: int | None = total("coalesce(attributes.a, attributes.b)")
        product: int | None = total("input_tokens * input_tokens")
        big: int = count(where="CAST(error_type AS INTEGER) > 3")

    events = (
        stored(attributes={"a": "x"}),
        stored(attributes={"a": "x", "b": 5}),
        stored(input_tokens=2**40),
        stored(error_type="timeout"),
        stored(error_type="7", attributes={"a": 3}, input_tokens=3),
    )

    assert only(rows(Failing, *events)) == {"bucket": NOON_HOUR, "either": 8, "product": 9, "big": 1}
    assert folded(Failing, *events).unreadable == [
        (1, NOON_HOUR, "either"),
        (3, NOON_HOUR, "product"),
        (4, NOON_HOUR, "big"),
    ]


def test_a_value_its_condition_leaves_out_is_not_unreadable() -> None:
    @projection(version=1, consumes=(">",))
    class Some:
        """A measure of some events."""

        value: int | None = total("value", where="type = 'custom.number.told'")

    assert folded(Some, stored(value="text"), stored("custom.number.told", value="text")).unreadable == [
        (2, NOON_HOUR, "value")
    ]


@pytest.mark.parametrize(
    ("event", "listed"),
    [
        (stored(value="text"), ["either", "value"]),
        (stored(value="text", output_tokens=9), ["value"]),
        (stored(value="11", output_tokens="text"), []),
        (stored(value="3", output_tokens="text"), ["either"]),
        (stored(value="3"), []),
    ],
)
def test_a_condition_that_needs_a_number_that_cannot_be_read_is_listed(event: Any, listed: list[str]) -> None:
    @projection(version=1, consumes=(">",))
    class Above:
        """Conditions on numbers."""

        value: int = count(where="value > 10")
        either: int = count(where="value > 10 OR output_tokens > 5")

    assert [field for _, _, field in folded(Above, event).unreadable] == listed


def test_conditions_that_share_a_part_that_fails_are_each_left_out_and_listed() -> None:
    @projection(version=1, consumes=(">",))
    class Bands:
        """Counts by bands of a number."""

        few: int = count(where="CAST(attributes.n AS INTEGER) BETWEEN 1 AND 5")
        many: int = count(where="CAST(attributes.n AS INTEGER) > 5")
        twice: int | None = total("CAST(attributes.n AS INTEGER) * 2")

    events = stored(attributes={"n": "4"}), stored(attributes={"n": "four"}), stored(attributes={"n": "9"})

    assert only(rows(Bands, *events)) == {"bucket": NOON_HOUR, "few": 1, "many": 1, "twice": 26}
    assert folded(Bands, *events).unreadable == [(2, NOON_HOUR, name) for name in ("few", "many", "twice")]


def test_an_event_whose_key_cannot_be_read_is_kept_under_no_key_and_listed() -> None:
    @projection(version=1, consumes=(">",))
    class Sizes:
        """Keys that not every event can give."""

        size: str = key("CAST(attributes.size AS INTEGER) // 100")
        worth: str = key("CASE WHEN value > 10 THEN 'much' WHEN value <= 10 THEN 'little' END")
        events: int = count()

    events = (
        stored(attributes={"size": "250"}, value=3),
        stored(attributes={"size": "big"}, value=12),
        stored(attributes={"size": "30"}, value="lots"),
        stored(),
    )

    assert [(row["size"], row["worth"], row["events"]) for row in rows(Sizes, *events)] == [
        ("", "", 1),
        ("", "much", 1),
        ("0", "", 1),
        ("2", "little", 1),
    ]
    assert folded(Sizes, *events).unreadable == [(2, NOON_HOUR, "size"), (3, NOON_HOUR, "worth")]


@pytest.mark.parametrize("where", ["value > 10", "CAST(attributes.size AS INTEGER) > 10"])
def test_an_event_that_the_filter_of_a_projection_cannot_read_is_left_out_and_listed(where: str) -> None:
    @projection(version=1, consumes=(">",), where=where)
    class Large:
        """Large ones."""

        events: int = count()

    events = [stored(value=n, attributes={"size": n}) for n in ("12", "9", "lots", None)]

    assert only(rows(Large, *events))["events"] == 1
    assert folded(Large, *events).unreadable == [(3, NOON_HOUR, "where")]


BROKEN = {
    "no JSON": b"{",
    "nothing": b"",
    "no UTF-8": b'{"occurred_at": "2026-03-02T12:00:00Z", "data": {"user_id": "\xff"}}',
    "null": b"null",
    "a list": b"[1, 2]",
    "a text": b'"2026-03-02T12:00:00Z"',
    "no time": b'{"source": "test", "id": "1", "data": {}}',
    "an empty time": stored(occurred_at="")[1],
    "a time that is none": stored(occurred_at="yesterday")[1],
    "a time that is a number": stored(occurred_at=1772452800)[1],
    "a time in another notation": stored(occurred_at="2026-W10-1T12:00:00+00:00")[1],
    "a time that is null": stored(occurred_at=None)[1],
}


@pytest.mark.parametrize("state", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("company", [0, 1], ids=["alone", "among others"])
def test_what_is_stored_but_is_no_event_is_listed_and_left_out(state: bytes, company: int) -> None:
    found = folded(Kinds, ("custom.thing.happened", state), *[tool_call()] * company)

    assert found.unreadable == [(1, 0, "event")]
    assert [row[2] for row in found.rows] == [1, 1] * company


def test_what_is_no_event_is_listed_only_where_its_type_is_consumed() -> None:
    found = engine()(batch(("tool.call.completed", b"{"), tool_call()))

    assert {name: each.unreadable for name, each in found.items() if isinstance(each, Folded)} == {
        "budgets": [],
        "cost": [],
        "performance": [(1, 0, "event")],
        "usage": [(1, 0, "event")],
    }


NO_TYPES = ["tool.", "tool.call completed", "tool.Call.completed", f"tool.{'x' * 200}", "tool", "", "."]


@pytest.mark.parametrize("event_type", NO_TYPES)
@pytest.mark.parametrize("company", [0, 1], ids=["alone", "among others"])
def test_what_is_stored_under_a_type_that_is_none_is_left_out(event_type: str, company: int) -> None:
    found = folded(Kinds, (event_type, stored()[1]), *[tool_call()] * company)

    assert found.unreadable == [(1, 0, "event")]
    assert [row[2] for row in found.rows] == [1, 1] * company


def test_one_that_is_no_event_does_not_change_how_the_others_are_read() -> None:
    others = [
        stored(value="3"),
        stored(value="x"),
        ("custom.thing.happened", orjson.dumps({"occurred_at": "2026-03-02"})),
    ]

    alone, together = folded(Custom, *others), folded(Custom, *others, ("custom.thing.happened", b"{"))

    assert together.rows == alone.rows
    assert together.unreadable == [(4, 0, "event"), *alone.unreadable]


# ── the batch ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_batch_gives_no_rows() -> None:
    names = ("budgets", "cost", "performance", "usage")

    assert engine()(batch()) == {name: Folded(rows=[], unreadable=[]) for name in names}


def test_a_batch_of_unknown_types_gives_no_rows_to_those_that_do_not_consume_them() -> None:
    found = engine()(batch(stored(), stored("other.thing.happened")))

    assert found["cost"] == found["performance"] == Folded(rows=[], unreadable=[])
    assert len(found["usage"].rows) == 4


def test_only_the_named_projections_are_folded() -> None:
    assert set(engine()(batch(tool_call()), ["usage"])) == {"usage"}


def test_only_the_microseconds_within_are_folded() -> None:
    events = [tool_call(occurred_at=NOON + timedelta(microseconds=n)) for n in (-1, 0, 1, 2)]
    within = (NOON_HOUR * 10**6, NOON_HOUR * 10**6 + 2)

    found = engine((Kinds,))(batch(*events), within=within)["kinds"]

    assert isinstance(found, Folded)
    assert [row[2] for row in found.rows if row[0] == "hour"] == [2]


@pytest.mark.parametrize("year", [1990, 2100])
def test_the_first_and_the_last_year_are_folded_in_every_zone(year: int) -> None:
    events = [
        tool_call(occurred_at=datetime(year, 1, 1, tzinfo=UTC)),
        tool_call(occurred_at=datetime(year, 12, 31, 23, 59, tzinfo=UTC)),
    ]

    for zone in ("UTC", "Pacific/Apia", "America/Los_Angeles"):
        assert [row["events"] for row in rows(Kinds, *events, zone=zone)] == [1, 1]


@projection(version=1, consumes=(">",))
class Overflowing:
    """A sum that a batch may take beyond 38 digits."""

    value: int | None = total("value", decimals=18)


def test_a_sum_of_a_batch_beyond_38_digits_stops_its_projection_alone() -> None:
    huge = [stored(value=str(10**18))] * 101

    found = engine((Overflowing, Performance))(batch(*huge, tool_call()))

    assert isinstance(found["performance"], Folded)
    assert isinstance(found["overflowing"], FoldFailed)
    assert str(found["overflowing"]).startswith("The projection overflowing cannot go on: ")


@projection(version=1, consumes=(">",))
class Wide:
    """Sums of counts, durations, values and money."""

    currency: str = key("currency")
    tokens: int | None = total("input_tokens")
    together: int | None = total("input_tokens + output_tokens")
    duration: int | None = total("duration_ms", decimals=3)
    longest: int | None = largest("duration_ms", decimals=3)
    took: Histogram = histogram("duration_ms", decimals=3)
    cost: int | None = total("cost", unit="currency", decimals=18)
    least: int | None = smallest("value", decimals=12)


MOST = {"input_tokens": 10**12, "duration_ms": 10**12, "cost": 10**15, "value": 10**18}
WIDE_CALL = provider_call(output_tokens=3, reasoning_tokens=0, **MOST)
OLD_CALL = stored(
    "provider.call.completed",
    input_tokens=LARGEST,
    output_tokens=0,
    duration_ms=10**13,
    cost="0.000000000000000001",
    value=-(10**18),
    currency="USD",
)


def test_sums_far_beyond_64_bits_are_exact() -> None:
    row = only(rows(Wide, *[WIDE_CALL] * 20, *[OLD_CALL] * 20))

    assert row == {
        "bucket": NOON_HOUR,
        "currency": "USD",
        "tokens": 20 * (10**12 + LARGEST),
        "together": 20 * (10**12 + 3 + LARGEST),
        "duration": 20 * (10**15 + 10**16),
        "longest": 10**16,
        "took_count": 40,
        "took_sum": 20 * (10**15 + 10**16),
        "took_min": 10**15,
        "took_max": 10**16,
        "took_buckets": "[[1594,1700],[20,20]]",
        "cost": 20 * (10**33 + 1),
        "least": -(10**30),
    }


@pytest.mark.parametrize("size", [1, 7, 40])
def test_sums_far_beyond_64_bits_are_the_same_in_any_batches(size: int) -> None:
    calls = [provider_call(input_tokens=10**12, cost="999999999999.999999999999999999", value=n) for n in range(40)]
    with log_of(calls) as log, views_of(log, (Wide,)) as read_models:
        runner_of(log, read_models, classes=(Wide,), batch=size).catch_up()
        with read_models.read() as snapshot:
            declared = snapshot.live["wide"]
            (day,) = (row for row in snapshot.rows(declared) if row[0] == "day")

    found = dict(zip([*declared.row_key, *(column.name for column in declared.columns)], day, strict=True))
    assert (found["tokens"], found["cost"]) == (40 * 10**12, 40 * (10**30 - 1))


# ── histogram buckets ───────────────────────────────────────────────────────────────────────────────────────────


def bucket_indexes(values: list[int]) -> list[int]:
    index = BUCKET_OF.format(v="v")
    found = duckdb.connect().execute(f"SELECT {index} FROM (SELECT unnest(?::BIGINT[]) AS v)", [values]).fetchall()
    return [each for (each,) in found]


def root(k: int) -> int:
    """Return the largest whole number that is not above 2^(k/32): n with n^32 <= 2^k."""
    n = math.isqrt(math.isqrt(math.isqrt(math.isqrt(math.isqrt(2**k)))))
    assert n**32 <= 2**k < (n + 1) ** 32
    return n


def exact_index(value: int) -> int:
    """Return i with 2^(i/32) < value <= 2^((i+1)/32), that is 2^i < value^32 <= 2^(i+1)."""
    return (value**32 - 1).bit_length() - 1


def test_a_bucket_index_is_what_integer_arithmetic_says_on_both_sides_of_every_bound() -> None:
    values = sorted({value for k in range(32 * 50 + 1) for value in (root(k), root(k) + 1)})

    wrong = [
        (value, found, exact_index(value))
        for value, found in zip(values, bucket_indexes(values), strict=True)
        if found != exact_index(value)
    ]

    assert wrong == []


def test_the_first_buckets_hold_the_small_numbers_one_by_one() -> None:
    assert bucket_indexes([0, 1, 2, 3, 4, 8, 16]) == [-2, -1, 31, 50, 63, 95, 127]


def test_a_bucket_index_is_within_reach_up_to_64_bits() -> None:
    values = [2**52 + 7**9, 2**60 - 3, LARGEST]

    assert all(
        abs(found - exact_index(value)) <= 1 for value, found in zip(values, bucket_indexes(values), strict=True)
    )


def test_zeros_have_a_bucket_of_their_own() -> None:
    assert (
        only(rows(Kinds, tool_call(duration_ms=0), tool_call(duration_ms=0), tool_call(duration_ms=0.001)))[
            "duration_buckets"
        ]
        == "[[-2,-1],[2,1]]"
    )


def test_a_histogram_counts_every_value_once() -> None:
    row = only(rows(Kinds, *(tool_call(duration_ms=n * n) for n in range(200))))
    indexes, counts = orjson.loads(row["duration_buckets"])

    assert (sum(counts), row["duration_count"]) == (200, 200)
    assert indexes == sorted(set(indexes))


@pytest.mark.parametrize("text", ["a" * 256, "a" * 257, "ü" * 128, "ü" * 129, "𝄞" * 1024, "…" * 1000, "a" * 1024])
def test_a_long_text_is_shortened_where_it_is_a_key_by_sql_as_by_python(text: str) -> None:
    found = rows(Usage, tool_call(user_id=text))

    key = shortened(text)
    assert {row["entity_id"] for row in found if row["entity_type"] == "user"} == {"", key}
    assert (key == text) == (len(text.encode()) <= 256)
    assert len(key.encode()) <= 256
    assert shortened(key) == key


# ── other definitions, and single events ────────────────────────────────────────────────────────────────────────


def test_the_fold_of_other_definitions_shares_the_engine_and_that_of_its_own_is_itself() -> None:
    fold, usage = engine((Usage,)), declaration_of(Usage)
    events = batch(tool_call(user_id="ada", job_id="j1"), tool_call(user_id="bob"))

    of_others = fold.of([usage.crossed(["user", "job"])])

    assert fold.of([evolve(usage, generation=7)]) is fold  # another generation of its read model is folded the same
    assert of_others._engine is fold._engine
    assert len(succeeded(of_others(events)["usage"]).rows) < len(succeeded(fold(events)["usage"]).rows)


def test_what_single_events_add_is_by_position_and_none_where_an_event_has_nothing() -> None:
    ada = {"user_id": "ada"}
    events = batch(provider_call(input_tokens=900, **ada), task_completed(**ada), provider_call(user_id="bob"))

    added = engine((Cost,)).by_event(events, declaration_of(Cost), {"entity_type": "user", "entity_id": "ada"})

    rows = added.select(["position", "calls", "input_tokens", "successful_tasks"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [(1, 1, 900, 0), (2, 0, None, 1)]
