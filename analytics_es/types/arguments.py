"""The arguments of operations: each is read by its name before anything is done, or refused with a sentence."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from analytics_es.errors import AnalyticsError, BadArgument, BadPeriod
from analytics_es.types.period import TimePeriod
from analytics_es.types.result import Attempt
from analytics_es.types.values import PLAIN, moment, plain, shown

P = ParamSpec("P")
R = TypeVar("R")

# A time, and a period, as people say them; `read_moment` and `read_period` say how.
Moment = datetime | date | str
Period = TimePeriod | str | date | timedelta | tuple[Moment, Moment]
PERIODS = (TimePeriod, str, date, timedelta, tuple, list)

Reader = Callable[[str, Any], Any]
MOST = 2**63 - 1
SHOWN = 60


def reading_arguments(method: Callable[P, R]) -> Callable[P, R]:
    """Read the arguments of a method by the table below; what cannot be read is its failure, where it returns one.

    Arguments that it does not have are still Python's own TypeError.
    """
    signature = inspect.signature(method)
    parameters = {name: parameter for name, parameter in signature.parameters.items() if name in READERS}
    optional = {name for name, parameter in parameters.items() if "None" in str(parameter.annotation)}
    returns_failures = str(signature.return_annotation).startswith("OperationResult")

    @functools.wraps(method)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return method(*args, **kwargs)  # which says it with its own name
        try:
            for name in parameters.keys() & bound.arguments.keys():
                if (value := bound.arguments[name]) is not None or name not in optional:
                    bound.arguments[name] = READERS[name](name, value)
        except AnalyticsError as error:
            if returns_failures:
                return Attempt.failed(error)  # type: ignore[return-value]  # its results may be failures
            raise
        return method(*bound.args, **bound.kwargs)

    return reading


def naming_arguments(method: Callable[P, R]) -> Callable[P, R]:
    """Say which argument was wrong where a method fails that is called too often to read its arguments before."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def naming(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except (AttributeError, TypeError, ValueError):
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError:
                bound = None
            for name, value in bound.arguments.items() if bound else ():
                reader = _BY_NAME.get(name) or READERS.get(name)
                if reader and (value is not None or "None" not in str(signature.parameters[name].annotation)):
                    read = reader(name, value)
                    if type(read) is str and type(value) is int:  # as elsewhere, but it failed with it
                        raise bad(name, "a text", value) from None
            raise

    return naming


def bad(name: str, expected: str, value: Any) -> BadArgument:
    """Return the refusal of an argument; what it is is shown as far as it can be."""
    said = repr(value) if type(value) is str else shown(value)
    return BadArgument(name=name, expected=expected, value=said if len(said) <= SHOWN else f"{said[:SHOWN]}…")


# ── how each kind is read ───────────────────────────────────────────────────────────────────────────────────────


def text(name: str, value: Any) -> str:
    """Read a text; a whole number is the text that an event keeps of it."""
    said = plain(value)
    said = str(said) if type(said) is int and abs(said) <= MOST else said
    if type(said) is not str:
        raise bad(name, "a text", value)
    if any("\ud800" <= letter <= "\udfff" for letter in said):
        raise bad(name, "a text that can be written in UTF-8", value)
    return said


def plainly(name: str, value: Any) -> Any:
    """Read what is as plain as it can be; whether it is right is said where it is looked for."""
    said = plain(value)
    if type(said) not in PLAIN:
        raise bad(name, "a text", value)
    return str(said) if type(said) is int and abs(said) <= MOST else said


def names(name: str, value: Any) -> list[str]:
    """Read a list of texts; one text is a list of one."""
    if type(said := plain(value)) is str:
        return [text(name, said)]
    if isinstance(value, Mapping | bytes) or not isinstance(value, Iterable):
        raise bad(name, f"a list of names, such as [{_EXAMPLES.get(name, 'model')!r}]", value)
    return [text(name, element) for element in value]


def whole(name: str, value: Any) -> int:
    """Read a whole number of 64 bits."""
    said = plain(value)
    if type(said) is not int or abs(said) > MOST:
        raise bad(name, "a whole number", value)
    return said


def from_one(name: str, value: Any) -> int:
    """Read a whole number from 1."""
    if (number := whole(name, value)) < 1:
        raise bad(name, "a whole number from 1", value)
    return number


def seconds(name: str, value: Any) -> float:
    """Read a length of time in seconds."""
    said = plain(value.total_seconds() if isinstance(value, timedelta) else value)
    if type(said) not in (int, float) or not 0 <= said <= MOST:
        raise bad(name, "a number of seconds from 0", value)
    return float(said)


def flag(name: str, value: Any) -> bool:
    """Read true or false."""
    said = plain(value)
    if type(said) is not bool:
        raise bad(name, "True or False", value)
    return said


def path(name: str, value: Any) -> Path:
    """Read the path of a file or a folder."""
    said = plain(value)
    if not isinstance(said, str | os.PathLike):
        raise bad(name, "the path of a file", value)
    written = os.fspath(said)
    try:
        as_bytes = os.fsencode(written)
    except UnicodeEncodeError:
        as_bytes = b""
    if not isinstance(written, str) or not as_bytes or b"\0" in as_bytes:
        raise bad(name, "the path of a file", value)
    return Path(written)


