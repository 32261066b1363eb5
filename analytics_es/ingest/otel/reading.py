"""What a span tells, in the fields of our vocabulary: its emitter is recognised, a plan looked up, and followed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from attrs import define

from analytics_es.ingest.models import served
from analytics_es.ingest.otel import recognition
from analytics_es.ingest.otel.following import Told
from analytics_es.ingest.otel.operations import Activity, activity
from analytics_es.ingest.otel.plan import TAKEN, Plan, compiled, is_kept
from analytics_es.ingest.otel.spans import Span
from analytics_es.ingest.otel.tokens import add_up, layout_of
from analytics_es.ingest.otel.values import decimal, plain

PLANS = 1024  # as many plans are kept, of spans whose names of attributes take together at most
MAX_NAMES = 8192  # characters


@define(kw_only=True, eq=False)
class Reading:
    """What a span tells.

    plan: how it was read; its `emitter` is who wrote it.
    activity: what it is, None if it is none of GenAI.
    fields: all its tables have names for, by field: texts, numbers, milliseconds.
    provider, model: who served the call, and by which model, where that is certain.
    usage: tokens, whose totals hold their parts, and cost and currency; only what is told.
    contradictions: the fields of the usage that contradict what else is told.
    apart: attributes that tell a field something else than what was taken, by field.
    """

    plan: Plan
    activity: Activity | None
    fields: Mapping[str, Any]
    provider: str | None = None
    model: str | None = None
    usage: Mapping[str, Any]
    contradictions: tuple[str, ...] = ()
    apart: Mapping[str, list[str]]

    def attempt(self) -> Any:
        """Return which attempt it was, from 1, None where nothing tells; the door refuses what is no such number."""
        own, resends = self.fields.get("attempt"), self.fields.get("resends")
        if own is not None:
            return own
        return resends + 1 if type(resends) is int else resends

    def names_left_over(self, what: str) -> tuple[list[str] | tuple[str, ...], int]:
        """Return the names that an event of an activity (`TAKEN`) has no field for; and how many can be no names."""
        names, taken = self.plan.left_over(what), TAKEN[what]
        apart = [name for field, names in self.apart.items() if field in taken for name in names if is_kept(name)]
        return sorted({*names, *apart}) if apart else names, self.plan.unfit


def read(span: Span) -> Reading:
    """Return what a span tells; nothing that it may hold raises."""
    reading: Reading | None = span.reading
    if reading is None:
        reading = _read(span)
        object.__setattr__(span, "reading", reading)
    return reading


# ── plans ───────────────────────────────────────────────────────────────────────────────────────────────────────

_plans = dict[tuple[str | None, str, tuple[str, ...]], Plan]()
_lock = threading.Lock()


def plan_of(span: Span) -> Plan:
    """Return how to read a span."""
    names = tuple(span.attributes)
    emitter = recognition.of_scope(span.scope[:128]) or recognition.of_span(span.name[:128])
    plan = _plan(emitter, span.scope_version[:32] if emitter else "", names)
    if plan.emitter is recognition.UNKNOWN and (emitter := recognition.of_values(span.attributes)) is not None:
        return _plan(emitter, "", names)
    return plan


def _plan(emitter: str | None, version: str, names: tuple[str, ...]) -> Plan:
    key = (emitter, version, names)
    if (plan := _plans.get(key)) is None:
        recognised = emitter or recognition.of_attributes(names)
        plan = compiled(recognition.declared(recognised, version, names), names, recognised=recognised is not None)
        if sum(map(len, names)) <= MAX_NAMES:
            with _lock:
                if len(_plans) >= PLANS:
                    del _plans[next(iter(_plans))]
                _plans[key] = plan
    return plan


# ── following one ───────────────────────────────────────────────────────────────────────────────────────────────


def _read(span: Span) -> Reading:
    plan = plan_of(span)
    if plan.repeats and _repeats(span, plan):
        return Reading(plan=plan, activity=None, fields={}, usage={}, apart={})
    told = Told(span.attributes)
    told.follow(plan)
    fields, apart, said = told.fields, told.apart, told.said
    kind = activity(plan, fields, span.name)
    if kind is None:
        return Reading(plan=plan, activity=None, fields=fields, usage={}, apart=apart)
    if kind.operation != fields.get("operation"):
        apart["operation"] = [place.attribute for place in dict(plan.lookups).get("operation", ())]
    who = served(fields.get("provider"), fields.get("request_model"), fields.get("response_model"))
    usage: dict[str, Any] = {}
    if plan.tells_usage:
        usage = _usage(plan, fields, who.provider or _maker(who.model), kind.operation, apart, said)
    for field, counts in told.others.items():
        if all(
            count == usage.get(field) for count in counts
        ):  # one name is of the total without its parts, the other of all of it
            said.remove(field)
    return Reading(
        plan=plan,
        activity=kind,
        fields=fields,
        provider=who.provider,
        model=who.model,
        usage=usage,
        contradictions=tuple(dict.fromkeys(said)),
        apart=apart,
    )


def _repeats(span: Span, plan: Plan) -> bool:
    """Say whether a span tells again what another one does, or holds its place."""
    told = ((plain(span.attributes[name]).lower(), words) for name, words in plan.repeats)
    return any(value in words or (value and "*" in words) for value, words in told)


def _usage(
    plan: Plan,
    fields: Mapping[str, Any],
    provider: str | None,
    operation: str | None,
    apart: dict[str, list[str]],
    said: list[str],
) -> dict[str, Any]:
    told = {name: fields[name] for name in plan.counted if name in fields}
    layout = layout_of(plan.emitter, provider, fields.get("provider"))
    tokens, contradictions = add_up(told, layout, operation) if told else ({}, [])
    said += contradictions
    for field, places in plan.lookups if contradictions else ():
        if field in told and field not in tokens and field in said:  # what is left out of the figures stays to be seen
            apart[field] = [place.attribute for place in places if not place.inside]
    if (cost := _cost_of(fields)) is not None:
        tokens |= {"cost": cost, "currency": fields["currency"]}
    return tokens


def _maker(model: str | None) -> str | None:
    """Return who makes a model that is told alone: Claude's, called as Anthropic does, counts as Anthropic does."""
    return "anthropic" if model and model.startswith("claude") else None


def _cost_of(fields: Mapping[str, Any]) -> Any:
    """Return what a call cost, in all, or as the sum of both sides."""
    if (cost := fields.get("cost")) is not None:
        return cost
    if "input_cost" not in fields:
        return None
    sides = [decimal(fields.get(name)) for name in ("input_cost", "output_cost")]
    return None if None in sides else str(sum(side for side in sides if side is not None))
