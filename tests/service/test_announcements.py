"""What only looks as if the service had said it is listed and ignored, whatever it holds: nothing fails of it."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from analytics_es import AnalyticsService, OperationResult, TimePeriod
from analytics_es.cost.price_log import DEFAULT_CHANGED, PUBLISHED
from analytics_es.cost.tags import DECLARED
from analytics_es.events.event import REJECTED, key_of_time, microseconds
from analytics_es.ingest.in_force import CONFIGURED
from analytics_es.lifecycle.copies import BACKED_UP, EXPORTED, REPORTED
from analytics_es.lifecycle.retention import RETENTION_CONFIGURED, SEALED
from analytics_es.lifecycle.trace import BEGUN, FORGOTTEN
from analytics_es.log import Entry
from analytics_es.service.announcements import READERS
from analytics_es.testing import NOON, budget_allocated, price, provider_call, task_completed
from tests.stores import opened

REACHED = "budget.threshold.reached"
OWN = (DECLARED, PUBLISHED, DEFAULT_CHANGED, CONFIGURED, RETENTION_CONFIGURED, EXPORTED, BACKED_UP, REPORTED, BEGUN,
       FORGOTTEN, SEALED, REJECTED)  # fmt: skip
DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
DEEP = b"[" * 900 + b"]" * 900
RIGHT: dict[str, Any] = {  # what is right of them, to spoil one name after the other
    DECLARED: {"tags": ["team"]},
    PUBLISHED: {"entry": price()},
    DEFAULT_CHANGED: {"package": "genai-prices", "version": "1", "digest": "d"},
    CONFIGURED: {"preset": "full", "rules": [{"path": "a", "action": "drop"}], "fingerprint": "f"},
    EXPORTED: {"file": "a", "start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z", "last_position": 7,
               "sha256": "x"},
    BACKED_UP: {"file": "a", "last_position": 7},
    REPORTED: {"sha256": "x", "answers": "x", "last_position": 7},
    BEGUN: {"receipt": "r", "pseudonym": "p", "copies": [1], "days": [1_772_409_600]},
    FORGOTTEN: {"receipt": "r", "completes": ["q"], "copies": [1]},
    SEALED: {"seal": 1, "events": 1},
    RETENTION_CONFIGURED: {"events": "90d", "hourly": "forever", "daily": "forever", "archive": "a"},
    REJECTED: {"subject": "s", "reason": {"code": "c"}, "raw": "e30=", "headers": {}, "sha256": "x"},
    REACHED: {"budget_id": "b", "currency": "USD", "threshold": "50", "at_position": 1},
}  # fmt: skip
WRONG: tuple[Any, ...] = (None, [], ["x", 7, None], {}, {"a": 1}, 7, -1, 2**64 - 1, 0.5, True, "", "x", "ä" * 5000,
                          [[]], [{}], {"a": {"b": [1]}})  # fmt: skip


def states() -> dict[str, bytes]:
    """Return what may be stored, whole, as bytes."""
    event = {"source": "x", "id": "1", "occurred_at": "2026-03-02T12:00:00Z", "recorded_at": "2026-03-02T12:00:00Z"}
    shapes = {f"data {data!r}": orjson.dumps({**event, "data": data}) for data in (None, [], [7], {}, {"a": 1}, 7, "x")}
    return {
        "no data": orjson.dumps(event),
        "no event": b"{}",
        "a list": b"[]",
        "a number": b"7",
        "null": b"null",
        "no JSON": b"no json \xff",
        "nothing": b"",
        "deep": b'{"data": ' + DEEP + b"}",
        "no time": orjson.dumps({**event, "occurred_at": 7, "data": {}}),
        **shapes,
    }


def spoilt(event_type: str) -> list[Any]:
    """Return what is right with one name left out, or holding something else."""
    right = RIGHT[event_type]
    without = [{name: value for name, value in right.items() if name != left} for left in right]
    return without + [{**right, name: wrong} for name in right for wrong in WRONG]


def put(service: AnalyticsService, event_type: str, *entries: bytes) -> None:
    """Append to the log what no door would let in, as a log of before may hold it."""
    place, first = key_of_time(microseconds(NOON)), service.store.log.head()
    service.store.log.append([Entry(f"{place}{first + n:020x}", event_type, state) for n, state in enumerate(entries)])


def stored(data: Any) -> bytes:
    when = "2026-03-02T12:00:00Z"
    return orjson.dumps({"source": "x", "id": "1", "occurred_at": when, "recorded_at": when, "data": data})


Question = Callable[[AnalyticsService], OperationResult[Any]]
QUESTIONS: dict[str, Question] = {
    "list_metrics": lambda service: service.list_metrics(),
    "summary": lambda service: service.get_summary("usage.events", DAY, group_by=["user"]),
    "usage": lambda service: service.get_usage_stats("user", "ada", DAY),
    "performance": lambda service: service.get_performance_metrics(DAY),
    "cost": lambda service: service.get_cost_breakdown(DAY, by=["user"]),
    "cost by two": lambda service: service.get_cost_breakdown(DAY, by=["user", "tenant"]),
    "cost series": lambda service: service.get_cost_series(DAY, by=["user"]),
    "unit costs": lambda service: service.get_unit_costs(DAY),
    "budgets": lambda service: service.get_budgets(),
    "diff_prices": lambda service: service.diff_prices([price()], DAY),
    "price book": lambda service: service.price_book(),
    "price": lambda service: service.price("acme", "acme-large", NOON),
    "explain": lambda service: service.explain("cost.calls", DAY),
    "explain cost": lambda service: service.explain_cost(DAY),
    "diff": lambda service: service.diff(DAY, 1),
    "projections": lambda service: service.projections(),
    "dead letters": lambda service: service.dead_letters(),
    "ledger": lambda service: service.check_ledger(),
    "verify": lambda service: service.verify(),
    "unread": lambda service: service.unread_announcements(),
    "forget": lambda service: service.forget("ada"),
}


def ask_everything(path: Path) -> None:
    """Open a store, ask it everything and record something."""
    with opened(path) as service:
        service.catch_up()
        for name, question in QUESTIONS.items():
            failure = question(service).failure
            assert failure is None, (name, failure)
        with service.as_of(service.store.log.head()) as then:
            assert then.get_cost_breakdown(DAY).ok
        service.publish_prices([price(model=f"m{service.store.log.head()}")]).unwrap()
        service.record_event(**provider_call()).unwrap()
        service.catch_up()


def fill(path: Path) -> None:
    with opened(path, tags=["team"]) as service:
        service.record_events(
            [provider_call(attributes={"team": "red"}), provider_call(cost=None, currency=None, provider="acme",
             model="acme-large"), task_completed(), budget_allocated()]
        ).unwrap()  # fmt: skip
        service.publish_prices([price()]).unwrap()
        service.catch_up()


@pytest.mark.parametrize("shape", states())
def test_whatever_is_stored_the_store_opens_and_answers(path: Path, shape: str) -> None:
    fill(path)
    with opened(path) as service:
        for event_type in (*OWN, REACHED):
            put(service, event_type, states()[shape])

    ask_everything(path)
    opened(path, tags=["team"]).close()


@pytest.mark.parametrize("event_type", [*OWN, REACHED])
def test_whatever_one_of_its_names_holds_the_store_opens_and_answers(path: Path, event_type: str) -> None:
    fill(path)
    with opened(path) as service:
        put(service, event_type, *map(stored, spoilt(event_type)))

    ask_everything(path)


@pytest.mark.parametrize("event_type", READERS)
def test_what_is_ignored_is_listed_with_the_reason_and_logged_once(
    path: Path, event_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(path) as service:
        put(service, event_type, b"no json", stored([]), stored(RIGHT[event_type]), stored({}))
        listed = service.unread_announcements().unwrap()
        service.unread_announcements().unwrap()

    assert [(each.position, each.type) for each in listed] == [(1, event_type), (2, event_type), (4, event_type)]
    assert all(each.problem for each in listed)
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 3


def test_a_rejected_message_may_be_as_deep_as_json_can_be(path: Path) -> None:
    with opened(path) as service:
        raw = base64.b64encode(DEEP.replace(b"[]", b'["ada"]')).decode()
        service.store.recorder.announce(REJECTED, {"raw": raw, "sha256": "x"})
        deep = b'{"data": {"user_id": "ada", "a": ' + DEEP + b"}}"
        put(service, REJECTED, deep)
        put(service, "job.completed", deep)

        receipt = service.forget("ada").unwrap()

        assert receipt.events == 1
        assert {"data.user_id": 2}.items() <= receipt.mentions.items()


def test_what_was_said_before_stays_in_force(path: Path) -> None:
    fill(path)
    with opened(path) as service:
        before = service.get_cost_breakdown(DAY, by=["attributes.team"]).unwrap()
        for event_type in (DECLARED, PUBLISHED):
            put(service, event_type, b"[]", stored({"tags": ["a b"], "entry": 7}), stored({"tags": ["x", "X"]}))

    with opened(path) as service:
        service.catch_up()
        after = service.get_cost_breakdown(DAY, by=["attributes.team"]).unwrap()
        assert [(row.keys, row.cost) for row in after.rows] == [(row.keys, row.cost) for row in before.rows]
        assert after.totals == before.totals
        assert len(after.prices.unread) == 3


def test_a_tag_that_is_written_in_another_way_elsewhere_is_no_obstacle(path: Path) -> None:
    """Tags were told of by a program that keeps other projections."""
    from analytics_es.projection import count, key, projection
    from tests.stores import OURS

    @projection(version=1, consumes=("provider.>",))
    class Other:
        """Calls by team, as another program names it."""

        team: str = key("attributes.Team")
        calls: int = count()

    fill(path)
    with opened(path, projections=[*OURS, Other]) as service:
        service.catch_up()
        assert service.get_cost_breakdown(DAY).ok
