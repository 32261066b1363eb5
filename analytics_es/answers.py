"""The three answers of the house: usage, performance and cost, from the projections of these names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from analytics_es.figures import change, distribution, merged, number, share
from analytics_es.projection import Declaration, Measure
from analytics_es.queries import Question, Source, check_entity, grouping
from analytics_es.types import (
    BudgetStatus,
    CostBreakdown,
    CostPoint,
    CostRow,
    CurrencyCost,
    EntityUsage,
    EventTypeUsage,
    OperationPerformance,
    PerformanceMetrics,
    PerformancePoint,
    TimePeriod,
    Tokens,
    UnknownCost,
    UsagePoint,
    UsageStats,
    UsageTotals,
)

TOP = 10
Values = Mapping[str, Any]


def _measures(declaration: Declaration, names: Sequence[str] | None = None) -> list[Measure]:
    return [each for each in declaration.measures if names is None or each.name in names]


def _columns(measures: Sequence[Measure]) -> list[Any]:
    return [column for each in measures for column in each.columns]


def _merged(measures: Sequence[Measure], rows: Sequence[tuple[Any, ...]], width: int) -> dict[tuple[Any, ...], Values]:
    """Merge rows of the same first `width` keys."""
    groups: dict[tuple[Any, ...], list[Values]] = {}
    for row in rows:
        groups.setdefault(row[:width], []).append(_named(measures, row[width:]))
    return {keys: _together(measures, parts) for keys, parts in groups.items()}


def _together(measures: Sequence[Measure], parts: Sequence[Values]) -> Values:
    """Merge rows into one; of none, every column is at its zero."""
    return {column.name: merged(column.merge, [part[column.name] for part in parts]) for column in _columns(measures)}


def _named(measures: Sequence[Measure], values: Sequence[Any]) -> Values:
    return dict(zip((column.name for column in _columns(measures)), values, strict=True))


# ── usage ───────────────────────────────────────────────────────────────────────────────────────────────────────


def usage(source: Source, entity_type: str | None, entity_id: str | None, period: TimePeriod) -> UsageStats:
    """Answer get_usage_stats."""
    declaration = source.declaration("usage")
    check_entity(declaration, entity_type, entity_id)
    where = {"entity_type": entity_type or ""}
    if entity_type and entity_id is not None:
        where["entity_id"] = entity_id
    measures = _measures(declaration)
    with source.question(["usage"], period) as question:
        points = question.points(declaration, measures, where, ["event_type"])
        types = _merged(measures, [row for rows in points.values() for row in rows], 1)
        totals = _usage_totals(question, _together(measures, list(types.values())))
        top, active = _active(question, declaration, measures, where)
        return UsageStats(
            entity_type=entity_type,
            entity_id=entity_id,
            period=question.period,
            totals=totals,
            success_rate=share(totals.finished - totals.failures, totals.finished),
            active_entities=active,
            by_event_type=[
                EventTypeUsage(event_type=event_type, totals=_usage_totals(question, values))
                for (event_type,), values in sorted(types.items(), key=lambda item: (-item[1]["events"], item[0]))
            ],
            top_entities=top,
            series=[
                UsagePoint(
                    start=question.tiling.local(start),
                    totals=_usage_totals(question, _together(measures, [_named(measures, row[1:]) for row in rows])),
                )
                for (start,), rows in points.items()
            ],
            completeness=question.completeness(),
        )


def _active(
    question: Question, declaration: Declaration, measures: Sequence[Measure], where: Mapping[str, str]
) -> tuple[list[EntityUsage], dict[str, int]]:
    """Return the busiest entities of the asked type and how many there were; for no type, how many of each."""
    spans = question.tiling.spans()
    entity_type = where["entity_type"]
    if not entity_type:
        counted = question.snapshot.distinct(declaration, "entity_id", spans, by=["entity_type"], where={})
        return [], {kind: n for kind, n in counted if kind}
    rows, active = question.snapshot.top(
        declaration, _columns(measures), spans, where=where, by="entity_id", order="events", limit=TOP
    )
    top = [
        EntityUsage(
            entity_type=entity_type,
            entity_id=row[0],
            totals=_usage_totals(question, _named(measures, row[1:])),
        )
        for row in rows
    ]
    return top, {entity_type: active}


def _usage_totals(question: Question, values: Values) -> UsageTotals:
    def moment(name: str) -> Any:
        value = values.get(name)
        return (
            None if value is None else question.tiling.local(value // 1_000_000).replace(microsecond=value % 1_000_000)
        )

    duration = number(values.get("duration"), 3)
    return UsageTotals(
        events=values.get("events") or 0,
        finished=values.get("finished") or 0,
        failures=values.get("failures") or 0,
        duration_ms=None if duration is None else float(duration),
        input_tokens=values.get("input_tokens"),
        output_tokens=values.get("output_tokens"),
        first_seen=moment("first_seen"),
        last_seen=moment("last_seen"),
    )


# ── performance ─────────────────────────────────────────────────────────────────────────────────────────────────


def performance(source: Source, period: TimePeriod) -> PerformanceMetrics:
    """Answer get_performance_metrics."""
    declaration = source.declaration("performance")
    measures = _measures(declaration)
    keys = ["operation", "subject"]
    with source.question(["performance"], period) as question:
        points = question.points(declaration, measures, {}, keys)
        busy = {row[:2]: row[2] for row in question.snapshot.busy(declaration, question.tiling.hours(), by=keys)}
        seconds = question.tiling.end - question.tiling.start
        operations = [
            _operation(measures, names[0], names[1], values, seconds, busy.get(names, 0))
            for names, values in _merged(measures, [row for rows in points.values() for row in rows], 2).items()
        ]
        return PerformanceMetrics(
            period=question.period,
            operations=sorted(operations, key=lambda each: (-each.calls, each.operation, each.subject)),
            series=[_performance_point(question, measures, start, rows) for (start,), rows in points.items()],
            completeness=question.completeness(),
        )


def _operation(
    measures: Sequence[Measure], operation: str, subject: str, values: Values, seconds: int, busy_hours: int
) -> OperationPerformance:
    calls, failures = values["calls"], values["failures"]
    tokens, duration = values["timed_output_tokens"], values["output_duration"]
    return OperationPerformance(
        operation=operation,
        subject=subject,
        calls=calls,
        failures=failures,
        error_rate=share(failures, calls),
        calls_per_second=calls / seconds,
        busy_calls_per_second=share(calls, busy_hours * 3600),
        output_tokens=values["output_tokens"],
        output_tokens_per_second=tokens * 1_000_000 / duration if tokens and duration else None,
        duration_ms=_spread(measures, values, "duration"),
        time_to_first_chunk_ms=_spread(measures, values, "time_to_first_chunk"),
    )


def _spread(measures: Sequence[Measure], values: Values, name: str) -> Any:
    measure = next(each for each in measures if each.name == name)
    return distribution(measure, [values[column.name] for column in measure.columns])


def _performance_point(
    question: Question, measures: Sequence[Measure], start: int, rows: list[Any]
) -> PerformancePoint:
    wanted = [each for each in measures if each.name in ("calls", "failures", "duration")]
    values = _together(wanted, [_named(measures, row[2:]) for row in rows])
    calls, failures = values["calls"] or 0, values["failures"] or 0
    return PerformancePoint(
        start=question.tiling.local(start),
        calls=calls,
        failures=failures,
        error_rate=share(failures, calls),
        duration_ms=_spread(measures, values, "duration"),
    )


# ── cost ────────────────────────────────────────────────────────────────────────────────────────────────────────

TOKENS = ("input", "output", "cache_read", "cache_creation", "reasoning")


def cost(source: Source, period: TimePeriod, by: Sequence[str]) -> CostBreakdown:
    """Answer get_cost_breakdown."""
    declaration = source.declaration("cost")
    asked = grouping(declaration, by, {})
    once = {"entity_type": ""}
    measures = _measures(declaration)
    with source.question(["cost"], period) as question:
        spans = question.tiling.spans()
        columns = _columns(measures)

        def sums(where: Mapping[str, str], by: Sequence[str]) -> list[tuple[tuple[str, ...], Values]]:
            rows = question.snapshot.sums(declaration, columns, spans, where=where, by=by)
            return [(row[: len(by)], _named(measures, row[len(by) :])) for row in rows]

        by_currency = sums(once, ["currency"])
        whole = _together(measures, [values for _, values in by_currency])
        totals = _totals(question, declaration, by_currency, once)
        keys = [key for key in asked.by if key != "currency"]
        words = [word for word in by if word != "currency"]
        return CostBreakdown(
            period=question.period,
            by=list(by),
            calls=whole["calls"] or 0,
            totals=totals,
            tokens=_tokens(whole, "{}_tokens"),
            calls_without_cost=whole["calls_without_cost"] or 0,
            unknown=_unknown(sums(once, ["provider", "model", "pricing"])),
            rows=_rows(sums(asked.where, [*keys, "currency"]), words, totals),
            budgets=_budgets(sums({"entity_type": "budget"}, ["entity_id", "currency"])),
            series=_cost_series(question, declaration, once),
            completeness=question.completeness(),
        )


def _totals(
    question: Question, declaration: Declaration, rows: list[Any], where: Mapping[str, str]
) -> list[CurrencyCost]:
    reported = _measures(declaration, ["reported_cost"])
    before = question.snapshot.sums(
        declaration, _columns(reported), question.tiling.before().spans(), where=where, by=["currency"]
    )
    previous = {currency: number(value, 9) for currency, value in before}
    totals = []
    for (currency,), values in rows:
        money = number(values["reported_cost"], 9)
        if money is not None:
            totals.append(
                CurrencyCost(
                    currency=currency,
                    reported_cost=money,
                    calls=values["calls"],
                    previous_reported_cost=previous.get(currency),
                    change=change(money, previous.get(currency)),
                )
            )
    return sorted(totals, key=lambda total: (-total.calls, total.currency))


def _tokens(values: Values, name: str) -> Tokens:
    known = {kind: values.get(name.format(kind)) for kind in TOKENS}
    return _disjoint(known)


def _disjoint(known: Mapping[str, int | None]) -> Tokens:
    """Add the disjoint kinds: what is left of a total without its parts."""

    def rest(total: int | None, *parts: int | None) -> int | None:
        return None if total is None else total - sum(part or 0 for part in parts)

    return Tokens(
        **known,
        uncached_input=rest(known["input"], known["cache_read"], known["cache_creation"]),
        text_output=rest(known["output"], known["reasoning"]),
    )


def _unknown(rows: list[Any]) -> list[UnknownCost]:
    """List per model what has no usable cost; `rows` are by provider, model and pricing."""
    models: dict[tuple[str, str], list[Values]] = {}
    for (provider, model, pricing), values in rows:
        if pricing.startswith("unknown") or values["calls_at_zero_cost"]:
            models.setdefault((provider, model), []).append({**values, "unknown": pricing.startswith("unknown")})
    found = [_unknown_model(*name, parts) for name, parts in models.items()]
    found = [each for each in found if each.calls or each.at_zero_cost]
    return sorted(found, key=lambda each: (-each.calls - each.at_zero_cost, each.provider, each.model))


def _unknown_model(provider: str, model: str, parts: Sequence[Values]) -> UnknownCost:
    unknown = [part for part in parts if part["unknown"]]

    def both_bands(kind: str) -> int | None:
        known = [part[f"{kind}_tokens"] for part in unknown if part[f"{kind}_tokens"] is not None]
        return sum(known) if known else None

    return UnknownCost(
        provider=provider,
        model=model,
        calls=sum(part["calls_without_cost"] for part in parts),
        at_zero_cost=sum(part["calls_at_zero_cost"] for part in parts),
        tokens=_disjoint({kind: both_bands(kind) for kind in TOKENS}),
    )


def _rows(rows: list[Any], words: Sequence[str], totals: Sequence[CurrencyCost]) -> list[CostRow]:
    whole = {total.currency: total.reported_cost for total in totals}
    found = []
    for keys, values in rows:
        money, currency = number(values["reported_cost"], 9), keys[-1]
        used = (values["input_tokens"], values["output_tokens"], money)
        if not values["calls"] and all(each is None for each in used):
            continue
        all_of_it = whole.get(currency)
        found.append(
            CostRow(
                keys=dict(zip(words, keys[:-1], strict=True)),
                currency=currency if money is not None else "",
                calls=values["calls"],
                reported_cost=money,
                share=float(money / all_of_it) if money is not None and all_of_it else None,
                tokens=_tokens(values, "{}_tokens"),
                calls_without_cost=values["calls_without_cost"],
                calls_at_zero_cost=values["calls_at_zero_cost"],
            )
        )
    return sorted(found, key=lambda row: (-(row.reported_cost or Decimal(-1)), -row.calls, *row.keys.values()))


def _budgets(rows: list[Any]) -> list[BudgetStatus]:
    found = []
    for (budget, currency), values in rows:
        allocated, spent = number(values["allocated"], 9), number(values["spent"], 9)
        if allocated is None and spent is None:
            continue
        remaining = None if allocated is None else allocated - (spent or Decimal(0))
        found.append(
            BudgetStatus(budget_id=budget, currency=currency, allocated=allocated, spent=spent, remaining=remaining)
        )
    return found


def _cost_series(question: Question, declaration: Declaration, where: Mapping[str, str]) -> list[CostPoint]:
    """Return a point for every bucket and every currency of the period."""
    measures = _measures(declaration, ["calls", "reported_cost", "calls_without_cost"])
    points = {
        start: {row[0]: _named(measures, row[1:]) for row in rows}
        for (start,), rows in question.points(declaration, measures, where, ["currency"]).items()
    }
    currencies = {
        currency
        for rows in points.values()
        for currency, values in rows.items()
        if values["calls"] or values["reported_cost"] is not None
    }
    nothing = _together(measures, [])
    return [
        CostPoint(
            start=question.tiling.local(start),
            currency=currency,
            reported_cost=number(values["reported_cost"], 9),
            calls=values["calls"] or 0,
            calls_without_cost=values["calls_without_cost"] or 0,
        )
        for start, rows in points.items()
        for currency in sorted(currencies)
        for values in [rows.get(currency, nothing)]
    ]
