"""Performance: what the fewest buckets of a period say is what its hours say, added up here one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection.declaration import Declaration
from analytics_es.queries import Question
from analytics_es.queries.performance import KEYS, _operation, _performance_point
from analytics_es.queries.rows import measures_of, named, together
from analytics_es.testing import NOON, provider_call, task_completed, tool_call
from tests.examples import examples
from tests.stores import opened, record

PERIOD = TimePeriod(NOON - timedelta(hours=30), NOON + timedelta(hours=31), "hour")

EVENTS = st.builds(
    lambda make, hours, duration, status: make(
        occurred_at=NOON + timedelta(hours=hours), duration_ms=duration, status=status
    ),
    st.sampled_from([provider_call, tool_call, task_completed]),
    st.floats(-35, 35),
    st.one_of(st.none(), st.integers(0, 10**7), st.decimals(0, 10**5, places=3).map(float)),
    st.sampled_from(["ok", "error", "cancelled"]),
)


def by_hours(question: Question, declaration: Declaration) -> tuple[list[Any], list[Any]]:
    """Return the operations and the series as they follow from the rows of each hour."""
    measures = measures_of(declaration)
    points = question.points(declaration, measures, {}, KEYS)
    rows = [row for rows in points.values() for row in rows]
    by_key: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        by_key.setdefault(row[:2], []).append(named(measures, row[2:]))
    operations = [_operation(measures, *key, together(measures, parts), 1, 1) for key, parts in by_key.items()]
    every = [(question.tiling.start, rows), *((start, rows) for (start,), rows in points.items())]
    return operations, [
        _performance_point(question, measures, start, [named(measures, row[2:]) for row in rows])
        for start, rows in every
    ]


@examples(15)
@given(st.lists(EVENTS, max_size=30))
def test_the_answer_is_that_of_the_rows_of_its_hours(events: list[dict[str, Any]]) -> None:
    with opened() as analytics:
        record(analytics, *events)
        answer = analytics.get_performance_metrics(PERIOD).unwrap()
        operations, points = _by_hours(analytics)

    assert [answer.totals, *answer.series] == points
    figures = ("operation", "subject", "calls", "failures", "unknown", "error_rate", "output_tokens", "duration_ms")
    figures = (*figures, "time_to_first_chunk_ms", "output_tokens_per_second")
    ordered = sorted(operations, key=lambda row: (-row.calls, row.operation, row.subject))
    assert [[getattr(row, name) for name in figures] for row in answer.operations] == [
        [getattr(row, name) for name in figures] for row in ordered
    ]


def _by_hours(analytics: AnalyticsService) -> tuple[list[Any], list[Any]]:
    context = analytics._parts.context
    with context.question(["performance"], PERIOD) as question:
        return by_hours(question, context.declaration("performance"))
