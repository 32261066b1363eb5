"""How fast and how reliable: get_performance_metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_es.projection.declaration import Declaration, Measure
from analytics_es.queries.figures import distribution, share
from analytics_es.queries.question import Question, QuestionContext
from analytics_es.queries.rows import Values, columns_of, measures_of, named, together
from analytics_es.read_models import Span
from analytics_es.types import OperationPerformance, PerformanceMetrics, PerformancePoint, TimePeriod

KEYS = ("operation", "subject")
SHOWN = ("calls", "failures", "unknown", "duration")  # of all operations together
NEEDED = (
    *(*KEYS, "calls", "failures", "duration", "time_to_first_chunk"),
    *("output_tokens", "timed_output_tokens", "output_duration"),
)


def performance(context: QuestionContext, period: TimePeriod) -> PerformanceMetrics:
    """Answer get_performance_metrics."""
    with context.question(["performance"], period) as question:
        declaration = question.declaration("performance", NEEDED)
        measures, shown = measures_of(declaration), measures_of(declaration, SHOWN)
        # Of the fewest buckets that the period has: those of a series may be many more, and hold the same.
        rows = question.snapshot.sums(declaration, columns_of(measures), question.tiling.spans(), by=KEYS)
        values = {row[:2]: named(measures, row[2:]) for row in rows}
        busy, seconds = _busy_seconds(question, declaration), question.passed()
        operations = [
            _operation(measures, names[0], names[1], of_operation, seconds, busy.get(names, 0))
            for names, of_operation in values.items()
        ]
        series = question.points(declaration, shown, {})
        return PerformanceMetrics(
            period=question.period,
            operations=sorted(operations, key=lambda row: (-row.calls, row.operation, row.subject)),
            series=[
                _performance_point(question, shown, start, [named(shown, row) for row in rows])
                for (start,), rows in series.items()
            ],
            completeness=question.completeness(),
            totals=_performance_point(question, shown, question.tiling.start, list(values.values())),
        )


def _busy_seconds(question: Question, declaration: Declaration) -> dict[tuple[str, str], float]:
    """Return of each operation and subject how long the hours were that had calls, of the one that goes on so far."""
    tiling, snapshot, now = question.tiling, question.snapshot, question.context.clock().timestamp()
    busy = {row[:2]: row[2] * 3600 for row in snapshot.busy(declaration, tiling.hours(), by=KEYS)}
    hour = tiling.calendar.hour_start(int(now))
    if tiling.start <= hour < tiling.end and now > hour:
        coming = tiling.calendar.next_hour(hour) - now
        for row in snapshot.busy(declaration, [Span("hour", hour, hour + 1)], by=KEYS):
            busy[row[:2]] -= coming
    return busy


def _operation(
    measures: Sequence[Measure], operation: str, subject: str, values: Values, seconds: float, busy_seconds: float
) -> OperationPerformance:
    calls, failures, unknown = values["calls"], values["failures"], values.get("unknown") or 0
    tokens, duration = values["timed_output_tokens"], values["output_duration"]
    return OperationPerformance(
        operation=operation,
        subject=subject,
        calls=calls,
        failures=failures,
        error_rate=share(failures, calls - unknown),
        calls_per_second=calls / seconds if seconds else None,
        busy_calls_per_second=calls / busy_seconds if busy_seconds > 0 else None,
        output_tokens=values["output_tokens"],
        output_tokens_per_second=tokens * 1_000_000 / duration if tokens and duration else None,
        duration_ms=_spread(measures, values, "duration"),
        time_to_first_chunk_ms=_spread(measures, values, "time_to_first_chunk"),
        unknown=unknown,
    )


def _spread(measures: Sequence[Measure], values: Values, name: str) -> Any:
    measure = next(measure for measure in measures if measure.name == name)
    return distribution(measure, [values[column.name] for column in measure.columns])


def _performance_point(
    question: Question, shown: Sequence[Measure], start: int, parts: Sequence[Values]
) -> PerformancePoint:
    values = together(shown, parts)
    calls, failures, unknown = values["calls"] or 0, values["failures"] or 0, values.get("unknown") or 0
    return PerformancePoint(
        start=question.tiling.local(start),
        calls=calls,
        failures=failures,
        error_rate=share(failures, calls - unknown),
        duration_ms=_spread(shown, values, "duration"),
        unknown=unknown,
    )
