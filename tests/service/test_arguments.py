"""What is passed: as people say it where that is clear, else refused with a sentence, never by an error of Python's."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy
import pytest

from analytics_es import AnalyticsService, AsOf, ExportFormat, TimePeriod
from analytics_es.errors import AnalyticsError, BadArgument, BadOption
from analytics_es.projections import Usage
from analytics_es.testing import NOON, price, provider_call
from analytics_es.types import OperationResult
from tests.stores import opened, record

ID = UUID("12345678-1234-5678-1234-567812345678")
MARCH_2 = TimePeriod.day(date(2026, 3, 2), "UTC")


class Word(StrEnum):
    COST = "cost.reported_cost"
    MODEL = "model"
    DAY = "day"
    CSV = "csv"
    OPENAI = "openai"


class Plain(Enum):
    COST = "cost.reported_cost"
    MODEL = "model"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnalyticsService]:
    """Return a store with one call, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    with opened(privacy="full", clock=lambda: NOON + timedelta(hours=3)) as analytics:
        record(analytics, provider_call(user_id=str(ID), cost="0.5", currency="USD"))
        yield analytics


# ── every method × every parameter × odd values ─────────────────────────────────────────────────────────────────


class Quiet:
    def subscribe(self, pattern: str, handler: object) -> None:
        """Deliver nothing."""


class Hostile:
    """What fails when it is shown, counted or asked whether it is true."""

    def _fail(self, *_: Any) -> Any:
        raise RuntimeError("hostile")

    __repr__ = __str__ = __bool__ = __len__ = __index__ = _fail


class HostileText(str):
    """A text that fails when it is shown."""

    def __repr__(self) -> str:
        raise RuntimeError("hostile")

    __str__ = __repr__


ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "1": lambda: 1,
    "x": lambda: "x",
    "bytes": lambda: b"x",
    "object": object,
    "list": list,
    "dict": dict,
    "list of object": lambda: [object()],
    "dict of object": lambda: {5: object()},
    "nan": lambda: math.nan,
    "giant": lambda: 10**400,
    "half of a pair": lambda: "\ud800",
    "nul": lambda: "\0",
    "array": lambda: numpy.array([1, 2]),
    "array of a text": lambda: numpy.array(["x"]),
    "timedelta64": lambda: numpy.timedelta64(3, "D"),
    "timedelta64 of months": lambda: numpy.timedelta64(3, "M"),
    "datetime64": lambda: numpy.datetime64("2026-03-02T00:00:00.000000001"),
    "no time": lambda: numpy.datetime64("NaT"),
    "first of times": lambda: datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    "last of times": lambda: datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    "dict by number": lambda: {1: 2},
    "two texts": lambda: ("x", "y"),
    "hostile": Hostile,
    "hostile text": lambda: HostileText("x"),
    "generator": lambda: (number for number in range(2)),
}
VALID: dict[str, Any] = {
    "metric": "cost.reported_cost",
    "period": MARCH_2,
    "entity_type": "user",
    "entity_id": "ada",
    "event_type": "job.failed",
    "data": {},
    "events": (),
    "bus": Quiet(),
    "subject": "ada",
    "entries": (),
    "provider": "openai",
    "model": "gpt-5",
    "position": 1,
    "cost": "1",
    "note": "why",
    "at": 1,
    "before": 0,
    "format": "csv",
    "metrics": ["cost.reported_cost"],
    "pseudonyms": "p_a",
}
NOT_ASKED = {"close", "open", "store", "timed"}  # `timed` has tests of its own, in tests/ingest/test_timed.py
METHODS = [
    (kind, name)
    for kind in (AnalyticsService, AsOf)
    for name in dir(kind)
    if not name.startswith("_") and name not in NOT_ASKED and inspect.isfunction(getattr(kind, name))
]


def parameters(kind: type, name: str) -> list[inspect.Parameter]:
    return list(inspect.signature(getattr(kind, name)).parameters.values())[1:]


