"""Few events of a log on PostgreSQL are read in another way than many: as the same, and without what is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pyarrow as pa
import pytest

from analytics_es.log import Horizon
from analytics_es.log.postgres import Database, PostgresLog
from analytics_es.log.postgres import log as reading
from analytics_es.testing import NOON, tool_call
from tests.servers import Server
from tests.stores import entry

OpenLog = Callable[[], PostgresLog]


@pytest.fixture
def open_log(postgres: Server) -> Iterator[OpenLog]:
    schema, opened = postgres.schema(), list[PostgresLog]()

    def opening() -> PostgresLog:
        opened.append(PostgresLog(Database(postgres.url, schema)))
        return opened[-1]

    log = opening()
    log.append(
        [entry(NOON, **tool_call(occurred_at=NOON + timedelta(days=n), text="ä" * n), id=f"{n}") for n in range(9)]
    )
    yield opening
    for log in opened:
        log.close()


def scanned(log: PostgresLog, few: int, **stretch: int) -> pa.Table:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "FEW", few)
        return log.scan(**stretch)


@pytest.mark.parametrize(
    "stretch",
    [
        {"after": 0, "limit": 100},
        {"after": 3, "limit": 3},
        {"after": 3, "limit": 3, "upto": 5},
        {"after": 8, "limit": 1, "upto": 9},
        {"after": 9, "limit": 9},
        {"after": 5, "limit": 9, "upto": 5},
        {"after": 6, "limit": 9, "upto": 5},
    ],
)
def test_few_are_read_as_many_are(open_log: OpenLog, stretch: dict[str, int]) -> None:
    few, many = (scanned(open_log(), few, **stretch) for few in (1_000, -1))

    assert few.equals(many)
    assert few.schema == many.schema


def test_what_another_process_has_sealed_is_left_out_from_then_on(open_log: OpenLog) -> None:
    log, other = open_log(), open_log()
    assert log.scan(after=0, limit=100).num_rows == 9

    for day, clean in ((4, False), (6, False), (6, True)):
        times = {"": int((NOON + timedelta(days=day)).timestamp())}
        other.seals.advance(Horizon(refused=times, sealed=times, clean=clean, seal=1, position=9))
        assert scanned(log, 1_000, after=0, limit=100).equals(scanned(log, -1, after=0, limit=100))
        assert log.scan(after=0, limit=100).num_rows == (9 if clean else 9 - day)
