"""The door: which events are refused, and how the others are kept; what a type says, and which key an event has."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.errors import GUIDE
from analytics_es.events.event import RecordedEvent, TypeFacts, admit, facts, key_of, key_of_time, matches, microseconds
from analytics_es.testing import (
    NOON,
    budget_allocated,
    cost_corrected,
    job_failed,
    message_added,
    provider_call,
    task_completed,
    tool_call,
)
from tests.stores import opened, recorded

MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
HALF_PAIR = "\ud83d"
NUL = "\0"
LARGEST = 2**63 - 1
GIANT = 10**5000


@pytest.fixture(scope="module")
def analytics() -> Iterator[AnalyticsService]:
    with opened(privacy="full") as service:  # what is wrong may be anywhere
        yield service


def refusal(analytics: AnalyticsService, event: dict[str, Any]) -> tuple[str, str]:
    """Return code and message of an event that must be refused, and must leave no trace."""
    before = analytics.store.log.head()
    failure = analytics.record_event(**event).failure
    assert failure is not None
    assert analytics.store.log.head() == before
    return failure.code, failure.message


def kept(**changes: Any) -> Any:
    """Return the one changed field of a provider's call as it is kept."""
    (name,) = changes
    return admit(now=NOON, **provider_call(**changes)).data.get(name)


def custom(**data: Any) -> dict[str, Any]:
    return {"event_type": "shop.order.placed", "data": data}


def nested(levels: int, *, of: type = dict) -> Any:
    """Return a value that is so many levels deep."""
    value: Any = "bottom"
    for _ in range(levels):
        value = {"in": value} if of is dict else [value]
    return value


class Status(str, Enum):  # noqa: UP042  # the kind whose str() is not its value
    OK = "ok"


# ── refused: types ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "event_type",
    [
        *("", "job", ".failed", "job.", "job..failed", "job.failed.", "Job.failed", "job.Failed", "job failed"),
        *("job.fail-ed", "1job.failed", "_job.failed", "jöb.failed", "job.failed\n", " job.failed", "job.failed\0"),
        *("job.*", "job.>", "a.b.c.d.e.f.g.h.i", f"job.{'d' * 125}", HALF_PAIR),
        *(None, 5, True, b"job.failed", ["job.failed"], {}),
    ],
)
def test_a_type_is_dotted_lower_case(analytics: AnalyticsService, event_type: Any) -> None:
    code, message = refusal(analytics, {**job_failed(), "event_type": event_type})

    assert code == "bad_type"
    assert message.startswith(f"{event_type!r:.80} is not an event type: use dotted lower case with a past-tense end")


@pytest.mark.parametrize("event_type", ["job.failed", "a.b", "x_1.2nd.4_", "a.b.c.d.e.f.g.h", f"job.{'d' * 124}"])
def test_a_type_has_two_to_eight_parts_and_128_characters_at_most(event_type: str) -> None:
    assert admit(now=NOON, **{**job_failed(), "event_type": event_type}).type == event_type


def test_the_message_about_a_type_stays_short(analytics: AnalyticsService) -> None:
    assert len(refusal(analytics, {**job_failed(), "event_type": "x" * 100_000})[1]) < 300


# ── refused: fields ─────────────────────────────────────────────────────────────────────────────────────────────

TOKENS = (
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens", "messages"),
    *("cache_creation_1h_tokens", "input_audio_tokens", "input_image_tokens", "cache_read_audio_tokens"),
    *("cache_read_image_tokens", "output_audio_tokens", "output_image_tokens", "searches"),
)
DURATIONS = ("duration_ms", "time_to_first_chunk_ms")
MONEY = ("cost", "amount")
TEXTS = (
    *("user_id", "tenant_id", "conversation_id", "job_id", "task_id", "agent_id", "error_type"),
    *("provider", "model", "operation", "tool", "job_type", "task_type", "budget_id"),
)
NAN, INF = float("nan"), float("inf")
RETRIED = (provider_call, tool_call, task_completed, job_failed)


def told(analytics: AnalyticsService, field: str, value: Any) -> str:
    """Return what is told of a value of a field that must be refused as that field's."""
    code, message = refusal(analytics, provider_call(**{field: value}))
    assert code == "bad_field"
    assert message.startswith(f"{field}: ")
    return message.removeprefix(f"{field}: ")


@pytest.mark.parametrize("field", TOKENS)
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (-1, "must be between 0 and 10^12, not -1."),
        (10**12 + 1, "must be between 0 and 10^12, not 1000000000001."),
        (1e300, f"must be between 0 and 10^12, not {str(int(1e300))[:60]}…."),
        pytest.param(GIANT, "must be between 0 and 10^12, not an int.", id="giant"),
        (2.5, "must be a whole number, not a float."),
        (NAN, "must be a whole number, not a float."),
        (INF, "must be a whole number, not a float."),
        (True, "must be a whole number, not a boolean."),
        ("12", "must be a whole number, not a str."),
        (Decimal("2.5"), "must be a whole number, not a Decimal."),
        (Decimal("sNaN"), "must be a whole number, not a Decimal."),
        (Decimal("1e999999"), "must be a whole number, not a Decimal."),
    ],
)
def test_tokens_are_whole_numbers_from_zero(analytics: AnalyticsService, field: str, value: Any, problem: str) -> None:
    assert told(analytics, field, value) == problem


