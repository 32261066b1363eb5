"""Damaged columns of the log: whoever meets one says so with the position of the event, and nothing else fails."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import AnalyticsError, BrokenEvent, DamagedEvent, DamagedPosition
from analytics_es.testing import NOON, provider_call
from tests.stores import opened, sql

POSITION = 7
PERIOD = TimePeriod(NOON - timedelta(days=400), NOON + timedelta(days=1), "total")
AT = f"WHERE rowid = {POSITION}"

# What no door of ours has written; `{}` is the name of a file to write to.
DAMAGE = {
    "a short key": f"UPDATE stored_events SET originator_id = 'abc' {AT}",
    "a key of no digits": f"UPDATE stored_events SET originator_id = 'zz' || substr(originator_id, 3) {AT}",
    "a key of capitals": f"UPDATE stored_events SET originator_id = upper(originator_id) {AT}",
    "a key of other letters": f"UPDATE stored_events SET originator_id = 'ä' || substr(originator_id, 2) {AT}",
    "an empty key": f"UPDATE stored_events SET originator_id = '' {AT}",
    "a key of bytes": f"UPDATE stored_events SET originator_id = x'ff00ff' {AT}",
    "a key of no UTF-8": f"UPDATE stored_events SET originator_id = CAST(x'ff00ff' AS TEXT) {AT}",
    "no key": f"UPDATE stored_events SET originator_id = NULL {AT}",
    "a type of bytes": f"UPDATE stored_events SET topic = x'ff00' {AT}",
    "a type of no UTF-8": f"UPDATE stored_events SET topic = CAST(x'ff00' AS TEXT) {AT}",
    "no type": f"UPDATE stored_events SET topic = NULL {AT}",
    "a number for a state": f"UPDATE stored_events SET state = 5 {AT}",
    "no state": f"UPDATE stored_events SET state = NULL {AT}",
}
# What a fold sets aside, as one bad event, and nothing stands still for.
ASIDE = {
    "an empty state": f"UPDATE stored_events SET state = x'' {AT}",
    "a state of no UTF-8": f"UPDATE stored_events SET state = x'7bff7d' {AT}",
    "half a state": f"UPDATE stored_events SET state = substr(state, 1, 50) {AT}",
    "a list for a state": f"UPDATE stored_events SET state = CAST('[1]' AS BLOB) {AT}",
    "no time": f"UPDATE stored_events SET state = CAST(replace(state, 'd_at\":\"20', 'd_at\":\"xx') AS BLOB) {AT}",
}

OPERATIONS: dict[str, Callable[[AnalyticsService, Path], Any]] = {
    "catch up": lambda service, _: service.catch_up(),
    "rebuild": lambda service, _: service.rebuild().unwrap(),
    "verify": lambda service, _: service.verify().unwrap(),
    "status": lambda service, _: service.projections().unwrap(),
    "ledger": lambda service, _: service.check_ledger().unwrap(),
    "explain": lambda service, _: service.explain("cost.calls", PERIOD).unwrap(),
    "export": lambda service, folder: service.export_data("json", PERIOD, to=folder / "out.json").unwrap(),
    "archive": lambda service, folder: service.export_data("parquet", PERIOD, to=folder / "out.parquet").unwrap(),
    "aggregate": lambda service, _: service.run_aggregation(PERIOD).unwrap(),
    "dead letters": lambda service, _: service.dead_letters().unwrap(),
    "back up": lambda service, folder: service.back_up(folder / "copy.db").unwrap(),
    "as of": lambda service, _: service.as_of(15).get_usage_stats("user", None, PERIOD).unwrap(),
    "diff": lambda service, _: service.diff(PERIOD, 5, 15).unwrap(),
    "forget": lambda service, _: service.forget("user-1").unwrap(),
    "retain": lambda service, _: service.retain({"events": "90d"}).unwrap(),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a store of some events, ten days apart, closed and caught up."""
    folder = tmp_path_factory.mktemp("store")
    with opened(folder / "a.db", privacy="full") as service:
        events = [provider_call(user_id=f"user-{n % 3}", occurred_at=NOON - timedelta(days=10 * n)) for n in range(20)]
        service.record_events(events).unwrap()
        service.catch_up()
    return folder


