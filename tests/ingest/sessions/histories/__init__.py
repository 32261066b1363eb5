"""Histories: calls that were really made, and how an agent writes them to its files, with the traps that are known.

What a history wrote is a list of steps, so that a reader may look between any two of them. How the figures of a reader
that many people trust will differ is said by day and model, for the traps where it is known to err.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from attrs import Factory, define, field, frozen

Json = dict[str, Any]
BEGIN = datetime(2026, 5, 1, 8, tzinfo=UTC)
KINDS = ("input", "output", "cache_read", "cache_creation")


@frozen(kw_only=True)
class TrueCall:
    """A call that was made: what has to be in the ledger, once.

    id: as its provider or agent calls it; `at`: when; `tokens`: by short names, totals with their parts, without zeros.
    """

    id: str
    at: datetime
    model: str | None
    tokens: dict[str, int]
    partial: bool = False

    @property
    def told(self) -> tuple[str, str | None, tuple[tuple[str, int], ...], bool]:
        """What the ledger has to say of it: its day, model, tokens, and whether they are not all."""
        tokens = tuple(sorted((kind, count) for kind, count in self.tokens.items() if count))
        return (self.at.date().isoformat(), self.model, tokens, self.partial)


@frozen
class Append:
    """Lines are written to the end of a file."""

    path: str
    lines: tuple[str, ...]

    def do(self, folder: Path) -> None:
        """Change the folder."""
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self.lines)


@frozen
class Write:
    """A file is written as a whole, in place of what was there; `text` None: it is removed."""

    path: str
    text: str | None

    def do(self, folder: Path) -> None:
        """Change the folder."""
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if self.text is not None:
            path.write_text(self.text, encoding="utf-8")


@frozen
class Sql:
    """Statements, each with what they are given, change a database as one."""

    path: str
    statements: tuple[tuple[str, tuple[Any, ...]], ...]

    def do(self, folder: Path) -> None:
        """Change the folder."""
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF")
            with connection:
                for statement, given in self.statements:
                    connection.execute(statement, given)


Step = Append | Write | Sql


@define
class History:
    """What one agent did on one machine.

    calls: those that were made, by id. steps: how its files came to be. beyond: by day, model and kind of token, what
    another reader is known to count beyond that, or below.
    """

    random: Random
    calls: dict[str, TrueCall] = Factory(dict)
    steps: list[Step] = Factory(list)
    beyond: Counter[tuple[str, str | None, str]] = Factory(Counter)
    now: datetime = BEGIN
    texts: dict[str, list[str]] = field(factory=dict)  # lines of files, as they are now
    numbers: Counter[str] = Factory(Counter)

    def number(self, of: str) -> int:
        """Return the next number of a kind."""
        self.numbers[of] += 1
        return self.numbers[of]

    def chance(self, percent: float) -> bool:
        """Say whether something happens that does so this often."""
        return self.random.random() * 100 < percent

    def later(self, most: float = 90.0) -> datetime:
        """Let time pass, by milliseconds that no other moment shares."""
        self.now += timedelta(milliseconds=1 + self.random.randrange(int(most * 1000)))
        if most >= 90 and self.chance(1):
            self.now += timedelta(hours=self.random.randrange(1, 20))
        return self.now

    def made(self, call: TrueCall) -> TrueCall:
        """Note that a call was made."""
        assert call.id not in self.calls, call.id
        self.calls[call.id] = call
        return call

    def count_beyond(self, at: datetime, model: str | None, tokens: dict[str, int], times: int) -> None:
        """Note that another reader counts tokens so many times more, or less, than the ledger."""
        for kind, count in tokens.items():
            self.beyond[at.date().isoformat(), model, kind] += times * count

    def append(self, path: str, *lines: Json | str) -> None:
        """Write lines to the end of a file."""
        texts = tuple(line if isinstance(line, str) else compact(line) for line in lines)
        self.texts.setdefault(path, []).extend(texts)
        self.steps.append(Append(path, texts))

    def rewrite(self, path: str, lines: list[str]) -> None:
        """Write a file anew."""
        self.texts[path] = list(lines)
        self.steps.append(Write(path, "".join(f"{line}\n" for line in lines)))

    def remove(self, path: str) -> None:
        """Remove a file."""
        del self.texts[path]
        self.steps.append(Write(path, None))

    def cut_and_written_again(self, path: str) -> None:
        """Let a file lose its last lines, as when it is copied again, and get them back."""
        lines = list(self.texts[path])
        self.rewrite(path, lines[: self.random.randrange(len(lines) + 1)])
        self.rewrite(path, lines)

    def write(self, folder: Path) -> None:
        """Do all steps."""
        for step in self.steps:
            step.do(folder)

    def told(self) -> dict[str, Any]:
        """Return what the ledger has to say, by id."""
        return {id: call.told for id, call in self.calls.items()}

    def sums(self) -> Counter[tuple[str, str | None, str]]:
        """Return the tokens by day, model and kind, without zeros."""
        sums: Counter[tuple[str, str | None, str]] = Counter()
        for call in self.calls.values():
            for kind, count in call.tokens.items():
                sums[call.at.date().isoformat(), call.model, kind] += count
        return +sums


def compact(line: Json) -> str:
    """Return a line as agents write it."""
    return json.dumps(line, separators=(",", ":"))


def stamp(at: datetime) -> str:
    """Return a time as agents write it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
