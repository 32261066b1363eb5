"""Rows of all entities of a kind change no answer: it is as if the rows of the entities were added up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.codec import to_plain
from analytics_es.events.fields import UNREAD
from analytics_es.projections import Usage
from analytics_es.queries.rows import columns_of, measures_of
from analytics_es.read_models import Span, selection
from analytics_es.read_models.rollups import each_alone, rolled_up
from analytics_es.testing import NOON, job_failed, provider_call, task_completed, tool_call
from tests.examples import examples
from tests.stores import OURS, append, opened, record, sql, stored

BOTH = pytest.mark.store("sqlite", "postgres", privacy="full")
DECLARED = Usage.__analytics__  # type: ignore[attr-defined]
OLD = attrs.evolve(DECLARED, version=3, carries=(1, 2), rollup=False)
UsageOfBefore = type("Usage", (), {"__analytics__": OLD})
NOW = NOON + timedelta(days=9)

PERIODS = [
    TimePeriod(NOON - timedelta(hours=5), NOON + timedelta(hours=40), granularity)
    for granularity in ("hour", "day", "week", "total")
]
KINDS = (None, *DECLARED.entities)


def answers(analytics: AnalyticsService) -> Iterator[Any]:
    """Yield what every question that reads usage says."""
    for period in PERIODS:
        for kind in KINDS:
            yield analytics.get_usage_stats(kind, None, period)
        yield analytics.get_usage_stats("user", "ada", period)
        yield analytics.get_usage_stats("user", "", period)
        for metric in ("usage.events", "usage.duration", "usage.first_seen", "usage.last_seen"):
            yield analytics.get_summary(metric, period)
            yield analytics.get_summary(metric, period, group_by=["user"])
            yield analytics.get_summary(metric, period, group_by=["event_type"])
            yield analytics.get_summary(metric, period, where={"entity_type": "task"})
            yield analytics.get_summary(metric, period, where={"entity_type": "task"}, group_by=["event_type"])
            yield analytics.get_summary(metric, period, where={"task": "task-1"})
    yield analytics.explain("usage.events", PERIODS[0], where={"entity_type": "task"})
    yield analytics.explain("usage.events", PERIODS[0], where={"task": "task-1"})


def plain(analytics: AnalyticsService) -> list[Any]:
    return [to_plain(answer.unwrap()) for answer in answers(analytics)]


@contextmanager
def adding_up() -> Iterator[None]:
    """Add up the rows of the entities, as if there were no others."""

    def each_alone(declaration: Any, _columns: Any, where: Any) -> tuple[Any, str]:
        only = " AND (entity_type = '' OR entity_id <> '')" if declaration.rollup else ""
        return where, "" if "entity_id" in where else only

    with patch.object(selection, "_once", each_alone):
        yield


EVENTS = st.builds(
    lambda make, hours, changes: make(occurred_at=NOON + timedelta(hours=hours), **changes),
    st.sampled_from([provider_call, tool_call, task_completed, job_failed]),
    st.sampled_from([0.0, 0.5, 1.0, 13.0, 26.5]),
    st.dictionaries(
        st.sampled_from(["user_id", "tenant_id", "task_id", "job_id", "agent_id"]),
        st.sampled_from(["ada", "bob", "task-1", None]),
    ),
)


@examples(6)
@given(st.lists(EVENTS, max_size=20))
def test_every_answer_is_that_of_the_rows_of_entities_added_up(events: list[dict[str, Any]]) -> None:
    with opened(privacy="full", clock=lambda: NOW) as analytics:
        record(analytics, *events)
        told = plain(analytics)
        with adding_up():
            assert told == plain(analytics)


@BOTH
def test_on_both_databases(analytics: AnalyticsService) -> None:
    crowd = [tool_call(occurred_at=NOON + timedelta(hours=n), task_id=f"task-{n}", user_id=None) for n in range(15)]
    record(analytics, *crowd, provider_call(), task_completed(), provider_call(user_id=None, surprise=1))
    append(analytics.store.log, stored("custom.thing.happened", user_id="", task_id=7)) if _is_sqlite(analytics) else 0
    analytics.catch_up()
    told = plain(analytics)
    with adding_up():
        assert told == plain(analytics)
    assert analytics.verify().unwrap().identical


def _is_sqlite(analytics: AnalyticsService) -> bool:
    return not analytics.store.read_models.beside_log


@pytest.mark.parametrize("by", [(), ("entity_type",), ("entity_type", "entity_id"), ("event_type",)])
@pytest.mark.parametrize("kinds", [None, "", "task", ["task", "user"], ["task", UNREAD], ["", "task"]])
def test_rows_of_any_kinds_are_each_added_up_once(kinds: Any, by: Sequence[str]) -> None:
    with opened(privacy="full", clock=lambda: NOW) as analytics:
        record(analytics, tool_call(task_id="task-1"), tool_call(user_id="bob"), provider_call(surprise=1))

        def sums() -> list[tuple[Any, ...]]:
            spans = [Span("day", 0, int(NOW.timestamp()))]
            columns, where = (
                columns_of(measures_of(DECLARED, ["events"])),
                {} if kinds is None else {"entity_type": kinds},
            )
            with analytics.store.read_models.read() as state:
                return sorted(state.sums(state.live["usage"], columns, spans, where=where, by=by))

        told = sums()
        with adding_up():
            assert told == sums() != []


def test_an_entity_with_a_long_name_is_found_by_it() -> None:
    long = "ada" * 300
    with opened(privacy="full", clock=lambda: NOW) as analytics:
        record(analytics, tool_call(user_id=long), tool_call())

        assert analytics.get_usage_stats("user", long, PERIODS[0]).unwrap().totals.events == 1


@BOTH
def test_views_show_each_entity_and_not_all_of_them_as_one(analytics: AnalyticsService) -> None:
    record(analytics, tool_call(), tool_call(user_id="bob"), tool_call(user_id=None))
    with analytics.store.read_models.reading() as cursor:
        cursor.execute("SELECT user_id, sum(events) FROM v_usage_daily_by_user GROUP BY user_id ORDER BY user_id")
        assert list(map(tuple, cursor.fetchall())) == [("ada", 1), ("bob", 1)]
        cursor.execute("SELECT sum(events) FROM v_usage_daily")
        assert cursor.fetchone()[0] == 3


def test_a_wrong_row_of_a_kind_is_found_with_its_events(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db", privacy="full") as analytics:
        record(analytics, tool_call(), tool_call(user_id="bob"), tool_call(user_id=None))
        table = analytics.store.read_models.live()["usage"].declaration.table
        sql(tmp_path / "a.views.db", f"UPDATE {table} SET events = 9 WHERE entity_type = 'user' AND entity_id = ''")

        (usage,) = analytics.verify(projections=["usage"]).unwrap().projections

    assert not usage.identical
    assert {(one.keys["entity_type"], one.keys["entity_id"], one.events) for one in usage.divergences} == {
        ("user", "", 2)
    }


# ── what was sealed before there were any ───────────────────────────────────────────────────────────────────────


def everything(analytics: AnalyticsService) -> list[tuple[Any, ...]]:
    with analytics.store.read_models.read() as state:
        return state.rows(state.live["usage"])


def test_rows_that_were_sealed_without_them_are_rolled_up_when_they_are_sown(tmp_path: Path) -> None:
    events = [
        tool_call(occurred_at=NOON + timedelta(days=n % 3, hours=n), task_id=f"task-{n % 4}", user_id=who)
        for n, who in enumerate(["ada", "bob", None, "ada", "eve", "bob", "ada"])
    ]
    others = [cls for cls in OURS if cls is not Usage]
    later = NOON + timedelta(days=400)
    with opened(":memory:", privacy="full", clock=lambda: later) as analytics:
        record(analytics, *events)
        expected, told = everything(analytics), usage_of_kinds(analytics)
    path = tmp_path / "a.db"
    with opened(path, privacy="full", clock=lambda: later, projections=[UsageOfBefore, *others]) as analytics:
        record(analytics, *events)
        analytics.retain({"events": "90d"}).unwrap()
        assert analytics.store.log.scan(after=0, limit=100).column("type").to_pylist().count("tool.call.completed") == 0
    with closing(_open_again(path, later)) as analytics:
        analytics.rebuild().unwrap()
        assert everything(analytics) == expected
        assert analytics.verify().unwrap().identical
        assert usage_of_kinds(analytics) == told


def test_only_entities_have_a_row_of_all_of_a_kind() -> None:
    width = len(DECLARED.row_key)
    of_type, of_id = DECLARED.row_key.index("entity_type"), DECLARED.row_key.index("entity_id")

    def row(kind: str, name: str, number: int | None) -> tuple[Any, ...]:
        key = [""] * width
        key[of_type], key[of_id] = kind, name
        return (*key, *(number for _ in DECLARED.columns))

    alone = [row("", "", 1), row(UNREAD, "surprise", 2), row("user", "ada", 3), row("user", "bob", None)]
    together = list(rolled_up(DECLARED, alone))

    assert together == [row("user", "", 3)]
    assert each_alone(DECLARED, [*alone, *together]) == alone


def usage_of_kinds(analytics: AnalyticsService) -> list[Any]:
    """Return the figures of every kind, without what they stand on."""
    told = (analytics.get_usage_stats(kind, None, period).unwrap() for kind in KINDS for period in PERIODS)
    return [attrs.evolve(answer, completeness=None) for answer in told]


def _open_again(path: Path, later: Any) -> AnalyticsService:
    return opened(path, privacy="full", clock=lambda: later)
