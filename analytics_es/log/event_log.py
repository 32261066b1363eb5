"""The event log as everything else sees it, and what its databases have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from analytics_es.errors import HERE, BeforeHorizon, NotAFileStore, StoreDamaged
from analytics_es.events import codec
from analytics_es.events.event import key_of_time
from analytics_es.log import damage
from analytics_es.log.database import Cursor
from analytics_es.log.holding import Holding
from analytics_es.log.horizon import Horizon
from analytics_es.log.scanned import first_row
from analytics_es.log.seals import Seals
from analytics_es.log.strict import Strict
from analytics_es.log.sums import UNSUMMED
from analytics_es.types import Progress

if TYPE_CHECKING:
    import pyarrow as pa

SPAN_GAP = 1000
PLACE = 12  # digits of a key that say when; the rest says which
SLOT, SLOT_DIGITS = 16, 8  # bits of a time in milliseconds that its first digits do not say
LAST = 2**62
CHECKED_AT_ONCE = 50_000  # events

# Noted of a log of before: up to which position rows of files may be known by their file's name and their number in it.
ROWS_BY_PLACE = "rows by place"
# Noted of every log: what tells it from every other, once more.
IDENTITY = "identity"
# Noted of every log: how often what has a position was replaced, by `rewrite`.
REWRITTEN = "rewritten"

# When who appends waits for the disk: before it lets others append, or after, together with them.
Durability = Literal["commit", "group"]

Range = tuple[int, int]  # positions: the first and the last
Stored = tuple[int, str, bytes | None]  # position, type, state


class Entry(NamedTuple):
    """An event as it will be stored."""

    key: str
    type: str
    state: bytes


class Appended(NamedTuple):
    """Where an event is, whether it was there before, and whether what was there says something else."""

    position: int
    duplicate: bool
    differs: bool


class Held(NamedTuple):
    """An event as it is stored, whatever shape that had in its day."""

    position: int
    type: str
    state: bytes


class EventLog(ABC):
    """The append-only log. Positions are 1, 2, 3 …, visible in this order; only `rewrite` changes what has one.

    What is sealed is no longer in it, whether it is deleted already or not.
    """

    identity: str  # what tells this log from every other
    strict: Strict  # for which sources ids are strict, as far as it has looked
    poll_seconds: float  # how often to look for what other processes have appended
    seals: Seals  # what is kept of events that are gone
    place = ""  # the path of its file, by whichever path it was opened; a copy of it has another one
    of_a_server = False  # which is waited for, while others of this process can work
    begins = 0  # the position after which a part of a log begins

    @abstractmethod
    def append(self, entries: Sequence[Entry], *, notes: Mapping[str, str] | None = None) -> list[Appended]:
        """Store what is new, durably and in one commit, with notes of what holds from here on.

        Raises BeforeHorizon, with nothing stored.
        """

    @abstractmethod
    def hold_strict(self, source: str) -> None:
        """From here on, know events of a source by their ids alone, whatever their time; raises SharedIds."""

    @abstractmethod
    def noted(self, name: str) -> str | None:
        """Return what was last noted under a name."""

    @abstractmethod
    def note(self, name: str, text: str | None) -> None:
        """Note something under a name, durably, in the place of what was there; None takes it away."""

    @abstractmethod
    def notes(self, beginning: str) -> dict[str, str]:
        """Return what is noted under names that begin like this, in their order."""

    def noted_number(self, name: str) -> int:
        """Return the number that was last noted under a name, 0 where nothing was; raises StoreDamaged."""
        return number_of(self.noted(name), name)

    @abstractmethod
    def head(self) -> int:
        """Return the last position, 0 where the log is empty."""

    @abstractmethod
    def scan(self, *, after: int, limit: int, upto: int = LAST, checked: bool = False) -> pa.Table:
        """Return the events after a position: columns position, type, state, key.

        Where they are `checked`, nothing is left of one that is damaged but where it is, as `sums.checked` says.
        """

    def scan_period(
        self,
        start_us: int,
        end_us: int,
        *,
        after: int = 0,
        upto: int = LAST,
        limit: int = 50_000,
        holding: Holding | None = None,
        checked: bool = False,
    ) -> Iterator[pa.Table]:
        """Yield the events that occurred in [start, end), in order of position, reading only their part of the log.

        Events of a millisecond that the period cuts come along: the key is exact to the millisecond only. Those that
        cannot be meant by `holding` are left out by the database, as far as it can tell; the others may lack their key.
        They may be `checked`, as `scan` does.
        """
        keys = key_of_time(start_us), key_of_time(end_us + 999)
        also = holding.condition(self.begins_with, self.contains) if holding else ""
        few = self._few_in_time(keys, after, upto, also) if also else None
        if few is not None:
            yield from [few] if few.num_rows else []
            return
        for positions in self._stretches(keys, after, upto, limit):
            if (table := self._scan_in_time(positions, keys, also, checked)).num_rows:
                yield table

    def _stretches(self, keys: tuple[str, str], after: int, upto: int, limit: int) -> Iterable[Range]:
        """Return short stretches of positions that hold all of a stretch of time, in order."""
        return ranges(self._positions(keys, after, upto), limit)

    def slots(self, after: int, upto: int) -> list[tuple[int, int]]:
        """Return where in time the events in (after, upto] lie: first and last milliseconds, a minute or so apart."""
        slots = list(self._slots(after, upto))
        try:
            starts = [int(slot, 16) for slot in slots]
        except (TypeError, ValueError):
            self.check_events(after, upto)
            raise
        return [(start << SLOT, ((start + 1) << SLOT) - 1) for start in starts]

    def _checked(self, keys: list[str]) -> list[str]:
        """Return keys as they are; raises BrokenEvent where one of them is none."""
        if not damage.are_keys(keys):
            self.check_events()
        return keys

    def check_events(self, after: int = 0, upto: int = LAST) -> None:
        """Read the events of a stretch of positions; raises BrokenEvent for the first that is damaged."""
        upto = min(upto, self.head())
        while after < upto and (events := self.scan(after=after, limit=CHECKED_AT_ONCE, upto=upto)).num_rows:
            after = events.column("position")[-1].as_py()

    @abstractmethod
    def _slots(self, after: int, upto: int) -> Iterable[str]:
        """Return the first digits of the keys of the events in (after, upto], each once."""

    @abstractmethod
    def _positions(self, keys: tuple[str, str], after: int, upto: int) -> Iterable[int]:
        """Return the positions of a stretch of time, in order."""

    @abstractmethod
    def _scan_in_time(self, positions: Range, keys: tuple[str, str], also: str = "", checked: bool = False) -> pa.Table:
        """Return the events of a stretch of time within a short stretch of positions, in order, with a condition."""

    def _few_in_time(self, keys: tuple[str, str], after: int, upto: int, also: str) -> pa.Table | None:
        """Return the events of a stretch of time that meet a condition, in order, without keys; None of many."""
        return None

    @abstractmethod
    def begins_with(self, start: str) -> str:
        """Return the SQL of a type that begins like this."""

    @abstractmethod
    def contains(self, data: bytes) -> str:
        """Return the SQL of a state that holds these bytes; of what is no JSON, it may say no."""

    @abstractmethod
    def keys(self, start_us: int, end_us: int, *, upto: int) -> Iterator[list[str]]:
        """Yield the keys of the events that occurred in [start, end), up to a position, in pieces, from the index."""

    @abstractmethod
    def latest(self, upto: int) -> dict[str, Any] | None:
        """Return the last event up to a position as `scan` gives it, None where there is none."""

    def at(self, position: int) -> dict[str, Any] | None:
        """Return the event at a position as `scan` gives it, None where there is none, or where it is sealed."""
        return first_row(self.scan(after=position - 1, upto=position, limit=1))

    @abstractmethod
    def find(self, key: str) -> dict[str, Any] | None:
        """Return the event with this key as `scan` gives it, None where there is none."""

    @abstractmethod
    def occurred_in(self, milliseconds: Collection[str]) -> dict[str, Held]:
        """Return the events of some milliseconds, which are beginnings of keys, by their keys, as they are stored."""

    @abstractmethod
    def announcements(self, event_type: str, *, after: int = 0, upto: int = LAST) -> list[Held]:
        """Return what the service itself has to say of one type, an `analytics.…` event, from an index."""

    @abstractmethod
    def try_to_write(self) -> None:
        """Write as who appends would, and undo it: nothing is recorded. Raises what appending would, within a moment.

        StoreBusy where somebody else has been writing for that long.
        """

    # ── for who looks for damage ────────────────────────────────────────────────────────────────────────────────

    def unsummed(self) -> int:
        """Return up to which position events need not have a checksum: those of before there were any."""
        return self.noted_number(UNSUMMED)

    def check_store(self) -> None:  # noqa: B027  # nothing to say is an answer
        """Raise StoreDamaged where the database finds something wrong with what the log is kept in; it reads all."""

    @abstractmethod
    def write_sums(self, first: int, last: int, *, anew: bool = False) -> int:
        """Give checksums to the events at these positions that have none, or to all `anew`; returns to how many.

        What is stored is taken as right. In one commit with a note: that up to the one before need none, or, anew, that
        what has a position was replaced. Raises BrokenEvent, with nothing written.
        """

    # ── for whom must be forgotten ──────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def search(
        self, text: bytes, *, types: Sequence[str], after: int, limit: int, any_case: bool = False
    ) -> list[Held]:
        """Return the first events after a position that hold these bytes, or are of these types, as they are stored.

        With `any_case`, letters from A to Z count alike in both cases.
        """

    @abstractmethod
    def rewrite(self, states: Mapping[int, bytes]) -> None:
        """Replace what is stored at these positions, durably and in one commit: only to mask who must be forgotten.

        What is noted as REWRITTEN is another number after it.
        """

    @abstractmethod
    def scrub(self) -> list[str]:
        """Overwrite what was replaced; says in words what of it remains somewhere."""

    def ahead(self, position: int, cursor: Cursor | None = None) -> tuple[int, dict[str, Any] | None]:
        """Return the last position, and the first event after one, None where there is none.

        A `cursor` of the log's own database looks in that state of it; a database that holds no more than a log has
        none to give.
        """
        head = self.head()
        return head, first_row(self.scan(after=position, limit=1)) if head > position else None

    def listen(self, wake: Callable[[], None]) -> None:  # noqa: B027  # nothing to do is an answer
        """Call `wake` whenever another process has appended, as far as the database can tell, until closed."""

    def copy(self, to: Path, progress: Progress) -> int:
        """Copy the log as it is now into a file while others go on; returns its head. Progress is parts done and all.

        Raises NotAFileStore where the database has its own tools for this.
        """
        raise NotAFileStore

    @abstractmethod
    def close(self) -> None:
        """Close the database."""


def check_horizon(horizon: Horizon, entries: Sequence[Entry]) -> None:
    """Raise BeforeHorizon where an entry is too old to be taken in."""
    if horizon.refused:
        for entry in entries:
            if horizon.refuses(entry.type, entry.key):
                raise BeforeHorizon.of(horizon.time_of(entry.type))


def check_identity(identity: str, noted: str | None) -> str:
    """Return the identity of a log, which is noted once more in it; raises StoreDamaged where one of them changed."""
    if noted not in (None, identity):
        raise StoreDamaged(path=HERE, problem=f"its identity is {identity!r:.60} here, and {noted!r:.60} there")
    return identity


def number_of(noted: str | None, name: str) -> int:
    """Read a number that is noted under a name, 0 where nothing is; raises StoreDamaged."""
    try:
        return int(noted or 0)
    except ValueError:
        raise StoreDamaged(path=HERE, problem=f"what the log notes of {name!r} is no number") from None


def ranges(positions: Iterable[int], limit: int) -> list[Range]:
    """Cover positions by ranges that hold at most `limit` of them and no wide gap."""
    covering: list[Range] = []
    size = 0
    for position in positions:
        if covering and size < limit and position - covering[-1][1] <= SPAN_GAP:
            covering[-1] = (covering[-1][0], position)
            size += 1
        else:
            covering.append((position, position))
            size = 1
    return covering


def fresh(positions: Iterable[int]) -> list[Appended]:
    """Say of entries that each of them is new, and where it is."""
    # The class's own way to make one takes twice as long.
    return [tuple.__new__(Appended, (position, False, False)) for position in positions]


def sorted_out(
    entries: Sequence[Entry], stored: Mapping[str, Stored], *, before: int, again: bool = False
) -> list[Appended]:
    """Say of each entry where it is, from what is stored under their keys, or under the end of a key that says which.

    Positions up to `before` were there before; type and state are needed of these alone. `again`: an attempt before
    this one may have stored them, which is then no duplicate.
    """
    seen: dict[int, Entry] = {}
    result = []
    for entry in entries:
        position, event_type, state = stored[entry.key] if entry.key in stored else stored[entry.key[PLACE:]]
        mine = again and (event_type, state) == (entry.type, entry.state)
        duplicate = position in seen or (position <= before and not mine)
        if not duplicate:
            seen[position] = entry
        elif state is None:
            _, event_type, state = seen[position]
        result.append(Appended(position, duplicate, duplicate and differs(entry, event_type, state)))
    return result


def differs(entry: Entry, event_type: str, state: bytes | None) -> bool:
    """Say whether an entry tells something else than what is stored: another type, or other data."""
    if event_type != entry.type or state is None:
        return True
    one, other = codec.upcast(event_type, state), codec.upcast(entry.type, entry.state)
    return one != other and not codec.same_content(one, other)
