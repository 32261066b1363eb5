"""Vital signs: probes tell the state to everybody and the reasons to who may; figures are few, and name nobody."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed_text
from starlette.testclient import TestClient
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.errors import BadArgument, StoreFailed
from analytics_es.projections import Usage
from analytics_es.testing import NOON, budget_allocated, provider_call, tool_call
from analytics_es.types import BudgetReport, CostBreakdown, Succeeded
from analytics_es.web import analytics_app, figures, vitals
from analytics_es.web.kept import Kept
from analytics_es.web.prometheus import encoded
from analytics_es.web.threads import Threads
from tests.stores import eventually, opened, record, set_clock
from tests.web.requests import JSON, event, in_json

TOKEN = "s3cret-token"  # made up
BEARER = {"authorization": f"Bearer {TOKEN}"}
OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}

Series = dict[tuple[str, ...], float]


def series(client: TestClient, **headers: str) -> Series:
    """Return what is told, by name and labels."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return told(answer.text)


def told(text: str) -> Series:
    return {
        (sample.name.removeprefix("analytics_es_"), *sample.labels.values()): sample.value
        for family in parsed_text(text)
        for sample in family.samples
    }


def behind(analytics: AnalyticsService) -> None:
    """Let read models be behind for five minutes."""
    record(analytics, tool_call())
    analytics.record_event(**tool_call()).unwrap()
    later = datetime.now(UTC) + timedelta(minutes=5)
    analytics.store.runner._clock = lambda: later


# ── probes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.store("sqlite", "postgres")
def test_a_store_that_is_up_to_date_is_ready(analytics: AnalyticsService) -> None:
    record(analytics, tool_call())
    client = TestClient(analytics_app(analytics))

    live, ready = client.get("/health/live"), client.get("/health/ready")

    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()["status"], ready.json()["position"]) == (200, "ready", 2)
    assert [check["state"] for check in ready.json()["checks"]] == ["ok"] * 5


def test_read_models_that_are_too_far_behind_are_not_ready_and_the_process_lives(analytics: AnalyticsService) -> None:
    behind(analytics)
    client = TestClient(analytics_app(analytics))

    ready = client.get("/health/ready")

    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert [check["name"] for check in ready.json()["checks"] if check["state"] == "failed"] == ["lag"]
    assert client.get("/health/live").status_code == 200
    assert TestClient(analytics_app(analytics, max_lag=timedelta(hours=1))).get("/health/ready").status_code == 200
    assert TestClient(analytics_app(analytics, max_lag=None)).get("/health/ready").status_code == 200
    assert TestClient(analytics_app(analytics, max_lag_events=0)).get("/health/ready").status_code == 503


def test_a_service_that_is_closed_is_not_ready_and_the_process_lives() -> None:
    analytics = opened()
    analytics.close()
    client = TestClient(analytics_app(analytics))

    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/ready").json()["checks"][0]["code"] == "closed"
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"host": "10.0.0.7:8080"}])
def test_who_has_no_token_is_told_the_state_and_no_more(analytics: AnalyticsService, headers: dict[str, str]) -> None:
    behind(analytics)
    client = TestClient(analytics_app(analytics, token=TOKEN))

    assert client.get("/health/live", headers=headers).json() == {"status": "live"}
    assert client.get("/health/ready", headers=headers).json() == {"status": "not_ready"}
    assert client.get("/health/ready", headers=headers).status_code == 503
    assert client.get("/metrics", headers=headers).status_code == 401
    assert client.get("/health/ready", headers=BEARER).json()["lag_events"] == 1
    assert client.get("/metrics", headers=BEARER).status_code == 200


def test_a_probe_may_ask_under_any_name_and_is_then_told_the_state(analytics: AnalyticsService) -> None:
    client = TestClient(analytics_app(analytics))
    foreign = {"host": "10.0.0.7:8080"}

    assert client.get("/health/ready", headers=foreign).json() == {"status": "ready"}
    assert client.get("/metrics", headers=foreign).status_code == 421
    assert client.get("/health/elsewhere", headers=foreign).status_code == 421
    assert client.post("/health/live", headers=foreign).status_code == 421
    assert client.post("/health/live").status_code == 405


