"""Bytes of the log that nobody wrote: what is derived from them is said to be damaged, and not counted."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import AnalyticsError
from analytics_es.log import damaged
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.testing import NOON, provider_call, tool_call
from tests.servers import Server
from tests.stores import opened, set_clock, sql

PERIOD = TimePeriod.day(NOON.date())
EVENTS = [
    {**make(occurred_at=NOON + timedelta(minutes=7 * number)), "id": f"{make.__name__} {number}"}
    for number in range(40)
    for make in (tool_call, provider_call)
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "analytics.db"
    with opened(path) as service:
        service.record_events(EVENTS).unwrap()
        service.catch_up()
    return path


@pytest.fixture
def path(filled: Path, tmp_path: Path) -> Path:
    shutil.copy(filled, tmp_path / "backup.db")
    return Path(shutil.copytree(filled.parent, tmp_path / "copy")) / filled.name


def change(path: Path, position: int = 5, old: str = '"source"', new: str = '"sourcf"') -> None:
    """Change what is stored at a position by one bit."""
    changed = "CAST(replace(CAST(state AS TEXT), ?, ?) AS BLOB)"
    sql(path, f"UPDATE stored_events SET state = {changed} WHERE rowid = ?", old, new, position)


def derive_again(path: Path) -> AnalyticsService:
    """Remove the read models, and open the store, which derives them from the log."""
    for beside in path.parent.glob("analytics.views.db*"):
        beside.unlink()
    service = opened(path)
    service.catch_up()
    return service


# ── who derives read models ─────────────────────────────────────────────────────────────────────────────────────


def test_read_models_that_are_derived_again_do_not_count_what_is_damaged_and_list_it(path: Path) -> None:
    change(path)
    with derive_again(path) as service:
        verified = service.verify().unwrap()
        letters = service.dead_letters().unwrap()

        assert (verified.identical, verified.damaged) == (False, [5])
        assert all(projection.identical for projection in verified.projections)
        assert {(letter.position, letter.field, letter.hour) for letter in letters} == {(5, "event", None)}
        assert len(letters) == len(verified.projections)
        causes = service.dead_letter(5).unwrap().causes
        assert "its checksum is wrong" in causes[0].cause


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stored_events SET topic = 'tool.cbll.completed' WHERE rowid = 5",
        "UPDATE stored_events SET topic = CAST(X'FF' AS TEXT) WHERE rowid = 5",
        "UPDATE stored_events SET originator_id = 'x' || substr(originator_id, 2) WHERE rowid = 5",
        "UPDATE stored_events SET state = CAST(state AS TEXT) WHERE rowid = 5",
        "UPDATE stored_events SET state = NULL WHERE rowid = 5",
        "UPDATE stored_events SET checksum = checksum + 1 WHERE rowid = 5",
        "UPDATE stored_events SET checksum = NULL WHERE rowid = 5",
        "UPDATE stored_events SET originator_version = 3 WHERE rowid = 5",
    ],
)
def test_whatever_of_an_event_is_damaged_a_rebuild_refuses_and_names_it(path: Path, statement: str) -> None:
    sql(path, statement)
    with opened(path) as service:
        refused = service.rebuild()

        assert (refused.failure.code, refused.failure.details["positions"]) == ("damaged_event", [5])
        assert service.rebuild(set_aside=True).unwrap().unreadable > 0
        assert {letter.position for letter in service.dead_letters().unwrap()} == {5}


def test_an_event_that_was_counted_before_it_was_damaged_differs_and_says_why(path: Path) -> None:
    change(path, 5)
    with opened(path) as service:
        verified = service.verify().unwrap()

        assert (verified.identical, verified.damaged) == (False, [5])


def test_an_export_of_a_damaged_event_is_refused(path: Path, tmp_path: Path) -> None:
    change(path, 5)
    with opened(path) as service:
        refused = service.export_data("json", PERIOD, to=tmp_path / "out.jsonl")

        assert refused.failure.code == "damaged_event"
        assert not (tmp_path / "out.jsonl").exists()


def test_a_period_that_is_derived_again_lists_what_is_damaged(path: Path) -> None:
    change(path, 5)
    with opened(path) as service:
        service.run_aggregation(PERIOD).unwrap()

        assert {letter.position for letter in service.dead_letters().unwrap()} == {5}


def test_a_row_that_is_put_back_from_a_backup_is_as_good_as_before(path: Path) -> None:
    change(path, 5)
    with derive_again(path) as service:
        put_back(path, path.parent.parent / "backup.db", 5)
        assert service.retry_dead_letters(5).unwrap().remaining == 0
        assert service.verify().unwrap().identical
        assert service.rebuild().ok


def put_back(path: Path, backup: Path, position: int) -> None:
    """Do what docs/reliability.md says."""
    columns = "originator_id, originator_version, topic, state, checksum"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ATTACH ? AS backup", [str(backup)])
        connection.execute(
            f"UPDATE stored_events SET ({columns}) = "
            f"(SELECT {columns} FROM backup.stored_events WHERE rowid = {position}) WHERE rowid = {position}"
        )


def test_a_backup_is_made_of_what_there_is_and_says_what_of_it_is_damaged(path: Path, tmp_path: Path) -> None:
    change(path, 5)
    with opened(path) as service:
        result = service.back_up(tmp_path / "copied.db").unwrap()

        assert result.damaged == [5]
        with opened(tmp_path / "copied.db") as copied:
            copied.catch_up()
            assert copied.verify().unwrap().damaged == [5]


def test_what_is_damaged_and_listed_does_not_stop_retention(path: Path) -> None:
    change(path, 5)
    with derive_again(path) as service:
        set_clock(service, NOON + timedelta(days=30))
        assert service.retain({"events": "2d"}).unwrap().events
        verified = service.verify().unwrap()

        assert (verified.identical, verified.damaged) == (True, [])
        assert {letter.position for letter in service.dead_letters().unwrap()} == {5}
        assert service.rebuild(set_aside=True).unwrap()
        assert {letter.position for letter in service.dead_letters().unwrap()} == {5}


def test_what_was_counted_before_it_was_damaged_is_not_sealed(path: Path) -> None:
    change(path, 5)
    with opened(path) as service:
        set_clock(service, NOON + timedelta(days=30))

        assert service.retain({"events": "2d"}).failure.code == "does_not_verify"


@pytest.mark.store("postgres")
def test_on_postgres_damage_is_said_too(analytics: AnalyticsService, postgres: Server) -> None:
    analytics.record_events(EVENTS).unwrap()
    analytics.catch_up()
    with analytics.store.log.database.connection() as connection:  # type: ignore[attr-defined]
        connection.execute(
            "UPDATE stored_events SET state = set_byte(state, 30, get_byte(state, 30) # 4) WHERE notification_id = 5"
        )

    assert analytics.rebuild().failure.code == "damaged_event"
    analytics.rebuild(set_aside=True).unwrap()
    verified = analytics.verify().unwrap()
    assert (verified.identical, verified.damaged) == (False, [5])
    assert {letter.position for letter in analytics.dead_letters().unwrap()} == {5}


# ── what is gone ────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_that_is_gone_is_missed_by_verify_status_and_rebuild(path: Path) -> None:
    sql(path, "DELETE FROM stored_events WHERE rowid = 5")
    with derive_again(path) as service:
        verified, (check, *_), refused = service.verify().unwrap(), service.check_ledger().unwrap(), service.rebuild()

        assert not verified.identical
        assert check.checkpoint is not None
        assert check.checkpoint.startswith("1 events are missing")
        assert refused.failure.code == "events_missing"
        assert service.rebuild(set_aside=True).ok


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────


def contents(path: Path) -> list[Any]:
    """Return all that is stored of events."""
    columns = "rowid, originator_id, originator_version, topic, state, checksum"
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {columns} FROM stored_events ORDER BY rowid").fetchall()


def said(path: Path, head: int) -> str | None:
    """Return what is said about a log, None where that is nothing."""
    try:
        with closing(SQLiteLog(path)) as log:
            log.check_store()
            events = log.scan(after=0, limit=10**6, checked=True)
            if positions := damaged(events):
                return f"damaged at {positions}"
            return None if events.num_rows == head else "missing"
    except AnalyticsError as error:
        return error.code


@pytest.mark.parametrize("seed", range(4))
def test_every_bit_of_the_file_that_is_flipped_is_said_or_does_not_matter(path: Path, seed: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before, whole = contents(path), path.read_bytes()
    draw, flipped = random.Random(seed), path.with_name("flipped.db")
    silent = []
    for _ in range(60):
        bit = draw.randrange(8 * len(whole))
        damaged_bytes = bytearray(whole)
        damaged_bytes[bit // 8] ^= 1 << bit % 8
        flipped.write_bytes(damaged_bytes)
        for more in ("-wal", "-shm"):
            flipped.with_name(flipped.name + more).unlink(missing_ok=True)
        if said(flipped, len(before)) is None and contents(flipped) != before:
            silent.append(bit)

    assert silent == []
