"""Retention: how long events and buckets are kept, and up to when that is at a time."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from attrs import evolve, field, frozen

from analytics_es.errors import BadRetention
from analytics_es.events.checks import shown
from analytics_es.ingest.in_force import Kind, Telling
from analytics_es.log import EventLog, Horizon
from analytics_es.log.horizon import OTHERS, later
from analytics_es.projection.calendar import Calendar
from analytics_es.types.values import plain

FOREVER = "forever"
SEALED = "analytics.events.sealed"  # what the log is told of events that are kept no longer
RETENTION_CONFIGURED = "analytics.retention.configured"

_DAYS = {"d": 1, "w": 7, "y": 365}
_LENGTH = re.compile(r"([1-9][0-9]{0,4})([dwy])")
_FAMILY = re.compile(r"([a-z][a-z0-9_]*)\.(\*|>)")


@frozen(kw_only=True)
class RetentionPolicy:
    """How many days events, hours and days are kept; None is for ever. `events` is by family, "" for the others."""

    events: Mapping[str, int | None] = field(factory=lambda: {OTHERS: None})
    hourly: int | None = None
    daily: int | None = None
    archive: str | None = None  # a directory to write events to before they are deleted

    @classmethod
    def of(cls, lengths: Mapping[str, Any]) -> RetentionPolicy:
        """Read a policy such as {"events": "90d", "tool.*": "30d", "hourly": "400d", "daily": "forever"}.

        Raises BadRetention: for what cannot be read, and where buckets would go before the events that they are of,
        since those would bring them back.
        """
        if not isinstance(lengths, Mapping):
            problem = f'is to be a mapping such as {{"events": "90d"}}, not {shown(lengths)}'
            raise BadRetention(name="a store", problem=problem)
        lengths = {plain(name): plain(length) for name, length in lengths.items()}
        events: dict[str, int | None] = {OTHERS: _length("events", lengths.get("events", FOREVER))}
        for name, length in lengths.items():
            if family := isinstance(name, str) and _FAMILY.fullmatch(name):
                events[family[1]] = _length(name, length)
            elif name not in ("events", "hourly", "daily", "archive"):
                problem = "is none of events, hourly, daily, archive, or a family such as tool.*"
                raise BadRetention(name=shown(name) if not isinstance(name, str) else name, problem=problem)
        archive = lengths.get("archive")
        archive = os.fspath(archive) if isinstance(archive, os.PathLike) else archive
        if not isinstance(archive, str | None):
            raise BadRetention(name="archive", problem=f"is {shown(archive)}: write the path of a directory")
        buckets = {name: _length(name, lengths.get(name, FOREVER)) for name in ("hourly", "daily")}
        policy = cls(events=events, archive=archive, **buckets)
        _refuse_shorter("hourly", policy.hourly, "events", policy.longest)
        _refuse_shorter("daily", policy.daily, "hourly", policy.hourly)
        if policy.archive and len(set(events.values())) > 1:
            raise BadRetention(name="archive", problem="needs one length for all events, not one for each family")
        return policy

    @classmethod
    def read(cls, announced: Mapping[str, Any]) -> RetentionPolicy:
        """Return a policy as `to_dict` has written it; raises KeyError and BadRetention."""
        return cls.of({**announced, **{name: announced[name] for name in ("events", "hourly", "daily")}})

    def with_archive(self, directory: str | Path | None) -> RetentionPolicy:
        """Return the policy with a directory to write events to, if one is given; raises BadRetention."""
        return RetentionPolicy.of({**self.to_dict(), "archive": str(directory)}) if directory else self

    @property
    def longest(self) -> int | None:
        """How long the events are kept that are kept longest."""
        days = list(self.events.values())
        return None if None in days else max(day for day in days if day is not None)

    @property
    def fingerprint(self) -> str:
        """What tells this policy from every other; the one that keeps everything for ever has none."""
        lengths = self.to_dict()
        return "" if self == RetentionPolicy() else hashlib.blake2b(orjson.dumps(lengths), digest_size=16).hexdigest()

    @property
    def in_words(self) -> str:
        """What it is called, in few words."""
        lengths = {name: length for name, length in self.to_dict().items() if length != FOREVER}
        return f"retention {', '.join(f'{name} {length}' for name, length in lengths.items()) or FOREVER}"

    def to_dict(self) -> dict[str, str]:
        """Return the policy as it is written."""
        names = {f"{family}.*" if family else "events": days for family, days in self.events.items()}
        every = {**names, "hourly": self.hourly, "daily": self.daily}
        lengths = {name: FOREVER if days is None else f"{days}d" for name, days in every.items()}
        return lengths | ({"archive": self.archive} if self.archive else {})


RETENTION = Kind(
    name="retention (retention={…}, or [retention] in the settings)",
    note="retention",
    event_type=RETENTION_CONFIGURED,
    read=RetentionPolicy.read,
    plain=RetentionPolicy(),
)


def telling(policy: RetentionPolicy) -> Telling:
    """Return what the log is told of a retention that was said: the archive is a place that others mean, too."""
    archive = policy.archive and str(Path(policy.archive).absolute())
    return Telling(kind=RETENTION, configuration=evolve(policy, archive=archive), said=True)


def told_position(log: EventLog, policy: RetentionPolicy) -> int | None:
    """Return where the log is told of a retention, None where that is not the last that it was told of."""
    if log.noted(RETENTION.note) != policy.fingerprint:
        return None
    return max((held.position for held in log.announcements(RETENTION_CONFIGURED)), default=None)


def _length(name: str, text: object) -> int | None:
    if isinstance(text, timedelta) and text.days > 0 and not text % timedelta(days=1):
        return text.days
    if text == FOREVER:
        return None
    length = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    if not length:
        raise BadRetention(name=name, problem=f"is {shown(text)}: write 90d, 12w, 2y or forever")
    return int(length[1]) * _DAYS[length[2]]


def _refuse_shorter(name: str, days: int | None, other: str, least: int | None) -> None:
    if days is not None and (least is None or days < least):
        problem = (
            f"is {days}d, but {other} {'stay for ever' if least is None else f'stay {least}d'}: make it no shorter"
        )
        raise BadRetention(name=name, problem=problem)


def target(policy: RetentionPolicy, horizon: Horizon, calendar: Calendar, now: datetime) -> Horizon:
    """Return the horizon that a policy wants at a time: where days begin, and never further back than it is."""

    def since(days: int | None) -> int:
        return 0 if days is None else calendar.day_start(int((now - timedelta(days=days)).timestamp()))

    until = {family: since(days) for family, days in policy.events.items()}
    times = later(until, horizon.refused, {*until, *horizon.refused})
    return evolve(
        horizon,
        # A family that is kept for ever is named beside others that are not: unnamed, it would be one of those.
        refused={family: at for family, at in times.items() if at or times.get(OTHERS)},
        hours=max(since(policy.hourly), horizon.hours),
        days=max(since(policy.daily), horizon.days),
        timezone=str(calendar.zone),
    )