@pytest.fixture
def path(store: Path, tmp_path: Path) -> Iterator[Path]:
    shutil.copytree(store, tmp_path / "store")
    return tmp_path / "store" / "a.db"


def spoil(path: Path, statement: str) -> None:
    """Run a statement on the log, which may leave out what may not be left out."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'stored_events'")
        connection.execute("PRAGMA schema_version = 99")
    sql(path, statement)


def outcomes(path: Path) -> dict[str, str]:
    """Return the code of what each operation fails with; what is no error of ours goes on."""
    codes = {}
    with opened(path, privacy="full", clock=lambda: NOON) as service:
        for name, work in OPERATIONS.items():
            try:
                work(service, path.parent)
            except AnalyticsError as error:
                codes[name] = error.code
                if isinstance(error, (BrokenEvent, DamagedEvent)):
                    assert error.details["position"] == POSITION, error
        assert service.record_event("job.completed", {}).ok
    return codes


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("summed", [True, False])
def test_a_damaged_column_is_told_with_the_position_by_whoever_meets_it(path: Path, damage: str, summed: bool) -> None:
    """Where events have checksums, whoever reads them for proof says so; a fold sets the event aside."""
    spoil(path, DAMAGE[damage])
    if not summed:
        of_before(path)
        path.with_name("a.views.db").unlink()

    codes = outcomes(path)

    assert set(codes.values()) <= {"broken_event", "damaged_event"}, codes
    assert "rebuild" in codes


def of_before(path: Path) -> None:
    """Make a log one whose events have no checksums."""
    sql(path, "UPDATE stored_events SET checksum = NULL")
    sql(path, "INSERT INTO log_notes VALUES ('unsummed', '20') ON CONFLICT (name) DO UPDATE SET value = '20'")


@pytest.mark.parametrize("damage", ASIDE)
def test_a_state_that_says_nothing_is_one_bad_event(path: Path, damage: str) -> None:
    spoil(path, ASIDE[damage])

    assert {*outcomes(path).values()} <= {"unreadable_event", "rebuild_stopped", "damaged_event"}


def test_a_number_that_json_has_not_is_explained_as_it_was_counted(path: Path) -> None:
    spoil(
        path,
        f'UPDATE stored_events SET state = CAST(replace(state, \'"data":{{\', \'"data":{{"odd":NaN,\') AS BLOB) {AT}',
    )

    assert "explain" not in outcomes(path)


@pytest.mark.parametrize("position", [0, -7, 2**63 - 1])
def test_a_position_that_none_has_is_refused_before_anything_is_recorded_behind_it(path: Path, position: int) -> None:
    spoil(path, f"UPDATE stored_events SET rowid = {position} {AT}")

    with pytest.raises(DamagedPosition, match=f"an event at position {position}, which none of ours has"):
        AnalyticsService.open(path, follow=False)


@pytest.mark.store("postgres", privacy="full", events=[provider_call(user_id=f"user-{n}") for n in range(9)])
@pytest.mark.parametrize("key", ["abc", "Z" * 32, "ä" * 32])
def test_on_postgresql_too(analytics: AnalyticsService, key: str) -> None:
    database = analytics.store.log.database  # type: ignore[attr-defined]
    with database.connect() as connection:
        connection.execute("UPDATE stored_events SET originator_id = %s WHERE notification_id = 7", [key])

    failure = analytics.rebuild().failure

    assert failure is not None
    assert (failure.code[-13:], "at position 7" in failure.message) in {("broken_event", True), ("damaged_event", True)}
    verified = analytics.verify()
    assert verified.failure is not None or verified.unwrap().damaged == [7]
    assert analytics.record_event("job.completed", {}).ok