@pytest.mark.parametrize("field", DURATIONS)
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (-0.001, "must be between 0 and 10^12, not -0.001."),
        (10**12 + 1, "must be between 0 and 10^12, not 1000000000001."),
        pytest.param(10**400, f"must be between 0 and 10^12, not {str(10**400)[:60]}….", id="large"),
        pytest.param(GIANT, "must be between 0 and 10^12, not an int.", id="giant"),
        (Decimal("1e400"), "must be between 0 and 10^12, not 1E+400."),
        (NAN, "must be a finite number, not nan."),
        (INF, "must be a finite number, not inf."),
        (-INF, "must be a finite number, not -inf."),
        (Decimal("NaN"), "must be a finite number, not NaN."),
        (Decimal("sNaN"), "must be a finite number, not sNaN."),
        (True, "must be a number, not a boolean."),
        ("2500", "must be a number, not a str."),
        (timedelta(seconds=-1), "must be between 0 and 10^12, not -1000.0."),
        ([2500], "must be a number, not a list."),
    ],
)
def test_durations_are_finite_numbers_from_zero(
    analytics: AnalyticsService, field: str, value: Any, problem: str
) -> None:
    assert told(analytics, field, value) == problem


@pytest.mark.parametrize("field", MONEY)
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (10**15 + 1, "must be between -10^15 and 10^15, not 1000000000000001."),
        (-(10**15) - 1, "must be between -10^15 and 10^15, not -1000000000000001."),
        ("1e19", "must be between -10^15 and 10^15, not 1E+19."),
        ("-1e19", "must be between -10^15 and 10^15, not -1E+19."),
        pytest.param(10**400, f"must be between -10^15 and 10^15, not {str(10**400)[:60]}….", id="large"),
        pytest.param(GIANT, "must be between -10^15 and 10^15, not an int.", id="giant"),
        ("NaN", "must be a finite number, not NaN."),
        ("sNaN", "must be a finite number, not sNaN."),
        ("-Infinity", "must be a finite number, not -Infinity."),
        (NAN, "must be a finite number, not nan."),
        (INF, "must be a finite number, not inf."),
        ("", "must be a number, not ''."),
        ("$5", "must be a number, not '$5'."),
        ("0,5", "must be a number, not '0,5'."),
        ("1e-9999999999999999999999", "must be a number, not '1e-9999999999999999999999'."),
        (True, "must be a number, not a boolean."),
        ([1], "must be a number, not a list."),
        ("0.1234567890123456789", "must have at most 18 decimals, not as many as 0.1234567890123456789."),
        (Decimal("1e-19"), "must have at most 18 decimals, not as many as 1E-19."),
        (4e-19, "must have at most 18 decimals, not as many as 4E-19."),
        ("1e-999999999", "must have at most 18 decimals, not as many as 1E-999999999."),
    ],
)
def test_money_and_values_are_finite_numbers(analytics: AnalyticsService, field: str, value: Any, problem: str) -> None:
    assert told(analytics, field, value) == problem


def test_a_value_may_be_larger_than_money(analytics: AnalyticsService) -> None:
    assert kept(value=10**18) == str(10**18)
    assert told(analytics, "value", 10**18 + 1) == "must be between -10^18 and 10^18, not 1000000000000000001."


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("-0.010", "-0.010"),
        (Decimal("-0.0000000000000000014"), "-0.000000000000000001"),
        (-0.00012750000000000003, "-0.0001275"),
        (-1e-7, "-0.0000001"),
        (-3, "-3"),
        ("0.5", "0.5"),
        (5, "5"),
        (-0.0, "0"),
        *((zero, "0") for zero in ("-0", Decimal("-0"))),
    ],
)
def test_money_and_values_are_exact_and_may_be_below_zero(value: Any, kept: str) -> None:
    billed = {"event_type": "provider.usage.billed", "occurred_at": NOON}
    assert admit(now=NOON, **cost_corrected(cost_change=value)).data["cost_change"] == kept
    for field in ("cost", "amount", "value"):
        assert admit(now=NOON, data={field: value, "currency": "USD"}, **billed).data[field] == kept


@pytest.mark.parametrize("used", ["input_tokens", "output_tokens", "searches"])
@pytest.mark.parametrize("cost", [-1, "-0.01"])
def test_what_used_something_costs_nothing_or_more(analytics: AnalyticsService, used: str, cost: Any) -> None:
    call = {"event_type": "provider.call.completed", "occurred_at": NOON}
    data = {"model": "m", "cost": cost, "currency": "USD", used: 5}

    code, message = refusal(analytics, {**call, "data": data})

    assert (code, message.partition(",")[0]) == (
        "bad_field",
        "cost: must not be below 0 where something was used: a credit is an event of its own",
    )
    assert analytics.record_event(**call, data={**data, used: 0}).ok


