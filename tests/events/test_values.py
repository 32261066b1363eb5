"""Python's own values at the door: stored, and known again, as the plain values that they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.events.event import admit
from analytics_es.ingest.door import Admitted, Door
from analytics_es.testing import NOON, budget_allocated, job_failed, provider_call
from tests.examples import examples
from tests.stores import in_full, opened, recorded

ID = UUID("12345678-1234-5678-1234-567812345678")
BERLIN = ZoneInfo("Europe/Berlin")
DOOR = Door(lambda: NOON)


class Safe(str):
    """A text as Django marks one, which says something else of itself."""

    def __str__(self) -> str:
        return "<b>"

    __repr__ = __format__ = __str__  # type: ignore[assignment]


class Whole(int):
    def __str__(self) -> str:
        return "many"

    __repr__ = __str__


class Share(float):
    def __str__(self) -> str:
        return "half"

    __repr__ = __str__


class Money(Decimal):
    def __str__(self) -> str:
        return "a lot"


class Moment(datetime):
    """A datetime as pandas has one: of a class of its own."""

    def isoformat(self, *_: Any) -> str:
        return "late"


class Field(StrEnum):
    MODEL = "model"
    USER = "user_id"


class Kind(Enum):
    EVENT = "provider.call.completed"
    MODEL = "model"
    OK = "ok"
    THREE = 3
    PAIR = (1, 2)


class Level(IntEnum):
    HIGH = 3


def admitted(**arguments: Any) -> Admitted:
    return DOOR.admit(**{"id": "1", "occurred_at": NOON, "event_type": "provider.call.completed", **arguments})


# ── the law ─────────────────────────────────────────────────────────────────────────────────────────────────────


def enum_of(value: Any) -> Any:
    return Enum("Own", {"member": value})["member"]


# By the type of a plain value: what says the same in another way.
OTHERS: dict[type, list[Callable[[Any], Any]]] = {
    str: [Safe, lambda text: StrEnum("Own", {"member": text}).member if text else Safe(text), enum_of, numpy.str_],
    int: [Whole, enum_of, lambda number: IntEnum("Own", {"member": number})["member"], numpy.int64],
    float: [Share, enum_of, numpy.float64],
    bool: [enum_of, numpy.bool_],
    Decimal: [Money, enum_of],
}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
LEAVES = (
    TEXT
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
    | st.decimals(-(10**9), 10**9, places=6)
)
NAMES = TEXT.filter(lambda name: name not in Door.__dict__)
FREE = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
CALLS = st.fixed_dictionaries(
    {"input_tokens": st.integers(5, 10**9), "own": FREE},
    optional={
        "user_id": TEXT | st.integers(-5, 10**9),
        "model": TEXT,
        "status": st.sampled_from(["ok", "error"]),
        "batch": st.booleans(),
        "duration_ms": st.floats(0, 10**9) | st.integers(0, 10**9) | st.decimals(0, 10**6, places=3),
        "value": st.decimals(0, 10**9, places=6) | st.integers(0, 5) | st.integers(0, 10**9).map(lambda n: n / 1000),
        "cache_read_tokens": st.sampled_from([0, 3, 5.0, Decimal(5)]),
        "attributes": st.dictionaries(NAMES.filter(bool), LEAVES, max_size=3),
    },
)


def otherwise(draw: st.DrawFn, value: Any) -> Any:
    """Return a value that says the same by other classes, in all of its parts."""
    if isinstance(value, dict):
        return {draw(st.sampled_from([str, Safe]))(name): otherwise(draw, part) for name, part in value.items()}
    if isinstance(value, list):
        return draw(st.sampled_from([list, tuple]))(otherwise(draw, part) for part in value)
    ways = [lambda same: same, *OTHERS.get(type(value), ())]
    if type(value) is str and "\0" in value:
        return value
    return draw(st.sampled_from(ways))(value)


@st.composite
def said_twice(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments of an event in plain values, and the same by other classes."""
    plain = {
        "event_type": "provider.call.completed",
        "data": draw(CALLS),
        "id": draw(TEXT.filter(bool)),
        "source": draw(TEXT.filter(bool)),
    }
    other = {name: otherwise(draw, value) for name, value in plain.items()}
    return {**plain, "occurred_at": NOON}, {**other, "occurred_at": Moment(2026, 3, 2, 12, tzinfo=UTC)}


