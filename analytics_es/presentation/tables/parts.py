"""What the tables of all answers have in common: their heading, their first rows, and what they stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from analytics_es.presentation import Block, Cell, Columns, Grid, Line, Row, Styled, words
from analytics_es.presentation.tables.series import series
from analytics_es.presentation.tables.unread import in_short
from analytics_es.types import Completeness, CostBreakdown, MetricSummary, TimePeriod
from analytics_es.types.sentences import joined, sentence

ALARM = "bold yellow"
PERCENTILES = "percentiles within 1.1 %"
CONTRADICTING = 3  # fields that are shown


def heading(title: str, period: TimePeriod, series: bool = True) -> Iterator[Block]:
    """Return a title: what, when, in which zone, and by which buckets."""
    by = f", by the {period.granularity}" if series and period.granularity != "total" else ""
    when = f"{period.start:%Y-%m-%d %H:%M} – {period.end:%Y-%m-%d %H:%M} ({period.start.tzinfo}){by}"
    yield from (Line(f"{title}  {when}", "bold cyan"), Line())


def filtered(where: Mapping[str, str]) -> str:
    """Return what a title says of a filter; nothing where there is none."""
    return "".join(words.safe(f", {key} {value or '(none)'}") for key, value in where.items())


def nothing(where: Mapping[str, str] | None = None, what: str = "events") -> Iterator[Block]:
    """Say that there is nothing to show, and what to try."""
    if where:
        text = sentence(
            "No {what} in this period fit --where: try another one, or a longer period, such as --last 4w.", what=what
        )
    else:
        text = sentence("No {what} in this period: try a longer one, such as --last 4w, or --from.", what=what)
    yield from apart(text)


def apart(text: str, style: str = "yellow") -> Iterator[Block]:
    """Return a line of its own, and an empty one."""
    yield from (Line(text, style), Line())


def footer(answers: Sequence[Completeness], period: TimePeriod, *notes: str) -> Line:
    """Return what answers about a period stand on."""
    still_open = any(answer.open_buckets for answer in answers)
    more = "still open: more may come" if still_open else "period closed"
    return stands_on(answers, more, str(period.start.tzinfo), *sealed(answers), *notes)


def stands_on(answers: Sequence[Completeness], *notes: str) -> Line:
    """Return what answers stand on: the lowest of their positions, the worst of everything else."""
    events, seconds = max(answer.lag_events for answer in answers), max(answer.lag_seconds for answer in answers)
    unreadable, doubtful = _unreadable(answers), [*_doubts(answers)]
    parts = [
        f"as of position {min(answer.position for answer in answers):,}",
        f"{words.plural(events, 'event')} behind ({words.duration(1_000 * seconds)})" if events else "up to date",
        unreadable or "all readable",
        *notes,
        *doubtful,
    ]
    return Line(joined(" · ", parts), "yellow" if events or unreadable or doubtful else "dim")


def doubts(answers: Sequence[Completeness]) -> list[str]:
    """Return what is in no figure of some answers, or stands in one and is doubtful, beside what they lag behind."""
    return [*filter(None, [_unreadable(answers)]), *_doubts(answers)]


def _unreadable(answers: Sequence[Completeness]) -> str:
    unreadable = sum(answer.unreadable for answer in answers)
    if not unreadable:
        return ""
    values = words.plural(unreadable, "value")
    return sentence("{values} unreadable (`analytics-es projections status`)", values=values)


def _doubts(answers: Sequence[Completeness]) -> Iterator[str]:
    not_stored = sorted({word for answer in answers for word in answer.not_stored})
    if not_stored:
        yield f"not stored, by a policy of privacy: {', '.join(map(words.safe, not_stored))}"
    if unread := in_short(answers):
        yield unread
    if contradicted := _contradicted(answers):
        yield contradicted
    if partial := max(answer.partial_calls for answer in answers):
        yield partial_calls(partial)


def _contradicted(answers: Sequence[Completeness]) -> str:
    """Say how many figures contradict what was told beside them; answers about one period mostly count the same."""
    most = max(answers, key=lambda answer: answer.contradictions)
    if not most.contradictions:
        return ""
    fields = ", ".join(map(words.safe, most.contradicting[:CONTRADICTING]))
    return f"{words.plural(most.contradictions, 'figure')} contradicted by what was told beside: {fields}"


def partial_calls(calls: int) -> str:
    """Say of how many calls the last usage was never written."""
    if calls == 1:
        return "1 call is partial: its last usage was never written"
    return f"{calls:,} calls are partial: their last usage was never written"


def sealed(answers: Sequence[Completeness]) -> Iterator[str]:
    """Return up to when events are gone, and from when on every measure is complete."""
    if sealed := [answer.sealed_until for answer in answers if answer.sealed_until]:
        yield f"sealed before {max(sealed):%Y-%m-%d}"
    if partial := [answer.complete_from for answer in answers if answer.complete_from]:
        yield f"incomplete before {max(partial):%Y-%m-%d}"


def cut(rows: Iterable[Row], top: int, more: str | None = None) -> tuple[list[Row], str]:
    """Return the first rows, and the remark that says how many there are beyond, and what shows `more` of them."""
    rows = list(rows)
    return rows[:top], beyond(len(rows) - top, by_top(len(rows)) if more is None else more)


def by_top(number: int) -> str:
    """Return what shows that many rows."""
    return sentence("--top {number} shows all", number=number)


def beyond(number: int, more: str) -> str:
    """Return the remark that there are so many rows beyond those that are shown; nothing where there are none."""
    if number <= 0:
        return ""
    if not more:
        return sentence("… and {number:,} more", number=number)
    return sentence("… and {number:,} more: {more}", number=number, more=more)


def start_of(points: Sequence[Any]) -> Callable[[Any], str]:
    """Return what says where one of these buckets of time begins; by UTC, as an hour may come twice."""
    texts = words.starts([point.start for point in points])
    by_start = {point.start.astimezone(UTC): text for point, text in zip(points, texts, strict=True)}
    return lambda point: by_start[point.start.astimezone(UTC)]


def by_time(
    answer: Any, columns: Columns[Any], *, total: Any, is_empty: Callable[[Any], bool], of: str
) -> Iterator[Grid[Any]]:
    """Return a table with a row for each bucket of time and one for all of them, unless the period is one."""
    if answer.period.granularity != "total":
        starts = [point.start for point in answer.series]
        rows: dict[str, Any] = {"total": total, "is_empty": is_empty, "of": of}
        rows["goes_on"] = answer.completeness.open_buckets
        yield series(answer.period, columns, answer.series, starts, **rows)


def compared(answer: MetricSummary | CostBreakdown) -> str:
    """Return which stretch before is compared with, where that is not the whole period before."""
    before = answer.compared_with
    if before is None or not answer.completeness.open_buckets:
        return ""
    return f"so far, compared with {before.start:%Y-%m-%d %H:%M} – {before.end:%Y-%m-%d %H:%M}"


def errors(failures: int) -> Cell:
    """Return failures, which stand out unless there are none."""
    return Styled(words.count(failures), "red") if failures else "0"


def unclear(unknown: int) -> Iterator[Block]:
    """Say of how many nobody knows how they ended; nothing where all say so."""
    if unknown:
        yield from apart(f"{words.plural(unknown, 'event')} ended and do not say how: neither failed nor went well.")


def model_name(priced: Any) -> str:
    """Return whose model it is, and which."""
    return "/".join(part for part in (priced.provider, priced.model) if part) or "(no model)"
