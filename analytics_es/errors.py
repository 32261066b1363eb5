"""Every deliberate error: one class each, whose docstring is the message and says what to do."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

HERE = "The database"  # that somebody works on who does not say where it is
GUIDE = "https://github.com/analytics-es/analytics-es/blob/main/docs"  # its pages, for messages that name one


def without_frames(error: AnalyticsError) -> AnalyticsError:
    """Return an error that is kept without the frames it comes from: they hold what is to be closed."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


class OwnWords(str):
    """A detail that holds nothing of what was passed, where others of its name may."""

    __slots__ = ()


class AnalyticsError(Exception):
    """Something this package refuses or cannot do."""

    passed: ClassVar[tuple[str, ...]] = ()  # the details that hold what was passed, which may be about somebody
    otherwise: ClassVar[Mapping[str, str]] = {}  # details of the message that an error may come without

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(self._message(details))

    def _message(self, details: dict[str, Any]) -> str:
        return self.own_words.format(**{**self.parts, **details})

    @property
    def own_words(self) -> str:
        """The words of the message, with a place for each of its `parts`, as `str.format` has them."""
        return " ".join(inspect.cleandoc(type(self).__doc__ or self.code).split())

    @property
    def parts(self) -> dict[str, Any]:
        """What is put into the message, by name."""
        return {"guide": GUIDE, **self.otherwise, **self.details}

    def for_logs(self, **instead: str) -> str:
        """Return the message without what was passed: a log is read by others than an answer."""
        said = {name: detail for name in self.passed if (detail := self.details.get(name))}
        hidden = {name: "…" for name, detail in said.items() if not isinstance(detail, OwnWords)}
        return self._message({**self.details, **hidden, **instead})

    @property
    def code(self) -> str:
        """The stable name of this failure, such as `id_without_time`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.details)


def _rebuild(kind: type[AnalyticsError], details: dict[str, Any]) -> AnalyticsError:
    return kind(**details)


class OperationFailed(AnalyticsError):
    """{message} (code {code}: a failure made by hand has no error of its own)"""


class NoSuchTable(AnalyticsError):
    """{name!r:.80} is no table of a {kind}: it has {names}."""


class NothingToDraw(AnalyticsError):
    """There is nothing to draw in this {kind}: {reason}."""


# ── the door: what an event may be ──────────────────────────────────────────────────────────────────────────────


class RefusedEvent(AnalyticsError):
    """The event was refused; nothing was stored."""


class BadType(RefusedEvent):
    """{type!r:.80} is not an event type: use dotted lower case with a past-tense end, such as provider.call.completed
    (2 to 8 parts of a-z, 0-9 and _, at most 128 characters)."""

    passed = ("type",)


class ReservedType(RefusedEvent):
    """{type!r:.80} is reserved: types that begin with analytics. are the service's own. Choose another family for your
    events, such as {example:.80}."""


class BadData(RefusedEvent):
    """The data of an event must be a mapping of field names to values, not {kind}."""


class FailsWhenRead(RefusedEvent):
    """The arguments of the event fail when they are read ({problem}): pass plain values."""

    passed = ("problem",)


class BadEvent(RefusedEvent):
    """An event of a batch must be a mapping of the arguments of record_event: event_type and data, and where wanted
    occurred_at, id and source; {problem}."""

    passed = ("problem",)


class BadSource(RefusedEvent):
    """The {field} of an event must be a text of 1 to {limit} characters, not {value}."""

    passed = ("value",)


class IdWithoutTime(RefusedEvent):
    """An event that brings an id must bring its time too: pass occurred_at, or leave the id out."""


class NaiveTime(RefusedEvent):
    """{value} has no time zone: pass an aware datetime, for example datetime.now(timezone.utc)."""

    passed = ("value",)


class TimeOutOfRange(RefusedEvent):
    """{value} is outside the years 1990 to 2100: check the unit and the clock of the producer."""

    passed = ("value",)


class BadField(RefusedEvent):
    """{field}: {problem}{instead}."""

    passed = ("instead",)
    otherwise: ClassVar[Mapping[str, str]] = {"instead": ""}

    def __init__(self, *, actual: str = "", instead: str = "", **details: Any) -> None:
        instead = f", not {actual}" if actual else instead
        super().__init__(**details, **({"instead": instead} if instead else {}))


class SubsetAboveTotal(RefusedEvent):
    """{parts} is above {total}: {total} must include its parts (tokens in {guide}/concepts.md)."""


class CostWithoutCurrency(RefusedEvent):
    """{field} comes without a currency: add currency, for example "USD"."""


class NotRead(RefusedEvent):
    """{what}: {advice} ({guide}/concepts.md#what-nothing-reads)."""

    @classmethod
    def of(cls, event_type: str, field: str, suggestion: str | None) -> NotRead:
        """Say so of a field, or, by the field "type", of a type that is meant to be another."""
        name = field if field.isprintable() else repr(field)
        what = f"{name:.80} of {event_type} is read by no projection"
        if field == "type":
            what = f"The type {event_type} is not documented"
        own = "put a dimension of your own into attributes, or let a projection of yours read it"
        advice = f"did you mean {suggestion}?" if suggestion else own
        return cls(what=what, advice=advice, type=event_type, field=field, suggestion=suggestion)


class BadCorrection(RefusedEvent):
    """This is no correction of a cost: {problem}. AnalyticsService.correct_cost and `analytics-es correct` make one."""


class NotCorrectable(RefusedEvent):
    """The cost of the event {event} cannot be corrected: {problem}."""

    passed = ("event",)


class BadText(RefusedEvent):
    """{field} holds {problem}, which cannot be stored: clean the text before recording it."""


class TooLarge(RefusedEvent):
    """The event takes {size} bytes as JSON, above the limit of {limit}: store the payload elsewhere."""


class TooDeep(RefusedEvent):
    """{field} is nested deeper than {limit} levels: flatten it."""


class BeforeHorizon(RefusedEvent):
    """Events of before {horizon} are no longer taken in: their retention has ended, and what was derived of them is
    sealed."""

    @classmethod
    def of(cls, seconds: int) -> BeforeHorizon:
        """Return the refusal of what occurred before a time in epoch seconds."""
        return cls(horizon=datetime.fromtimestamp(seconds, UTC))


class UnreadableMessage(RefusedEvent):
    """The message cannot be read as an event: {problem}."""

    passed = ("problem",)


class OtherContent(RefusedEvent):
    """The event at position {position} is the same by its source and id, and says something else: what was recorded
    first stays."""


# ── retention ───────────────────────────────────────────────────────────────────────────────────────────────────


class BadRetention(AnalyticsError):
    """The retention of {name} {problem}."""


class DoesNotVerify(AnalyticsError):
    """Nothing was sealed: the read models of {projections} are not what their events say. Look at the differences
    (`analytics-es projections verify`), rebuild them, and try again."""


class SealedPeriod(AnalyticsError):
    """The events of before {horizon} are sealed: what they add is kept, but they themselves are gone, and {what} needs
    them. Ask for a period from {horizon} on."""

    @classmethod
    def of(cls, seconds: int, what: str) -> SealedPeriod:
        """Return the failure of a question about what is before a time in epoch seconds."""
        return cls(horizon=datetime.fromtimestamp(seconds, UTC), what=what)


class SealedEvent(AnalyticsError):
    """The event at position {position} is sealed: events of before {horizon} are gone, and what they add is kept in
    every answer."""


class NoLongerKept(AnalyticsError):
    """{grain}s that begin before {since} are no longer kept: ask for a later period{instead}."""


class DamagedEvent(AnalyticsError):
    """The event at position {position} is not what was recorded: its checksum is wrong ({count} such here). Put back
    what was there from a backup, as {guide}/rebuild.md#what-is-damaged says; or rebuild with --set-aside, which
    leaves it out and lists it."""

    @classmethod
    def of(cls, positions: Sequence[int]) -> DamagedEvent:
        """Tell where they are; the first 100 are in its details."""
        return cls(position=positions[0], count=len(positions), positions=list(positions[:100]))


class EventsMissing(AnalyticsError):
    """{count} events are missing from the log: up to position {position} there are fewer than were recorded, and they
    were not sealed. Take them from a backup; or rebuild with --set-aside, which goes on without them."""


class DamagedSeal(AnalyticsError):
    """The sealed rows of {projection} (seal {seal}) are not what was sealed: restore the log from a backup."""


class DamagedSealing(AnalyticsError):
    """What the log keeps in the place of sealed events is damaged ({problem}): nothing was changed. Restore the log
    from a backup."""


# ── opening a store ─────────────────────────────────────────────────────────────────────────────────────────────


class CannotOpen(AnalyticsError):
    """The store cannot be opened."""


class BadOption(CannotOpen):
    """{name} must be {expected}, not {value}."""


class UnknownScheme(CannotOpen):
    """{url!r} is not a store this version knows: pass a file path, sqlite:///path, :memory: or
    postgresql://user@host/database."""


class NotAFile(CannotOpen):
    """{path} is a directory: pass the path of a file in it, such as {path}/analytics.db."""


class NoFolder(CannotOpen):
    """The folder {path} does not exist: create it first."""


class NotWritable(CannotOpen):
    """{path} cannot be written: {problem}."""


class SeveralNames(CannotOpen):
    """{path} is one of {count} names of a file (hard links): changes that wait beside one name are not seen by who
    opens another, and the file is damaged. Remove the other names, or copy the file, and open it again."""


class TwoVaults(CannotOpen):
    """{log} has two vaults, {one} and {other}: versions before made one beside each link to it. Who has a pseudonym in
    one is not known by the other. Keep the one that is used, and move the other away, with its key."""


class NotOurs(CannotOpen):
    """{path} is not an analytics_es store ({problem}); it was left untouched. Pass another path."""


class NewerSchema(CannotOpen):
    """{path} was written by a newer analytics_es (schema {found}, this one knows {known}): upgrade the package."""


class OfAnotherLog(CannotOpen):
    """The read models {path} are of another log."""


class LogBehind(CannotOpen):
    """The log {path} {ends}, and the read models {read_models} hold figures of events up to position {position}: it is
    not the log they are of, or an older copy, or has lost its end. Nothing was changed. Put the right log there; or, to
    go on with what is there, {instead}."""


class DamagedPosition(CannotOpen):
    """{path} holds an event at position {position}, which none of ours has: what is recorded next would be nowhere in
    its order. Restore it from a backup ({guide}/rebuild.md#what-is-damaged)."""


class OldSqlite(CannotOpen):
    """SQLite {found} is too old: analytics_es needs {needed} or newer (it comes with Python)."""


class OtherTimezone(CannotOpen):
    """The read models of {path} are kept in {stored}, not {asked}: open it with timezone={stored!r}, or delete that
    file to have them rebuilt in {asked}."""


class SealedTimezone(OtherTimezone):
    """The days of {path} are sealed as they begin in {stored}, not {asked}: open it with timezone={stored!r}."""


class UnknownTimezone(CannotOpen):
    """{name!r} is not a time zone of the IANA database, such as Europe/Berlin."""


class SharedIds(CannotOpen):
    """{path} holds events that share source and id but not their time: {count} of the ids of {source}, the first at
    positions {first} and {last}. Nothing was changed; leave {source} out of strict_ids."""


class BadStrictIds(CannotOpen):
    """strict_ids is true, false, or a list of sources, each of 1 to 256 characters and with a * at its end at most: not
    {value}."""


class NoGroups(CannotOpen):
    """durability="group" is for PostgreSQL, where many processes append at a time and may wait for the disk together:
    {place} has one writer at a time. Leave durability out; to record many at a time, use record_events or a buffer."""


class BadAddress(CannotOpen):
    """{address!r} is not an address of a PostgreSQL database: {problem}."""


class BadSchema(CannotOpen):
    """{schema!r} cannot name a schema: use at most 40 of a-z, 0-9 and _, not beginning with a digit or pg_."""


class NotMigrated(CannotOpen):
    """{place} is not prepared for this version, and this role may not do so ({problem}): run `analytics-es migrate`
    with one that may create tables."""


class MissingExtra(CannotOpen):
    """This needs a package that is not installed ({package}): pip install 'analytics-es[{extra}]'."""


class NoSuchStore(CannotOpen):
    """There is no store at {path}: {advice}."""


class BadSettings(CannotOpen):
    """{path}: {problem}."""


class BadPolicy(CannotOpen):
    """This is no privacy policy: {problem} (see {guide}/privacy.md)."""


class NotReadable(CannotOpen):
    """The {what} that is in force in this store cannot be read ({type} in its log): a newer analytics_es has told of
    it, or it was changed. Nothing is done under another one: upgrade the package, or say one."""


class BadTags(CannotOpen):
    """These are no tags of cost: {problem} (see {guide}/dimensions.md)."""


class StoreBusy(AnalyticsError):
    """The database is locked by another process for longer than {seconds} s; nothing was changed. Try again."""


class StoreFailed(AnalyticsError):
    """The database reports: {problem}."""


class StoreDamaged(StoreFailed):
    """{path} is damaged ({problem}): nothing was changed. Restore it from a backup
    ({guide}/rebuild.md#what-is-damaged)."""


class DamagedReadModels(StoreFailed):
    """The read models {path} are damaged ({problem}): they are moved aside and derived again from the log. Ask again
    once they have caught up."""


class RowsRefused(StoreFailed):
    """The database refuses what is to be written: {problem}."""


class StoreUnavailable(AnalyticsError):
    """The database cannot be reached: {problem}. What was under way may have been stored or not: try again with the
    same ids."""


class StoreMoved(AnalyticsError):
    """{path} was deleted, moved or replaced while it was open; nothing was changed. Open the store again."""


class Closed(AnalyticsError):
    """This analytics service is closed: open it again."""


class AskedWithinItself(AnalyticsError):
    """This very thread is being answered the same question, as when a progress callback asks it: ask it afterwards."""


class Forked(AnalyticsError):
    """{place} was opened by the process that this one was forked from, and cannot be used here ({problem})."""


# ── timed recording ─────────────────────────────────────────────────────────────────────────────────────────────


class BadTiming(AnalyticsError):
    """timed(…) cannot be used so: {problem}. Write `with analytics.timed("tool.call", tool="bash"):` around a block, or
    `@analytics.timed("tool.call", tool="bash")` above a function."""


class NotTimed(AnalyticsError):
    """What {activity} took was not recorded: {problem}."""


# ── buffered recording ──────────────────────────────────────────────────────────────────────────────────────────


class BufferFull(AnalyticsError):
    """The buffer holds {limit} events that are not stored yet ({problem}); {dropped} were dropped so far. Give it more
    room (max_events), or let callers wait (when_full="block")."""


class BufferClosed(Closed):
    """This buffer is closed: nothing was recorded. Open another one."""


class NotFlushed(AnalyticsError):
    """{count} buffered events are not stored after {seconds} s ({problem}). They stay in the buffer, which tries
    again."""


class EventsLost(AnalyticsError):
    """{count} buffered events could not be stored, and are lost. The first of them: {problem}"""


# ── projections ─────────────────────────────────────────────────────────────────────────────────────────────────


class BadDeclaration(AnalyticsError):
    """{projection}.{field}: {problem}."""


class NotAProjection(AnalyticsError):
    """{name} is not a projection class: decorate it with analytics_es.projection.projection."""


class SameName(AnalyticsError):
    """Two projections are called {name!r}: rename one of the classes."""


class FoldFailed(AnalyticsError):
    """The projection {projection} cannot go on: {problem}. The others do."""


class EventsNotFolded(FoldFailed):
    """The projection {projection} cannot go on: {problem}. The others do."""


class NothingFolds(FoldFailed):
    """The projection {projection} cannot go on: {count} events in a row fail ({problem}), so it is not the events. They
    are dead letters; the others go on. Mend the projection, then `analytics-es dead-letters retry --all`."""


class RebuildRunning(AnalyticsError):
    """Somebody else is rebuilding, aggregating, retaining or forgetting in the read models of {place}: wait for it to
    end."""


class RebuildLost(AnalyticsError):
    """The rebuilt read model of {projection} was cleared away before it was promoted: rebuild again."""


class RebuildStopped(AnalyticsError):
    """The rebuild stopped at position {position} ({type}): {projection} cannot use its {field}. The live read models
    are untouched. Look at it with `analytics-es dead-letters show {position}`; mend or discard it, or rebuild with
    --set-aside."""


class WorkerLost(AnalyticsError):
    """A worker of the rebuild ended unexpectedly ({problem}). The live read models are untouched: rebuild again."""


class CannotReachScheduler(AnalyticsError):
    """There is no Dask scheduler at {address} ({problem}): check the address, such as tcp://host:8786, and that it
    runs. The live read models are untouched."""


class StaleReadModel(AnalyticsError):
    """The read model of {projection} is of an older definition, without {missing}: rebuild it
    (`analytics-es projections rebuild {projection}`), or wait for the rebuild under way."""


class ReplacedReadModel(StaleReadModel):
    """The read model of {projection} is of a newer definition, without {missing}: another process, which was started
    with that one, has replaced it. Start this one with the same; a rebuild by it would take the other's away."""


class NotCaughtUp(AnalyticsError):
    """The read models are still {lag} events behind after {seconds} s: wait longer, or call catch_up()."""


# ── questions ───────────────────────────────────────────────────────────────────────────────────────────────────


class BadWord(AnalyticsError):
    """{problem}"""


class BadPeriod(AnalyticsError):
    """{text!r} is not a period: {problem}."""


class UnknownMetric(AnalyticsError):
    """There is no metric {metric!r}{hint} `analytics-es metrics` lists them all."""


class UnknownKey(AnalyticsError):
    """{key!r} is not a key of {projection}: use {keys}."""


class BadArgument(AnalyticsError, ValueError):
    """{name} must be {expected}, not {value}."""


class BadQuestion(AnalyticsError):
    """{what} must be {expected}, not {value}."""


class BadValue(AnalyticsError):
    """The {key} asked for holds {problem}, which no event can hold."""


class UnknownEntity(AnalyticsError):
    """{entity!r} is not an entity of {projection}: use one of {entities}."""


class MissingProjection(AnalyticsError):
    """This question needs the projection {projection!r}, which is not among those of this service."""


class CallbackFailed(AnalyticsError):
    """on_threshold failed for {percent} % of the budget {budget} ({problem}), and is not called again for that: the
    event at position {position} of the log tells of it."""


class ReachedBySealed(AnalyticsError):
    """{percent} % of the budget {budget} was reached by events that are gone: the log is not told at which position."""


class NotStored(AnalyticsError):
    """What the calls of a {scope} cost cannot be known: a policy of privacy did not store {what} (see
    {guide}/privacy.md)."""


class NotOnTheHour(AnalyticsError):
    """The hours of this store, in {zone}, do not begin at {time}: give a time at which one does."""


# ── files in and out ────────────────────────────────────────────────────────────────────────────────────────────


class UnknownFormat(AnalyticsError):
    """{format!r} is not a format: use {formats}."""


class TooManyDigits(AnalyticsError):
    """{metric} has a figure of more digits than a column of Parquet holds, which are 38, 18 of them decimals: export
    it as csv or json."""


class FileExists(AnalyticsError):
    """{path} exists and is never overwritten: choose another name or remove it."""


class ReportExists(FileExists):
    """{path} exists and stays as it is: choose another name, or add --replace."""

    code = "file_exists"  # one failure, whose way out is told to who has it


class CannotWrite(AnalyticsError):
    """{path} cannot be written: {problem}."""


class BackupFailed(AnalyticsError):
    """The backup {path} was not made: {problem}."""


class NotAFileStore(AnalyticsError):
    """This store is not a file: back it up with the tool of its database, for PostgreSQL pg_dump."""


class NotAReport(AnalyticsError):
    """{path} is no report that can be checked: {problem}."""


class CannotRead(AnalyticsError):
    """{path} cannot be read: {problem}."""


class BadMapping(AnalyticsError):
    """{path}: {problem} (see {guide}/mapping.md)."""


class RefusedBatch(AnalyticsError):
    """{count} of {size} events of a batch were refused, so the batch was not recorded ({recorded} events before it
    were): event {index}: {message}"""

    passed = ("message",)


class BadRow(AnalyticsError):
    """Row {row} gives no event: {problem}."""


class BrokenEvent(StoreFailed):
    """The event at position {position} of the log is damaged: {problem}. Put back what was there from a backup, as
    {guide}/rebuild.md#what-is-damaged says."""


class UnreadableEvent(AnalyticsError):
    """The event at position {position} cannot be read from the log: {problem}. Nothing was written."""


# ── explaining ──────────────────────────────────────────────────────────────────────────────────────────────────


class SeveralCurrencies(AnalyticsError):
    """{metric} is here in {currencies}, which are never added: ask for one, with where={{"currency": …}} or --where
    currency=…"""


class NotARow(AnalyticsError):
    """{row} cannot be explained: pass a period, or an answer of get_summary, get_usage_stats, get_performance_metrics
    or get_cost_breakdown, and one of its own rows."""


class BadLimit(AnalyticsError):
    """{limit} is not a number of events to list: use 0 or more."""


# ── verifying ───────────────────────────────────────────────────────────────────────────────────────────────────


class BadSample(AnalyticsError):
    """A sample of {days} days cannot be drawn: use 1 or more, and no period."""


# ── privacy ─────────────────────────────────────────────────────────────────────────────────────────────────────


class NoVaultKey(AnalyticsError):
    """The vault of {place} has no key: {problem}. Set ANALYTICS_ES_VAULT_KEY to 32 bytes or more as hex or base64, or
    name a file that holds them, with open(..., vault_key=...) or vault_key in the settings."""


class BadVaultKey(AnalyticsError):
    """{place} holds no key for a vault: {problem}."""


class OtherVaultKey(AnalyticsError):
    """The vault of {place} was made with another key: use that one. Without it, nobody can be found in it; delete the
    vault to begin a new one, which unties all its pseudonyms."""


class DamagedName(AnalyticsError):
    """The name of {pseudonym} in the vault is not what was stored there: restore the vault from a backup."""


class NotAnIdentity(AnalyticsError):
    """{value} cannot be forgotten: pass the text that names the subject, as it was recorded."""


class IsPseudonym(AnalyticsError):
    """{value} is a pseudonym, by which nothing is found that was recorded under the name: pass the name itself;
    `names_of` says it where the vault keeps names."""


# ── the log as it stood ─────────────────────────────────────────────────────────────────────────────────────────


class NoSuchPosition(AnalyticsError):
    """There is no position {position}: this log has 0 to {head}."""


class NotAPosition(AnalyticsError):
    """{value} is no place in the log: pass a position (a whole number) or the time it was recorded (an aware datetime,
    for example datetime.now(timezone.utc))."""


class BackwardDiff(AnalyticsError):
    """Position {before} comes after position {after}: ask for the difference from the earlier to the later one."""


class ReadOnly(AnalyticsError):
    """A log as it stood is never written: record with the service itself."""


# ── dead letters ────────────────────────────────────────────────────────────────────────────────────────────────


class NoRejectedMessage(AnalyticsError):
    """There is no rejected message at position {position}: `analytics-es rejected list` lists them all."""


class NothingKept(AnalyticsError):
    """Of the message at position {position} nothing is kept that could be recorded: its stream, sequence and checksum
    say which one it was."""


class NoDeadLetter(AnalyticsError):
    """There is no dead letter at position {position}: `analytics-es dead-letters list` lists them all."""


# ── archives ────────────────────────────────────────────────────────────────────────────────────────────────────


class NoArchive(AnalyticsError):
    """{path} is no archive: {problem}. Name a directory of Parquet files that `export parquet` wrote."""


class BadManifest(AnalyticsError):
    """{path} is not a manifest that can be used: {problem}. Export its period again."""


class DamagedArchive(AnalyticsError):
    """{file} is not what was exported: {what}. Export its period again."""


class ArchiveGap(AnalyticsError):
    """The archive has nothing from {start} to {end}: export that period into it too."""


class ArchiveOverlap(AnalyticsError):
    """{file} and {other} both hold the time from {start} to {end}: export one of them again, for the rest."""


class HoldsForgotten(AnalyticsError):
    """{file} holds events of a subject that was forgotten since: export its period again, and destroy this file."""


class OtherLog(AnalyticsError):
    """{file} was exported from another log: an archive holds the events of one, the one it is used with."""


# ── message buses ───────────────────────────────────────────────────────────────────────────────────────────────


class NotABus(AnalyticsError):
    """{kind} is not a message bus: it needs a method subscribe(pattern, handler) that is not a coroutine."""


class BadPattern(AnalyticsError):
    """{pattern!r:.80} is not a pattern of topics: use segments with dots between them, * for any one segment, and at
    the end > for all that follow, such as job.* or provider.call.>"""


class OverlappingPatterns(AnalyticsError):
    """A topic may fit both {one} and {other}, and its messages would come twice: subscribe to patterns that do not
    overlap."""


class CannotReachBus(AnalyticsError):
    """The message bus {address} cannot be reached: {problem}."""


class CannotConsume(AnalyticsError):
    """The message bus {address} does not let stream {stream} be consumed as {durable}: {problem}."""


class NoStream(AnalyticsError):
    """The message bus {address} has no stream {wanted}: create it, or have it created with create_stream=True or
    --create-stream."""


class SeveralStreams(AnalyticsError):
    """The topics are in several streams ({streams}): name one with stream= or --stream, and subscribe once for each."""


# ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────────


class BadPrice(AnalyticsError):
    """{where}: {problem}. Nothing was published; {guide}/cost.md shows what a price looks like."""

    passed = (
        "where",
        "problem",
    )


class BadUsage(AnalyticsError):
    """The usage cannot be priced: {problem} (tokens in {guide}/concepts.md)."""


class UnknownModel(AnalyticsError):
    """There is no price for {model!r}{of}{hint}. Prices are published with `analytics-es prices import`."""


# ── the HTTP door ───────────────────────────────────────────────────────────────────────────────────────────────


class CannotServe(AnalyticsError):
    """What has no token takes requests of this machine alone, and {host} can be reached from others: put a token into
    ANALYTICS_ES_TOKEN or --token-file, or leave --host out."""


class CannotListen(AnalyticsError):
    """{host}:{port} cannot be listened on ({problem}): choose another --host or --port; 0 is any port that is free."""


class BadToken(AnalyticsError):
    """The token {problem}: use letters, digits and signs of ASCII without spaces, such as `openssl rand -hex 32`
    prints."""


class BadHosts(AnalyticsError):
    """{value!r:.80} is no name of a host: names or addresses without a port, such as "analytics.example.com"."""


# ── sessions of coding agents ───────────────────────────────────────────────────────────────────────────────────


class UnknownAgent(AnalyticsError):
    """{name!r:.80} is no coding agent whose sessions are read{hint}: {known} are."""


class NotSettings(AnalyticsError):
    """{path} is not changed: {problem}. Put the settings in by hand."""


class OtherSettings(AnalyticsError):
    """{path} says something else of {names}: nothing is written; --force replaces that, and keeps a copy of the
    file."""


class SettingsChanged(AnalyticsError):
    """{path} was changed by somebody else just now: nothing is written; run it again."""
