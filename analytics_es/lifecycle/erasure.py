"""Erasure: what ties a subject to its pseudonym is destroyed, and where the log holds the subject, it is masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from analytics_es.errors import AnalyticsError, HoldsForgotten, IsPseudonym, NotAnIdentity, UnknownEntity
from analytics_es.events.event import MICRO, REJECTED
from analytics_es.events.fields import ENTITIES
from analytics_es.ingest.vault import is_pseudonym
from analytics_es.lifecycle.copies import exported
from analytics_es.lifecycle.masked_rows import MaskedRows
from analytics_es.lifecycle.masking import Masking, identities
from analytics_es.lifecycle.spelling import spellings
from analytics_es.lifecycle.trace import BEGUN, FORGOTTEN, SAID, Trace, masked_event, read_forgotten
from analytics_es.log import EventLog, Held, announced
from analytics_es.log.unfinished import of_before, sweep
from analytics_es.projection.calendar import Calendar
from analytics_es.read_models import beside
from analytics_es.read_models.sealed_rows import changed_rows
from analytics_es.store import Store
from analytics_es.types import ForgetReceipt, Progress, TimePeriod

if TYPE_CHECKING:
    from analytics_es.lifecycle.archive import Archive

OURS = (*SAID, REJECTED)
SLICE = 5_000  # events that are rewritten in one commit
REPLACED = 200  # days of sealed rows in one commit, which adds up the checksum of all that are kept
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
        remains = [*trace.remains, *self._strays(trace), *remains]
        if trace.events or trace.sealed or trace.begun:
            remains += self.store.log.scrub()
        if derived or trace.begun:
            remains += self.store.read_models.scrub()
        remains += self.store.read_models.kept_apart()
        destroyed = self.store.vault.destroy(entity, subject)  # last: until then, doing it again knows what was begun
        remains += self.store.vault.scrub()
        return self._receipt(entity, trace, pseudonym is not None and destroyed, derived, remains)

    # ── the log ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _held(self, masking: Masking, *, any_case: bool = False) -> Iterator[Held]:
        after, text = 0, masking.spelled if any_case else masking.text
        while page := self.store.log.search(text, types=OURS, after=after, limit=SLICE, any_case=any_case):
            yield from page
            after = page[-1].position

    def _traced(self, masking: Masking, pseudonym: str | None, progress: Progress | None) -> Trace:
        """Find what the log holds of a subject; nothing is written."""
        trace, head = Trace(self.store.log, pseudonym), self.store.log.head()
        for held in self._held(masking, any_case=True):
            trace.add(held, masking)
            if progress:
                progress("searching", held.position, head)
        with closing(MaskedRows(masking)) as masked:
            for rows in changed_rows(self.store.log, masked):
                trace.add_sealed(rows.day, self.store.calendar.next_day(rows.day))
        trace.add_left(masked, self.store.calendar)
        others = (self.store.vault.find(masking.entity, spelling) for spelling in spellings(masking.subject))
        trace.spelled += Counter({VAULT: sum(pseudonym is not None for pseudonym in others)})
        return trace

    def _mask(self, masking: Masking, trace: Trace, progress: Progress | None) -> None:
        """Mask the subject's events, under the pseudonym that it has, or is given until it is forgotten."""
        masking.mask = self.store.vault.pseudonym(masking.entity, masking.subject)
        copies = [copy.position for copy in trace.held_copies()]
        begun = {"receipt": trace.receipt, "entity": masking.entity, "pseudonym": masking.mask, "copies": copies}
        self.store.recorder.announce(BEGUN, {**begun, "days": sorted(self._days(trace)), **trace.summary()})
        states: dict[int, bytes] = {}
        head = self.store.log.head()
        for held in self._held(masking):
            if masked := masked_event(held, masking):
                trace.place(held.position, masked.at)  # it may have come in since
                states[held.position] = masked.state
            if len(states) >= SLICE:
                self.store.log.rewrite(states)
                states = {}
            if progress:
                progress("masking", held.position, head)
        self.store.log.rewrite(states)
        with closing(MaskedRows(masking)) as without:
            changed = changed_rows(self.store.log, without)
            while rows := list(islice(changed, REPLACED)):
                self.store.log.seals.replace(rows)

    # ── the read models ─────────────────────────────────────────────────────────────────────────────────────────

    def _days(self, trace: Trace) -> set[int]:
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
            problems += _problem(name, partial(self.store.derive_alone, period))
        return periods, problems

    def _days_that_hold(self, subject: str) -> set[int]:
        with self.store.read_models.read() as snapshot:
            return {day for live in snapshot.live.values() for day in snapshot.days_that_hold(live, subject)}

    def _strays(self, trace: Trace) -> list[str]:
        """Say which files of ours may hold it that nobody uses, or that are being written."""
        place = self.store.read_models.place
        folders = [Path(copy.file).parent for copy in trace.copies] + (
            [place.parent] if isinstance(place, Path) else []
        )
        old = [path for path in self.store.strays if path.exists()] + [*of_before(folders)]
        return [*sweep(self.store.log, again=True), *(f"{path}, of a version before: remove it" for path in old)]

    # ── the receipt ─────────────────────────────────────────────────────────────────────────────────────────────

    def _receipt(
        self, entity: str, trace: Trace, destroyed: bool, derived: list[TimePeriod], remains: list[str]
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
