"""How fast and how reliable: get_performance_metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_es.projection.declaration import Measure
from analytics_es.queries.figures import distribution, share
from analytics_es.queries.question import Question, QuestionContext
from analytics_es.queries.rows import Values, measures_of, merged_by, named, together
from analytics_es.types import OperationPerformance, PerformanceMetrics, PerformancePoint, TimePeriod

KEYS = ("operation", "subject")
NEEDED = (
    *(*KEYS, "calls", "failures", "duration", "time_to_first_chunk"),
    *("output_tokens", "timed_output_tokens", "output_duration"),
)


def performance(context: QuestionContext, period: TimePeriod) -> PerformanceMetrics:
    """Answer get_performance_metrics."""
    keys = list(KEYS)
    with context.question(["performance"], period) as question:
        declaration = question.declaration("performance", NEEDED)
        measures = measures_of(declaration)
        points = question.points(declaration, measures, {}, keys)
        busy = {row[:2]: row[2] for row in question.snapshot.busy(declaration, question.tiling.hours(), by=keys)}
        seconds = question.tiling.end - question.tiling.start
        operations = [
            _operation(measures, names[0], names[1], values, seconds, busy.get(names, 0))
            for names, values in merged_by(measures, [row for rows in points.values() for row in rows], 2).items()
        ]
        return PerformanceMetrics(
            period=question.period,
            operations=sorted(operations, key=lambda row: (-row.calls, row.operation, row.subject)),
            series=[_performance_point(question, measures, start, rows) for (start,), rows in points.items()],
            completeness=question.completeness(),
        )


def _operation(
    measures: Sequence[Measure], operation: str, subject: str, values: Values, seconds: int, busy_hours: int
) -> OperationPerformance:
    calls, failures, unknown = values["calls"], values["failures"], values.get("unknown") or 0
    tokens, duration = values["timed_output_tokens"], values["output_duration"]
    return OperationPerformance(
        operation=operation,
        subject=subject,
        calls=calls,
        failures=failures,
        error_rate=share(failures, calls - unknown),
        calls_per_second=calls / seconds,
        busy_calls_per_second=share(calls, busy_hours * 3600),
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
    question: Question, measures: Sequence[Measure], start: int, rows: list[Any]
) -> PerformancePoint:
    shown = [measure for measure in measures if measure.name in ("calls", "failures", "unknown", "duration")]
    values = together(shown, [named(measures, row[2:]) for row in rows])
    calls, failures, unknown = values["calls"] or 0, values["failures"] or 0, values.get("unknown") or 0
    return PerformancePoint(
        start=question.tiling.local(start),
        calls=calls,
        failures=failures,
        error_rate=share(failures, calls - unknown),
        duration_ms=_spread(measures, values, "duration"),
        unknown=unknown,
    )
