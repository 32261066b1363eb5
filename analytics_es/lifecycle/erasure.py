"""Erasure: what ties a subject to its pseudonym is destroyed, and where the log holds the subject, it is masked."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from analytics_es.errors import AnalyticsError, HoldsForgotten, IsPseudonym, NotAnIdentity, UnknownEntity
from analytics_es.events.event import EARLIEST, LATEST, MICRO, REJECTED
from analytics_es.events.fields import ENTITIES
from analytics_es.ingest.vault import is_pseudonym
from analytics_es.lifecycle.copies import BACKED_UP, EXPORTED, Copy, Stretch, exported
from analytics_es.lifecycle.masked_rows import MaskedRows
from analytics_es.lifecycle.masking import Masked, Masking, identities
from analytics_es.lifecycle.spelling import spellings
from analytics_es.log import EventLog, Held, announced
from analytics_es.log.announcements import content_of, numbers, text, texts
from analytics_es.projection.calendar import Calendar
from analytics_es.read_models import beside
from analytics_es.read_models.sealed_rows import changed_rows
from analytics_es.store import Store
from analytics_es.types import ForgetReceipt, HeldCopy, Progress, TimePeriod, UnreadAnnouncement

if TYPE_CHECKING:
    from analytics_es.lifecycle.archive import Archive

BEGUN = "analytics.forgetting.started"
FORGOTTEN = "analytics.subject.forgotten"
COPIES = (EXPORTED, BACKED_UP)
SAID = (*COPIES, BEGUN, FORGOTTEN)  # by the service itself, which names no subject
OURS = (*SAID, REJECTED)
LISTED = 100  # names of fields
SLICE = 5_000  # events that are rewritten in one commit
DAY = 86_400  # seconds
VAULT = "(vault)"


@frozen
class Erasure:
    """Forgets subjects of one store."""

    store: Store

    def forget(
        self, subject: str, *, entity: str = "user", fields: Sequence[str] = (), progress: Progress | None = None
    ) -> ForgetReceipt:
        """Forget a subject; killed in the middle, it can be done again.

        While it masks the log, no read model can be rebuilt. Raises NotAnIdentity, IsPseudonym, UnknownEntity, and
        RebuildRunning where one is rebuilt.
        """
        _check(subject, entity)
        pseudonym = self.store.vault.find(entity, subject)  # first: a missing key stops it before anything is done
        if pseudonym is None and is_pseudonym(subject) and self.store.vault.holds(subject):
            raise IsPseudonym(value=subject)
        masking = Masking(subject, entity, identities(entity, self.store.policy.rules), fields)
        trace = self._traced(masking, pseudonym, progress)
        with self.store.read_models.rebuilding():
            if trace.events or trace.sealed:
                self._mask(masking, trace, progress)
            beside.clear_away(self.store.read_models)
            derived, remains = self._derived(subject, self._days(trace) | trace.days_begun())
        remains = [*trace.remains, *remains]
        if trace.events or trace.sealed or trace.begun:
            remains += self.store.log.scrub()
        if derived or trace.begun:
            remains += self.store.read_models.scrub()
        destroyed = self.store.vault.destroy(entity, subject)  # last: until then, doing it again knows what was begun
        remains += self.store.vault.scrub()
        return self._receipt(entity, trace, pseudonym is not None and destroyed, derived, remains)

    # ── the log ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _held(self, masking: Masking, *, any_case: bool = False) -> Iterator[Held]:
        after, text = 0, masking.spelled if any_case else masking.text
        while page := self.store.log.search(text, types=OURS, after=after, limit=SLICE, any_case=any_case):
            yield from page
            after = page[-1].position

    def _traced(self, masking: Masking, pseudonym: str | None, progress: Progress | None) -> _Trace:
        """Find what the log holds of a subject; nothing is written."""
        trace, head = _Trace(self.store.log, pseudonym), self.store.log.head()
        for held in self._held(masking, any_case=True):
            trace.add(held, masking)
            if progress:
                progress("searching", held.position, head)
        masked = MaskedRows(masking)
        for rows in changed_rows(self.store.log, masked):
            trace.add_sealed(rows.day, self.store.calendar.next_day(rows.day))
        trace.add_left(masked, self.store.calendar)
        others = (self.store.vault.find(masking.entity, spelling) for spelling in spellings(masking.subject))
        trace.spelled += Counter({VAULT: sum(pseudonym is not None for pseudonym in others)})
        return trace

    def _mask(self, masking: Masking, trace: _Trace, progress: Progress | None) -> None:
        """Mask the subject's events, under the pseudonym that it has, or is given until it is forgotten."""
        masking.mask = self.store.vault.pseudonym(masking.entity, masking.subject)
        copies = [copy.position for copy in trace.held_copies()]
        begun = {"receipt": trace.receipt, "entity": masking.entity, "pseudonym": masking.mask, "copies": copies}
        self.store.recorder.announce(BEGUN, {**begun, "days": sorted(self._days(trace)), **trace.summary()})
        states: dict[int, bytes] = {}
        head = self.store.log.head()
        for held in self._held(masking):
            if masked := _masked(held, masking):
                trace.place(held.position, masked.at)  # it may have come in since
                states[held.position] = masked.state
            if len(states) >= SLICE:
                self.store.log.rewrite(states)
                states = {}
            if progress:
                progress("masking", held.position, head)
        self.store.log.rewrite(states)
        for rows in changed_rows(self.store.log, MaskedRows(masking)):
            self.store.log.seals.replace([rows])

    # ── the read models ─────────────────────────────────────────────────────────────────────────────────────────

    def _days(self, trace: _Trace) -> set[int]:
        """Return the starts of the days of what was found: an hour of UTC may lie in two of them."""
        times = (time for part in trace.hours.values() for time in (part.first, part.last))
        return set(trace.sealed) | {self.store.calendar.day_start(time // MICRO) for time in times}

    def _derived(self, subject: str, days: set[int]) -> tuple[list[TimePeriod], list[str]]:
        """Derive days again, and those in which read models hold the subject whyever; say what could not be.

        What a follower folded before the log was masked must be committed first, so that it cannot be later.
        """
        problems = _problem("read models that are behind", self.store.runner.catch_up) if days else []
        days |= self._days_that_hold(subject)
        periods = [_day(self.store.calendar, day) for day in sorted(days)]
        for period in periods:
            name = f"read models of {period.start:%Y-%m-%d}"
            problems += _problem(name, partial(self.store.derive_again, period))
        return periods, problems

    def _days_that_hold(self, subject: str) -> set[int]:
        with self.store.read_models.read() as snapshot:
            return {day for live in snapshot.live.values() for day in snapshot.days_that_hold(live, subject)}

    # ── the receipt ─────────────────────────────────────────────────────────────────────────────────────────────

    def _receipt(
        self, entity: str, trace: _Trace, destroyed: bool, derived: list[TimePeriod], remains: list[str]
    ) -> ForgetReceipt:
        copies = trace.held_copies()
        summary = {"receipt": trace.receipt, "entity": entity, "vault_entries": int(destroyed), **trace.summary()}
        announced = {
            **summary,
            "days_derived": len(derived),
            "copies": [copy.position for copy in copies],
            "completes": [begun["receipt"] for begun in trace.begun],
        }
        position = self.store.recorder.announce(FORGOTTEN, announced).position
        return ForgetReceipt(**summary, derived=derived, copies=copies, remains=remains, position=position)


def refuse_forgotten(log: EventLog, archive: Archive) -> None:
    """Raise HoldsForgotten for an archive with a file that holds who was forgotten since."""
    files = exported(log)
    forgotten = {copy for _, said in announced(log, FORGOTTEN, read_forgotten).said for copy in said["copies"]}
    digests = {files[position] for position in forgotten if position in files}
    for file in archive.files:
        if file.manifest.sha256 in digests:
            raise HoldsForgotten(file=file.path)


def _problem(name: str, work: Callable[[], object]) -> list[str]:
    try:
        work()
    except AnalyticsError as error:
        return [f"{name}: {error}"]
    return []


def _check(subject: str, entity: str) -> None:
    if entity not in ENTITIES:
        raise UnknownEntity(entity=entity, projection="the log", entities=", ".join(ENTITIES))
    if not isinstance(subject, str) or not subject or subject != subject.encode("utf-8", "replace").decode():
        raise NotAnIdentity(value=repr(subject)[:60])


def _day(calendar: Calendar, start: int) -> TimePeriod:
    return TimePeriod(calendar.local(start), calendar.local(calendar.next_day(start)), "day")


# ── what the log holds of a subject ─────────────────────────────────────────────────────────────────────────────


def _masked(held: Held, masking: Masking) -> Masked | None:
    return None if held.type in SAID else masking.masked(held)


@define
class _Trace:
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
        masked = _masked(held, masking)
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
