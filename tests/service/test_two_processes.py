"""Two processes that name different tags, projections or zones on one store: both are answered, or one is told why."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection import count, key, projection
from analytics_es.testing import NOON, provider_call
from tests.children import ran
from tests.stores import opened, record

pytestmark = pytest.mark.store("sqlite", "postgres")

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12), "total")
CALL = provider_call(attributes={"team": "red", "feature": "search"})

QUESTIONS: dict[str, Callable[[AnalyticsService], Any]] = {
    "usage": lambda service: service.get_usage_stats("user", None, DAY),
    "performance": lambda service: service.get_performance_metrics(DAY),
    "cost": lambda service: service.get_cost_breakdown(DAY),
    "budgets": lambda service: service.get_budgets(),
    "by team": lambda service: service.get_summary("cost.calls", DAY, group_by=["attributes.team"]),
    "of a team": lambda service: service.get_summary("cost.calls", DAY, where={"attributes.team": "red"}),
    "explained": lambda service: service.explain("cost.calls", DAY, where={"attributes.team": "red"}),
}


@projection(version=1, consumes=("provider.>",))
class Mine:
    """Calls of a model."""

    model: str = key("model")
    calls: int = count()


def in_another_process(url: str, code: str, **options: Any) -> str:
    """Open the store there, do something, and return what it said."""
    program = f"from analytics_es import AnalyticsService\nfrom analytics_es.projection import *\n{code}\n"
    program = program.replace("OPEN", f"AnalyticsService.open({url!r}, follow=False, **{options!r}")
    done = ran([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


@pytest.fixture
def service(url: str) -> Iterator[AnalyticsService]:
    """Return a store of a process that names a tag and a projection of its own."""
    with opened(url, tags=["team"]) as service:
        record(service, CALL, provider_call(attributes={"feature": "chat"}))
        yield service


def figures(service: AnalyticsService) -> dict[str, Any]:
    """Return what questions are answered: their figures, or the code of a failure."""
    results = {name: ask(service) for name, ask in QUESTIONS.items()}
    return {name: result.ok or result.failure.code for name, result in results.items()}


def teams(service: AnalyticsService, tag: str = "team") -> dict[str, Any]:
    groups = service.get_summary("cost.calls", DAY, group_by=[f"attributes.{tag}"]).unwrap().groups
    return {group.keys[f"attributes.{tag}"]: group.figures.total for group in groups}


def test_a_process_that_names_other_tags_adds_them_and_both_are_answered(url: str, service: AnalyticsService) -> None:
    before = teams(service)

    said = in_another_process(
        url,
        "from tests.service.test_two_processes import teams\n"
        "with OPEN) as service:\n    service.catch_up()\n"
        "    print(sorted(teams(service, 'feature')), sorted(teams(service)))",
        tags=["feature"],
    )

    assert said == "['chat', 'search'] ['', 'red']"
    assert set(figures(service).values()) == {True}
    assert teams(service) == before
    service.catch_up()
    assert set(figures(service).values()) == {True}
    assert teams(service, "feature") == {"search": 1, "chat": 1}


def test_a_process_that_takes_all_tags_away_says_so_to_who_asks_by_one(url: str, service: AnalyticsService) -> None:
    in_another_process(url, "with OPEN) as service:\n    service.catch_up()", tags=[])

    answered = figures(service)

    of_tags = {"by team", "of a team", "explained"}
    assert {name for name, answer in answered.items() if answer is not True} <= of_tags
    failure = QUESTIONS["by team"](service).failure
    assert (failure.code, "another process" in failure.message) == ("replaced_read_model", True)


def test_another_version_of_an_own_projection_takes_its_place_and_says_so(url: str) -> None:
    with opened(url, projections=[Mine]) as service:
        record(service, CALL)
        assert service.get_summary("mine.calls", DAY).unwrap().figures.total == 1
        newer = (
            "@projection(version=2, consumes=('provider.>',))\nclass Mine:\n    'Runs of a model.'\n\n"
            "    model: str = key('model')\n    runs: int = count()\n\n"
            "with OPEN, projections=[Mine]) as service:\n    service.catch_up()"
        )
        in_another_process(url, newer)
        failure = service.get_summary("mine.calls", DAY).failure
        recorded = service.record_event(**CALL)
        service.catch_up()

    assert failure is not None
    assert (failure.code, recorded.ok) == ("replaced_read_model", True)


@pytest.mark.parametrize("projections", ["[]", "[projections.Usage]"])
def test_a_process_with_fewer_projections_takes_none_away(
    url: str, service: AnalyticsService, projections: str
) -> None:
    in_another_process(
        url,
        "from analytics_es import projections\n"
        f"with OPEN, projections={projections}) as service:\n"
        "    service.record_event('job.completed', {})\n    service.catch_up()",
    )

    assert set(figures(service).values()) == {True}


def test_a_process_of_another_zone_is_refused_with_the_reason(url: str, service: AnalyticsService) -> None:
    said = in_another_process(
        url,
        "try:\n    OPEN)\nexcept Exception as error:\n    print(error.code, error)",
        timezone="Asia/Tokyo",
    )

    assert said.startswith("other_timezone The read models of ")
    assert "kept in UTC, not Asia/Tokyo" in said
    assert set(figures(service).values()) == {True}


def test_a_price_that_one_process_publishes_counts_in_the_other(url: str, service: AnalyticsService) -> None:
    price = {"provider": "acme", "model": "m", "currency": "EUR", "effective_from": "2026-01-01T00:00:00Z"}
    entry = {**price, "per_mtok": {"input_tokens": "0.2", "output_tokens": "0.4"}}
    in_another_process(url, f"with OPEN) as service:\n    service.publish_prices([{entry!r}]).unwrap()")

    assert service.price("acme", "m").ok
    assert set(figures(service).values()) == {True}