@pytest.mark.parametrize("event_type", ["budget.allocated", "budget.credit.granted"])
def test_what_is_allocated_or_granted_is_not_below_zero(analytics: AnalyticsService, event_type: str) -> None:
    data = {"budget_id": "b", "amount": "-5", "currency": "USD"}

    code, message = refusal(analytics, {"event_type": event_type, "data": data, "occurred_at": NOON})

    assert (code, message) == ("bad_field", f"amount: must not be below 0 in {event_type}, not '-5'.")
    assert analytics.record_event("budget.spent", data, occurred_at=NOON).ok


@pytest.mark.parametrize(
    "value",
    ["", "-", "--1", "1-", "-NaN", NAN, -INF, Decimal("sNaN"), Decimal("-1e19"), "-1e19", True, [1]],
)
def test_a_change_of_cost_is_a_finite_number(analytics: AnalyticsService, value: Any) -> None:
    code, message = refusal(analytics, cost_corrected(cost_change=value))

    assert (code, message.partition(" ")[0]) == ("bad_field", "cost_change:")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        *(({field: None}, f"{field} is missing") for field in ("corrects", "cost_change", "currency")),
        ({"status": "ok", "duration_ms": 5}, "it is no call, and must not have status, duration_ms"),
        ({"cost": "1", "input_tokens": 5}, "it is no call, and must not have cost, input_tokens"),
        *(
            (
                {"corrects": other},
                "its source must be that of its call, and its id that of its call and then :correction:1, :2, :3 …",
            )
            for other in ({"source": "platform", "id": "call-2"}, {"source": "other", "id": "call-1"})
        ),
    ],
)
def test_a_correction_says_what_it_corrects_and_is_no_call(
    analytics: AnalyticsService, changes: dict[str, Any], problem: str
) -> None:
    assert refusal(analytics, cost_corrected(**changes)) == (
        "bad_correction",
        f"This is no correction of a cost: {problem}. AnalyticsService.correct_cost and `analytics-es correct` make "
        "one.",
    )


@pytest.mark.parametrize("id", ["call-1", "call-1:correction:", "call-1:correction:0", "call-1:correction:01", None])
def test_a_correction_has_the_identity_of_what_it_corrects_and_a_number(
    analytics: AnalyticsService, id: str | None
) -> None:
    assert refusal(analytics, {**cost_corrected(), "id": id})[0] == "bad_correction"


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        *((each, "must be a mapping of source and id") for each in ("call-1", {}, {"id": "call-1"}, {"source": "x"})),
        ({"source": "platform", "id": "call-1", "more": 1}, "must be a mapping of source and id"),
        *(({"source": "platform", "id": id}, "must be a text of 1 to 1024") for id in (1, "", None, "a" * 1025)),
    ],
)
def test_what_is_corrected_is_named_by_source_and_id(analytics: AnalyticsService, other: Any, problem: str) -> None:
    code, message = refusal(analytics, cost_corrected(corrects=other))

    assert (code, problem in message) == ("bad_field", True)


def test_only_a_correction_has_a_change_of_cost(analytics: AnalyticsService) -> None:
    assert refusal(analytics, provider_call(cost_change="1"))[0] == "bad_correction"
    assert admit(now=NOON, event_type="own.thing.sold", data={"cost_change": "x"}).data == {"cost_change": "x"}


@pytest.mark.parametrize("field", ["attempt", "requests"])
def test_what_counts_from_one_is_limited_as_tokens_are(analytics: AnalyticsService, field: str) -> None:
    assert told(analytics, field, 10**12 + 1) == "must be between 0 and 10^12, not 1000000000001."
    assert admit(now=NOON, **provider_call(**{field: 10**12})).data[field] == 10**12


@pytest.mark.parametrize("attempt", [0, -1])
def test_attempts_count_from_one(analytics: AnalyticsService, attempt: int) -> None:
    assert ("counts from 1" in told(analytics, "attempt", attempt)) is (attempt == 0)
    assert [admit(now=NOON, **each(attempt=2)).data["attempt"] for each in RETRIED] == [2, 2, 2, 2]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (True, "must be a text, not a boolean."),
        (1.5, "must be a text, not a float."),
        (b"ada", "must be a text, not a bytes."),
        (["ada"], "must be a text, not a list."),
        pytest.param("a" * 1025, "has 1025 characters, above the limit of 1024.", id="too long"),
        (2**63, "is an integer beyond 64 bits: pass it as text."),
        pytest.param(GIANT, "is an integer beyond 64 bits: pass it as text.", id="giant"),
    ],
)
def test_names_are_texts_of_up_to_1024_characters(
    analytics: AnalyticsService, field: str, value: Any, problem: str
) -> None:
    assert told(analytics, field, value) == problem


@pytest.mark.parametrize(
    "status", ["", "OK", "failed", "fine", 0, True, ["ok"], b"ok", pytest.param(GIANT, id="giant")]
)
def test_a_status_is_ok_error_or_cancelled(analytics: AnalyticsService, status: Any) -> None:
    shown = "an int" if status is GIANT else repr(status)

    assert told(analytics, "status", status) == f"must be one of ok, error, cancelled, not {shown}."


