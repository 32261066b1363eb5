"""The rows of an import that were refused, or tell something else than what is recorded: counted, shown and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click
from attrs import asdict, define, evolve, field, frozen

from analytics_es.errors import CannotWrite, FileExists
from analytics_es.presentation import words

SHOWN = 10
MOST_MESSAGES = 10  # of a row: it may give an event of each element of a list

ADVICE = (
    "note: what differs is not imported, what was recorded first stays; rows of another file that share ids with it, "
    "and name no source, are imported with --source NAME, which tells them apart"
)
EQUAL = "the same as rows recorded before, which count once; rows of another file are told apart by --source NAME"


@frozen(kw_only=True)
class RowKept:
    """One row that was refused or differs, and why.

    position: where in the log is what it differs from; None for a row that was refused.
    """

    file: str
    row: int
    code: str
    message: str
    position: int | None


@define
class _AtHand:
    """A row of which more may be refused, with the first reasons."""

    row: RowKept
    raw: str
    messages: dict[str, None] = field(factory=dict)
    more: int = 0


@define
class Rejects:
    """Counts rows that were refused and rows that differ, remembers the first, writes all.

    A row may give several events: it is refused once, however many of them are, and so it differs. Rows come in order.
    """

    _to: TextIO | None
    refused: int = 0
    differing: int = 0
    equal: int = 0  # rows without an id that say, among new ones, what was there before
    first: list[RowKept] = field(factory=list)
    _at_hand: dict[bool, _AtHand] = field(factory=dict)  # the row that came last: as refused, as differing

    @property
    def count(self) -> int:
        """How many there are."""
        return self.refused + self.differing

    @property
    def problem(self) -> str:
        """Say what is wrong, nothing where that is nothing."""
        refused = f"{words.plural(self.refused, 'row')} refused" if self.refused else ""
        verb = "differs" if self.differing == 1 else "differ"
        differing = f"{words.plural(self.differing, 'row')} {verb} from what is recorded" if self.differing else ""
        return " and ".join(filter(None, (refused, differing)))

    def add(self, row: RowKept, raw: str) -> bool:
        """Take one more; says whether that is not the row that came last, for the same kind of reason."""
        if any((last.row.file, last.row.row) != (row.file, row.row) for last in self._at_hand.values()):
            self.flush()
        refused = row.position is None
        last = self._at_hand.setdefault(refused, _AtHand(row, raw))
        if len(last.messages) < MOST_MESSAGES:
            last.messages[row.message] = None
        else:
            last.more += row.message not in last.messages
        if last.row is not row:
            return False
        self.refused += refused
        self.differing += not refused
        return True

    def flush(self) -> None:
        """Write the row that came last: nothing more comes of it."""
        for last in self._at_hand.values():
            more = [f"… and {last.more:,} more"] if last.more else []
            row = evolve(last.row, message=" ".join([*last.messages, *more]))
            if len(self.first) < SHOWN:
                self.first.append(row)
            if self._to:
                self._to.write(json.dumps({**asdict(row), "raw": last.raw}) + "\n")
        self._at_hand.clear()

    def show(self, path: Path | None) -> None:
        """Tell of the first, where all of them are, and what to do about those that differ."""
        self.flush()
        for row in self.first:
            verb = "refused" if row.position is None else "differs"
            click.echo(words.safe(f"{verb}: {row.file} row {row.row}: {row.message}"), err=True)
        beyond = self.count - len(self.first)
        kind = "refused" if not self.differing else "refused or differing" if self.refused else "differing"
        if self.count and path:
            click.echo(f"all {self.count:,} {kind} rows are in {words.safe(str(path))}", err=True)
        elif beyond:
            click.echo(f"… and {beyond:,} more {kind}; --rejects FILE would keep them all", err=True)
        if self.equal:
            verb = "says" if self.equal == 1 else "say"
            click.echo(f"note: {words.plural(self.equal, 'row')} {verb} {EQUAL}", err=True)
        if self.differing:
            click.echo(ADVICE, err=True)


@contextmanager
def rejects(path: Path | None) -> Iterator[Rejects]:
    """Collect rows, in a new file if there is a path; it goes again if there was none.

    Raises FileExists before anything else is done: a file is never overwritten.
    """
    if path is None:
        yield Rejects(None)
        return
    try:
        path.touch(0o600, exist_ok=False)  # for the owner's eyes only, as the store is
    except FileExistsError:
        raise FileExists(path=path) from None
    except OSError as error:
        raise CannotWrite(path=path, problem=error.strerror) from error
    with path.open("w", encoding="utf-8") as file:
        collected = Rejects(file)
        try:
            yield collected
        finally:
            collected.flush()
            if not collected.count:
                path.unlink()
