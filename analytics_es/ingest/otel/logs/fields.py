"""What the attributes of an agent's record say in the fields of our vocabulary, and what is left of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from analytics_es.ingest.models import served
from analytics_es.ingest.otel.agents.kinds import Kind, says
from analytics_es.ingest.otel.attributes import contradicting, short
from analytics_es.ingest.otel.conventions.own import PREFIX
from analytics_es.ingest.otel.logs.record import LogRecord
from analytics_es.ingest.otel.plan import MAX_ATTRIBUTES, MAX_NAME, PARTS, TOTALS, is_free_text, is_person
from analytics_es.ingest.otel.spans import MAX_VALUE
from analytics_es.ingest.otel.tokens import IN, Layout, add_up
from analytics_es.ingest.otel.values import MOST_ROUNDED, cut, decimal, inside, milliseconds, number, plain, remembered

IDS = ("user_id", "tenant_id", "conversation_id", "agent_id", "job_id", "task_id")
_OWN_IDS = {name: PREFIX + name for name in IDS}
_OWN = frozenset(_OWN_IDS.values())
# Of the machine and the SDK, which the resource tells with each request: no dimension of a call.
OF_THE_MACHINE = ("host.", "os.", "process.", "telemetry.", "wsl.", "container.", "device.", "service.instance.")

Attributes = Mapping[str, Any]


def data_of(record: LogRecord, kind: Kind) -> dict[str, Any]:
    """Return the data of an event: fields, and attributes that are none; what is no number the door refuses."""
    told, event_type = record.attributes, kind.told.event_type
    contradictions, asked_for = list[str](), None
    data = {**_ids(record, kind), "duration_ms": _milliseconds(told, kind, "duration"), **kind.told.fields}
    if event_type.endswith(".failed"):
        data["error_type"] = _text(_first(told, kind, "error_type"))
    if event_type.startswith("tool."):
        data["tool"] = _tool(told, kind)
    if event_type.startswith("provider."):
        asked_for = _text(_first(told, kind, "request_model"))
        who = served(_provider(told, kind, asked_for), asked_for)
        data |= {"model": who.model, "provider": who.provider}
        data["attempt"] = number(_first(told, kind, "attempt"))
        data["time_to_first_chunk_ms"] = _milliseconds(told, kind, "time_to_first_chunk")
        used, contradictions = _used(told, kind)
        data |= used
    data = {name: value for name, value in data.items() if value is not None}
    attributes = _left_over(record, kind, contradictions)
    if asked_for and asked_for != data.get("model"):
        attributes["gen_ai.request.model"] = asked_for
    return {**data, "attributes": attributes}


# ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _ids(record: LogRecord, kind: Kind) -> dict[str, Any]:
    """Return whom it belongs to: what an application says itself goes first; a person is who the agent knows."""
    own = {name: record.attributes.get(key) or record.resource.get(key) for name, key in _OWN_IDS.items()}
    persons = (record.attributes.get(name) or record.resource.get(name) for name in kind.agent.persons)
    ids = {name: _text(own[name] or _first(record.attributes, kind, name)) for name in IDS}
    ids["user_id"] = ids["user_id"] or _text(next(filter(None, persons), None))
    ids["conversation_id"] = ids["conversation_id"] or _text(record.resource.get("session.id"))
    ids["agent_id"] = ids["agent_id"] or kind.agent.name
    return ids


def _tool(told: Attributes, kind: Kind) -> str | None:
    """Return the name of the tool; one of a server as the agent itself calls it, where it is told at all."""
    for attribute in kind.agent.servers:
        server, tool = (inside(told.get(attribute), (name,)) for name in ("mcp_server_name", "mcp_tool_name"))
        if isinstance(server, str) and isinstance(tool, str):
            return _text(f"mcp__{server}__{tool}")
    return _text(_first(told, kind, "tool"))


def _provider(told: Attributes, kind: Kind, model: str | None) -> str | None:
    for attribute, providers in kind.agent.provider_of.items():
        if provider := providers.get(str(told.get(attribute)).lower()):
            return provider
    name = (model or "").lower()
    return next((who for pattern, who in kind.agent.providers.items() if says(name, (pattern,))), None) or None


def _used(told: Attributes, kind: Kind) -> tuple[dict[str, Any], list[str]]:
    """Return tokens and cost, and which figures contradict one another."""
    tokens, words = _tokens(told, kind)
    costs = [cost for cost in _costs(told, kind) if cost]
    exact = [cost for cost in costs if isinstance(cost, Decimal)]
    if exact and max(exact) - min(exact) > MOST_ROUNDED:
        words = [*words, "cost"]
    return {**tokens, **({"cost": costs[0], "currency": "USD"} if costs else {})}, words


def _tokens(told: Attributes, kind: Kind) -> tuple[dict[str, Any], list[str]]:
    """Return tokens whose totals include their parts, none where all are 0: so agents write that nothing was told."""
    counts = {name: number(_first(told, kind, name)) for name in (*TOTALS, *PARTS)}
    tokens = {name: count for name, count in counts.items() if count is not None}
    if not any(tokens.values()):
        return {}, []
    more = [count for name in kind.agent.more_input if (count := number(told.get(name)))]
    if more and all(type(count) is int and count > 0 for count in (*more, tokens.get(IN, 1))):
        tokens[IN] = tokens.get(IN, 0) + sum(more)
    return add_up(tokens, Layout(kind.agent.beside, frozenset(), True), kind.told.fields.get("operation"))


def _costs(told: Attributes, kind: Kind) -> list[Any]:
    """Return the cost in US dollars by each of its names, the first first; a text that is no number stays one."""
    amounts = [(told.get(name), units) for name, units in kind.agent.costs.items()]
    return [_dollars(amount, units) for amount, units in amounts if amount is not None and amount != ""]


def _dollars(amount: Any, units: int) -> Any:
    exact = decimal(amount)
    return amount if exact is None else exact / units


# ── attributes ──────────────────────────────────────────────────────────────────────────────────────────────────


def _left_over(record: LogRecord, kind: Kind, contradictions: list[str]) -> dict[str, Any]:
    """Return what no field has taken: short, flat, without what was said or done; what has no room is counted."""
    values = {**{name: value for name, value in record.resource.items() if _is_of_the_call(name)}, **record.attributes}
    names = [
        name for name, value in values.items() if value not in (None, "") and name not in kind.taken and _is_free(name)
    ]
    fitting = sorted(name for name in names if _can_be_stored(name))[:MAX_ATTRIBUTES]
    about = {
        "service.name": record.service,
        "otel.scope.name": record.scope,
        "otel.dropped_attributes": record.dropped + len(names) - len(fitting),
    }
    about = {name: short(value) for name, value in about.items() if value}
    return {**{name: short(values[name]) for name in fitting}, **about, **contradicting(*contradictions)}


def _first(told: Attributes, kind: Kind, field: str) -> Any:
    """Return the first value that there is of a field."""
    for row in kind.names.get(field, ()):
        value = told.get(row.attribute)
        if value is not None and value != "":
            return value
    return None


def _milliseconds(told: Attributes, kind: Kind, field: str) -> Any:
    """Return a duration in milliseconds; what is none stays, for the door to refuse."""
    duration = _first(told, kind, field)
    return duration if duration is None else milliseconds(duration, 1) if _is_number(duration) else duration


def _is_number(value: Any) -> bool:
    return type(number(value)) in (int, float)


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else cut(plain(value), MAX_VALUE)


@remembered
def _is_free(name: str) -> bool:
    """Say whether an attribute tells no text and no person, and is none of the ids that are fields."""
    return not is_free_text(name) and not is_person(name) and name not in _OWN


@remembered
def _can_be_stored(name: str) -> bool:
    return len(name) <= MAX_NAME and plain(name) == name


@remembered
def _is_of_the_call(name: str) -> bool:
    """Say whether a resource tells this of its calls: teams, versions; not who and where the machine is."""
    return name != "service.name" and not name.startswith(OF_THE_MACHINE)