@pytest.mark.parametrize(
    "currency", ["", "usd", "US", "USDT", "US$", "ÜSD", " USD", "USD\n", 840, b"USD", pytest.param(GIANT, id="giant")]
)
def test_a_currency_is_three_capitals(analytics: AnalyticsService, currency: Any) -> None:
    shown = "an int" if currency is GIANT else repr(currency)

    assert told(analytics, "currency", currency) == f"must be an ISO 4217 code such as USD, not {shown}."


@pytest.mark.parametrize("event", [provider_call(currency=None), budget_allocated(currency=None)])
def test_money_needs_a_currency(analytics: AnalyticsService, event: dict[str, Any]) -> None:
    field = "cost" if "cost" in event["data"] else "amount"

    assert refusal(analytics, event) == (
        "cost_without_currency",
        f'{field} comes without a currency: add currency, for example "USD".',
    )


@pytest.mark.parametrize(
    ("changes", "parts", "total"),
    [
        ({"cache_read_tokens": 1101}, "cache_read_tokens + cache_creation_tokens", "input_tokens"),
        ({"cache_creation_tokens": 401}, "cache_read_tokens + cache_creation_tokens", "input_tokens"),
        ({"input_tokens": None}, "cache_read_tokens + cache_creation_tokens", "input_tokens"),
        ({"reasoning_tokens": 151}, "reasoning_tokens", "output_tokens"),
        ({"output_tokens": None}, "reasoning_tokens", "output_tokens"),
        ({"cache_creation_1h_tokens": 101}, "cache_creation_1h_tokens", "cache_creation_tokens"),
        ({"input_audio_tokens": 1201}, "input_audio_tokens", "input_tokens"),
        ({"cache_read_image_tokens": 1}, "cache_read_image_tokens", "input_image_tokens"),
        ({"input_audio_tokens": 900, "cache_read_audio_tokens": 801}, "cache_read_audio_tokens", "cache_read_tokens"),
        (
            {"input_audio_tokens": 700, "input_image_tokens": 501},
            "input_audio_tokens + input_image_tokens",
            "input_tokens",
        ),
        (
            {"output_audio_tokens": 100, "output_image_tokens": 51},
            "output_audio_tokens + output_image_tokens",
            "output_tokens",
        ),
    ],
)
def test_tokens_include_their_parts(
    analytics: AnalyticsService, changes: dict[str, Any], parts: str, total: str
) -> None:
    assert refusal(analytics, provider_call(**changes)) == (
        "subset_above_total",
        f"{parts} is above {total}: {total} must include its parts (tokens in {GUIDE}/concepts.md).",
    )


def test_parts_may_be_all_of_their_total() -> None:
    parts = {"cache_creation_1h_tokens": 100, "input_audio_tokens": 1200, "cache_read_audio_tokens": 1100}
    event = provider_call(cache_read_tokens=1100, reasoning_tokens=150, output_image_tokens=150, **parts)

    assert admit(now=NOON, **event).data == event["data"]


@pytest.mark.parametrize("value", ["true", 1, 0])
def test_whether_a_call_was_in_a_batch_is_true_or_false(analytics: AnalyticsService, value: Any) -> None:
    assert "must be true or false, not a" in told(analytics, "batch", value)
    assert admit(now=NOON, **provider_call(batch=True)).data["batch"] is True


@pytest.mark.parametrize(
    ("attributes", "code", "message"),
    [
        (["eu"], "bad_field", "attributes: must map names to plain values, not a list."),
        ("eu", "bad_field", "attributes: must map names to plain values, not a str."),
        (
            {"region": ["eu"]},
            "bad_field",
            "attributes.region: must be a text, number or boolean: attributes are flat.",
        ),
        ({"region": {}}, "bad_field", "attributes.region: must be a text, number or boolean: attributes are flat."),
        ({"share": NAN}, "bad_field", "attributes.share: must be a finite number, not nan."),
        ({"since": b"x"}, "bad_field", "attributes.since: must be a JSON value, not a bytes."),
        ({1: "eu"}, "bad_field", "1: field names must be texts, not an int."),
    ],
)
def test_attributes_are_flat(analytics: AnalyticsService, attributes: Any, code: str, message: str) -> None:
    assert refusal(analytics, provider_call(attributes=attributes)) == (code, message)


