"""Every cost is explained down to its calls, and what these cost adds up to it, to the last digit."""

from __future__ import annotations

import gc
import threading
from datetime import timedelta
from decimal import Decimal, localcontext
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from analytics_es import AnalyticsService
from analytics_es.cost.prices.quantities import EXACT
from analytics_es.errors import BadLimit, NotARow, SealedPeriod, UnknownKey
from analytics_es.projection.engine import _connections as engines
from analytics_es.testing import NOON, price, provider_call, task_completed
from analytics_es.types import CostBreakdown, CostExplanation
from tests.histories_of_cost import DAYS, HOUR, calls, entries
from tests.stores import nth, record

D = Decimal
UNREPORTED: dict[str, Any] = {"cost": None, "currency": None}


def breakdown(analytics: AnalyticsService, *by: str) -> CostBreakdown:
    return analytics.get_cost_breakdown(DAYS, by=by or ("model",)).unwrap()


def explained(analytics: AnalyticsService, *about: Any, **how: Any) -> CostExplanation:
    return analytics.explain_cost(*about or (DAYS,), **how).unwrap()


def data_of(calls: list[dict[str, Any]], number: str) -> dict[str, Any]:
    data: dict[str, Any] = calls[int(number)]["data"]
    return data


@settings(max_examples=10)
@given(calls=calls(), published=entries())
def test_the_calls_of_every_row_cost_what_the_row_does(
    calls: list[dict[str, Any]], published: list[dict[str, Any]]
) -> None:
    with AnalyticsService.open(":memory:", follow=False) as analytics:
        record(analytics, *({**call, "id": str(number)} for number, call in enumerate(calls)))
        analytics.publish_prices(published).unwrap()
        book = analytics.price_book().unwrap()
        answer = breakdown(analytics, "user", "model")
        told = [(row, explained(analytics, answer, row=row)) for row in answer.rows]
        whole = explained(analytics, answer)

    for row, found in told:
        assert found.totals == ({} if row.cost is None else {row.currency: row.cost})
        assert (found.calls, found.unknown_calls) == (row.calls, row.calls if row.cost is None else 0)
    assert whole.totals == {each.currency: each.cost for each in answer.totals}
    assert (whole.calls, whole.unknown_calls) == (answer.calls, answer.unknown_calls)
    with localcontext(EXACT):
        for each in whole.events:
            if each.state == "computed":
                alone = book.cost_of(data_of(calls, each.id), each.provider or None, each.model, each.occurred_at)
                assert alone and alone.total == each.cost == sum((part.cost for part in each.charged), D(0))
                assert all(part.units * part.price == part.cost for part in each.charged)


def test_each_call_says_what_it_cost_and_how(analytics: AnalyticsService) -> None:
    record(
        analytics,
        provider_call(),
        provider_call(**UNREPORTED, occurred_at=NOON + HOUR),
        provider_call(cost="0", occurred_at=NOON + 2 * HOUR),
        provider_call(**UNREPORTED, model="nobody-knows", occurred_at=NOON + 3 * HOUR),
    )

    told = explained(analytics, largest=False)

    assert [(each.position, each.state, each.cost, each.currency, each.reason) for each in told.events] == [
        (nth(1), "reported", D("0.005115"), "USD", ""),
        (nth(2), "computed", D("0.003765"), "USD", ""),
        (nth(3), "unknown", None, "", "reported_as_zero"),
        (nth(4), "unknown", None, "", "no_price"),
    ]
    computed = told.events[1]
    assert [(each.kind, each.units, each.price) for each in computed.charged] == [
        ("cache_creation_tokens", 100, D("0.00000375")),
        ("cache_read_tokens", 800, D("0.0000003")),
        ("input_tokens", 300, D("0.000003")),
        ("output_tokens", 150, D("0.000015")),
    ]
    assert computed.price and computed.price.version
    assert (told.totals, told.calls, told.unknown_calls) == ({"USD": D("0.00888")}, 4, 2)


def test_a_published_price_is_named_by_its_position_and_since_when_it_holds(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(**UNREPORTED, provider="acme", model="acme-large"))
    position = analytics.publish_prices([price(), price(per_mtok={"input_tokens": "7"})]).unwrap().position

    (call,) = explained(analytics).events

    assert call.price and (call.price.position, f"{call.price.since:%Y-%m-%d}") == (position, "2026-01-01")


def test_calls_within_an_hour_have_the_price_of_their_moment(analytics: AnalyticsService) -> None:
    half = NOON + timedelta(minutes=30)
    acme: dict[str, Any] = {"provider": "acme", "model": "acme-large", **UNREPORTED}
    record(analytics, *(provider_call(**acme, occurred_at=half - timedelta(seconds=n)) for n in (1, 0)))
    dearer = price(per_mtok={"input_tokens": "20"}, effective_from=half.isoformat())
    analytics.publish_prices([price(), dearer]).unwrap()

    told = explained(analytics, largest=False)

    assert [each.cost for each in told.events] == [D("0.00216"), D("0.024")]
    assert told.totals == {"EUR": breakdown(analytics).totals[0].cost}


def test_a_correction_is_listed_with_its_change(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(), provider_call(cost="0", occurred_at=NOON + HOUR))
    analytics.correct_cost(nth(1), "0.005", note="invoice").unwrap()
    analytics.correct_cost(nth(2), "0.001", note="invoice").unwrap()
    analytics.catch_up()

    told, answer = explained(analytics, largest=False), breakdown(analytics)

    assert [(each.position, each.state, each.cost) for each in told.events] == [
        (nth(1), "reported", D("0.005115")),
        (nth(2), "unknown", None),
        (nth(3), "reported", D("-0.000115")),
        (nth(4), "reported", D("0.001")),
    ]
    assert told.totals == {"USD": answer.totals[0].cost} == {"USD": D("0.006")}
    assert (told.calls, told.unknown_calls) == (answer.calls, answer.unknown_calls) == (2, 0)


