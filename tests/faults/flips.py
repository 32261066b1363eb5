"""Bits of a store that are flipped: of the log's content it is always said, and nothing is met as a bare error."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from attrs import field, frozen

from analytics_es import AnalyticsError, AnalyticsService, TimePeriod
from analytics_es.testing import NOON, tool_call
from tests import day
from tests.servers import Server
from tests.stores import set_clock

EVENTS = 400
LOG, READ_MODELS = "analytics.db", "analytics.views.db"
FILES = (LOG, LOG, READ_MODELS)  # of three flips, two are in the log
COLUMNS = ("state", "topic", "originator_id")
EVER = TimePeriod(NOON - timedelta(days=2), NOON + timedelta(days=30))
BARE = "a bare"
PROMISED = re.compile(r"stored_events|state|topic|originator_id|.*_v\d+(_g\d+)?|\(unreadable\)")

Content = dict[str, list[Any]]


@frozen(kw_only=True)
class Flipped:
    """What became of flips: how many changed what a file says, and of these, who said so and who did not."""

    seed: int
    flips: Counter[str] = field(factory=Counter)  # by file
    harmless: Counter[str] = field(factory=Counter)  # by file: free space, or what an index says twice
    said: Counter[str] = field(factory=Counter)  # by file and who said it
    unsaid: list[str] = field(factory=list)  # of events, or of rows of read models
    beside: list[str] = field(factory=list)  # of what is kept beside them: notes, places of sealed rows, prices shown
    bare: list[str] = field(factory=list)  # errors that are none of ours


def flip(folder: Path, *, flips: int, seed: int) -> Flipped:
    """Flip one bit of a store so many times, and open, record, ask and verify after each.

    Every other time its read models are deleted first, so that nothing of before tells what the log said.
    """
    print(f"seed {seed}")
    chance, result, template = random.Random(seed), Flipped(seed=seed), folder / "template"
    template.mkdir()
    _fill(f"sqlite:///{template}/{LOG}")
    before = {name: content(template / name) for name in (LOG, READ_MODELS)}
    for n in range(flips):
        store = folder / uuid4().hex
        shutil.copytree(template, store)
        name = FILES[n % len(FILES)]
        where = f"{name}, {_flip_a_bit(store / name, chance)}"
        changed = differing(before[name], content(store / name))
        if n % 2 and name == LOG:
            (store / READ_MODELS).unlink()
        saying = _examined(f"sqlite:///{store}/{LOG}")
        if saying is None and (store / f"{READ_MODELS}.damaged-1").exists():
            saying = "moved aside, and derived again"
        _note(result, where, name, changed, saying)
        shutil.rmtree(store)
    return result


def flip_rows(server: Server, *, flips: int, seed: int) -> Flipped:
    """Flip one bit of what is stored of an event on PostgreSQL so many times, and do the same.

    Every other time read models are derived again first.
    """
    print(f"seed {seed}")
    chance, result, url = random.Random(seed), Flipped(seed=seed), server.database()
    _fill(url)
    with psycopg.connect(url, autocommit=True) as connection:
        for n in range(flips):
            column = COLUMNS[n % len(COLUMNS)]
            position, before = chance.choice(
                connection.execute(f"SELECT notification_id, {column} FROM analytics.stored_events").fetchall()
            )
            write = f"UPDATE analytics.stored_events SET {column} = %s WHERE notification_id = %s"
            connection.execute(write.encode(), [_flipped(before, chance), position])
            saying = _examined(url, rebuild=n % 2 == 1)
            _note(result, f"{column} of {position}", column, [column], saying)
            connection.execute(write.encode(), [before, position])
    return result


def _flipped(stored: bytes | str, chance: random.Random) -> bytes | str:
    """Return it with one bit that is another; of a text, one that leaves it a text."""
    octets = bytearray(stored if isinstance(stored, bytes) else stored.encode())
    octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(5)
    return bytes(octets) if isinstance(stored, bytes) else octets.decode()


def _note(result: Flipped, where: str, name: str, changed: list[str], saying: str | None) -> None:
    result.flips[name] += 1
    if saying and saying.startswith(BARE):
        result.bare.append(f"{where}: {saying}")
    elif saying:
        result.said[f"{name}: {saying}"] += 1
    elif changed:
        promised = any(PROMISED.fullmatch(table) for table in changed)
        (result.unsaid if promised else result.beside).append(f"{where}: {', '.join(changed)}")
    else:
        result.harmless[name] += 1


def _flip_a_bit(path: Path, chance: random.Random) -> str:
    octets = bytearray(path.read_bytes())
    place, bit = chance.randrange(len(octets)), chance.randrange(8)
    octets[place] ^= 1 << bit
    path.write_bytes(octets)
    return f"bit {bit} of byte {place:,}"


def _fill(url: str) -> None:
    """Make a store that has something of everything, and close it: all of it is in the files themselves."""
    with AnalyticsService.open(url, follow=False, tags=["team"]) as service:
        set_clock(service, NOON + timedelta(days=30))
        service.record_events(day.events()).unwrap()
        service.record_events(_calls()).unwrap()
        service.catch_up()
        service.retain({"events": "29d"}).unwrap()


def _calls() -> Iterator[dict[str, Any]]:
    for n in range(EVENTS):
        data = {"user_id": f"user-{n % 9}", "attributes": {"team": f"team-{n % 3}", "plan": "pro"}}
        yield {**tool_call(occurred_at=NOON + timedelta(hours=n), **data), "id": f"{n}", "source": "flips"}


# ── what the files say ──────────────────────────────────────────────────────────────────────────────────────────


def content(path: Path) -> Content | None:
    """Return the rows of every table of a file, as they are read from its beginning to its end; None where no more."""
    rows: Content = {}
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
            connection.text_factory = bytes
            tables = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY 1"
            ).fetchall()
            for name, created in tables:
                numbered = "rowid, " if b"WITHOUT ROWID" not in created else ""
                rows[name.decode()] = connection.execute(
                    f'SELECT {numbered}* FROM "{name.decode()}" NOT INDEXED ORDER BY 1'
                ).fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None
    return rows


def differing(before: Content | None, after: Content | None) -> list[str]:
    """Name the tables that say something else; a file that cannot be read does in all."""
    if before is None or after is None:
        return ["(unreadable)"]
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────


def _examined(url: str, *, rebuild: bool = False) -> str | None:
    """Open a store, record, ask and verify; return who said that something is wrong, or which error is none of ours."""
    try:
        with AnalyticsService.open(url, follow=False) as service:
            return _said(service, rebuild=rebuild)
    except AnalyticsError as error:
        return f"open says {error.code}"
    except Exception as error:
        return f"{BARE} {type(error).__name__}: {error}"


def _said(service: AnalyticsService, *, rebuild: bool) -> str | None:
    saying = []
    try:
        service.catch_up()
    except AnalyticsError as error:
        saying.append(f"catch_up says {error.code}")
    if rebuild and not (rebuilt := service.rebuild()).ok:
        saying.append(f"rebuild says {rebuilt.failure.code}")
    verified = service.verify()
    if not (verified.ok and verified.unwrap().identical):
        saying.append(f"verify says {'what differs' if verified.ok else verified.failure.code}")
    asked = [
        service.record_event(**tool_call(occurred_at=NOON + timedelta(days=9))),
        service.get_usage_stats("user", None, EVER),
        service.get_summary("usage.events", EVER),
        service.get_cost_breakdown(EVER),
    ]
    saying += [f"an answer says {answer.failure.code}" for answer in asked if not answer.ok]
    return saying[0] if saying else None