# ── refused: what JSON cannot hold ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (2**63, "is an integer beyond 64 bits: pass it as text."),
        (-(2**63) - 1, "is an integer beyond 64 bits: pass it as text."),
        ([{"deep": GIANT}], "is an integer beyond 64 bits: pass it as text."),
        (NAN, "must be a finite number, not nan."),
        ([1, -INF], "must be a finite number, not -inf."),
        (Decimal("sNaN"), "must be a finite number, not sNaN."),
        (Decimal("1e-999999999"), "must have at most 1024 digits, not as many as 1E-999999999."),
        (timedelta(1), "must be a JSON value, not a timedelta."),
        (b"bytes", "must be a JSON value, not a bytes."),
        ({1, 2}, "must be a JSON value, not a set."),
        (object(), "must be a JSON value, not an object."),
    ],
)
def test_other_fields_hold_json_of_64_bits(analytics: AnalyticsService, value: Any, problem: str) -> None:
    code, message = refusal(analytics, provider_call(note=value))

    assert code == "bad_field"
    assert message.partition(": ")[0] in ("note", "note.deep")
    assert message.partition(": ")[2] == problem


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        ({1: "x"}, "1", "an int"),
        ({None: "x"}, "None", "a NoneType"),
        ({True: "x"}, "True", "a boolean"),
        ({b"user_id": "x"}, "b'user_id'", "a bytes"),
        ({("a", "b"): "x"}, "('a', 'b')", "a tuple"),
        ({"note": {1: "x"}}, "1", "an int"),
        ({"note": [{1.5: "x"}]}, "1.5", "a float"),
        ({1: nested(20, of=list)}, "1", "an int"),
        ({GIANT: "x"}, "an int", "an int"),
    ],
)
def test_field_names_are_texts(analytics: AnalyticsService, data: dict[Any, Any], name: str, kind: str) -> None:
    event = {**job_failed(), "data": data}

    assert refusal(analytics, event) == ("bad_field", f"{name}: field names must be texts, not {kind}.")


@pytest.mark.parametrize("of", [dict, list])
def test_data_is_nested_at_most_16_levels(analytics: AnalyticsService, of: type) -> None:
    assert analytics.record_event(**provider_call(note=nested(15, of=of))).ok
    assert refusal(analytics, provider_call(note=nested(16, of=of))) == (
        "too_deep",
        "note is nested deeper than 16 levels: flatten it.",
    )


def test_data_that_holds_itself_is_refused(analytics: AnalyticsService) -> None:
    note: list[Any] = []
    note.append(note)

    assert refusal(analytics, provider_call(note=note))[0] == "too_deep"


def test_data_takes_at_most_256_kib_as_json(analytics: AnalyticsService) -> None:
    rest = len('{"note":""}')
    limit = 256 * 1024

    assert analytics.record_event(**custom(note="x" * (limit - rest))).ok
    assert refusal(analytics, custom(note="x" * (limit - rest + 1))) == (
        "too_large",
        "The event takes 262145 bytes as JSON, above the limit of 262144: store the payload elsewhere.",
    )
    assert refusal(analytics, custom(note="é" * (limit // 2)))[0] == "too_large"


@pytest.mark.parametrize(("text", "problem"), [(HALF_PAIR, "half of a surrogate pair"), (NUL, "a NUL character")])
@pytest.mark.parametrize(
    ("place", "named"),
    [
        (lambda text: provider_call(agent_id=f"a{text}"), "agent_id"),
        (lambda text: provider_call(error_type=text), "error_type"),
        (lambda text: provider_call(note=text), "note"),
        (lambda text: provider_call(note={"a": ["b", {"c": text}]}), "note.a.c"),
        (lambda text: provider_call(attributes={"region": text}), "attributes.region"),
        (lambda text: {**provider_call(), "source": f"a{text}"}, "source"),
        (lambda text: {**provider_call(), "id": f"a{text}"}, "id"),
        (lambda text: {**provider_call(id="fine", source="fine"), "id": f"a{text}"}, "id"),
        (lambda text: {**provider_call(id="fine", source="fine"), "source": f"a{text}"}, "source"),
    ],
)
def test_texts_are_whole_unicode_without_nul(
    analytics: AnalyticsService, place: Any, named: str, text: str, problem: str
) -> None:
    assert refusal(analytics, place(text)) == (
        "bad_text",
        f"{named} holds {problem}, which cannot be stored: clean the text before recording it.",
    )


@pytest.mark.parametrize(
    ("text", "shown", "problem"),
    [(HALF_PAIR, "\\ud83d", "half of a surrogate pair"), (NUL, "\\0", "a NUL character")],
)
def test_names_of_fields_are_whole_unicode_without_nul(
    analytics: AnalyticsService, text: str, shown: str, problem: str
) -> None:
    told = f"holds {problem}, which cannot be stored: clean the text before recording it."

    assert refusal(analytics, custom(**{f"a{text}": 1})) == ("bad_text", f"a{shown} {told}")
    assert refusal(analytics, custom(note={f"a{text}": 1})) == ("bad_text", f"note {told}")


@pytest.mark.parametrize("text", ["\\u0000", "\\ud83d", "😀", "\u2028", "\x01", "\ufeff", "\x7f", "e\u0301"])
def test_other_texts_are_kept_as_they_are(analytics: AnalyticsService, text: str) -> None:
    position = analytics.record_event(**provider_call(note=text)).unwrap().position

    assert [event.data["note"] for event in recorded(analytics) if event.position == position] == [text]


# ── refused: data, time and identity ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "kind"),
    [(None, "a NoneType"), ([], "a list"), ("{}", "a str"), (5, "an int"), ([("tool", "bash")], "a list")],
)
def test_data_is_a_mapping(analytics: AnalyticsService, data: Any, kind: str) -> None:
    assert refusal(analytics, {**job_failed(), "data": data}) == (
        "bad_data",
        f"The data of an event must be a mapping of field names to values, not {kind}.",
    )


@pytest.mark.parametrize(
    ("occurred_at", "kind"),
    [(1772452800, "an int"), (1.5, "a float"), (b"2026-03-02", "a bytes"), (time(12), "a time")],
)
def test_a_time_is_a_datetime_or_says_one(analytics: AnalyticsService, occurred_at: Any, kind: str) -> None:
    assert refusal(analytics, job_failed(occurred_at=occurred_at)) == (
        "bad_field",
        f"occurred_at: must be a datetime, a date or a text of one, not {kind}.",
    )


def test_a_text_that_is_no_time_is_refused(analytics: AnalyticsService) -> None:
    assert refusal(analytics, job_failed(occurred_at="yesterday")) == (
        "bad_field",
        "occurred_at: must be a time such as 2026-11-01T10:00:00Z, not 'yesterday'.",
    )


def test_a_time_has_a_zone(analytics: AnalyticsService) -> None:
    assert refusal(analytics, job_failed(occurred_at=datetime(2026, 3, 2, 12))) == (
        "naive_time",
        "2026-03-02 12:00:00 has no time zone: pass an aware datetime, for example datetime.now(timezone.utc).",
    )


EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    "occurred_at",
    [
        *(FIRST - MICROSECOND, (FIRST - MICROSECOND).astimezone(EAST), datetime.min.replace(tzinfo=EAST)),
        *(LAST + MICROSECOND, (LAST + MICROSECOND).astimezone(WEST), datetime.max.replace(tzinfo=WEST)),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1990, 1, 1, 0, 30, tzinfo=ZoneInfo("Europe/Paris")),
    ],
)
def test_a_time_is_within_1990_to_2100_in_utc(analytics: AnalyticsService, occurred_at: datetime) -> None:
    code, message = refusal(analytics, job_failed(occurred_at=occurred_at))

    assert code == "time_out_of_range"
    assert "is outside the years 1990 to 2100: check the unit and the clock of the producer." in message