@given(said_twice())
@examples(300)
def test_what_says_the_same_is_stored_as_the_same_bytes_under_the_same_key(
    arguments: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    plain, other = (DOOR.write(**told) for told in arguments)

    assert (plain.type, plain.state, plain.key) == (other.type, other.state, other.key)


# ── one by one ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "text"),
    [(ID, str(ID)), (Safe("ada"), "ada"), (Field.MODEL, "model"), (Kind.OK, "ok"), (numpy.int64(7), "7")],
)
@pytest.mark.parametrize("field", ["user_id", "job_id", "model", "tenant_id"])
def test_a_name_may_be_a_uuid_a_member_of_an_enum_or_a_marked_text(field: str, value: Any, text: str) -> None:
    assert admitted(data={field: value}).state == admitted(data={field: text}).state


@pytest.mark.parametrize(
    ("value", "text"), [(ID, str(ID)), (42, "42"), (Field.MODEL, "model"), (numpy.int64(42), "42")]
)
def test_an_id_may_be_a_uuid_or_a_number_which_is_its_digits(value: Any, text: str) -> None:
    assert (admitted(data={}, id=value).write().key, admitted(data={}, source=value).source) == (
        admitted(data={}, id=text).write().key,
        text,
    )


@in_full
def test_an_event_of_uuids_is_recorded_and_known_again(analytics: AnalyticsService) -> None:
    once, again = (
        analytics.record_event(Kind.EVENT, {"user_id": ID, "attributes": {"team": ID}}, id=user, occurred_at=NOON)
        for user in (ID, str(ID))
    )

    assert (once.unwrap().duplicate, again.unwrap().duplicate, again.unwrap().differs) == (False, True, False)
    assert recorded(analytics)[0].data == {"user_id": str(ID), "attributes": {"team": str(ID)}}


@pytest.mark.parametrize("name", [Field.USER, Safe("user_id"), enum_of("user_id")])
def test_a_field_may_be_named_by_a_member_of_an_enum(name: Any) -> None:
    assert (
        admitted(data={name: "ada", "own": {name: 1}}).state
        == admitted(data={"user_id": "ada", "own": {"user_id": 1}}).state
    )


@pytest.mark.parametrize("data", [{Kind.MODEL: "a", "model": "b"}, {"own": {Kind.MODEL: 1, "model": 2}}])
def test_two_names_that_say_the_same_are_refused(analytics: AnalyticsService, data: Any) -> None:
    failure = analytics.record_event("provider.call.completed", data).failure

    assert failure is not None
    assert failure.code == "bad_field"
    assert failure.message.endswith("model: is there twice.")


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("input_tokens", Decimal(12), 12),
        ("input_tokens", numpy.int32(12), 12),
        ("input_tokens", numpy.float64(12.0), 12),
        ("input_tokens", Level.HIGH, 3),
        ("duration_ms", timedelta(seconds=1.5), 1500),
        ("duration_ms", timedelta(microseconds=1), 0.001),
        ("duration_ms", numpy.float32(0.5), 0.5),
        ("value", numpy.int64(5), "5"),
        ("batch", numpy.bool_(True), True),
        ("duration_ms", numpy.timedelta64(5_000_000, "ns"), 5),
        ("own", numpy.datetime64("2026-03-02T10:00:00.000000001"), "2026-03-02T10:00:00"),
        ("own", numpy.array(5), 5),
        ("own", numpy.float32(0.1), 0.10000000149011612),
        ("own", date(2026, 3, 2), "2026-03-02"),
        ("own", Moment(2026, 3, 2, tzinfo=UTC), "2026-03-02T00:00:00+00:00"),
        ("own", [time(12, 30)], ["12:30:00"]),
        ("attributes", {"since": date(2026, 3, 2)}, {"since": "2026-03-02"}),
    ],
)
def test_numbers_and_times_are_kept_as_what_they_say(field: str, value: Any, kept: Any) -> None:
    data = admit("provider.call.completed", {field: value}, now=NOON).data

    assert (data[field], type(data[field])) == (kept, type(kept))


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("input_tokens", True, "a boolean"),
        ("input_tokens", enum_of(True), "a boolean"),
        ("duration_ms", numpy.bool_(True), "a boolean"),
        ("value", False, "a boolean"),
        ("user_id", True, "a boolean"),
        ("user_id", Kind.PAIR, "a Kind"),
        ("user_id", b"ada", "a bytes"),
        ("own", Kind.PAIR, "a Kind"),
        ("own", timedelta(1), "a timedelta"),
        ("own", numpy.array([1, 2]), "a ndarray"),
        ("own", numpy.timedelta64(3, "M"), "a timedelta64"),
        ("own", numpy.datetime64("NaT"), "a datetime64"),
        ("own", 1j, "a complex"),
    ],
)
def test_what_says_nothing_plain_is_refused_by_its_class(field: str, value: Any, kind: str) -> None:
    failure = opened_and_refused(field, value)

    assert failure.code == "bad_field"
    assert failure.message.endswith(f"not {kind}.")


