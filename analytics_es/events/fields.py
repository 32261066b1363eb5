"""The fields an event may carry: which there are, what each holds, and what must be right of several together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any

from analytics_es.errors import BadData, BadField, CostWithoutCurrency, SubsetAboveTotal
from analytics_es.events import checks, tiers
from analytics_es.events.checks import MAX_DURATION_MS, MAX_TEXT, SCOPES, Check, kind_of
from analytics_es.events.free import attributes, by_name, free
from analytics_es.types.values import PLAIN, plain

FAMILIES = ("budget", "conversation", "job", "provider", "task", "tool")

# The things an event can belong to, and the field that names each.
ENTITIES = {
    "user": "user_id",
    "tenant": "tenant_id",
    "agent": "agent_id",
    "job": "job_id",
    "task": "task_id",
    "conversation": "conversation_id",
    "budget": "budget_id",
    "tool": "tool",
    "model": "model",
    "provider": "provider",
}

# What few calls tell, because it has a price of its own, and what it is a part of: at most as much of it.
PART_OF = {
    "cache_creation_1h_tokens": ("cache_creation_tokens",),
    "input_audio_tokens": ("input_tokens",),
    "input_image_tokens": ("input_tokens",),
    "cache_read_audio_tokens": ("cache_read_tokens", "input_audio_tokens"),
    "cache_read_image_tokens": ("cache_read_tokens", "input_image_tokens"),
    "output_audio_tokens": ("output_tokens",),
    "output_image_tokens": ("output_tokens",),
}
_SPECIAL = (*PART_OF, "searches")
# Fields that are right only beside others, and seldom there.
PARTS = frozenset({*PART_OF, "service_tier"})

COMMON: dict[str, Check] = {
    **dict.fromkeys(
        ("user_id", "tenant_id", "conversation_id", "job_id", "task_id", "agent_id", "error_type"), checks.text
    ),
    "status": checks.status,
    "duration_ms": checks.milliseconds,
    "value": checks.decimal,
    "attributes": attributes,
}
VOCABULARY: dict[str, Check] = {
    **COMMON,
    **dict.fromkeys(("provider", "model", "operation", "tool", "job_type", "task_type", "budget_id"), checks.text),
    **dict.fromkeys(("input_tokens", "cache_read_tokens", "cache_creation_tokens"), checks.count),
    **dict.fromkeys(("output_tokens", "reasoning_tokens", "messages"), checks.count),
    **dict.fromkeys(_SPECIAL, checks.count),
    "batch": checks.boolean,
    "attempt": checks.ordinal,
    "time_to_first_chunk_ms": checks.milliseconds,
    "cost": checks.money,
    "amount": checks.money,
    "currency": checks.currency,
    "corrects": checks.corrects,
    "cost_change": checks.money,
    "from_zero": checks.boolean,
}
# What events of providers may say besides.
PROVIDER: dict[str, Check] = {"service_tier": tiers.service_tier, "requests": checks.ordinal}
# What events of budgets may say besides.
BUDGET: dict[str, Check] = {
    "scope": checks.scope,
    **dict.fromkeys(("scope_id", "grant_id"), checks.text),
    **dict.fromkeys(("starts_at", "ends_at", "effective_at", "expires_at"), checks.hour),
    "thresholds": checks.percents,
    "threshold": checks.percent,
    **dict.fromkeys(("priority", "at_position"), checks.integer),
    "recurs_hours": checks.hours,
}
# What people and models wrote, and what tools were given and gave back. A number under such a name is a figure.
FREE_TEXT = (
    *("prompt", "prompts", "completion", "completions", "message", "messages", "system_prompt", "system_message"),
    *("system_instructions", "instructions", "input", "inputs", "output", "outputs", "arguments", "args"),
    *("parameters", "tool_input", "tool_output", "tool_arguments", "tool_result", "tool_call_arguments"),
    *("result", "results", "content", "contents", "text", "body", "request", "response", "question", "answer"),
    *("query", "command", "stdout", "stderr", "comment", "feedback", "description", "summary"),
    *("error_message", "stack", "stack_trace", "stacktrace", "traceback"),
    *("raw", "headers", "payload"),  # of a message that could not be read as an event
)
_BY_FAMILY = {
    **dict.fromkeys(FAMILIES, VOCABULARY),
    "budget": {**VOCABULARY, **BUDGET},
    "provider": {**VOCABULARY, **PROVIDER},
}


def _checked_by(fields: Mapping[str, Check], *kinds: Check) -> frozenset[str]:
    return frozenset(name for name, check in fields.items() if check in kinds)


# Fields that are texts, and those that are whole numbers or durations.
TEXTS, COMMON_TEXTS = _checked_by(VOCABULARY, checks.text), _checked_by(COMMON, checks.text)
NUMBERS, COMMON_NUMBERS = (_checked_by(fields, checks.count, checks.milliseconds) for fields in (VOCABULARY, COMMON))
# Fields that are amounts of money, which are kept as the text that was told.
AMOUNTS = _checked_by(VOCABULARY, checks.money)


# ── what an expression may name ─────────────────────────────────────────────────────────────────────────────────

# Kinds of fields, by the type that holds them in DuckDB; true and false are texts.
TEXT, WHOLE, MILLISECONDS, EXACT = "VARCHAR", "BIGINT", "DECIMAL(18,3)", "DECIMAL(38,18)"
_KINDS: dict[Check, str] = {
    **dict.fromkeys((checks.integer, checks.count, checks.ordinal, checks.hours), WHOLE),
    checks.milliseconds: MILLISECONDS,
    **dict.fromkeys((checks.decimal, checks.money), EXACT),
}
# One holds names of your own, the other goes to another field when it is recorded.
_NOT_NAMED = {"attributes", "scope_id"}
# The fields that an expression may name, and their kinds: those that are recorded, and what follows from an event.
FIELDS: dict[str, str] = {
    **{
        name: _KINDS.get(check, TEXT)
        for name, check in {**VOCABULARY, **PROVIDER, **BUDGET}.items()
        if name not in _NOT_NAMED
    },
    **dict.fromkeys(("type", "family", "activity", "outcome", "source"), TEXT),
    **dict.fromkeys(("occurred_at", "minute", "duration_us", "time_to_first_chunk_us"), WHOLE),
}
# What the policy of privacy left out of an event, by name, apart by spaces: added where it is recorded.
LEFT_OUT = "analytics.left_out"
# Every name that is in the page of concepts, or in that of projections: none of them is ever taken for another one.
DOCUMENTED = frozenset({*VOCABULARY, *PROVIDER, *BUDGET, *FIELDS, LEFT_OUT, "note"})  # why a cost is corrected
OPEN_FIELDS = ("attributes", "data")  # attributes.x and data.x come on top
# Under this entity rows are of fields of our families that are not documented: what nothing reads is counted there.
UNREAD = "field"
OF_LEFT_OUT = "left_out:"  # … and, by names that begin so, what the policy of privacy left out
# The attribute that says which figures of an event contradict what was told beside them, by field, apart by spaces:
# who reads what emitters tell adds it, every policy keeps it, and it is counted there, too, by names that begin so.
CONTRADICTION = "analytics_es.contradiction"
OF_CONTRADICTION = "contradiction:"
# The attribute that is true of a call whose last usage was never written, and how the types of calls begin. The door
# says it as one more word of the attribute above, too: so it is kept and counted in the same way.
PARTIAL, CALLS = "partial", "provider.call."
# An entity may be a tag: an attribute of that name, whose value, as text, is whom the event belongs to.
TAG = "attributes."


def named_by(entity: str) -> tuple[str, ...]:
    """Return the path of what names an entity in an event: a field, or, of a tag such as `attributes.team`, two."""
    return ("attributes", entity.removeprefix(TAG)) if entity.startswith(TAG) else (ENTITIES[entity],)


# ── checking ────────────────────────────────────────────────────────────────────────────────────────────────────


def fields_of(family: str) -> Mapping[str, Check]:
    """Return the fields that are checked of the events of a family."""
    return _BY_FAMILY.get(family, COMMON)


def check_data(family: str, data: Any, zone: tzinfo = UTC) -> dict[str, Any]:
    """Return the data as it will be recorded; raises RefusedEvent. Other families than ours are checked less.

    `zone` is where dates begin.
    """
    if type(data) is not dict and not isinstance(data, Mapping):
        raise BadData(kind=kind_of(data))
    ours, fields = family in FAMILIES, fields_of(family)
    checked = {}
    texts, numbers = (TEXTS, NUMBERS) if ours else (COMMON_TEXTS, COMMON_NUMBERS)
    for name, value in by_name("", data).items():
        # Most values are these, and are right: one look instead of a call.
        kind = type(value)
        if kind is str and name in texts:
            if 0 < len(value) <= MAX_TEXT:
                checked[name] = value
                continue
        elif kind is int and name in numbers and 0 <= value <= MAX_DURATION_MS:
            checked[name] = value
            continue
        check = fields.get(name)
        if check is None:
            checked[name] = free(name, value, 2)
            continue
        value = value if kind in PLAIN else plain(value)
        if value is not None and (value := _checked(check, name, value, zone)) is not None:
            checked[name] = value
    if ours:
        check_together(family, checked)
    return checked


def _checked(check: Check, name: str, value: Any, zone: tzinfo) -> Any:
    return checks.hour(name, value, zone) if check is checks.hour else check(name, value)


def check_together(family: str, data: dict[str, Any]) -> None:
    """Raise RefusedEvent where fields of our families, right by themselves, are not right together."""
    cached = data.get("cache_read_tokens", 0) + data.get("cache_creation_tokens", 0)
    if cached and cached > data.get("input_tokens", 0):
        raise SubsetAboveTotal(parts="cache_read_tokens + cache_creation_tokens", total="input_tokens")
    if "reasoning_tokens" in data and data["reasoning_tokens"] > data.get("output_tokens", 0):
        raise SubsetAboveTotal(parts="reasoning_tokens", total="output_tokens")
    if not PART_OF.keys().isdisjoint(data):
        _check_parts(data)
    if "currency" not in data and ("cost" in data or "amount" in data):
        raise CostWithoutCurrency(field="cost" if "cost" in data else "amount")
    if "service_tier" in data and family == "provider":
        tiers.check_batch(data)
    if family == "budget" and not BUDGET.keys().isdisjoint(data):
        _check_budget(data)


def _check_parts(data: dict[str, Any]) -> None:
    for part, totals in PART_OF.items():
        for total in totals:
            if data.get(part, 0) > data.get(total, 0):
                raise SubsetAboveTotal(parts=part, total=total)
    for side in ("input", "output"):
        audio, image, total = f"{side}_audio_tokens", f"{side}_image_tokens", f"{side}_tokens"
        if data.get(audio, 0) + data.get(image, 0) > data.get(total, 0):
            raise SubsetAboveTotal(parts=f"{audio} + {image}", total=total)
    _check_cached(data)


def _check_cached(data: dict[str, Any]) -> None:
    """Where it is told how much of the cached input is audio or image, all three together are within the input."""
    audio, image = data.get("input_audio_tokens", 0), data.get("input_image_tokens", 0)
    audio_too, image_too = data.get("cache_read_audio_tokens"), data.get("cache_read_image_tokens")
    if (audio and audio_too is None) or (image and image_too is None):
        return
    either = data.get("cache_read_tokens", 0) + audio + image - (audio_too or 0) - (image_too or 0)
    if either > data.get("input_tokens", 0):
        parts = "cache_read_tokens + input_audio_tokens + input_image_tokens - what is both"
        raise SubsetAboveTotal(parts=parts, total="input_tokens")


def _check_budget(data: dict[str, Any]) -> None:
    """Keep whose spending it is in the field that says so everywhere: privacy and forgetting know it there."""
    whose = data.pop("scope_id", None)
    field = SCOPES[data.get("scope", "all")]
    if field and data.setdefault(field, whose) is None:
        raise BadField(field="scope_id", problem=f"must say which {data['scope']} the budget is for")
    if whose is not None and (field is None or data[field] != whose):
        other = f"and {field} must be the same" if field else "goes with the scope tenant, user or model"
        raise BadField(field="scope_id", problem=other)
    for start, end in (("starts_at", "ends_at"), ("effective_at", "expires_at")):
        if start in data and end in data and data[start] >= data[end]:
            raise BadField(field=end, problem=f"must be after {start}")
