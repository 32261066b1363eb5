"""Rows of read models that make no sense are damage that is said, and never an error of Python's."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from analytics_es import AnalyticsService, OperationResult, TimePeriod
from analytics_es.read_models import aside
from analytics_es.testing import NOON, provider_call, tool_call
from tests.stores import opened, record, sql

DAY = TimePeriod.parse(NOON.date().isoformat())
EVENTS = [provider_call(), tool_call(), *[tool_call(user_id=f"user-{n}") for n in range(60)]]
QUESTIONS: dict[str, Callable[[AnalyticsService], OperationResult[object]]] = {
    "usage": lambda service: service.get_usage_stats("user", None, DAY),
    "cost": lambda service: service.get_cost_breakdown(DAY, by=["user", "model"]),
    "performance": lambda service: service.get_performance_metrics(DAY),
    "verify": lambda service: service.verify(),
}
SPOILT = {
    "a number that is none": "UPDATE {usage} SET input_tokens = 'many'",
    "a sum that is none": "UPDATE {performance} SET duration_sum = 'many'",
    "a histogram that is none": "UPDATE {performance} SET duration_buckets = 'x'",
    "a model in some rows only": "UPDATE {cost} SET model = 'gpu' WHERE entity_type = 'user'",
}
FLIPS = 25


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with opened(tmp_path / "a.db", privacy="full") as service:
        record(service, *EVENTS)
    return tmp_path / "a.db"


def answers(path: Path) -> dict[str, str]:
    """Return what is answered when everything is derived."""
    with opened(path, privacy="full") as service:
        service.catch_up()
        return {name: str(ask(service).unwrap()) for name, ask in QUESTIONS.items() if name != "verify"}


def tables(views: Path) -> dict[str, str]:
    return {name.partition("_v")[0]: name for (name,) in sql(views, "SELECT name FROM sqlite_master") if "_v" in name}


@pytest.mark.parametrize("statement", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_who_meets_them_is_told_and_then_all_is_as_before(
    path: Path, ask: Callable[[AnalyticsService], OperationResult[object]], statement: str
) -> None:
    before, views = answers(path), path.with_name("a.views.db")
    sql(views, statement.format_map(tables(views)))

    with opened(path, privacy="full") as service:
        met = ask(service)

    if met.failure is not None:
        assert met.failure.code == "damaged_read_models"
        assert aside.moved_aside(views)
        assert answers(path) == before


@pytest.mark.parametrize("seed", range(FLIPS))
def test_pages_that_were_exchanged_end_in_no_error_of_pythons(path: Path, seed: int) -> None:
    chance, views = random.Random(seed), path.with_name("a.views.db")
    with views.open("r+b") as file:
        pages = [file.read(4096) for _ in range(views.stat().st_size // 4096)]
        first, second = chance.sample(range(1, len(pages)), 2)
        for place, page in ((first, second), (second, first)):
            file.seek(place * 4096)
            file.write(pages[page])

    with opened(path, privacy="full") as service:
        codes = {attempt.failure.code for ask in QUESTIONS.values() if (attempt := ask(service)).failure}

    assert codes <= {"damaged_read_models"}
