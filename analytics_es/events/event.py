"""Events: what one is, what its type says, what is let in at the door, and what makes two the same."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from hashlib import blake2b
from typing import Any
from uuid import UUID

from attrs import frozen

from analytics_es.errors import (
    BadCorrection,
    BadField,
    BadSource,
    BadType,
    IdWithoutTime,
    NaiveTime,
    ReservedType,
    TimeOutOfRange,
)
from analytics_es.events.checks import MAX_INTEGER, MAX_TEXT, kind_of, shown
from analytics_es.events.fields import VOCABULARY, check_data
from analytics_es.events.outcomes import BEGUN, VERDICTS
from analytics_es.process import forks
from analytics_es.types.values import moment, plain

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2101, 1, 1, tzinfo=UTC)
MICRO = 1_000_000  # microseconds of a second
DEFAULT_SOURCE = "local"
MAX_SOURCE = 256  # characters
CORRECTED = "provider.cost.corrected"
REJECTED = "analytics.message.rejected"  # what came in and gave no event: raw, as base64, with the reason
OWN = "analytics."  # how the types begin of what the service itself has to say


@frozen(kw_only=True, slots=False)  # without slots, a frozen one is made in three quarters of the time
class RecordedEvent:
    """What happened, as it is recorded.

    source: who tells it; with `id`, its identity.
    id: what tells it from all others of its source.
    type: dotted lower case, such as `provider.call.completed`.
    occurred_at: when it happened, in UTC.
    data: its fields by name, as checked.
    recorded_at: when it was recorded, in UTC; given by the log, None before.
    position: where it is in the log, 1 for the first; given by the log, None before.
    """

    source: str
    id: str
    type: str
    occurred_at: datetime
    data: dict[str, Any]
    recorded_at: datetime | None = None
    position: int | None = None


# ── what a type says ────────────────────────────────────────────────────────────────────────────────────────────

_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+){1,7}")


@frozen
class TypeFacts:
    """What follows from an event's type: `provider.call.completed` is an ok end of `provider.call`.

    family: the first part of the type.
    activity: the type without its last part.
    verdict: ok, error, cancelled, unknown (it ended somehow) or begun; None where the last part is no such word.
    """

    family: str
    activity: str
    verdict: str | None


@functools.lru_cache(maxsize=4096)
def is_type(text: str | None) -> bool:
    """Say whether a text is an event's type, dotted lower case."""
    return text is not None and len(text) <= 128 and _TYPE.fullmatch(text) is not None


@functools.lru_cache(maxsize=4096)
def facts(event_type: str) -> TypeFacts:
    """Read a type; raises BadType."""
    if not is_type(event_type):
        raise BadType(type=event_type)
    activity, _, verb = event_type.rpartition(".")
    return TypeFacts(event_type.partition(".")[0], activity, VERDICTS.get(verb))


def has_ended(event: RecordedEvent) -> bool:
    """Say whether an activity ended with an event: by its type, else its status, else that it took some time."""
    verdict = facts(event.type).verdict
    return verdict != BEGUN and bool(verdict or not {"status", "duration_ms"}.isdisjoint(event.data))


@functools.lru_cache(maxsize=4096)
def matches(pattern: str, event_type: str) -> bool:
    """Say whether a type fits a pattern: `*` is one part, a last `>` is one part or more (as NATS subjects)."""
    fixed, parts = pattern.split("."), event_type.split(".")
    if fixed[-1] == ">":
        fixed = fixed[:-1]
        if len(parts) <= len(fixed):
            return False
        parts = parts[: len(fixed)]
    return len(fixed) == len(parts) and all(name in ("*", part) for name, part in zip(fixed, parts, strict=True))


# ── the door ────────────────────────────────────────────────────────────────────────────────────────────────────


