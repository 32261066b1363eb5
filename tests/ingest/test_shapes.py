"""The quick look at an event whose shape comes often: it never has another outcome than the long way."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.errors import AnalyticsError, StoreBusy
from analytics_es.events import event as events
from analytics_es.events.fields import BUDGET, COMMON, VOCABULARY
from analytics_es.ingest import shapes, unread
from analytics_es.ingest.batch import admitted
from analytics_es.ingest.door import Door
from analytics_es.ingest.privacy import PrivacyPolicy
from analytics_es.ingest.unread import Watch
from analytics_es.projection import declarations_of
from analytics_es.testing import NOON, job_failed, message_added, provider_call, task_completed, tool_call
from tests.examples import examples
from tests.stores import OURS, numbered_pseudonyms, opened


class Safe(str):
    """A text that says something else of itself."""

    def __str__(self) -> str:
        return "<b>"


class Liar(str):
    """A text that takes itself for another one."""

    def __eq__(self, other: object) -> bool:
        return other == "user_id"

    def __hash__(self) -> int:
        return hash("user_id")


class Whole(int):
    pass


class Kind(StrEnum):
    USER = "user_id"
    OK = "ok"


class Own(Enum):
    THREE = 3


# ── what may come in ────────────────────────────────────────────────────────────────────────────────────────────

LIMITS = (-1, 0, 1, 10**12, 10**12 + 1, 10**15, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**400)
NUMBERS = st.sampled_from(LIMITS) | st.integers(0, 10_000) | st.booleans() | st.sampled_from((Whole(3), numpy.int64(4)))
FRACTIONS = st.floats() | st.floats(0, 10**6) | st.sampled_from((-0.0, 1e12, 1e12 + 0.5, 1e-9, 5e-324, 1e30, 3.0005))
DECIMALS = st.decimals(0, 10**6, places=6) | st.sampled_from(
    [Decimal(text) for text in ("NaN", "Infinity", "1E+3", "1E-19", "0.1", "-0", "-1", "1e15", "1e400", "007.50")]
)
TEXTS = st.text(max_size=6) | st.sampled_from(
    ("", "ada", "0.25", "1e3", "USD", "usd", "ok", "error", "é", "x" * 1024, "x" * 1025, "\0", "a\\u0000", "\ud800")
)
TIMES = st.datetimes(datetime(1980, 1, 1), datetime(2110, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))
OTHER_TIMES = st.sampled_from(
    (
        *(datetime(2026, 3, 2, 12), datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Europe/Berlin")), date(2026, 3, 2)),
        *(datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=2))), datetime.max.replace(tzinfo=UTC)),
        *("2026-03-02T12:00:00Z", "2026-03-02T12:00:00.123456789Z", "2026-03-02T12:00:00+00:00", "20260302T12Z"),
        *("2026-03-02", "20260302", "2026-03-02T12:00:00", "2026-03-02T12:00:00+02:00", "1970-01-01T00:00:00Z", "now"),
        *(None, "", 5, Safe("2026-03-02T12:00:00Z"), numpy.datetime64("2026-03-02T12:00:00")),
    )
)
ODD = st.sampled_from((None, UUID(int=7), Safe("ada"), Kind.OK, Own.THREE, b"x", timedelta(seconds=2), object, {1}))
PLAIN = TEXTS | NUMBERS | FRACTIONS | DECIMALS | ODD | TIMES
NAMES = st.sampled_from(
    ("team", "prompt", "user_email", "gen_ai.usage.input_tokens", "input_tokens", "ticket", "", "\0")
)
KEYS = NAMES | st.sampled_from((Safe("team"), Kind.USER, Liar("x"), 5, None))
ATTRIBUTES = st.dictionaries(NAMES, TEXTS | st.integers(0, 9), max_size=3) | st.dictionaries(KEYS, PLAIN, max_size=3)
ANYTHING = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2))

FINE: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(VOCABULARY, st.integers(0, 2)),
    **dict.fromkeys(COMMON, st.sampled_from(("ada", "x"))),
    **dict.fromkeys(("provider", "model", "operation", "tool", "job_type"), st.sampled_from(("ada", "m-1"))),
    **dict.fromkeys(("status",), st.sampled_from(("ok", "error", "cancelled"))),
    **dict.fromkeys(("duration_ms", "time_to_first_chunk_ms"), st.integers(0, 9) | st.floats(0, 10**6)),
    **dict.fromkeys(("cost", "amount", "value"), st.decimals(0, 9, places=4) | st.floats(0, 9) | st.just("0.25")),
    "input_tokens": st.integers(5, 20),
    "output_tokens": st.integers(5, 20),
    "currency": st.sampled_from(("USD", "EUR")),
    "batch": st.booleans(),
    "attempt": st.integers(1, 3),
    "requests": st.integers(1, 3),
    "service_tier": st.sampled_from(("flex", "standard", "Batch")),
    "attributes": ATTRIBUTES,
    **dict.fromkeys(("ticket", "prompt_tokens", "prompt", "user_email"), TEXTS | st.integers(0, 9)),
    **dict.fromkeys(BUDGET, st.integers(0, 3)),
}
FAMILIES = st.sampled_from(
    (
        *("provider.call.completed", "tool.call.failed", "task.completed", "job.failed", "budget.spent"),
        *("conversation.message.added", "order.placed", "llm.call.completed"),
    )
)
OTHER_TYPES = st.sampled_from(
    ("provider.cost.corrected", "budget.allocated", "analytics.told", "Bad Type", "", Safe("tool.call.failed"), 5, None)
)
TOGETHER = ("input_tokens", "output_tokens", "currency")  # without which others are wrong
USUAL = {"occurred_at": NOON, "id": "1", "source": "load"}


@st.composite
def right(draw: st.DrawFn) -> dict[Any, Any]:
    """Draw an event that is right, most likely, with its fields in any order."""
    event_type = draw(st.just("provider.call.completed") | FAMILIES)
    others = set(FINE) - {*TOGETHER, *BUDGET, "corrects", "cost_change"}
    names = draw(
        st.permutations([*TOGETHER, *draw(st.lists(st.sampled_from(sorted(others)), max_size=9, unique=True))])
    )
    return {"event_type": event_type, "data": {name: draw(FINE[name]) for name in names}, **USUAL}


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """Draw an event that is right but for one thing."""
    event = draw(right())
    what = draw(st.sampled_from(("field", "field", "field", "name", "type", "data", "when", "who", "shape", "nothing")))
    if what == "field":
        name = draw(st.sampled_from(sorted(event["data"])) | st.sampled_from(sorted(FINE)))
        event["data"][name] = draw(PLAIN | ATTRIBUTES | ANYTHING)
    elif what == "name":
        event["data"][draw(KEYS)] = draw(TEXTS)
    elif what == "type":
        event["event_type"] = draw(OTHER_TYPES)
    elif what == "data":
        event["data"] = draw(st.sampled_from((OrderedDict, MappingProxyType, list)))(event["data"])
    elif what == "when":
        event["occurred_at"] = draw(TIMES | OTHER_TIMES)
    elif what == "who":
        event[draw(st.sampled_from(("id", "source")))] = draw(TEXTS | NUMBERS | ODD)
    elif what == "shape":
        return draw(st.sampled_from((*(without(event, name) for name in event), {**event, "more": 1}, [event], None)))
    return event


def without(event: dict[Any, Any], name: str) -> dict[Any, Any]:
    return {other: value for other, value in event.items() if other != name}


# ── two doors ───────────────────────────────────────────────────────────────────────────────────────────────────

POLICIES = [
    PrivacyPolicy.of(policy)
    for policy in (
        *("full", "pseudonymous", "anonymous"),
        {"preset": "full", "rules": {"ticket": "pseudonymise", "input_tokens": "pseudonymise", "model": "drop"}},
        {"preset": "full", "rules": {"attributes.*": "drop", "*.prompt": "drop_text", "user_id": "pseudonymise"}},
        {"preset": "full", "rules": {"*": "drop", "status": "keep"}},
    )
]
DECLARATIONS = declarations_of(OURS)


class Records(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


@contextmanager
def as_alone() -> Iterator[Records]:
    """Let nothing be told yet, ids be the same for all, and shapes be known at first sight."""
    records, logger = Records(), logging.getLogger("analytics_es")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "OFTEN", 1)
        patch.setattr(unread, "_told", set())
        patch.setattr(events._Ids, "next", lambda _: "one")
        logger.addHandler(records)
        try:
            yield records
        finally:
            logger.removeHandler(records)


def only_the_long_way(door: Door) -> Door:
    object.__setattr__(door, "_shapes", None)
    return door


def outcomes(door: Door, batch: list[Any]) -> list[Any]:
    """Return what becomes of each of a batch: its entry, or the error, given twice, in a batch and by itself."""
    return [outcome(door, event) for event in batch for _ in range(2)]


def outcome(door: Door, event: Any) -> list[tuple[Any, ...]]:
    quickly = door.for_many(NOON)
    return [
        _outcome(lambda: quickly(event) or admitted(door, NOON, event)),
        _outcome(lambda: admitted(door, NOON, event)),
    ]


def _outcome(work: Any) -> tuple[Any, ...]:
    try:
        return tuple(work())
    except AnalyticsError as error:
        return error.code, str(error)


def told_quickly(batch: list[Any], policy: PrivacyPolicy, *, strict: bool) -> tuple[Any, ...]:
    """Return what becomes of each event, what nothing reads, what got a pseudonym, and what is logged."""
    return _told(batch, policy, strict, lambda door: door)


def told_the_long_way(batch: list[Any], policy: PrivacyPolicy, *, strict: bool) -> tuple[Any, ...]:
    return _told(batch, policy, strict, only_the_long_way)


def _told(batch: list[Any], policy: PrivacyPolicy, strict: bool, made: Callable[[Door], Door]) -> tuple[Any, ...]:
    asked: set[tuple[str, str]] = set()

    def pseudonym(kind: str, name: str) -> str:
        asked.add((kind, name))
        return f"{kind}:{len(name)}"

    with as_alone() as records:
        watch = Watch(DECLARATIONS, strict)
        door = made(Door(lambda: NOON, policy, pseudonym, zone=ZoneInfo("Asia/Tokyo"), watch=watch))
        return outcomes(door, batch), watch.seen(), asked, records.told


@given(st.lists(changed(), max_size=8), st.sampled_from(POLICIES), st.booleans())
@examples(100)
def test_the_outcome_is_that_of_the_long_way(batch: list[Any], policy: PrivacyPolicy, strict: bool) -> None:
    assert told_quickly(batch, policy, strict=strict) == told_the_long_way(batch, policy, strict=strict)


@given(st.lists(changed(), min_size=1, max_size=8), st.sampled_from(("full", "pseudonymous")), st.booleans())
@examples(10)
def test_a_store_holds_and_says_the_same(batch: list[Any], privacy: str, strict: bool) -> None:
    results = []
    for quick in (True, False):
        with (
            as_alone() as records,
            numbered_pseudonyms(),
            opened(privacy=privacy, strict=strict, clock=lambda: NOON) as analytics,
        ):
            results.append((*_recorded(analytics, batch, quick), records.told))

    assert results[0] == results[1]


def _recorded(analytics: AnalyticsService, batch: list[Any], quick: bool) -> tuple[Any, ...]:
    if not quick:
        only_the_long_way(analytics.store.recorder.door)
    results: list[Any] = [analytics.record_events(batch, skip_refused=True), analytics.record_events(batch)]
    results += [analytics.record_event(**event) for event in batch if is_call(event)]
    stats = analytics.stats()
    rows = analytics.store.log.scan(after=0, limit=1000).to_pylist()
    return results, stats.recorded, stats.refused, stats.duplicates, analytics.unread_fields(here=True).unwrap(), rows


def is_call(event: Any) -> bool:
    """Say whether these are arguments that `record_event` can be called with."""
    return isinstance(event, dict) and {"event_type", "data"} <= event.keys() and "more" not in event


# ── one by one ──────────────────────────────────────────────────────────────────────────────────────────────────

VALUES = (
    *LIMITS,
    *(True, False, None, Whole(3), numpy.int64(4), 3.0, 3.0005, 0.1, -0.0, 1e12, 1e12 + 0.5, 1e-9, 1e30),
    *(float("nan"), float("inf"), float("-inf"), UUID(int=7), Own.THREE, Kind.OK, Safe("ada"), Safe("ok"), b"x"),
    *(Decimal(text) for text in ("NaN", "sNaN", "Infinity", "1E+3", "1E-19", "0.1", "-0", "-1", "1e15", "1e400")),
    *("", "ada", "0.25", "1e3", "USD", "EUR", "usd", "ok", "Batch", "é", "x" * 1024, "x" * 1025, "x" * 300_000, "\0"),
    *("a\\u0000", "\ud800", NOON, NOON.date(), timedelta(seconds=2), [1], [1, [float("nan")]], {"a": {"b": "c"}}, {1}),
    *(
        {},
        {"team": "x"},
        {"n": 2**63},
        {"n": float("nan")},
        {"d": Decimal("0.1")},
        {"gen_ai.usage.reasoning_tokens": 5},
    ),
    *(
        {"prompt": "x", "user_email": "ada"},
        {Kind.USER: "ada"},
        {Liar("x"): "y"},
        {5: 1},
        {"deep": {}},
        {"s": "\ud800"},
    ),
)
ONE_OF_EACH_KIND = (
    *("user_id", "model", "input_tokens", "reasoning_tokens", "duration_ms", "cost", "value", "status", "currency"),
    *("batch", "attempt", "service_tier", "attributes", "ticket", "prompt", "input_audio_tokens", "cost_change"),
)


@pytest.mark.parametrize("policy", POLICIES, ids=range(len(POLICIES)))
@pytest.mark.parametrize("event_type", ["provider.call.completed", "order.placed"])
def test_of_no_value_the_outcome_is_another(policy: PrivacyPolicy, event_type: str) -> None:
    data = {"input_tokens": 5, "output_tokens": 5, "currency": "USD"}
    events = [
        {"event_type": event_type, "data": {**data, name: value}, **USUAL}
        for name in ONE_OF_EACH_KIND
        for value in VALUES
    ]

    assert told_quickly(events, policy, strict=False) == told_the_long_way(events, policy, strict=False)


PARTS_AND_TOTALS: tuple[dict[str, int], ...] = (
    *({"cache_read_tokens": 1}, {"cache_creation_tokens": 1}, {"reasoning_tokens": 1}, {"reasoning_tokens": 0}),
    *({"cache_read_tokens": part, "cache_creation_tokens": 3, "input_tokens": 5} for part in (2, 3)),
    *({"cache_creation_tokens": part, "input_tokens": 5} for part in (5, 6)),
    *({"reasoning_tokens": part, "output_tokens": 5} for part in (5, 6)),
    *({"input_audio_tokens": part, "input_image_tokens": 3, "input_tokens": 5} for part in (2, 3)),
)


@pytest.mark.parametrize("tokens", PARTS_AND_TOTALS)
@pytest.mark.parametrize("event_type", ["provider.call.completed", "order.placed"])
def test_a_part_above_its_total_is_refused_by_the_quick_look_too(tokens: dict[str, int], event_type: str) -> None:
    events = [{"event_type": event_type, "data": {"model": "m", **tokens}, **USUAL}]

    assert told_quickly(events, POLICIES[0], strict=False) == told_the_long_way(events, POLICIES[0], strict=False)


EVENTS = (
    *(provider_call(), tool_call(), job_failed(), task_completed(), message_added()),
    provider_call(duration_ms=12.3456, cost=0.1, batch=True, service_tier="batch", attributes={"team": "x", "n": 1}),
    provider_call(input_audio_tokens=2, ticket="x", reasoning_tokens=1),
    {**provider_call(), "occurred_at": "2026-03-02T12:00:00Z"},
    {"event_type": "budget.spent", "data": {"budget_id": "b", "amount": "0.5", "currency": "EUR"}},
    {"event_type": "order.placed", "data": {"note": "x" * 5_000, "value": Decimal("0.5"), "own": None, "n": 2.5}},
)


@pytest.mark.parametrize("policy", POLICIES[:3], ids=["full", "pseudonymous", "anonymous"])
@pytest.mark.parametrize("event", EVENTS, ids=range(len(EVENTS)))
def test_what_is_right_needs_one_look(event: dict[str, Any], policy: PrivacyPolicy) -> None:
    with as_alone():
        door = Door(lambda: NOON, policy, watch=Watch(DECLARATIONS))
        assert door.for_many(NOON)(event) == only_the_long_way(evolve(door)).write(**event, now=NOON)


def test_a_shape_is_known_when_it_comes_often_and_not_before() -> None:
    quickly = Door(lambda: NOON).for_many(NOON)

    assert [quickly(provider_call()) is None for _ in range(shapes.OFTEN + 1)] == [True] * (shapes.OFTEN - 1) + [
        False
    ] * 2


def test_of_shapes_that_are_made_up_few_are_kept_and_one_that_comes_often_is_known_among_them() -> None:
    door = Door(lambda: NOON)
    quickly = door.for_many(NOON)
    for number in range(5 * shapes.MOST):
        quickly({"event_type": "order.placed", "data": {f"field{number}": 1}})
        usual = quickly(provider_call()) if number % 10 == 0 else None

    assert len(door._shapes._seen) <= shapes.MOST and len(door._shapes._known) <= shapes.MOST  # type: ignore[union-attr]
    assert quickly(provider_call()) is not None and usual is None


@pytest.mark.parametrize(
    "names", [[f"field{number}" for number in range(65)], ["x" * 5_000]], ids=["many fields", "long names"]
)
def test_a_shape_that_is_large_is_never_kept(names: list[str]) -> None:
    door = Door(lambda: NOON)
    for _ in range(2 * shapes.OFTEN):
        assert door.for_many(NOON)({"event_type": "order.placed", "data": dict.fromkeys(names, 1)}) is None

    assert not door._shapes._seen and not door._shapes._known  # type: ignore[union-attr]


def test_of_names_that_pass_for_others_nothing_is_learnt() -> None:
    with as_alone():
        policy = PrivacyPolicy(rules=(("user_id", "pseudonymise"),))
        door = Door(lambda: NOON, policy, lambda *_: "pseudonym")
        states = [
            admitted(door, NOON, {"event_type": "order.placed", "data": {name: "ada"}, **USUAL}).state
            for name in (Liar("x"), "user_id")
        ]

    assert b'{"x":"ada"}' in states[0] and b'{"user_id":"pseudonym"}' in states[1]


def test_a_name_that_passes_for_one_that_is_known_is_stored_as_that_one() -> None:
    with as_alone():
        door = Door(lambda: NOON, PrivacyPolicy.of("pseudonymous"), lambda *_: "pseudonym")
        states = [
            outcome(door, {"event_type": "order.placed", "data": {name: "ada"}, **USUAL})
            for name in ("user_id", Kind.USER)
        ]

    assert states[0] == states[1] and b'{"user_id":"pseudonym"}' in states[0][0][-1]


def test_the_caller_keeps_what_was_handed_in() -> None:
    with as_alone():
        event = provider_call(user_id="ada", duration_ms=1.23456, cost=Decimal("0.5"), attributes={"user_email": "a"})
        before = deepcopy(event)
        assert Door(lambda: NOON, PrivacyPolicy.of("pseudonymous"), lambda *_: "p").for_many(NOON)(event)

    assert event == before


def test_a_vault_that_fails_is_told_of_as_the_long_way_does() -> None:
    def failing(_: str, name: str) -> str:
        raise (StoreBusy(seconds=5) if name == "ada" else RuntimeError("broken"))

    with as_alone():
        door = Door(lambda: NOON, PrivacyPolicy.of("pseudonymous"), failing)
        events = [provider_call(user_id="ada"), provider_call(user_id="bob")]
        said = [outcome(door, event) for event in events]

        assert said == [outcome(only_the_long_way(evolve(door)), event) for event in events]
    assert [code for both in said for code, _ in both] == ["store_busy"] * 2 + ["fails_when_read"] * 2
