"""Tables of read models on PostgreSQL that are gone, altered or somebody else's: recorded all the same, and mended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON, provider_call
from tests.stores import opened, record

pytestmark = pytest.mark.store("postgres")

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12), "total")
EVENTS = [provider_call(user_id=f"user-{n}") for n in range(20)]

# What is done, and which tables are then kept under another name.
DAMAGE = {
    "DROP TABLE {usage} CASCADE": [],
    "ALTER TABLE {usage} RENAME COLUMN events TO other": ["{usage}"],
    "DELETE FROM tracking": [],
    "UPDATE registry SET log = 'x'": ["{usage}", "{cost}"],
    "UPDATE registry SET definition = '[]'": ["registry", "{usage}"],
    "ALTER TABLE registry RENAME COLUMN definition TO other": ["registry", "{usage}"],
    **{f"DROP TABLE {name} CASCADE": ["{usage}", "{cost}"] for name in ("tracking", "registry", "about", "ledger")},
    **{f"DROP TABLE {name} CASCADE": ["{usage}", "{cost}"] for name in ("unreadable", "discarded", "aside")},
}


def execute(service: AnalyticsService, *statements: str) -> None:
    with service.store.log.database.connect() as connection:  # type: ignore[attr-defined]
        for statement in statements:
            connection.execute(statement)


def figures(service: AnalyticsService) -> tuple[int, int]:
    """Return how many events are counted, and of how many users."""
    stats = service.get_usage_stats("user", None, DAY).unwrap()
    return stats.totals.events, len(stats.top_entities)


@pytest.mark.parametrize("statement", DAMAGE)
def test_tables_that_cannot_be_used_are_set_apart_and_everything_is_derived_again(url: str, statement: str) -> None:
    with opened(url, privacy="full") as service:
        record(service, *EVENTS)
        before = figures(service)
        names = {name: live.declaration.table for name, live in service.store.read_models.live().items()}
        execute(service, statement.format(**names))
        if "log = 'x'" in statement:
            execute(service, "UPDATE tracking SET application_name = 'x' || substr(application_name, 33)")

    with opened(url, privacy="full") as service:
        assert service.record_event("job.completed", {}).ok
        service.catch_up()
        assert figures(service) == before
        assert service.verify().unwrap().identical
        apart = " ".join(service.store.read_models.kept_apart())

    assert all(f"{table.format(**names)}_damaged_1" in apart for table in DAMAGE[statement]), apart
    assert bool(apart) == bool(DAMAGE[statement])


def test_a_table_of_somebody_else_under_the_name_of_a_read_model_is_set_apart(url: str) -> None:
    with opened(url, projections=[], privacy="full") as service:
        execute(service, "CREATE TABLE usage_v4 (theirs text)", "INSERT INTO usage_v4 VALUES ('kept')")

    with opened(url, privacy="full") as service:
        record(service, *EVENTS)
        assert figures(service) == (20, 10)
        with service.store.read_models.reading() as cursor:
            assert cursor.execute("SELECT theirs FROM usage_v4_damaged_1").fetchall() == [("kept",)]


def test_what_is_whole_is_never_set_apart(url: str) -> None:
    with opened(url, projections=[], privacy="full") as service:
        pass
    for _ in range(2):
        with opened(url, privacy="full") as service:
            record(service, *EVENTS)
            assert service.store.read_models.kept_apart() == []


def test_a_log_that_lost_its_end_is_refused_with_what_to_do(url: str) -> None:
    with opened(url, privacy="full") as service:
        record(service, *EVENTS)
        execute(service, "DELETE FROM stored_events WHERE notification_id > 10")

    with pytest.raises(Exception, match=r"ends at position 10, .* up to position 20: .* delete every row of") as caught:
        opened(url, privacy="full")

    assert getattr(caught.value, "code", "") == "log_behind"