@pytest.mark.parametrize("occurred_at", [FIRST, FIRST.astimezone(WEST), LAST, LAST.astimezone(EAST)])
def test_a_time_is_kept_in_utc(occurred_at: datetime) -> None:
    found = admit(now=NOON, **job_failed(occurred_at=occurred_at)).occurred_at

    assert (found, found.tzinfo) == (occurred_at, UTC)


@pytest.mark.parametrize(("field", "limit"), [("id", 1024), ("source", 256)])
def test_an_identity_is_a_text_of_limited_length(analytics: AnalyticsService, field: str, limit: int) -> None:
    long = "a" * (limit + 1)
    for value in ("", long, 5.0, True, b"1", ["1"], 2**63):
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}…"
        assert refusal(analytics, {**job_failed(), field: value}) == (
            "bad_source",
            f"The {field} of an event must be a text of 1 to {limit} characters, not {shown}.",
        )
    assert analytics.record_event(**{**job_failed(), field: long[:-1]}).ok


def test_an_id_brings_its_time(analytics: AnalyticsService) -> None:
    event = {"event_type": "job.failed", "data": {}, "id": "1"}

    assert refusal(analytics, event) == (
        "id_without_time",
        "An event that brings an id must bring its time too: pass occurred_at, or leave the id out.",
    )


# ── accepted: how it is kept ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("event", [provider_call(), tool_call(), job_failed(), budget_allocated(), message_added()])
def test_a_valid_event_is_kept_as_it_is(event: dict[str, Any]) -> None:
    found = admit(now=NOON, **event)

    assert (found.type, found.occurred_at, found.data) == (event["event_type"], NOON, event["data"])


def test_any_mapping_is_data() -> None:
    event = provider_call(note=MappingProxyType({"list": (1, 2)}))

    found = admit(now=NOON, **{**event, "data": MappingProxyType(event["data"])})

    assert found.data == {**event["data"], "note": {"list": [1, 2]}}


def test_what_is_kept_is_not_what_was_handed_in() -> None:
    event = provider_call(note={"tags": ["a"]})
    found = admit(now=NOON, **event)

    event["data"]["note"]["tags"].append("b")

    assert found.data["note"] == {"tags": ["a"]}


@pytest.mark.parametrize(
    ("given", "found"),
    [(42, "42"), (-7, "-7"), (LARGEST, str(LARGEST)), ("42", "42"), (" a ", " a ")],
)
def test_numbers_that_are_names_become_text(given: Any, found: str) -> None:
    assert [kept(**{field: given}) for field in TEXTS] == [found] * len(TEXTS)


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_name_is_one_not_given(field: str, nothing: Any) -> None:
    event = provider_call()
    event["data"][field] = nothing

    assert field not in admit(now=NOON, **event).data


@pytest.mark.parametrize(
    "field", ["status", "duration_ms", "value", "attributes", "input_tokens", "cost", "amount", "currency"]
)
def test_none_is_a_value_not_given(field: str) -> None:
    assert admit(now=NOON, **{**job_failed(), "data": {field: None}}).data == {}