def test_a_probe_may_ask_for_the_head_alone(analytics: AnalyticsService) -> None:
    client = TestClient(analytics_app(analytics))

    assert [client.head(path).status_code for path in ("/health/live", "/health/ready", "/metrics")] == [200] * 3


def test_it_is_answered_where_the_app_is_mounted(analytics: AnalyticsService) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    app = Starlette(routes=[Mount("/analytics", analytics_app(analytics, token=TOKEN))])

    assert TestClient(app).get("/analytics/health/ready").json() == {"status": "ready"}


def test_a_store_that_does_not_answer_is_not_ready(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Event()
    monkeypatch.setattr(vitals, "READY_WITHIN", 0.05)
    monkeypatch.setattr(vitals, "SCRAPED_WITHIN", 0.05)
    look = analytics._watch.look
    monkeypatch.setattr(analytics, "_watch", type("Slow", (), {"look": lambda _, b: answered.wait(30) and look(b)})())
    client = TestClient(analytics_app(analytics, token=TOKEN))

    asked = [client.get("/health/ready", headers=headers) for headers in ({}, BEARER, BEARER)]
    seen = series(client, **BEARER)
    answered.set()

    assert [answer.status_code for answer in asked] == [503] * 3
    assert [answer.json() for answer in asked[:2]] == [
        {"status": "not_ready"},
        {"status": "not_ready", "problem": "The store has not answered for 0.05 s."},
    ]
    assert (seen["scrape_errors", "health"], seen["scrape_errors", "recording"]) == (1, 0)
    assert client.get("/health/live").status_code == 200


def test_what_machines_repeat_for_ever_is_neither_logged_nor_counted_but_that_it_is_not_ready(
    analytics: AnalyticsService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "HEALTH_SECONDS", 0.0)
    behind(analytics)
    app = analytics_app(analytics, token=TOKEN)
    client = TestClient(app)
    with caplog.at_level(logging.INFO, "analytics_es.web"):
        for path in ("/health/live", "/metrics", "/health/ready", "/health/ready"):
            client.get(path, headers=BEARER)
        analytics.catch_up()
        eventually(lambda: client.get("/health/ready").status_code == 200)
        client.get("/metrics")

    assert [re.sub("[0-9.]+ (m?s)", r"# \1", line) for line in caplog.messages] == [
        "The store is not ready: lag. It is tried again.",
        "The store is not ready: goes on after # s.",
        "GET /metrics 401 · # ms",
    ]
    assert app.state.counts.answers() == {}


@pytest.mark.parametrize(("name", "bound"), [("max_lag", "soon"), ("max_lag", -1), ("max_lag_events", "7")])
def test_a_bound_that_is_none_is_refused_when_the_app_is_made(
    analytics: AnalyticsService, name: str, bound: Any
) -> None:
    with pytest.raises(BadArgument):
        analytics_app(analytics, **{name: bound})


# ── figures ─────────────────────────────────────────────────────────────────────────────────────────────────────


def month(analytics: AnalyticsService) -> None:
    """Let it be the month of the events."""
    set_clock(analytics, NOON + timedelta(days=1))


def scoped(scope: str, scope_id: str | None = None, **said: Any) -> dict[str, Any]:
    return budget_allocated(scope=scope, **({"scope_id": scope_id} if scope_id else {}), **said)


DAY = [
    provider_call(cost="0.30", model="large"),
    provider_call(cost="0.20", model="large"),
    provider_call(cost="1", currency="EUR", model="large"),
    provider_call(cost="0.10", model="small"),
    provider_call(cost=None, currency=None, model="house-model", provider="selfhosted"),
    scoped("all", budget_id="everything", amount="2"),
    scoped("tenant", "acme", budget_id="acme-budget", amount="3"),
    scoped("user", "ada", budget_id="ada-budget", amount="0.10"),
]


@pytest.mark.store("sqlite", "postgres", events=DAY)
def test_figures_are_few_named_by_what_they_are_and_told_in_both_formats(
    analytics: AnalyticsService, snapshot: SnapshotAssertion
) -> None:
    month(analytics)
    client = TestClient(analytics_app(analytics))
    client.post("/v1/events", content=in_json(event(1)), headers=JSON)
    analytics.catch_up()

    text = client.get("/metrics")
    openmetrics = client.get("/metrics", headers=OPENMETRICS)

    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert told(text.text) == {
        (sample.name.removeprefix("analytics_es_"), *sample.labels.values()): sample.value
        for family in parsed_openmetrics(openmetrics.text)
        for sample in family.samples
    }
    assert text.text == snapshot


def test_every_family_says_what_it_is_and_counters_alone_end_as_such(analytics: AnalyticsService) -> None:
    analytics.record_event("tool.call.completed", {"tool": 7.5}).ok
    families = list(parsed_text(TestClient(analytics_app(analytics)).get("/metrics").text))

    assert [family.name for family in families if not family.documentation.endswith(".")] == []
    assert {sample.name.endswith("_total") for f in families if f.type == "counter" for sample in f.samples} == {True}
    assert [s.name for f in families if f.type != "counter" for s in f.samples if s.name.endswith("_total")] == []
    assert {family.name.startswith("analytics_es_") for family in families} == {True}


def test_what_was_refused_is_told_by_code(analytics: AnalyticsService) -> None:
    assert not analytics.record_event("tool.call.completed", {"duration_ms": "long"}).ok
    for _ in range(2):
        analytics.record_event(**{**tool_call(), "id": "one", "source": "tests"}).unwrap()

    seen = series(TestClient(analytics_app(analytics)))

    assert seen["events_refused_total", "bad_field"] == 1
    assert seen["events_recorded_total",] == analytics.stats().recorded == 1
    assert seen["events_duplicate_total",] == 1


def test_a_part_that_fails_is_missing_and_said_so(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record(analytics, *DAY)
    month(analytics)

    def failing(*_: object) -> None:
        raise StoreFailed(problem="made up")

    monkeypatch.setattr(vitals.figures, "of_costs", failing)
    monkeypatch.setattr(vitals.figures, "of_budgets", lambda _: 1 / 0)
    seen = series(TestClient(analytics_app(analytics)))

    assert {part: number for (name, *part), number in seen.items() if name == "scrape_errors" for part in part} == {
        "health": 0,
        "recording": 0,
        "cost": 1,
        "budgets": 1,
        "dead_letters": 0,
    }
    assert [name for name, *_ in seen if name.startswith(("month", "budget"))] == []
    assert seen["log_position",] == analytics.store.log.head()
    assert [message for message in caplog.messages if "Prometheus" in message] == [
        "The figures of cost for Prometheus: The database reports: made up. It is tried again.",
        "The figures of budgets for Prometheus: ZeroDivisionError. It is tried again.",
    ]


def test_what_no_projection_derives_is_no_error() -> None:
    with opened(projections=[Usage]) as analytics:
        seen = series(TestClient(analytics_app(analytics)))

    assert {number for (name, *_), number in seen.items() if name == "scrape_errors"} == {0}
    assert [name for name, *_ in seen if name.startswith(("month", "budget"))] == []


def test_of_a_closed_service_what_it_counted_is_still_told() -> None:
    analytics = opened()
    record(analytics, tool_call())
    analytics.close()

    seen = series(TestClient(analytics_app(analytics)))

    assert (seen["ready",], seen["events_recorded_total",]) == (0, 1)
    assert (seen["check_failed", "store"], seen["scrape_errors", "cost"]) == (1, 1)


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/openmetrics-text; version=x.y", "text/plain; version=", ";;,,", "a" * 9000]
)
def test_whatever_is_accepted_it_is_answered(analytics: AnalyticsService, accept: str) -> None:
    answer = TestClient(analytics_app(analytics)).get("/metrics", headers={"accept": accept})

    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")


# ── few series, and nobody's name ───────────────────────────────────────────────────────────────────────────────

HOSTILE = ['a"b', "a\nb", "a\\b", "\u2028", "(others)", "(none)", " ", "🙂" * 300, "ada\x01", "x" * 500, "# HELP x"]


@pytest.mark.store(privacy="full")
def test_names_of_models_cannot_break_out_of_a_label(analytics: AnalyticsService) -> None:
    record(analytics, *(provider_call(model=model, cost="1", currency="USD") for model in HOSTILE))
    month(analytics)
    client = TestClient(analytics_app(analytics))

    seen = series(client)
    openmetrics = client.get("/metrics", headers=OPENMETRICS).text

    assert sum(cost for (name, *_), cost in seen.items() if name == "month_spend") == len(HOSTILE)
    assert list(parsed_openmetrics(openmetrics))
    assert max(len(label) for name, *labels in seen for label in labels) <= 128


CURRENCIES = ["USD", "EUR", "GBP", "JPY", "CHF", "SEK", "NOK"]
PERSON = "zz-person-"  # how the names of persons begin, so that they are found
names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12)
charges = st.tuples(names, st.sampled_from(CURRENCIES), st.decimals(0, 1000, places=4))