def admit(
    event_type: str,
    data: Mapping[str, Any],
    *,
    now: datetime,
    occurred_at: datetime | date | str | None = None,
    id: str | int | UUID | None = None,
    source: str | None = None,
    own: bool = False,
    zone: tzinfo = UTC,
) -> RecordedEvent:
    """Return the event as it will be recorded, or raise the RefusedEvent that says why not.

    `own`: it is the service itself that tells it, and may say what nobody else may. `zone` is where dates begin.
    """
    event_type = _plain(event_type)
    family = facts(event_type).family
    if event_type.startswith(OWN) and not own:
        raise reserved(event_type)
    if occurred_at is None:
        if id is not None:
            raise IdWithoutTime
        occurred_at = now
    event = RecordedEvent(
        source=DEFAULT_SOURCE if source is None else _named("source", source, MAX_SOURCE),
        id=_ids.next() if id is None else _named("id", id, MAX_TEXT),
        type=event_type,
        occurred_at=_time(occurred_at, zone),
        data=check_data(family, data, zone),
        recorded_at=now,
    )
    _check_below_zero(event)
    if event_type == CORRECTED:
        _check_correction(event)
    elif family == "provider" and "cost_change" in event.data:
        raise BadCorrection(problem=f"only {CORRECTED} has a cost_change, not {event_type}")
    return event


def usual_identity(now: datetime, occurred_at: object, id: object, source: object) -> tuple[str, str, datetime] | None:
    """Return source, id and time of an event, which `admit` would give it; None where that is not sure."""
    if source is None:
        source = DEFAULT_SOURCE
    elif type(source) is not str or not 0 < len(source) <= MAX_SOURCE:
        return None
    if type(occurred_at) is str:
        occurred_at = _told(occurred_at)
    elif occurred_at is None and id is None:
        occurred_at = now
    if type(occurred_at) is not datetime or occurred_at.tzinfo is not UTC or not EARLIEST <= occurred_at < LATEST:
        return None
    if id is None:
        id = _ids.next()
    elif type(id) is not str or not 0 < len(id) <= MAX_TEXT:
        return None
    return source, id, occurred_at


def _told(time: str) -> datetime | None:
    try:
        return datetime.fromisoformat(time)  # a date alone has no zone
    except ValueError:
        return None


def reserved(event_type: str) -> ReservedType:
    """Return the refusal of what only the service itself says."""
    return ReservedType(type=event_type, example=f"app.{event_type.removeprefix(OWN)}")


def is_own(event_type: object) -> bool:
    """Say whether a type is one of what the service itself has to say."""
    return isinstance(event_type, str) and str.__str__(event_type).startswith(OWN)


def _plain(event_type: object) -> str:
    """Return a type as a text and nothing but one: what a class of the caller's says of itself may be anything."""
    event_type = plain(event_type)
    if type(event_type) is not str:
        raise BadType(type=event_type)
    return event_type


# ── below 0 ─────────────────────────────────────────────────────────────────────────────────────────────────────

# What was allocated or granted can only grow: by that it is known when a threshold was reached first.
_ONLY_GROW = ("budget.allocated", "budget.credit.granted", "budget.threshold.reached")


def _check_below_zero(event: RecordedEvent) -> None:
    """Raise BadField for an amount below 0 that is no credit: what used something costs nothing or more."""
    cost, amount = event.data.get("cost"), event.data.get("amount")
    if type(cost) is str and cost.startswith("-") and any(map(event.data.get, _USED)):
        problem = "must not be below 0 where something was used: a credit is an event of its own, without usage"
        raise BadField(field="cost", problem=problem, actual=shown(cost))
    if type(amount) is str and amount.startswith("-") and event.type in _ONLY_GROW:
        raise BadField(field="amount", problem=f"must not be below 0 in {event.type}", actual=shown(amount))


# ── corrections ─────────────────────────────────────────────────────────────────────────────────────────────────

# What would make a correction one more call.
_OF_CALLS = ("status", "duration_ms", "cost", *(name for name in VOCABULARY if name.endswith("_tokens")), "searches")
_USED = tuple(name for name in VOCABULARY if name.endswith("_tokens") or name == "searches")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}$")


def correction_id(id: str, number: int) -> str:
    """Return the id of the first, second … correction of an event; its source and time are those of the event."""
    return f"{id}:correction:{number}"