@pytest.mark.parametrize(("given", "found"), [(5, 5), (5.0, 5), (0, 0), (-0.0, 0), (10**12, 10**12)])
def test_whole_tokens_become_integers(given: float, found: int) -> None:
    messages = admit(now=NOON, **message_added(messages=given)).data["messages"]

    assert (messages, type(messages)) == (found, int)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (2500, 2500),
        (2500.0, 2500),
        (0.0004, 0),
        (0.0006, 0.001),
        (35.5, 35.5),
        (1.23456789, 1.235),
        (Decimal("35.5004"), 35.5),
        (10**12, 10**12),
        (1e12, 10**12),
        (999_999_999_999.999, 999_999_999_999.999),
    ],
)
def test_durations_are_kept_to_the_microsecond(given: Any, found: float) -> None:
    for field in DURATIONS:
        assert (kept(**{field: given}), type(kept(**{field: given}))) == (found, type(found))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("0.005115", "0.005115"),
        (0.1, "0.1"),
        (5, "5"),
        (5.0, "5.0"),
        (1e-7, "0.0000001"),
        (1e14, "100000000000000.0"),
        (0.00012750000000000003, "0.0001275"),  # a float is rounded: what is beyond is of its own making
        ("0.00012750000000000003", "0.0001275"),  # also written out
        (Decimal("1e3"), "1000"),
        (Decimal("-0.0"), "0"),
        (-0.0, "0"),
        ("1E-18", "0.000000000000000001"),
        ("999999999999999.999999999999999999", "999999999999999.999999999999999999"),
        ("1.123456789012345678", "1.123456789012345678"),
        (10**15, str(10**15)),
        (" 1_000 ", "1000"),
    ],
)
def test_money_is_kept_exactly_to_18_places(given: Any, found: str) -> None:
    event = budget_allocated(amount=given, value=given, cost=given)

    data = admit(now=NOON, **event).data

    assert (data["amount"], data["value"], data["cost"]) == (found, found, found)


@given(st.decimals(0, 10**15, places=18))
def test_money_of_18_places_loses_nothing(amount: Decimal) -> None:
    assert Decimal(admit(now=NOON, **budget_allocated(amount=amount)).data["amount"]) == amount
    assert Decimal(admit(now=NOON, **budget_allocated(amount=str(amount))).data["amount"]) == amount


def test_a_status_of_an_enum_is_kept_as_its_value() -> None:
    assert kept(status=Status.OK) == "ok"
    assert type(kept(status=Status.OK)) is str


class Scope(str, Enum):  # noqa: UP042  # an ordinary enum of texts, as many have
    TENANT = "tenant"


def test_a_scope_of_an_enum_is_kept_as_its_value() -> None:
    data = admit(now=NOON, **budget_allocated(scope=Scope.TENANT)).data

    assert data["scope"] == "tenant"
    assert type(data["scope"]) is str


@pytest.mark.parametrize("scope", ["", "job", ["tenant"], {"tenant": "acme"}, 1])
def test_a_scope_is_one_of_four_words(analytics: AnalyticsService, scope: Any) -> None:
    code, message = refusal(analytics, budget_allocated(scope=scope))

    assert code == "bad_field"
    assert f"must be one of all, tenant, user, model, not {scope!r}" in message


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, None),
        (True, True),
        (LARGEST, LARGEST),
        (-LARGEST - 1, -LARGEST - 1),
        (1.5, 1.5),
        (Decimal("0.1"), 0.1),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        ((1, (2,)), [1, [2]]),
        ({"a": {"b": []}}, {"a": {"b": []}}),
        ("", ""),
    ],
)
def test_other_fields_keep_any_json(given: Any, found: Any) -> None:
    assert kept(note=given) == found
    assert type(kept(note=given)) is type(found)


def test_attributes_keep_plain_values() -> None:
    attributes = {"region": "eu", "beta": True, "share": 0.25, "shard": 7, "none": None}

    assert kept(attributes=attributes) == attributes


def test_without_a_time_an_event_happens_now() -> None:
    found = admit("job.failed", {}, now=NOON)

    assert (found.occurred_at, found.recorded_at) == (NOON, NOON)


def test_without_an_id_every_event_is_another() -> None:
    ids = {admit(now=NOON, **job_failed()).id for _ in range(100)}

    assert len(ids) == 100
    assert {len(each) for each in ids} == {24}


def test_without_a_source_an_event_is_local() -> None:
    assert admit(now=NOON, **job_failed()).source == "local"


# ── custom families ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_custom_family_validates_only_the_common_fields() -> None:
    own = {"input_tokens": "many", "currency": "gold", "cost": True, "cache_read_tokens": 5, "model": ["x"]}

    assert admit(now=NOON, **custom(**own)).data == own


@pytest.mark.parametrize(
    ("field", "value"),
    [("user_id", True), ("status", "fine"), ("duration_ms", "soon"), ("value", "much"), ("attributes", [])],
)
def test_a_custom_family_validates_the_common_fields(analytics: AnalyticsService, field: str, value: Any) -> None:
    code, message = refusal(analytics, custom(**{field: value}))

    assert (code, message.partition(":")[0]) == ("bad_field", field)


