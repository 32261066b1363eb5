"""What an agent's session logs are, as data: where its files are, which records are calls, when one is certain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import Factory, frozen

from analytics_es.ingest.sessions.facts import Fact
from analytics_es.ingest.sessions.session import Session

Record = Mapping[str, Any]  # a line, a document, or a row, as JSON says it
Read = Callable[[Record, Session], Iterable[Fact]]

CACHED = frozenset({"cache_read_tokens", "cache_creation_tokens"})
THOUGHTS = frozenset({"reasoning_tokens"})


@frozen(kw_only=True)
class Home:
    """A folder of an agent's.

    variable: the environment variable that names it, or several, apart by `,`; "" is none.
    folders: where it is otherwise, all of those that are there; `~` and `$NAME` stand for what the environment says,
        and one of whose names it says nothing is left out.
    below: what comes after it, where the variable names a folder above.
    file: whether the variable names a file instead, which is read as the first files of the agent are.
    """

    variable: str = ""
    folders: tuple[str, ...] = ()
    below: str = ""
    file: bool = False


@frozen(kw_only=True)
class Lines:
    """Files of JSON lines, read from where the last look ended.

    pattern: which files, below the home, as `projects/**/*.jsonl`; those that end in `.zst` are unpacked.
    read: what a line says; of a list in a line, each of its items.
    marks: of a line that has none of these bytes nothing is looked at; empty for all lines.
    last: they are read after all others: what they tell was told there before.
    by_name: they are read in the order of their names, in whatever folder: of what they repeat the first is told first.
    """

    pattern: str
    read: Read
    marks: tuple[bytes, ...] = ()
    last: bool = False
    by_name: bool = False


@frozen(kw_only=True)
class Document:
    """Files that are one JSON document each, read anew when they have changed.

    pattern: which files, below the home; `read`: what the document says; `last`: as of lines.
    """

    pattern: str
    read: Read
    last: bool = False


@frozen(kw_only=True)
class Query:
    """Rows of a database.

    sql: of its tables, each with its columns, the question to ask; "" where those are not there. The rows' columns by
        name are the record. It asks for what is new where `:<cursor>` tells how far the last look came, -1 at first;
        `:now` is when the database changed last, in Unix milliseconds.
    cursors: columns that grow, as numbers, and are no part of the record; what comes late, comes with a larger one.
    json: columns that hold JSON, and what is kept of it; it is None where it is none.
    read: what a row says.
    """

    sql: Callable[[Mapping[str, frozenset[str]]], str]
    cursors: tuple[str, ...] = ()
    json: Mapping[str, Callable[[Any], Any]] = Factory(dict)
    read: Read


@frozen(kw_only=True)
class Tables:
    """SQLite databases, of which no file is touched.

    pattern: which files, below the home; `queries`: all that can be asked are; `last`: as of lines.
    """

    pattern: str
    queries: tuple[Query, ...]
    last: bool = False


Files = Lines | Document | Tables


@frozen(kw_only=True)
class Kept:
    """When an agent deletes its files.

    days: after how many days without a change, unless its settings say otherwise; None: never by itself.
    settings: the file in its home, JSON, that says so; `key`: under this name, as a number of days.
    """

    days: int | None = None
    settings: str = ""
    key: str = ""


@frozen(kw_only=True, eq=False)
class Agent:
    """One coding agent.

    name: one word with `-`, as its file is called: the source of its events, and the `agent_id` in them.
    title: as people call it.
    source: the public repository and files, or the pages, that it was read from, and when.
    homes: where its files are.
    files: which files, and how they are read.
    beside: the parts that its totals leave out: CACHED, THOUGHTS.
    providers: who serves a model whose name is such a one (`*` at its end: begins so), where the log does not tell.
    remember: the key and the text by which a later record of the same may be known (`session.known`), of an event of
        this agent; what this gives of the events in the log is what is remembered when all else is lost.
    kept: when it deletes its files.
    block: hours that its provider counts together against what is allowed: a block begins with the hour of the first
        call after the one before; 0: none.
    tells_not: what it leaves open, in words, for the guide.
    """

    name: str
    title: str
    source: str
    homes: tuple[Home, ...]
    files: tuple[Files, ...]
    beside: frozenset[str] = frozenset()
    providers: Mapping[str, str] = Factory(dict)
    remember: Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]] | None = None
    kept: Kept = Factory(Kept)
    block: int = 0
    tells_not: str = ""
