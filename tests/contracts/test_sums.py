"""The checksum of an event is right whoever wrote it, and wrong after any change of it, on every database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es.errors import BrokenEvent, StoreDamaged
from analytics_es.log import EventLog, damaged
from analytics_es.log.postgres import Database as PostgresDatabase
from analytics_es.log.postgres import PostgresLog
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.testing import NOON, tool_call
from tests.stores import entry, sql

COLUMNS = ("position", "originator_id", "originator_version", "topic", "state", "checksum")


@frozen
class Stored:
    """A log, and its table behind its back."""

    log: EventLog
    position: str  # the column that has it
    run: Callable[..., list[tuple[Any, ...]]]
    again: Callable[[], EventLog]

    def row(self, position: int) -> dict[str, Any]:
        """Return what is stored at a position."""
        names = ", ".join([self.position, *COLUMNS[1:]])
        (row,) = self.run(f"SELECT {names} FROM stored_events WHERE {self.position} = {position}")
        return dict(zip(COLUMNS, row, strict=True))

    def write(self, at: int, **columns: Any) -> None:
        """Store something else at a position."""
        mark = "?" if self.position == "rowid" else "%s"
        names = [self.position if name == "position" else name for name in columns]
        sets = ", ".join(f"{name} = {mark}" for name in names)
        self.run(f"UPDATE stored_events SET {sets} WHERE {self.position} = {at}", *columns.values())

    def damaged(self) -> list[int]:
        """Return where events are that are damaged, read in the two ways that there are."""
        few = damaged(self.log.scan(after=0, limit=1000, checked=True))
        assert damaged(self.log.scan(after=0, limit=10**6, checked=True)) == few
        assert [at for table in self.log.scan_period(0, 2**52, checked=True) for at in damaged(table)] in (few, [])
        return few


@pytest.fixture(params=["file", "postgres"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stored]:
    if request.param == "file":
        path = tmp_path / "log.db"
        with closing(SQLiteLog(path)) as log:
            yield Stored(log, "rowid", lambda *how: sql(path, *how), lambda: SQLiteLog(path))
        return
    server = request.getfixturevalue("postgres")
    schema = server.schema()

    def run(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return server.run(statement.replace("stored_events", f"{schema}.stored_events", 1), *parameters)  # type: ignore[no-any-return]

    def opened() -> PostgresLog:
        return PostgresLog(PostgresDatabase(server.url, schema))

    with closing(opened()) as log:
        yield Stored(log, "notification_id", run, opened)


def calls(*ids: object) -> list[Any]:
    return [entry(NOON, **tool_call(occurred_at=NOON), id=str(number)) for number in ids]


@pytest.fixture
def ten(stored: Stored) -> Stored:
    stored.log.append(calls(*range(10)))
    return stored


def sums(stored: Stored) -> list[int]:
    rows = stored.run(f"SELECT checksum FROM stored_events ORDER BY {stored.position}")
    return [checksum for (checksum,) in rows]


# ── who writes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_by_one_and_together_give_the_same_sums_on_every_database(stored: Stored, tmp_path: Path) -> None:
    entries = calls(*range(1234))
    with closing(SQLiteLog(None)) as other:
        other.append(entries[:1])
        other.append(entries[1:])
        with other._database.read() as cursor:
            expected = [row[0] for row in cursor.execute("SELECT checksum FROM stored_events ORDER BY rowid")]
    for each in entries[:3]:
        stored.log.append([each])
    stored.log.append(entries[3:])

    assert sums(stored) == expected
    assert stored.damaged() == []


@pytest.mark.parametrize("again", [[0], [3, 4], [0, 2, 5, 9], range(0, 20, 2), range(15), [12, 12, 3]])
def test_what_is_skipped_moves_the_sums_of_what_comes_after_it(ten: Stored, again: Any) -> None:
    ten.log.append(calls(*sorted([*range(10, 40), *again], key=str)))

    assert ten.damaged() == []
    assert ten.log.scan(after=0, limit=100, checked=True) == ten.log.scan(after=0, limit=100)


@settings(max_examples=25)
@given(batches=st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=40), max_size=5))
def test_whatever_is_sent_again_every_sum_is_right(batches: list[list[int]]) -> None:
    with closing(SQLiteLog(None)) as log:
        for batch in batches:
            log.append(calls(*batch))

        assert damaged(log.scan(after=0, limit=1000, checked=True)) == []


def test_what_is_masked_has_a_sum_and_what_was_damaged_stays_so(ten: Stored) -> None:
    ten.write(4, topic="tool.call.complexed")

    ten.log.rewrite({number: ten.row(number)["state"].replace(b"bash", b"") for number in (3, 4, 10)})

    assert ten.damaged() == [4]
    assert b"bash" not in ten.row(4)["state"]


def test_positions_of_more_than_four_bytes_have_right_sums(stored: Stored) -> None:
    stored.log.append(calls(0))
    for number, last in enumerate((2**31 - 2, 2**32 - 3, 2**35), 1):
        stored.write(stored.log.head(), position=last)
        stored.log.append(calls(0, *range(10 * number, 10 * number + 3)))

    moved = {2**31 - 2, 2**32 - 3, 2**35}
    events = stored.log.scan(after=0, limit=100, checked=True)
    assert set(damaged(events)) <= moved
    assert events.num_rows == 10


# ── what changes ────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=150)
@given(data=st.data())
def test_every_bit_that_is_flipped_shows(ten: Stored, data: st.DataObject) -> None:
    position = data.draw(st.integers(1, 10), label="position")
    column = data.draw(st.sampled_from(COLUMNS), label="column")
    before = ten.row(position)
    value = before[column]
    if isinstance(value, int):
        flipped: Any = value ^ 1 << data.draw(st.integers(0, 40 if column == "position" else 30), label="bit")
    else:
        raw = bytearray(value if isinstance(value, bytes) else value.encode())
        place = data.draw(st.integers(0, len(raw) - 1), label="byte")
        raw[place] ^= 1 << data.draw(st.integers(0, 7 if column == "state" else 6), label="bit")
        flipped = bytes(raw) if column == "state" else raw.decode()
        if flipped != value and "\0" in str(flipped):
            return  # which PostgreSQL holds in no text
    if column == "position" and flipped <= 10:
        return  # there is one, or it is none: a missing event is found by counting
    at = flipped if column == "position" else position

    ten.write(position, **{column: flipped})
    try:
        assert ten.damaged() == [at]
    finally:
        ten.write(at, **{column: value})
    assert ten.row(position) == before


@pytest.mark.parametrize("columns", [["state"], ["topic", "state"], ["topic", "state", "checksum"], ["checksum"]])
def test_rows_that_are_exchanged_show(ten: Stored, columns: list[str]) -> None:
    one, other = ten.row(2), ten.row(7)

    ten.write(2, **{name: other[name] for name in columns})
    ten.write(7, **{name: one[name] for name in columns})

    assert ten.damaged() == [2, 7]


def test_whole_rows_that_are_exchanged_show(ten: Stored) -> None:
    for before, after in ((2, 99), (7, 2), (99, 7)):
        ten.write(before, position=after)

    assert ten.damaged() == [2, 7]


def test_of_what_is_damaged_nothing_is_left_but_where_it_is(ten: Stored) -> None:
    before = ten.log.scan(after=0, limit=100).to_pylist()
    ten.write(5, state=b"{}")

    after = ten.log.scan(after=0, limit=100, checked=True).to_pylist()

    assert after.pop(4) == {"position": 5, "type": "", "state": b"", "key": before.pop(4)["key"]}
    assert after == before


def test_a_row_that_nothing_can_be_read_of_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SQLiteLog(path)) as log:
        log.append(calls(*range(4)))
        sql(path, "UPDATE stored_events SET topic = CAST(X'FF00' AS TEXT) WHERE rowid = 1")
        sql(path, "UPDATE stored_events SET state = NULL, originator_id = X'FE' WHERE rowid = 2")
        sql(path, "UPDATE stored_events SET state = CAST(state AS TEXT) WHERE rowid = 3")

        events = log.scan(after=0, limit=10, checked=True)

    assert damaged(events) == [1, 2, 3]
    assert events.to_pylist()[3]["type"] == "tool.call.completed"


# ── a log of before ─────────────────────────────────────────────────────────────────────────────────────────────


def old(stored: Stored, events: int) -> None:
    """Make a log what it was before there were checksums, with so many events."""
    stored.log.append(calls(*range(events)))
    if stored.position == "rowid":
        stored.run("ALTER TABLE stored_events DROP COLUMN checksum")
        stored.run("PRAGMA user_version = 3")
    else:
        stored.run("ALTER TABLE stored_events DROP COLUMN checksum")
        schema = stored.log._table.split(".")[0]  # type: ignore[attr-defined]
        stored.run(f"DELETE FROM {schema}.analytics_es_migrations WHERE version = 8 -- stored_events")


def test_a_log_of_before_goes_on_and_says_up_to_where_it_has_no_sums(stored: Stored) -> None:
    old(stored, 3)
    with closing(stored.again()) as log:
        assert log.unsummed() == 3
        log.append(calls(1, *range(3, 6)))
        if stored.position == "rowid":  # PostgreSQL lets nobody write a row without one
            stored.write(2, state=b"{}")
        stored.write(5, state=b"{}")

        assert damaged(log.scan(after=0, limit=10, checked=True)) == [5]
        log.rewrite({1: b'{"masked": 1}'})
        stored.write(1, state=b'{"masked": 2}')
        assert damaged(log.scan(after=0, limit=10, checked=True)) == [1, 5]
    with closing(stored.again()) as log:
        assert log.unsummed() == 3


def test_what_has_no_sum_is_given_one_piece_by_piece_and_again_changes_nothing(stored: Stored) -> None:
    old(stored, 9)
    with closing(stored.again()) as log:
        log.append(calls(*range(9, 12)))
        left = [(log.write_sums(first, first + 2), log.unsummed()) for first in (7, 4)]
        assert left == [(3, 6), (3, 3)]
        assert damaged(log.scan(after=0, limit=100, checked=True)) == []
        assert (log.write_sums(1, 3), log.write_sums(1, 12), log.unsummed()) == (3, 0, 0)
        stored.write(2, state=b"{}")
        assert damaged(log.scan(after=0, limit=100, checked=True)) == [2]


def test_what_no_door_has_written_is_given_no_sum(stored: Stored) -> None:
    old(stored, 3)
    with closing(stored.again()) as log:
        if stored.position != "rowid":  # of which nobody writes a row without a sum
            stored.run("ALTER TABLE stored_events DROP CONSTRAINT stored_events_summed")
        stored.write(2, originator_id="no key")
        with pytest.raises(BrokenEvent):
            log.write_sums(1, 3)
        assert (log.unsummed(), set(sums(stored))) == (3, {None})


def test_what_was_mended_is_taken_as_right_and_only_that(ten: Stored) -> None:
    mended = ten.row(5)["state"].replace(b"bash", b"fish")
    ten.write(5, state=mended)
    ten.write(6, state=b"{}")
    before = ten.log.noted("rewritten")

    assert ten.log.write_sums(5, 5, anew=True) == 1
    assert ten.log.write_sums(99, 99, anew=True) == 0

    assert ten.damaged() == [6]
    assert ten.row(5)["state"] == mended
    assert ten.log.noted("rewritten") != before


def test_an_empty_log_of_before_has_all_its_sums(stored: Stored) -> None:
    old(stored, 0)
    with closing(stored.again()) as log:
        log.append(calls(1))

        assert (log.unsummed(), damaged(log.scan(after=0, limit=10, checked=True))) == (0, [])


def test_a_sum_that_is_gone_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SQLiteLog(path)) as log:
        log.append(calls(*range(3)))
        sql(path, "UPDATE stored_events SET checksum = NULL WHERE rowid = 2")

        assert damaged(log.scan(after=0, limit=10, checked=True)) == [2]


def test_a_process_of_before_cannot_append_what_has_no_sum(ten: Stored) -> None:
    new = calls(99)[0]
    with pytest.raises(Exception, match=r"summed|columns"):
        if ten.position == "rowid":
            ten.run("INSERT INTO stored_events VALUES (?, 1, ?, ?)", *new)
        else:
            ten.run(
                "INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id) "
                "VALUES (%s, 1, %s, %s, 11)",
                *new,
            )


def test_what_is_noted_and_cannot_be_read_is_damage_and_no_bare_error(stored: Stored) -> None:
    stored.log.append(calls(1))
    stored.log.note("unsummed", "1O")
    with pytest.raises(StoreDamaged, match="unsummed"):
        stored.log.unsummed()
    stored.log.note("strict ids", '["agents')
    with pytest.raises(StoreDamaged, match="strict ids"):
        stored.again()


def test_an_identity_that_changed_is_damage_and_one_of_before_is_noted(stored: Stored) -> None:
    identity = stored.log.identity
    stored.log.note("identity", None)
    with closing(stored.again()) as log:
        assert (log.identity, log.noted("identity")) == (identity, identity)
        log.note("identity", "f" * 32)
    with pytest.raises(StoreDamaged, match="its identity is"):
        stored.again()
