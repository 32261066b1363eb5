"""How fast some calls were, over a period and by time: all of them, or those of one operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from analytics_es.presentation.pages import heads
from analytics_es.presentation.pages.asking import Asking
from analytics_es.types import Completeness, Distribution, PerformanceMetrics, PerformancePoint

MEASURES = ("duration", "calls", "failures", "unknown", "time_to_first_chunk")  # of calls that are narrowed to


@frozen(kw_only=True)
class Speed:
    """How fast calls were, over the period and by time.

    duration, first_chunk: in milliseconds; first_chunk is None where it is of no one operation.
    points: by time.
    answers: which it is from, by name, where that is not the whole answer.
    """

    calls: int
    failures: int
    unknown: int
    duration: Distribution
    first_chunk: Distribution | None = None
    points: Sequence[PerformancePoint]
    answers: Mapping[str, Any]
    completeness: Sequence[Completeness] = ()

    @classmethod
    def of_all(cls, answer: PerformanceMetrics) -> Speed:
        """Return that of all operations together."""
        totals = answer.totals
        return cls(
            calls=totals.calls,
            failures=totals.failures,
            unknown=totals.unknown,
            duration=totals.duration_ms,
            points=answer.series,
            answers={},
        )

    @property
    def error_rate(self) -> float | None:
        """The share that failed of those that say how they ended."""
        return _share(self.failures, self.calls - self.unknown)


def narrowed(asking: Asking, where: Mapping[str, str]) -> Speed:
    """Ask how fast some calls were, one metric at a time."""
    declaration = heads.declared(asking, "performance")
    there = {measure.name for measure in declaration.measures} if declaration else ()
    summaries = {
        name: asking.answers.get_summary(f"performance.{name}", asking.period, where=where).unwrap()
        for name in MEASURES
        if name in there
    }
    counts = {name: [point.figures.count or 0 for point in summary.series] for name, summary in summaries.items()}
    nothing = [0] * len(counts["calls"])
    points = [
        PerformancePoint(
            start=point.start,
            calls=calls,
            failures=failures,
            error_rate=_share(failures, calls - unknown),
            duration_ms=point.figures,
            unknown=unknown,
        )
        for point, calls, failures, unknown in zip(
            summaries["duration"].series,
            counts["calls"],
            counts["failures"],
            counts.get("unknown", nothing),
            strict=True,
        )
    ]
    return Speed(
        calls=summaries["calls"].figures.count or 0,
        failures=summaries["failures"].figures.count or 0,
        unknown=(summaries["unknown"].figures.count or 0) if "unknown" in summaries else 0,
        duration=summaries["duration"].figures,
        first_chunk=summaries["time_to_first_chunk"].figures,
        points=points,
        answers=summaries,
        completeness=[summary.completeness for summary in summaries.values()],
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
