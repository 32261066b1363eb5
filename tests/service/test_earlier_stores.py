"""Stores of earlier versions: they open, go on, and are right, whatever has changed since in what is stored."""

from __future__ import annotations

import tarfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from analytics_es import TimePeriod
from analytics_es.testing import NOON, provider_call
from tests.servers import Server
from tests.stores import append, opened, record, stored

STORES = Path(__file__).parents[1] / "data" / "stores"
MARCH = TimePeriod(NOON - timedelta(days=10), NOON + timedelta(days=1))
LARGEST = 2**63 - 1
COST = 3 * Decimal("1.25") + 20 * Decimal("0.0000000004") + Decimal("7.5") + 2 * 9_000_000_000


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """Return a store as 0.1.0 has left it: usage and cost stand still before two calls of 2^63-1 tokens at 9e9 dollars.

    Before them are twenty calls of 4e-10 dollars, one of 7.5, and a tool that took 5 x 10^12 ms. Sealed and gone are
    three calls of 1.25 dollars, two without a cost, one of 0, an allocation of 100.5, a tool and a job.
    """
    with tarfile.open(STORES / "0.1.0.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "old.db"


def test_a_store_that_stood_still_goes_on_and_is_right(earlier: Path) -> None:
    with opened(earlier) as analytics:
        analytics.catch_up()

        breakdown = analytics.get_cost_breakdown(MARCH, by=["model"]).unwrap()
        usage = analytics.get_usage_stats(None, None, MARCH).unwrap().totals
        (budget,) = analytics.get_budgets().unwrap().budgets
        assert breakdown.totals[0].reported_cost == COST
        assert (breakdown.calls, breakdown.computed_calls, breakdown.unknown_calls) == (29, 2, 1)
        assert (usage.events, usage.input_tokens) == (36, 27 * 1200 + 2 * LARGEST - 400)
        assert usage.duration_ms is not None
        assert usage.duration_ms > 5 * 10**12
        assert budget.allocated == Decimal("100.5")
        assert breakdown.completeness.complete_from is None
        assert analytics.verify().unwrap().identical

        analytics.rebuild().unwrap()
        again = analytics.get_cost_breakdown(MARCH, by=["model"]).unwrap()
        assert (again.totals, again.rows, again.unknown) == (breakdown.totals, breakdown.rows, breakdown.unknown)
        assert analytics.verify().unwrap().identical


def test_read_models_of_before_serve_until_they_are_rebuilt(earlier: Path) -> None:
    with opened(earlier, rebuild="manual") as analytics:
        before = analytics.get_budgets().unwrap().budgets[0]
        analytics.catch_up()
        breakdown = analytics.get_summary("cost.reported_cost", MARCH).unwrap()
        after = analytics.get_budgets().unwrap().budgets[0]

        assert before.allocated == after.allocated == Decimal("100.5")
        # Each cost was rounded to nine decimals.
        assert breakdown.figures.total == COST - 20 * Decimal("0.0000000004")
        assert {each.version for each in analytics.projections().unwrap()} == {1, 2}


def test_tables_of_before_are_widened_on_postgres(postgres: Server) -> None:
    schema = postgres.schema()
    with opened(postgres.url, schema=schema, privacy="full") as analytics:
        record(analytics, provider_call(cost="7.5"))
        live = [live.declaration for live in analytics.store.read_models.live().values()]
        with analytics.store.read_models.writing() as cursor:
            analytics.store.read_models.shown.remove(cursor)  # that version made no views
    wide = [(declared.table, column.name) for declared in live for column in declared.columns if column.wide]
    for table, column in wide:
        postgres.run(f"ALTER TABLE {schema}.{table} ALTER COLUMN {column} TYPE bigint")

    with opened(postgres.url, schema=schema, privacy="full") as analytics:
        call = {"cost": "9000000000", "currency": "USD", "input_tokens": LARGEST}
        append(analytics.store.log, *(stored("provider.call.completed", id=f"{n}", **call) for n in range(2)))
        analytics.catch_up()

        (total,) = analytics.get_cost_breakdown(MARCH).unwrap().totals
        assert total.cost == Decimal("18000000007.5")
        assert analytics.verify().unwrap().identical
