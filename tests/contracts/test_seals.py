"""The contract of seals, for every backend: what is before the horizon is refused, what is sealed is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from analytics_es.errors import BeforeHorizon, DamagedSealing
from analytics_es.events.event import microseconds
from analytics_es.log import EventLog, Horizon
from analytics_es.log.postgres import Database, PostgresLog
from analytics_es.log.seals import Definition, SealedRows
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.testing import NOON, provider_call, tool_call
from tests.stores import entry

DAY = 86_400
NOON_SECONDS = int(NOON.timestamp())
CALLS, TOOLS = "provider.call.completed", "tool.call.completed"


@pytest.fixture(params=["file", "memory", "postgres"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    """Return a log of ten days: a tool and a model called on each, and one thing that the service says."""
    opened: EventLog
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        opened = PostgresLog(Database(server.url, server.schema()))
    else:
        opened = SQLiteLog(tmp_path / "log.db" if request.param == "file" else None)
    opened.append([entry(NOON, "analytics.export.completed", {}, occurred_at=NOON, id="own")])
    for day in range(10):
        at = NOON + timedelta(days=day)
        both = enumerate((tool_call, provider_call))
        opened.append([entry(NOON, **make(occurred_at=at), id=f"{day}-{n}") for n, make in both])
    yield opened
    opened.close()


def day(number: int) -> int:
    return NOON_SECONDS + number * DAY


def sealed(log: EventLog, times: dict[str, int], *, clean: bool = False) -> None:
    log.seals.advance(Horizon(refused=times, sealed=times, clean=clean, seal=1, position=log.head()))


def positions(log: EventLog) -> list[int]:
    return log.scan(after=0, limit=100).column("position").to_pylist()  # type: ignore[no-any-return]


def test_without_a_horizon_everything_is_taken_in(log: EventLog) -> None:
    assert log.seals.horizon() == Horizon()
    assert positions(log) == list(range(1, 22))


def test_what_is_before_the_horizon_is_refused_and_nothing_of_its_batch_is_stored(log: EventLog) -> None:
    log.seals.advance(Horizon(refused={"": day(5)}))

    with pytest.raises(BeforeHorizon):
        log.append([entry(NOON, **tool_call(occurred_at=NOON + timedelta(days=n)), id=f"late-{n}") for n in (7, 4)])

    assert log.head() == 21


@pytest.mark.parametrize(("number", "refused"), [(4, True), (5, False)])
def test_the_horizon_itself_is_not_before_it(log: EventLog, number: int, refused: bool) -> None:
    horizon = Horizon(refused={"": day(5)})
    late = entry(NOON, **tool_call(occurred_at=NOON + timedelta(days=number)), id="late")

    assert horizon.refuses(late.type, late.key) is refused


def test_a_family_has_a_horizon_of_its_own_and_what_the_service_says_has_none(log: EventLog) -> None:
    times = {"": day(2), "tool": day(6)}

    assert [tuple(each) for each in log.seals.count(times)] == [
        (CALLS, 2, sum(size(log, CALLS)[:2])),
        (TOOLS, 6, sum(size(log, TOOLS)[:6])),
    ]


def size(log: EventLog, event_type: str) -> list[int]:
    return [len(row["state"]) for row in log.scan(after=0, limit=100).to_pylist() if row["type"] == event_type]


def test_what_is_sealed_is_no_longer_there_before_it_is_deleted(log: EventLog) -> None:
    sealed(log, {"": day(2), "tool": day(6)})

    left = [1, *range(6, 22)]
    left = [position for position in left if position not in (6, 8, 10, 12)]
    assert positions(log) == left
    found = log.scan_period(0, microseconds(NOON + timedelta(days=10)))
    assert [p for table in found for p in table.column("position").to_pylist()] == left
    keys = [key for piece in log.keys(0, microseconds(NOON + timedelta(days=10)), upto=100) for key in piece]
    assert len(keys) == len(left)
    assert (log.latest(5) or {})["position"] == 1
    keys = [entry(NOON, **provider_call(occurred_at=NOON + timedelta(days=n)), id=f"{n}-1").key for n in (1, 2)]
    assert [found and found["position"] for found in map(log.find, keys)] == [None, 7]


def test_the_rest_is_as_it_was_when_it_is_deleted_in_slices(log: EventLog) -> None:
    sealed(log, {"": day(2), "tool": day(6)})
    before = log.scan(after=0, limit=100)

    deleted = list(iter(lambda: log.seals.delete(3), 0))
    sealed(log, {"": day(2), "tool": day(6)}, clean=True)

    assert (sum(deleted), max(deleted)) == (8, 3)
    assert log.scan(after=0, limit=100) == before


def test_the_last_event_is_never_deleted_so_that_its_position_is_not_given_again(log: EventLog) -> None:
    sealed(log, {"": day(20)})
    while log.seals.delete(100):
        pass

    later = log.append([entry(NOON, **tool_call(occurred_at=NOON + timedelta(days=30)), id="later")])

    assert [each.position for each in later] == [22]


def test_space_is_given_back_or_said_to_be_free(log: EventLog) -> None:
    many = [entry(NOON, **tool_call(occurred_at=NOON + timedelta(seconds=n)), id=f"m{n}") for n in range(3000)]
    log.append(many)
    log.append([entry(NOON, **tool_call(occurred_at=NOON + timedelta(days=30)), id="last")])
    before = log.seals.size()
    sealed(log, {"": day(20)})
    while log.seals.delete(1000):
        pass

    list(log.seals.shrink())

    after = log.seals.size()
    if isinstance(log, SQLiteLog) and log._database.path:
        assert after.bytes < before.bytes / 2
        assert log._database.path.stat().st_size == after.bytes
    else:
        again = [
            entry(NOON, **tool_call(occurred_at=NOON + timedelta(days=31, seconds=n)), id=f"n{n}") for n in range(3000)
        ]
        log.append(again)
        assert log.seals.size().bytes < before.bytes * 1.2


def test_what_is_sealed_is_kept_with_its_days_and_definitions(log: EventLog) -> None:
    rows = [
        SealedRows(1, "usage", "abc", grain, day, 3, "sum", b"content") for grain in ("day", "hour") for day in (1, 2)
    ]
    definition = Definition(1, "usage", "abc", "{}")
    log.seals.seal(Horizon(seal=1), [definition], rows, [(1, 10, 2**40), (2, 20, 5)])

    assert sorted(log.seals.rows("usage", 0, 3)) == sorted(rows)
    assert [each.day for each in log.seals.rows("usage", 2, 3)] == [2, 2]
    assert list(log.seals.rows("cost", 0, 3)) == []
    assert (log.seals.definitions("usage"), log.seals.projections()) == ([definition], ["usage"])
    assert log.seals.days() == [(1, 10, 2**40), (2, 20, 5)]

    log.seals.drop("hour", 2)
    assert [(each.grain, each.day) for each in log.seals.rows("usage", 0, 3)] == [("day", 1), ("day", 2), ("hour", 2)]


def test_two_seals_of_one_day_add_up(log: EventLog) -> None:
    for seal in (1, 2):
        log.seals.seal(Horizon(seal=seal), [], [], [(1, seal, 10)])

    assert log.seals.days() == [(1, 3, 20)]


def test_rows_can_be_replaced(log: EventLog) -> None:
    before = SealedRows(1, "usage", "abc", "day", 1, 3, "sum", b"content")
    log.seals.seal(Horizon(seal=1), [], [before], [])
    after = SealedRows(1, "usage", "abc", "day", 1, 2, "other", b"masked")

    log.seals.replace([after])

    assert list(log.seals.rows("usage", 0, 9)) == [after]


def test_what_came_too_late_is_counted(log: EventLog) -> None:
    counted: list[Any] = [log.seals.refused()]
    for late in (1, 5):
        log.seals.count_refused(late)
        counted.append(log.seals.refused())

    assert counted == [0, 1, 6]


# ── what is kept is what was sealed ─────────────────────────────────────────────────────────────────────────────


def kept(log: EventLog) -> Horizon:
    """Seal something, and return the horizon of it."""
    horizon = Horizon(refused={"": day(2)}, sealed={"": day(2)}, seal=1, position=21, timezone="UTC")
    definitions = [Definition(1, name, "ab12", "{}") for name in ("usage", "cost")]
    rows = [SealedRows(1, name, "ab12", "hour", day(1), 2, "c0ffee", b"rows") for name in ("usage", "cost")]
    log.seals.seal(horizon, definitions, rows, [(day(1), 2, 77), (day(0), 3, 99)])
    return horizon


def run(log: EventLog, statement: str, *parameters: object) -> Any:
    with log.seals._database.write() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if statement.startswith("SELECT") else None


def test_what_is_kept_is_what_was_sealed(log: EventLog) -> None:
    log.seals.check()
    horizon = kept(log)
    log.seals.check()
    log.seals.replace([SealedRows(1, "cost", "ab12", "hour", day(1), 1, "beef", b"other")])
    log.seals.drop("hour", 0)
    log.seals.count_refused(3)

    log.seals.check()
    assert (log.seals.horizon(), log.seals.refused()) == (horizon, 3)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sealed_rows SET projection = 'usagf' WHERE projection = 'usage'",
        "UPDATE sealed_rows SET day = day + 1 WHERE projection = 'usage'",
        "UPDATE sealed_rows SET grain = 'houq' WHERE projection = 'usage'",
        "UPDATE sealed_rows SET definition = 'ab13' WHERE projection = 'usage'",
        "UPDATE sealed_rows SET rows = 3 WHERE projection = 'usage'",
        "DELETE FROM sealed_rows WHERE projection = 'usage'",
        "UPDATE seals SET projection = 'usagf' WHERE projection = 'usage'",
        "UPDATE seals SET seal = 3 WHERE projection = 'usage'",
        "UPDATE sealed_days SET events = events + 1, day = day + 1 WHERE events = 2",
        "UPDATE sealed_days SET checksum = checksum + 1 WHERE events = 2",
        "UPDATE sealing SET name = 'horizoo'",
        "DELETE FROM sealing",
    ],
)
def test_what_was_changed_of_it_is_damage_and_nothing_goes_by_it(log: EventLog, change: str) -> None:
    horizon = kept(log)
    run(log, change)

    with pytest.raises(DamagedSealing):
        log.seals.check()
    with pytest.raises(DamagedSealing):
        log.seals.advance(horizon)


def test_every_bit_of_the_horizon_counts(log: EventLog) -> None:
    horizon = kept(log)
    ((text,),) = run(log, "SELECT value FROM sealing WHERE name = ?", "horizon")
    assert Horizon.read(text) == horizon
    for place, bit in product(range(len(text)), range(7)):
        flipped = text[:place] + chr(ord(text[place]) ^ 1 << bit) + text[place + 1 :]
        try:
            assert Horizon.read(flipped) == horizon
        except DamagedSealing:
            continue

    run(log, "UPDATE sealing SET value = ? WHERE name = ?", text.replace(str(day(2)), str(day(4))), "horizon")
    with pytest.raises(DamagedSealing):
        log.scan(after=0, limit=10)
    with pytest.raises(DamagedSealing):
        log.seals.delete(10)
    with pytest.raises(DamagedSealing):
        log.append([entry(NOON, **tool_call(occurred_at=NOON + timedelta(days=5)), id="new")])


def test_a_horizon_of_before_has_no_sum_and_is_read_and_one_with_a_sum_is_read_by_versions_before(
    log: EventLog,
) -> None:
    horizon = kept(log)
    ((text,),) = run(log, "SELECT value FROM sealing WHERE name = ?", "horizon")
    assert Horizon(**json.loads(text)) == horizon

    run(log, "UPDATE sealing SET value = ? WHERE name = ?", horizon.write(), "horizon")
    run(log, "UPDATE sealed_days SET events = 9 WHERE events = 3")
    log.seals.check()
    assert log.seals.horizon() == horizon
    log.seals.advance(horizon)
    run(log, "UPDATE sealed_days SET events = 3 WHERE events = 9")
    with pytest.raises(DamagedSealing):
        log.seals.check()