def opened_and_refused(field: str, value: Any) -> Any:
    with opened() as analytics:
        failure = analytics.record_event("provider.call.completed", {field: value}).failure
    assert failure is not None
    return failure


# ── times ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def berlin() -> Iterator[AnalyticsService]:
    with opened(timezone="Europe/Berlin") as analytics:
        yield analytics


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-11-01T10:00:00Z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        (Safe("2026-11-01T10:00:00+02:00"), datetime(2026, 11, 1, 8, tzinfo=UTC)),
        (Moment(2026, 11, 1, 10, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 11, 1, 8, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 11, 1, tzinfo=BERLIN)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=BERLIN)),
    ],
)
def test_a_time_may_be_a_text_or_a_date_which_begins_where_the_store_is(
    berlin: AnalyticsService, value: Any, time: datetime
) -> None:
    berlin.record_event("job.failed", {}, occurred_at=value, id="1").unwrap()

    assert [(event.occurred_at, type(event.occurred_at)) for event in recorded(berlin)] == [(time, datetime)]
    assert berlin.record_event("job.failed", {}, occurred_at=time, id="1").unwrap().duplicate


def test_a_text_without_a_zone_is_refused_as_a_time_without_one(analytics: AnalyticsService) -> None:
    failures = [
        analytics.record_event("job.failed", {}, occurred_at=moment).failure
        for moment in (datetime(2026, 11, 1, 10), "2026-11-01T10:00:00", numpy.datetime64("2026-11-01T10:00"))
    ]

    assert [failure and failure.code for failure in failures] == ["naive_time"] * 3


@pytest.mark.parametrize("value", [date(2026, 3, 1), "2026-03-01", datetime(2026, 3, 1, tzinfo=BERLIN)])
def test_a_budget_may_begin_on_a_date(berlin: AnalyticsService, value: Any) -> None:
    data = {**budget_allocated()["data"], "starts_at": value}
    berlin.record_event("budget.allocated", data).unwrap()

    assert recorded(berlin)[0].data["starts_at"] == "2026-02-28T23:00:00Z"


def test_events_of_a_batch_are_read_alike(berlin: AnalyticsService) -> None:
    events = [
        {**job_failed(), "occurred_at": "2026-11-01", "id": ID},
        {**provider_call(), "occurred_at": date(2026, 11, 2), "id": 7},
    ]

    assert berlin.record_events(events).unwrap().recorded == 2
    assert [event.id for event in recorded(berlin)] == [str(ID), "7"]


def test_a_buffer_reads_them_too(berlin: AnalyticsService) -> None:
    with berlin.buffered() as buffer:
        buffer.record_event(Kind.EVENT, {"user_id": ID}, occurred_at="2026-11-01", id=ID).unwrap()

    assert [(event.type, event.id) for event in recorded(berlin)] == [(Kind.EVENT.value, str(ID))]