def end(result: Any) -> None:
    """Let go of what was made."""
    if not isinstance(result, OperationResult) and hasattr(result, "close"):
        result.close()


@pytest.mark.parametrize(("kind", "name"), METHODS, ids=[f"{kind.__name__}.{name}" for kind, name in METHODS])
def test_whatever_is_passed_is_answered_or_refused_with_a_code(asked: AnalyticsService, kind: type, name: str) -> None:
    called = asked if kind is AnalyticsService else asked.as_of(1)
    needed = {
        parameter.name: VALID[parameter.name] if parameter.name != "to" else "copy.db"
        for parameter in parameters(kind, name)
        if parameter.default is parameter.empty
    }
    bare = []
    for parameter in parameters(kind, name):
        for label, make in ODD.items():
            try:
                end(getattr(called, name)(**{**needed, parameter.name: make()}))
            except AnalyticsError:
                pass
            except Exception as error:
                bare.append(f"{parameter.name}={label}: {error!r}")

    assert bare == []


@pytest.mark.parametrize("option", list(inspect.signature(AnalyticsService.open).parameters))
def test_whatever_a_store_is_opened_with_it_opens_or_refuses_with_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    bare = []
    for label, make in ODD.items():
        if label.startswith(("array", "hostile")):
            continue
        try:
            AnalyticsService.open(**{"url_or_path": ":memory:", "follow": False, option: make()}).close()
        except AnalyticsError:
            pass
        except Exception as error:
            bare.append(f"{label}: {error!r}")

    assert bare == []


PERIODS_MADE = {"day": {"day": "2026-03-02"}, "month": {"month": "2026-03"}, "parse": {"text": "7d"}}


@pytest.mark.parametrize("name", ["last", "day", "month", "today", "parse"])
def test_a_period_is_made_or_refused_with_a_code(name: str) -> None:
    method, bare = getattr(TimePeriod, name), []
    for parameter in inspect.signature(method).parameters.values():
        named = "days" if parameter.kind is parameter.VAR_KEYWORD else parameter.name
        for label, make in ODD.items():
            needed = {"day": {"day": "2026-03-02"}, "month": {"month": "2026-03"}, "parse": {"text": "7d"}}.get(
                name, {}
            )
            try:
                method(**{**needed, named: make()})
            except AnalyticsError:
                pass
            except Exception as error:
                bare.append(f"{named}={label}: {error!r}")

    assert bare == []


def test_an_argument_that_there_is_not_is_pythons_own_error(asked: AnalyticsService) -> None:
    with pytest.raises(TypeError, match=r"get_summary\(\) got an unexpected keyword argument 'grup_by'"):
        asked.get_summary("usage.events", MARCH_2, grup_by="model")  # type: ignore[call-arg]


# ── periods ─────────────────────────────────────────────────────────────────────────────────────────────────────

DAY_AS_SAID: list[Any] = [
    "2026-03-02",
    "today",
    "1d",
    date(2026, 3, 2),
    (date(2026, 3, 2), date(2026, 3, 3)),
    ("2026-03-02", "2026-03-03"),
    ["2026-03-02T00:00", datetime(2026, 3, 3, tzinfo=UTC)],
    Enum("Own", {"DAY": "2026-03-02"})["DAY"],
]


@pytest.mark.parametrize("said", DAY_AS_SAID)
def test_a_period_may_be_said_in_every_question(asked: AnalyticsService, said: Any) -> None:
    def answers(period: Any) -> list[Any]:
        return [
            asked.get_summary("usage.events", period),
            asked.get_usage_stats(None, None, period),
            asked.get_performance_metrics(period),
            asked.get_cost_breakdown(period),
            asked.get_cost_series(period),
            asked.get_unit_costs(period),
            asked.diff_prices([price(provider="acme", model="m")], period),
            asked.explain("usage.events", period),
            asked.explain_cost(period),
            asked.diff(period, 0),
            asked.verify(period=period),
            asked.as_of(1).get_summary("usage.events", period),
        ]

    assert [answer.unwrap().__class__ for answer in answers(said)] == [a.unwrap().__class__ for a in answers(MARCH_2)]
    assert (
        asked.get_summary("usage.events", said).unwrap().figures
        == asked.get_summary("usage.events", MARCH_2).unwrap().figures
    )
    assert asked.run_aggregation(said).ok
    assert asked.export_data("csv", said, to="said.csv").unwrap().rows == 1


