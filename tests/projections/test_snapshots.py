"""Every row of our projections on the small day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.projection import declaration_of
from analytics_es.projection.declaration import Declaration
from analytics_es.projections import Budgets, Cost, Performance, Usage
from tests.stores import columns


@pytest.mark.parametrize("projection", [Budgets, Cost, Performance, Usage])
def test_every_row_of_the_day(monday: AnalyticsService, projection: type, snapshot: SnapshotAssertion) -> None:
    declaration = declaration_of(projection)
    with monday.store.read_models.read() as found:
        assert "\n".join(told(declaration, row) for row in found.rows(declaration)) == snapshot


def told(declaration: Declaration, row: tuple[Any, ...]) -> str:
    """Write a row in one line: when, what it is told apart by, and every measure that says something."""
    values = dict(zip(columns(declaration), row, strict=True))
    grain, bucket = values.pop("grain"), datetime.fromtimestamp(values.pop("bucket"), UTC)
    when = f"{bucket:%m-%d}     " if grain == "day" else f"{bucket:%m-%d %H:%M}"
    keys = " ".join(values.pop(key.name) or "-" for key in declaration.keys)
    measures = (f"{name}={_moment(name, v)}" for name, v in values.items() if v not in (None, 0, "[[],[]]"))
    return f"{when} {keys}: {', '.join(measures)}"


def _moment(name: str, value: Any) -> str:
    return f"{datetime.fromtimestamp(value / 1e6, UTC):%H:%M:%S.%f}" if name.endswith("_seen") else str(value)