@st.composite
def accounts(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return a budget: of everyone or of a model, or of somebody after whom it is named."""
    scope, name = draw(st.sampled_from(["all", "model", "tenant", "user", ""])), draw(names)
    named = name if scope in ("all", "model") else f"{PERSON}{name}"
    return scope, named, draw(st.sampled_from(CURRENCIES))


@frozen
class Answers:
    """In the place of a service: answers with other rows than those of a template."""

    breakdown: CostBreakdown
    report: BudgetReport
    store: Any

    def get_cost_breakdown(self, *_: Any, **__: Any) -> Succeeded[CostBreakdown]:
        return Succeeded(self.breakdown)

    def get_budgets(self) -> Succeeded[BudgetReport]:
        return Succeeded(self.report)

    def series(self) -> dict[str, dict[tuple[str, ...], Any]]:
        families = [*figures.of_costs(self), *figures.of_budgets(self)]  # type: ignore[arg-type]
        encoded(families, "")
        return {family.name: dict(family.samples) for family in families}


@pytest.fixture(scope="module")
def answers() -> Iterator[Any]:
    """Return what makes answers of charges (model, currency, cost) and of budgets (scope, name, currency)."""
    with opened(privacy="full") as analytics:
        record(analytics, *DAY)
        month(analytics)
        breakdown = analytics.get_cost_breakdown("this-month", by=["model"]).unwrap()
        report, store = analytics.get_budgets().unwrap(), analytics.store

        def made(charges: Iterable[tuple[str, str, Any]], budgets: Iterable[tuple[str, str, str]]) -> Answers:
            rows = [
                evolve(breakdown.rows[0], keys={"model": model}, currency=currency, cost=cost)
                for model, currency, cost in charges
            ]
            counted = Counter(row.currency for row in rows).most_common()
            totals = [evolve(breakdown.totals[0], currency=currency, calls=calls) for currency, calls in counted]
            of_budgets = [
                evolve(report.budgets[0], scope=scope, budget_id=name, currency=currency)
                for scope, name, currency in budgets
            ]
            return Answers(evolve(breakdown, rows=rows, totals=totals), evolve(report, budgets=of_budgets), store)

        yield made


@given(charged=st.lists(charges, max_size=80), budgets=st.lists(accounts(), max_size=80))
def test_series_are_bounded_add_up_and_name_nobody(answers: Any, charged: list[Any], budgets: list[Any]) -> None:
    series = answers(charged, budgets).series()
    shown = {currency for _, currency in series["month_spend"]}

    assert PERSON not in str(series)
    assert all(len(amounts) <= 5 * 21 for name, amounts in series.items() if name.startswith("month"))
    assert all(len(amounts) <= 20 + 5 * 5 for name, amounts in series.items() if name.startswith("budget"))
    assert series["month_other_currencies"][()] == len({currency for _, currency, _ in charged} - shown)
    assert sum(series["month_spend"].values()) == sum(cost for _, currency, cost in charged if currency in shown)
    if not series["budget_other_currencies"][()]:
        assert sum(series["budgets"].values()) == len(budgets)


def test_ten_thousand_models_and_budgets_are_a_few_dozen_series(answers: Any) -> None:
    charged = [(f"model-{number:05}", "USD", Decimal(number)) for number in range(10_000)]
    budgets = [("all", f"budget-{number:05}", "USD") for number in range(10_000)]

    series = answers(charged, budgets).series()

    assert (len(series["month_spend"]), sum(series["month_spend"].values())) == (21, sum(range(10_000)))
    assert list(series["month_spend"])[::20] == [("model-09999", "USD"), ("(others)", "USD")]
    assert (len(series["budgets"]), series["budgets"]["(others)", "all", "USD"]) == (21, 9_980)


@pytest.mark.store(privacy="pseudonymous")
def test_a_pseudonym_is_nobodys_label_even_where_a_budget_or_a_model_is_named_by_it(
    analytics: AnalyticsService,
) -> None:
    record(analytics, provider_call(user_id="ada"))
    pseudonym = analytics.get_usage_stats("user", None, "2026-03-02").unwrap().top_entities[0].entity_id
    record(
        analytics,
        provider_call(model=f"of {pseudonym}", cost="1"),
        provider_call(model=f"{pseudonym}-v2", cost="1"),
        scoped("all", budget_id=f"user-{pseudonym}-march", amount="1"),
        scoped("all", budget_id=f"{pseudonym}_march", amount="1"),
        scoped("all", budget_id=pseudonym, amount="1"),
        scoped("all", budget_id="everything", amount="1"),
    )
    month(analytics)

    text = TestClient(analytics_app(analytics)).get("/metrics").text

    assert pseudonym.startswith("p_")
    assert pseudonym not in text
    assert {"everything", "(others)"} <= {label for _, *labels in told(text) for label in labels}


# ── what is kept for some seconds ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(2, "tests")
    yield threads
    threads.pool().shutdown()


def test_what_took_long_is_kept_for_long(threads: Threads) -> None:
    now, made = 0.0, list[float]()

    def make() -> int:
        nonlocal now
        made.append(now)
        now += 1  # second that it took
        return len(made)

    kept = Kept(make, 5.0, threads, clock=lambda: now)

    assert kept.coming().result() == 1
    now = 20.9
    assert kept.coming().result() == 1
    now = 21.0
    assert kept.coming().result() == 2
    assert made == [0.0, 21.0]


def test_many_who_ask_at_once_are_one(threads: Threads) -> None:
    go, made = Event(), list[int]()
    kept = Kept(lambda: (go.wait(30), made.append(1)), 5.0, threads)
    with ThreadPoolExecutor(8) as pool:
        coming = [one.result() for one in [pool.submit(kept.coming) for _ in range(50)]]
    go.set()

    assert len({id(future) for future in coming}) == 1
    coming[0].result()
    assert made == [1]


def test_what_failed_is_kept_as_such_and_tried_again(threads: Threads) -> None:
    now, tries = 0.0, list[int]()

    def make() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise StoreFailed(problem="made up")
        return len(tries)

    kept = Kept(make, 5.0, threads, clock=lambda: now)

    assert [type(kept.coming().exception()) for _ in range(3)] == [StoreFailed] * 3
    now = 5.0
    assert kept.coming().result() == 2