def test_a_custom_family_normalises_the_common_fields() -> None:
    given = custom(user_id=7, value=0.5, duration_ms=2.0, status=None, agent_id="")

    assert admit(now=NOON, **given).data == {"user_id": "7", "value": "0.5", "duration_ms": 2}


# ── what a type says ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("event_type", "family", "activity", "verdict"),
    [
        ("provider.call.completed", "provider", "provider.call", "ok"),
        ("task.succeeded", "task", "task", "ok"),
        ("job.finished", "job", "job", "ok"),
        ("job.failed", "job", "job", "error"),
        ("tool.call.timed_out", "tool", "tool.call", "error"),
        ("provider.call.errored", "provider", "provider.call", "error"),
        ("provider.call.rejected", "provider", "provider.call", "error"),
        ("agent.crashed", "agent", "agent", "error"),
        ("job.cancelled", "job", "job", "cancelled"),
        ("job.canceled", "job", "job", "cancelled"),
        ("task.step.aborted", "task", "task.step", "cancelled"),
        ("task.interrupted", "task", "task", "cancelled"),
        ("job.started", "job", "job", "begun"),
        ("job.queued", "job", "job", "begun"),
        ("task.created", "task", "task", "begun"),
        ("provider.call.requested", "provider", "provider.call", "begun"),
        ("budget.allocated", "budget", "budget", None),
        ("conversation.message.added", "conversation", "conversation.message", None),
        ("completed.thing.seen", "completed", "completed.thing", None),
    ],
)
def test_a_type_says_family_activity_and_how_it_ended(
    event_type: str, family: str, activity: str, verdict: str | None
) -> None:
    assert facts(event_type) == TypeFacts(family, activity, verdict)


@pytest.mark.parametrize(
    ("pattern", "event_type", "fits"),
    [
        ("job.failed", "job.failed", True),
        ("job.failed", "job.failed.twice", False),
        ("job.*", "job.failed", True),
        ("job.*", "job.step.failed", False),
        ("job.*", "job", False),
        ("*.failed", "job.failed", True),
        ("*.failed", "job.step.failed", False),
        ("provider.*.completed", "provider.call.completed", True),
        ("job.>", "job.failed", True),
        ("job.>", "job.step.failed", True),
        ("job.>", "job", False),
        ("job.>", "jobs.failed", False),
        (">", "job.failed", True),
        ("*.>", "job.failed", True),
        ("*.*.>", "job.failed", False),
        ("job.f*", "job.failed", False),
        (">.failed", "job.failed", False),
    ],
)
def test_a_star_is_one_part_and_a_last_arrow_the_rest(pattern: str, event_type: str, fits: bool) -> None:
    assert matches(pattern, event_type) is fits


# ── identity and place ──────────────────────────────────────────────────────────────────────────────────────────

TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 12, 31), timezones=st.just(UTC))


def event(id: str = "1", source: str = "crm", occurred_at: datetime = NOON) -> RecordedEvent:
    return admit(now=NOON, **job_failed(occurred_at=occurred_at), id=id, source=source)


def key(event: RecordedEvent) -> str:
    return key_of(event.source, event.id, microseconds(event.occurred_at))


def test_a_key_never_changes() -> None:
    assert key(event()) == "019cae6b6600e4f137d1e58cb241f216"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20), TIMES)
def test_a_key_is_milliseconds_and_a_hash_of_source_and_id(id: str, occurred_at: datetime) -> None:
    found = key(event(id, "crm", occurred_at))

    assert int(found[:12], 16) == (occurred_at - datetime(1970, 1, 1, tzinfo=UTC)) // MILLISECOND
    assert found[12:] == hashlib.blake2b(f"crm\0{id}".encode(), digest_size=10).hexdigest()
    assert len(found) == 32


@given(TIMES, TIMES)
def test_keys_are_in_the_order_of_time(one: datetime, other: datetime) -> None:
    first, second = sorted([one, other])

    assert key(event(occurred_at=first))[:12] <= key(event(occurred_at=second))[:12]
    if second - first >= MILLISECOND:
        assert key(event(occurred_at=first)) < key(event(occurred_at=second))


def test_the_same_source_id_and_millisecond_is_the_same_event() -> None:
    same = event(occurred_at=NOON + MILLISECOND - MICROSECOND)

    assert key(same) == key(event())


def test_another_source_id_or_millisecond_is_another_event() -> None:
    others = [event(id="2"), event(source="shop"), event(occurred_at=NOON + MILLISECOND), event(id="m\t1", source="cr")]

    assert len({key(each) for each in [event(), *others]}) == 5


def test_a_zone_does_not_make_another_event() -> None:
    assert key(event(occurred_at=NOON.astimezone(EAST))) == key(event())


@given(TIMES)
def test_microseconds_are_exact(occurred_at: datetime) -> None:
    since = microseconds(occurred_at)

    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=since) == occurred_at
    assert key_of_time(since) == key(event(occurred_at=occurred_at))[:12]