def called(name: str, value: Any) -> Any:
    """Read what is to be called."""
    if not callable(value):
        raise bad(name, "what can be called, such as a function", value)
    return value


def several(name: str, value: Any) -> Any:
    """Read any number of elements, of which nothing is taken yet; a mapping is one element."""
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise bad(name, "a list", value)
    return value


def mapping(name: str, value: Any) -> dict[str, str]:
    """Read texts by texts."""
    if not isinstance(value, Mapping):
        raise bad(name, "names with texts, such as {'gpt-5': 'gpt-5-mini'}", value)
    return {text(name, key): text(name, content) for key, content in value.items()}


def one_of(*words: str) -> Reader:
    """Read one of some words."""

    def read(name: str, value: Any) -> str:
        said = plain(value)
        if type(said) is not str or said not in words:
            raise bad(name, f"one of {', '.join(words)}", value)
        return str(said)

    return read


_EXAMPLES = {"projections": "cost", "metrics": "cost.reported_cost", "families": "job.*", "fields": "attributes.note"}

# Every argument that means the same wherever it is taken: how it is read.
READERS: dict[str, Reader] = {
    **dict.fromkeys(
        ("metric", "entity", "note", "model", "provider", "service_tier", "currency", "projection", "machine"), text
    ),
    **dict.fromkeys(("subject", "format", "entity_type", "entity_id"), plainly),
    **dict.fromkeys(("by", "group_by", "fields", "families", "projections", "metrics", "pseudonyms"), names),
    **dict.fromkeys(("limit", "position", "sample", "seed", "max_lag_events"), whole),
    **dict.fromkeys(("workers", "batch_size", "max_events"), from_one),
    **dict.fromkeys(("max_delay", "timeout", "max_wait", "max_lag"), seconds),
    **dict.fromkeys(
        ("largest", "latest", "dry_run", "skip_refused", "exported", "with_prices", "set_aside", "discarded"), flag
    ),
    **dict.fromkeys(("batch", "thresholds", "on_sigterm", "here", "pseudonyms_stay"), flag),
    **dict.fromkeys(("to", "archive", "state"), path),
    **dict.fromkeys(("progress", "on_refused", "on_duplicate", "on_failure"), called),
    **dict.fromkeys(("events", "entries"), several),
    "models": mapping,
    "when_full": one_of("block", "drop", "raise"),
}


# As above, of methods that are called too often to read them before.
_BY_NAME: dict[str, Reader] = {
    **dict.fromkeys(("at", "start", "end"), lambda name, value: read_aware(name, value)),
    "usage": lambda name, value: _instance(name, value, Mapping, "a mapping of what was used"),
    "rows": several,
    "classes": several,
}


def _instance(name: str, value: Any, kind: type, expected: str) -> Any:
    if not isinstance(value, kind):
        raise bad(name, expected, value)
    return value


def read_aware(name: str, value: Any) -> datetime:
    """Read a time with a zone."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise bad(name, "a time with a zone, for example datetime.now(timezone.utc)", value)
    return value


# ── times ───────────────────────────────────────────────────────────────────────────────────────────────────────


def read_moment(name: str, value: Any, zone: tzinfo) -> datetime:
    """Read a time: a datetime, an ISO 8601 text or a date; a text without a zone, and a date, are in the zone given."""
    try:
        time = moment(value, zone)
    except ValueError:
        time = None
    if not isinstance(time, datetime):
        raise bad(name, "a time such as 2026-11-01T10:00:00Z", value)
    if time.utcoffset() is not None:
        return time
    if isinstance(value, datetime):
        raise bad(name, "a time with a zone, for example datetime.now(timezone.utc)", value)
    return time.replace(tzinfo=zone)


def read_period(value: Any, zone: Any, now: datetime) -> TimePeriod:
    """Read a period: a TimePeriod, a text such as "7d" or "2026-11", a date, a timedelta up to now, or (start, end).

    What brings no zone is in the zone given. Raises BadPeriod.
    """
    if isinstance(value, TimePeriod):
        return value
    said = plain(value)
    if isinstance(said, str):
        return TimePeriod.parse(said, zone, now=now)
    if isinstance(said, date) and not isinstance(said, datetime):
        return TimePeriod.day(said, zone)
    if isinstance(said, timedelta):
        return TimePeriod.last(now=now, seconds=said.total_seconds())
    if isinstance(said, tuple | list) and len(said) == 2:
        try:
            start, end = (read_moment("its bounds", bound, zone) for bound in said)
        except BadArgument as error:
            problem = f"its bounds must be {error.details['expected']}"
            raise BadPeriod(text=error.details["value"], problem=problem) from None
        return TimePeriod(start, end)
    said = bad("", "", value).details["value"]
    raise BadPeriod(text=said, problem='pass a TimePeriod, a text such as "7d" or "2026-11", or (start, end)')