def _check_correction(event: RecordedEvent) -> None:
    data = event.data
    for field in ("corrects", "cost_change", "currency"):
        if field not in data:
            raise BadCorrection(problem=f"{field} is missing")
    if counted := [name for name in _OF_CALLS if name in data]:
        raise BadCorrection(problem=f"it is no call, and must not have {', '.join(counted)}")
    source, id = data["corrects"]["source"], data["corrects"]["id"]
    number = _NUMBER.search(event.id)
    if event.source != source or number is None or event.id != correction_id(id, int(number[0])):
        raise BadCorrection(
            problem="its source must be that of its call, and its id that of its call and then :correction:1, :2, :3 …"
        )


class _Ids(forks.Forking):
    """Random ids, asked of the system many at a time.

    Whoever asks lets go of the interpreter, and waits up to 5 ms to get it back where another thread computes.
    """

    SIZE, READY = 12, 64  # bytes of one, and how many of them

    def __init__(self) -> None:
        self._ready: list[str] = []

    def next(self) -> str:
        """Return one that nobody has."""
        try:
            return self._ready.pop()
        except IndexError:
            digits = os.urandom(self.SIZE * self.READY).hex()
            first, *others = (digits[n : n + 2 * self.SIZE] for n in range(0, len(digits), 2 * self.SIZE))
            self._ready.extend(others)
            forks.register(self)
            return first

    def after_fork(self, *, child: bool) -> None:
        """In the child, take none that the parent has."""
        if child:
            self._ready.clear()


_ids = _Ids()


def _named(field: str, value: Any, limit: int) -> str:
    """Return a text; of a whole number its digits, as of those that name entities."""
    value = plain(value)
    if type(value) is int and abs(value) <= MAX_INTEGER:
        value = str(value)
    if type(value) is not str or not 0 < len(value) <= limit:
        raise BadSource(field=field, limit=limit, value=shown(value))
    return value


def _time(value: Any, zone: tzinfo) -> datetime:
    if type(value) is not datetime:
        try:
            value = moment(value, zone)
        except ValueError:
            expected = "must be a time such as 2026-11-01T10:00:00Z"
            raise BadField(field="occurred_at", problem=expected, actual=shown(value)) from None
    if not isinstance(value, datetime):
        raise BadField(
            field="occurred_at", problem=f"must be a datetime, a date or a text of one, not {kind_of(value)}"
        )
    if value.tzinfo is not UTC:
        if value.utcoffset() is None:
            raise NaiveTime(value=value)
        try:
            value = value.astimezone(UTC)
        except OverflowError:
            raise TimeOutOfRange(value=value) from None
    when: datetime = value
    if not EARLIEST <= when < LATEST:
        raise TimeOutOfRange(value=when)
    return when


# ── identity and place ──────────────────────────────────────────────────────────────────────────────────────────


def microseconds(time: datetime) -> int:
    """Return an aware time as Unix microseconds, exactly."""
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * MICRO + since.microseconds


def time_of(unix_us: int, zone: tzinfo = UTC) -> datetime:
    """Return Unix microseconds as a time in a zone."""
    return (EPOCH + timedelta(microseconds=unix_us)).astimezone(zone)


def key_of_time(unix_us: int) -> str:
    """Return the first 12 digits of the keys of events that occurred in this millisecond."""
    return f"{unix_us // 1000:012x}"


def key_of(source: str, id: str, unix_us: int) -> str:
    """Return an event's key: 12 hex digits of Unix milliseconds, then 20 of BLAKE2b over source and id."""
    digest = _begun(source).copy()
    digest.update(id.encode("utf-8", "surrogatepass"))
    return f"{unix_us // 1000:012x}{digest.hexdigest()}"


@functools.lru_cache(maxsize=1024)
def _begun(source: str) -> Any:
    """Return the digest of a source, to be continued by an id: sources are few."""
    return blake2b(f"{source}\0".encode("utf-8", "surrogatepass"), digest_size=10)