def test_the_dearest_come_first_and_what_is_not_listed_is_counted(analytics: AnalyticsService) -> None:
    record(analytics, *(provider_call(cost=cost, occurred_at=NOON + n * HOUR) for n, cost in enumerate("0231")))

    told = explained(analytics, limit=2)

    assert [each.cost for each in told.events] == [D(3), D(2)]
    assert (told.count, told.omitted, told.totals) == (4, 2, {"USD": D(6)})
    assert explained(analytics, limit=0).events == []
    assert [each.position for each in explained(analytics, limit=3, largest=False).events] == [nth(1), nth(2), nth(3)]
    assert explained(analytics, limit=9).events[-1].state == "unknown"


def test_rows_of_every_kind_lead_to_their_calls(analytics: AnalyticsService) -> None:
    record(
        analytics,
        provider_call(),
        provider_call(status="error", cost="0.5", currency="EUR", occurred_at=NOON + HOUR),
        provider_call(**UNREPORTED, model="nobody-knows", occurred_at=NOON + 13 * HOUR),
        task_completed(),
    )
    answer = breakdown(analytics)

    def positions(row: Any) -> list[int]:
        return [each.position for each in explained(analytics, answer, row=row, largest=False).events]

    assert {each.currency: positions(each) for each in answer.totals} == {"USD": [nth(1)], "EUR": [nth(2)]}
    assert [positions(each) for each in answer.efforts] == [[nth(2)]]
    assert [positions(each) for each in answer.unknown] == [[nth(3)]]
    assert [positions(each) for each in answer.series if each.calls] == [[nth(1)], [nth(2)], [nth(3)]]


def test_a_currency_chooses_what_costs_so_whoever_told_it(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(), provider_call(**UNREPORTED), provider_call(**UNREPORTED, model="nobody-knows"))

    assert explained(analytics, where={"currency": "USD"}).calls == 2
    assert explained(analytics, where={"currency": ""}).unknown_calls == 1
    assert explained(analytics, where={"currency": "EUR"}).events == []


def test_a_type_of_entity_chooses_what_belongs_to_any_and_an_id_alone_is_refused(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(agent_id="same", job_id="same"), provider_call(job_id=None))

    assert explained(analytics, where={"entity_type": "job"}).count == 1
    assert explained(analytics, where={"entity_type": "job", "entity_id": "same"}).count == 1
    with pytest.raises(UnknownKey, match="asked for by its name"):
        explained(analytics, where={"entity_id": "same"})


def test_what_is_only_supposed_cannot_be_explained(analytics: AnalyticsService) -> None:
    record(analytics, provider_call())
    answer = analytics.get_cost_breakdown(DAYS, prices=[price()]).unwrap()

    with pytest.raises(NotARow, match="supposed"):
        analytics.explain_cost(answer).unwrap()


def test_wrong_questions_are_failures(analytics: AnalyticsService) -> None:
    record(analytics, provider_call())

    with pytest.raises(BadLimit):
        analytics.explain_cost(DAYS, limit=-1).unwrap()
    with pytest.raises(UnknownKey):
        analytics.explain_cost(DAYS, where={"nope": "x"}).unwrap()


def test_what_is_sealed_cannot_be_explained() -> None:
    later = NOON + timedelta(days=400)
    with AnalyticsService.open(":memory:", follow=False, retention={"events": "30d"}, clock=lambda: later) as analytics:
        record(analytics, provider_call())
        analytics.retain().unwrap()

        with pytest.raises(SealedPeriod):
            analytics.explain_cost(DAYS).unwrap()


def test_progress_is_told_by_position(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(), provider_call(occurred_at=NOON + HOUR))
    told: list[tuple[int, ...]] = []

    explained(analytics, progress=lambda _, *at: told.append(at))

    assert told == [(nth(2), nth(2))]


def test_any_number_of_questions_opens_no_more_engines_and_threads(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id="ada", job_id="j1", task_id="t1"))
    entities = ("user", "tenant", "agent", "job", "task", "conversation", "tool")
    shapes = [words for length in (1, 2, 3) for words in combinations(entities, length)][:60]
    explained(analytics)
    before = engines_and_threads()

    for words in shapes:
        explained(analytics, where=dict.fromkeys(words, "nobody"))

    grown = {name: count - before[name] for name, count in engines_and_threads().items()}
    assert len(shapes) == 60
    assert grown["engines"] <= 1
    assert max(grown.values()) <= 4


def engines_and_threads() -> dict[str, int]:
    gc.collect()  # engines of closed services, that nothing but a circle still holds
    counts = {"engines": len(engines.open), "python threads": threading.active_count()}
    tasks = Path("/proc/self/task")  # the engine's own threads too; of Linux alone
    return counts | ({"threads": len(list(tasks.iterdir()))} if tasks.exists() else {})


def test_a_row_of_two_entities_leads_to_its_calls(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(), provider_call(user_id="bob"), provider_call(tenant_id="birch", **UNREPORTED))
    answer = breakdown(analytics, "user", "tenant")

    told = [explained(analytics, answer, row=row) for row in answer.rows]

    assert [each.totals for each in told] == [{row.currency: row.cost} for row in answer.rows]
    assert [each.count for each in told] == [1, 1, 1]