def test_what_says_no_zone_is_in_that_of_the_store() -> None:
    with opened(timezone="Asia/Tokyo", clock=lambda: NOON) as analytics:
        record(analytics, provider_call())
        periods = [
            analytics.get_performance_metrics(said).unwrap().period
            for said in ("2026-03-02", date(2026, 3, 2), ("2026-03-02", "2026-03-03"), "today")
        ]

    zone = ZoneInfo("Asia/Tokyo")
    assert {(period.start, period.end) for period in periods} == {
        (datetime(2026, 3, 2, tzinfo=zone), datetime(2026, 3, 3, tzinfo=zone))
    }


def test_a_length_ends_now_and_of_a_log_as_it_stood_then(asked: AnalyticsService) -> None:
    period = asked.get_performance_metrics(timedelta(hours=4)).unwrap().period

    assert (period.start, period.end) == (NOON - timedelta(hours=1), NOON + timedelta(hours=3))
    assert asked.as_of(1).get_usage_stats(None, None, "24h").ok


@pytest.mark.parametrize("period", ["seven days", "", 7, None, ("2026-03-02",), ("a", "b"), {}, b"7d", (NOON, None)])
def test_what_is_no_period_is_refused(asked: AnalyticsService, period: Any) -> None:
    failure = asked.get_cost_breakdown(period).failure

    assert failure is not None
    assert failure.code == "bad_period"
    assert " is not a period: " in failure.message


# ── names, formats, times, places ───────────────────────────────────────────────────────────────────────────────


def test_one_name_may_stand_for_a_list_of_it(asked: AnalyticsService) -> None:
    assert (
        asked.get_cost_breakdown(MARCH_2, by="user").unwrap() == asked.get_cost_breakdown(MARCH_2, by=["user"]).unwrap()
    )
    for group_by in ("model", Word.MODEL, Plain.MODEL, [Plain.MODEL], ("model",)):
        answer = asked.get_summary(Word.COST, MARCH_2, group_by=group_by).unwrap()  # type: ignore[arg-type]
        assert [list(group.keys) for group in answer.groups] == [["model"]]
    assert asked.rebuild("cost").unwrap().projections == ["cost"]
    assert asked.get_summary(Plain.COST, MARCH_2).unwrap().metric == "cost.reported_cost"  # type: ignore[arg-type]


def test_a_filter_may_be_a_uuid(asked: AnalyticsService) -> None:
    assert asked.get_usage_stats("user", ID, MARCH_2).unwrap().totals.events == 1  # type: ignore[arg-type]
    assert asked.get_cost_breakdown(MARCH_2, where={"user": ID}).unwrap().calls == 1
    assert asked.forget(ID).ok  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["csv", "CSV", ExportFormat.CSV, Word.CSV])
def test_a_format_may_be_a_member_of_an_enum(asked: AnalyticsService, format: Any) -> None:
    assert asked.export_data(format, MARCH_2, to=PurePosixPath("a.csv")).unwrap().format == "csv"


def test_a_granularity_may_be_a_member_of_an_enum(asked: AnalyticsService) -> None:
    period = TimePeriod.day(date(2026, 3, 2), "UTC", granularity=Word.DAY)  # type: ignore[arg-type]

    assert len(asked.get_performance_metrics(period).unwrap().series) == 1


