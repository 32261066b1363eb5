"""What the log holds of a subject: its events, what is sealed of it, mentions, copies, and what was begun for it."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from attrs import define, field

from analytics_es.events.event import EARLIEST, LATEST, MICRO
from analytics_es.lifecycle.copies import BACKED_UP, EXPORTED, Copy, Stretch
from analytics_es.lifecycle.masked_rows import MaskedRows
from analytics_es.lifecycle.masking import Masked, Masking
from analytics_es.log import EventLog, Held
from analytics_es.log.announcements import content_of, numbers, text, texts
from analytics_es.projection.calendar import Calendar
from analytics_es.types import HeldCopy, UnreadAnnouncement

BEGUN = "analytics.forgetting.started"
FORGOTTEN = "analytics.subject.forgotten"
COPIES = (EXPORTED, BACKED_UP)
SAID = (*COPIES, BEGUN, FORGOTTEN)  # by the service itself, which names no subject
LISTED = 100  # names of fields
DAY = 86_400  # seconds


def masked_event(held: Held, masking: Masking) -> Masked | None:
    """Return an event masked, None where nothing is to be masked in it: what the service said names nobody."""
    return None if held.type in SAID else masking.masked(held)


@define
class Trace:
    """What was found: the subject's events, other mentions, copies, and what was begun for it and never ended."""

    log: EventLog
    pseudonym: str | None  # of the subject, where it has one
    receipt: str = field(factory=lambda: secrets.token_hex(8))
    positions: tuple[int, int] | None = None
    events: int = 0
    fields: Counter[str] = field(factory=Counter)
    mentions: Counter[str] = field(factory=Counter)
    spelled: Counter[str] = field(factory=Counter)
    hours: dict[int, Stretch] = field(factory=dict)
    copies: list[Copy] = field(factory=list)
    begun: list[dict[str, Any]] = field(factory=list)
    sealed: dict[int, Stretch] = field(factory=dict)  # days whose sealed rows name the subject
    sealed_rows: int = 0
    left: dict[int, Stretch] = field(factory=dict)  # days whose sealed rows may name it, and cannot be masked
    remains: list[str] = field(factory=list)

    def add_sealed(self, day: int, end: int) -> None:
        """Take sealed rows of a day that name the subject: its events, which are gone, may be in copies."""
        self.sealed[day] = Stretch(day * MICRO, end * MICRO - 1, 1)
        self.sealed_rows += 1

    def add_left(self, rows: MaskedRows, calendar: Calendar) -> None:
        """Take what is left of it in sealed rows."""
        self.mentions += rows.mentions
        self.spelled += rows.spelled
        self.remains += rows.remains()
        for day in set().union(*rows.left.values()):
            self.left[day] = Stretch(day * MICRO, calendar.next_day(day) * MICRO - 1, 1)

    def add(self, held: Held, masking: Masking) -> None:
        """Take one event that holds the subject's text, or is of the service's own."""
        if held.type in SAID:
            self._add_said(held)
        masked = masked_event(held, masking)
        if masked:
            self.events += 1
            self.positions = (self.positions[0] if self.positions else held.position), held.position
            self.fields.update(masked.fields)
            self.place(held.position, masked.at)
        mentions = masking.mentions(held, masked)
        self.mentions.update(mentions.same)
        self.spelled.update(mentions.alike)

    def place(self, position: int, at: int | None) -> None:
        """Note where and when an event of the subject is."""
        if at is not None:
            hour = at // (3600 * MICRO) * 3600
            self.hours[hour] = Stretch.of(at, position, self.hours.get(hour))

    def _add_said(self, held: Held) -> None:
        """Take what the service has said; what only looks like it says nothing."""
        said = content_of(self.log, *held, partial(_said, held))
        if isinstance(said, UnreadAnnouncement):
            return
        if isinstance(said, Copy):
            self.copies.append(said)
        elif held.type == BEGUN and self.pseudonym and said["pseudonym"] == self.pseudonym:
            self.begun.append(said)
        elif held.type == FORGOTTEN:
            ended = {said["receipt"], *said["completes"]}
            self.begun = [begun for begun in self.begun if begun["receipt"] not in ended]

    def days_begun(self) -> set[int]:
        """Return the starts of the days that were to be derived again before."""
        return {day for begun in self.begun for day in begun["days"]}

    def held_copies(self) -> list[HeldCopy]:
        """Return the copies that hold the subject's events."""
        listed = {position for begun in self.begun for position in begun["copies"]}
        events = [*self.hours.values(), *self.sealed.values(), *self.left.values()]
        return [copy.held() for copy in self.copies if copy.position in listed or copy.holds(events)]

    def summary(self) -> dict[str, Any]:
        """Return what is told of it everywhere."""
        first, last = self.positions or (None, None)
        return {
            "events": self.events,
            "fields": _first(self.fields),
            "first_position": first,
            "last_position": last,
            "sealed_rows": self.sealed_rows,
            "mentions": _first(self.mentions),
            "other_spellings": _first(self.spelled),
        }


def _said(held: Held, data: Mapping[str, Any]) -> Copy | dict[str, Any]:
    if held.type in COPIES:
        return Copy.of(held.position, held.type, data)
    return read_begun(data) if held.type == BEGUN else read_forgotten(data)


def read_begun(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an announcement says was begun for a subject; raises KeyError, TypeError, ValueError."""
    days = numbers(data, "days")
    if days and not EARLIEST.timestamp() - DAY <= min(days) <= max(days) <= LATEST.timestamp():
        raise ValueError("days are no times that events can have")
    said = {"receipt": text(data, "receipt"), "pseudonym": text(data, "pseudonym")}
    return {**said, "copies": numbers(data, "copies"), "days": days}


def read_forgotten(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an announcement says was done for a subject; raises KeyError, TypeError."""
    said = {"receipt": text(data, "receipt"), "completes": texts(data, "completes")}
    return {**said, "copies": numbers(data, "copies")}


def _first(counted: Counter[str]) -> dict[str, int]:
    """Return the names that come most often, and how many times all others do: an event has no room for any number."""
    others = sum(count for _, count in counted.most_common()[LISTED:])
    return dict(counted.most_common(LISTED)) | ({"(others)": others} if others else {})
