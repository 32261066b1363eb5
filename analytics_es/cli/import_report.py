"""What became of the rows of files, and what an import found out about them: said at its end, however it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from analytics_es.cli.import_findings import MOST_NAMES, OTHERS, Findings, NoPrice, Reason
from analytics_es.cli.import_formats import remarks
from analytics_es.ingest.files import ImportedRow, Notes
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, Styled, words
from analytics_es.presentation.tables.parts import partial_calls
from analytics_es.presentation.tables.unread import left_out_fields, unread_fields
from analytics_es.types import BatchReceipt, LeftOutField, UnreadField

MOST_SHOWN = 8  # names in a line


@define(kw_only=True)
class Tally:
    """What became of the rows of one file: `refused` are rows, each once; what is recorded or a duplicate are events.

    rows: those that were read, as far as it came; `no_event`: of these, rows that no [[event]] table is for.
    events: those that the rows gave. missing: the keys that the mapping reads and no row has, with a name that is near.
    no_object: what is NULL in events as something else stands where its object should be: how many events, by path.
    problem: why the file, or its end, could not be read.
    read_as: the format that it was read as, with what that is; rows_are: what its rows are, where they are no calls.
    """

    file: str
    rows: int = 0
    events: int = 0
    recorded: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    no_event: int = 0
    waiting: int = 0
    prices: int = 0
    skipped: dict[str, int] = field(factory=dict)
    ignored: dict[str, int] = field(factory=dict)
    missing: dict[str, str] = field(factory=dict)
    no_object: dict[str, int] = field(factory=dict)
    problem: str = ""
    read_as: str = ""
    rows_are: str = ""
    _last: int = field(default=0, init=False)

    def add(self, counts: Tally | BatchReceipt) -> None:
        """Add what became of other events; rows that are refused are counted where they are told."""
        self.recorded += counts.recorded
        self.duplicates += counts.duplicates
        self.differing += counts.differing
        self.waiting += counts.waiting
        self.prices += counts.prices
        for own, count in counts.skipped.items():
            self.skipped[own] = self.skipped.get(own, 0) + count

    def add_all(self, other: Tally) -> None:
        """Add all of another file."""
        self.add(other)
        self.rows += other.rows
        self.events += other.events
        self.refused += other.refused
        self.no_event += other.no_event
        for way, events in other.no_object.items():
            self.no_object[way] = self.no_object.get(way, 0) + events
        self.ignore(other.ignored)

    def ignore(self, ignored: Mapping[str, int]) -> None:
        """Add rows that gave no event because nothing reads them, by name."""
        for name, count in ignored.items():
            name = name if name in self.ignored or len(self.ignored) < MOST_NAMES else OTHERS
            self.ignored[name] = self.ignored.get(name, 0) + count

    def see(self, chunk: Sequence[ImportedRow]) -> None:
        """Count the rows and events of a chunk, which goes on where the one before ended."""
        for row in chunk:
            self.rows += row.row != self._last
            self._last = row.row
            self.events += row.event is not None
        self.ignore(Counter(row.ignored for row in chunk if row.ignored))

    def finish(self, notes: Notes) -> None:
        """Take what is said of a file that was read to its end."""
        self.no_event = max(notes.rows - self.rows, 0)
        self.rows += self.no_event
        self.problem = notes.broken


@frozen(kw_only=True)
class MissingKey:
    """A key that a mapping reads and no row of some files has; `suggestion` is one that they do have, and near."""

    key: str
    files: int
    rows: int
    suggestion: str


def missing_keys(tallies: Sequence[Tally]) -> list[MissingKey]:
    """Return the keys that files lack, those that most of them do first."""
    found: dict[str, MissingKey] = {}
    for tally in tallies:
        for key, near in tally.missing.items():
            before = found.get(key) or MissingKey(key=key, files=0, rows=0, suggestion=near)
            found[key] = MissingKey(
                key=key, files=before.files + 1, rows=before.rows + tally.rows, suggestion=before.suggestion or near
            )
    return sorted(found.values(), key=lambda missing: (-missing.files, -missing.rows, missing.key))


# ── what is shown ───────────────────────────────────────────────────────────────────────────────────────────────


@frozen(kw_only=True)
class Report:
    """All there is to say at the end of an import; what follows from events is of those that came in now."""

    files: Sequence[Tally]
    findings: Findings
    unread: Sequence[UnreadField]
    left_out: Sequence[LeftOutField]

    def total(self) -> Tally:
        """Return what became of all files together."""
        total = Tally(file="total")
        for tally in self.files:
            total.add_all(tally)
        return total

    def answer(self, refusals: Sequence[Any]) -> dict[str, Any]:
        """Return it as data."""
        return {
            "files": self.files,
            "total": self.total(),
            "refusals": refusals,
            "refused_by_reason": self.findings.reasons,
            "missing_keys": missing_keys(self.files),
            "contradictions": dict(self.findings.contradictions),
            "partial_calls": self.findings.partial_calls,
            "models_without_price": self.findings.no_prices(),
            "unread_fields": self.unread,
            "left_out_fields": self.left_out,
        }

    def blocks(self) -> Iterator[Block]:
        """Return it for people: what is well takes no words."""
        total = self.total()
        yield Grid("", _COLUMNS, [*self.files, total] if len(self.files) > 1 else self.files)
        said = [*remarks([(tally.file, tally.read_as, tally.rows_are) for tally in self.files])]
        said += map(Line, self._remarks(total))
        yield from [*said, Line()] if said else ()
        yield from _table("Refused rows", _REASONS, self.findings.reasons)
        yield from _table("Keys that no row has", _MISSING, missing_keys(self.files))
        yield from _table("Calls without a price", _NO_PRICE, self.findings.no_prices())
        yield from unread_fields(self.unread)
        yield from left_out_fields(self.left_out)

    def _remarks(self, total: Tally) -> Iterator[str]:
        """Say what became of what another store had to say itself, what gave no event, and what is to come still."""
        if total.prices:
            yield f"of these, {words.plural(total.prices, 'price')} of another store, published here now"
        if total.skipped:
            yield f"skipped, as it is what the other store had to say itself: {_counted(total.skipped, all_of=True)}"
        if total.ignored:
            yield f"ignored, as they tell of no call, tool or agent: {_counted(total.ignored)}"
        of_known = sum(tally.no_event for tally in self.files if tally.read_as)
        if of_known:
            without = words.plural(of_known, "row")
            yield f"{without} of known formats gave no event: they tell of no call, tool, task or cost"
        if total.no_event > of_known:
            without = words.plural(total.no_event - of_known, "row")
            yield f"{without} gave no event: no [[event]] table of the mapping is for such, or the list is empty"
        if total.no_object:
            yield f"left out, as something else stands where the object should be: {_counted(total.no_object)}"
        if total.waiting:
            yield f"{words.plural(total.waiting, 'correction')} came before the call: counted from when that is there"
        if self.findings.contradictory:
            events = words.plural(self.findings.contradictory, "event")
            yield f"{events} told figures that contradict one another: {_counted(self.findings.contradictions)}"
        if self.findings.partial_calls:
            yield partial_calls(self.findings.partial_calls)


SHOWN = 20


def _table(title: str, columns: Columns[Any], rows: Sequence[Any]) -> Iterator[Block]:
    if rows:
        beyond = len(rows) - SHOWN
        yield Grid(title, columns, rows[:SHOWN], f"… and {beyond:,} more (--json lists them)" if beyond > 0 else "")


def _counted(counts: Mapping[str, int], *, all_of: bool = False) -> str:
    if all_of:
        return ", ".join(f"{count:,} {words.safe(name)}" for name, count in sorted(counts.items()))
    names = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    shown = ", ".join(f"{count:,} {words.safe(name)}" for name, count in names[:MOST_SHOWN])
    others = sum(count for _, count in names[MOST_SHOWN:])
    return shown + (f", {others:,} others" if others else "")


_COLUMNS: Columns[Tally] = [
    Column("file", lambda tally: tally.file, folds=True),
    Number("rows", lambda tally: words.count(tally.rows), drop=1),
    Number("events", lambda tally: words.count(tally.events), drop=2),
    Number("recorded", lambda tally: words.count(tally.recorded)),
    Number("duplicates", lambda tally: words.count(tally.duplicates)),
    Number("differing", lambda tally: words.count(tally.differing)),
    Number("refused", lambda tally: Styled(words.count(tally.refused), "yellow" if tally.refused else "")),
]
_REASONS: Columns[Reason] = [
    Column("code", lambda reason: reason.code),
    Number("rows", lambda reason: words.count(reason.rows)),
    Column("such as", lambda reason: reason.message),
]
_MISSING: Columns[MissingKey] = [
    Column("key", lambda missing: missing.key),
    Number("files", lambda missing: words.count(missing.files)),
    Number("rows", lambda missing: words.count(missing.rows)),
    Column("did you mean", lambda missing: missing.suggestion or words.UNKNOWN),
]
_NO_PRICE: Columns[NoPrice] = [
    Column("provider", lambda no_price: no_price.provider or words.UNKNOWN),
    Column("model", lambda no_price: no_price.model),
    Number("calls", lambda no_price: words.count(no_price.calls)),
]