@pytest.mark.parametrize(
    "at", ["2026-03-02", date(2026, 3, 2), datetime(2026, 3, 2, tzinfo=UTC), "2026-03-02T00:00:00Z"]
)
def test_a_time_may_be_a_text_or_a_date(asked: AnalyticsService, at: Any) -> None:
    asked.publish_prices([price(provider="acme", model="m")]).unwrap()

    assert asked.price("acme", "m", at).ok
    assert asked.get_budgets(at=at).ok
    assert asked.diff(MARCH_2, at).ok
    assert asked.as_of(at).position == 0


def test_numbers_may_be_those_of_numpy(asked: AnalyticsService) -> None:
    assert asked.explain("usage.events", MARCH_2, limit=numpy.int64(1), largest=numpy.bool_(True)).ok  # type: ignore[arg-type]
    assert asked.dead_letters(limit=numpy.int32(5)).ok  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("dead_letters", {"limit": "5"}, "limit must be a whole number, not '5'."),
        ("dead_letters", {"limit": True}, "limit must be a whole number, not True."),
        ("record_events", {"events": [], "batch_size": 0}, "batch_size must be a whole number from 1, not 0."),
        ("record_events", {"events": 5}, "events must be a list, not 5."),
        ("rebuild", {"workers": Decimal(1)}, "workers must be a whole number, not Decimal('1')."),
        ("retain", {"dry_run": "no"}, "dry_run must be True or False, not 'no'."),
        ("back_up", {"to": None}, "to must be the path of a file, not None."),
        ("catch_up", {"progress": 5}, "progress must be what can be called, such as a function, not 5."),
        ("get_summary", {"metric": ["a"], "period": "7d"}, "metric must be a text, not ['a']."),
        ("get_cost_breakdown", {"period": "7d", "by": 5}, "by must be a list of names, such as ['model'], not 5."),
        ("get_budgets", {"at": "soon"}, "at must be a time such as 2026-11-01T10:00:00Z, not 'soon'."),
        ("get_budgets", {"at": 5}, "at must be a time such as 2026-11-01T10:00:00Z, not 5."),
        ("buffered", {"max_events": 0}, "max_events must be a whole number from 1, not 0."),
        ("buffered", {"when_full": "wait"}, "when_full must be one of block, drop, raise, not 'wait'."),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(
    asked: AnalyticsService, name: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadArgument) as refused:
        getattr(asked, name)(**arguments).unwrap()

    assert str(refused.value) == message


# ── opening ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_options_may_be_said_in_other_ways(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "timezone": ZoneInfo("Europe/Berlin"),
        "projections": Usage,
        "retention": {"events": timedelta(days=90)},
        "privacy": StrEnum("Own", {"FULL": "full"}).FULL,
    }
    with opened(PurePosixPath(tmp_path / "a.db"), **options) as analytics:
        assert [status.name for status in analytics.projections().unwrap()] == ["usage"]
        assert str(analytics.store.calendar.zone) == "Europe/Berlin"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"retention": "90d"}, "bad_retention"),
        ({"timezone": None}, "bad_option"),
        ({"timezone": 5}, "unknown_timezone"),
        ({"projections": 5}, "bad_option"),
        ({"clock": "now"}, "bad_option"),
        ({"rebuild": "never"}, "bad_option"),
        ({"privacy": 5}, "bad_policy"),
        ({"strict_ids": 5}, "bad_strict_ids"),
        ({"durability": "never"}, "bad_option"),
        ({"durability": None}, "bad_option"),
        ({"durability": "group"}, "no_groups"),
        ({"url_or_path": None}, "bad_option"),
        ({"settings": ""}, "bad_option"),
        ({"tags": 5}, "bad_tags"),
    ],
)
def test_an_option_that_cannot_be_read_opens_nothing(options: dict[str, Any], code: str) -> None:
    with pytest.raises(AnalyticsError) as refused:
        AnalyticsService.open(**{"url_or_path": ":memory:", **options})

    assert refused.value.code == code
    assert issubclass(BadOption, type(refused.value)) or refused.value.code != "bad_option"
