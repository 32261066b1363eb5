"""Whatever is grouped and filtered by: rows add up, are what plain Python makes of the events, and are explained."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON, price, provider_call, tool_call
from analytics_es.types import CostBreakdown, CostExplanation, MetricSummary, OperationResult
from tests import reference
from tests.examples import examples
from tests.reference import Event, Price
from tests.servers import Server
from tests.stores import opened, record
from tests.test_laws import Mine

HOUR = timedelta(hours=1)
DAY = TimePeriod.day(NOON.date())
LONG = "u" * 300
CORRECTED = "provider.cost.corrected"
TURN = NOON + timedelta(minutes=30)  # a price changes within an hour
PRICES = [
    Price("m1", "USD", datetime(2026, 1, 1, tzinfo=UTC), Decimal(2), Decimal(8)),
    Price("m1", "EUR", TURN, Decimal(3), Decimal(9)),
    Price("m2", "EUR", datetime(2026, 1, 1, tzinfo=UTC), Decimal("0.5"), Decimal(1)),
]
ENTITIES = ["user", "tenant", "job", "task", "tool", "attributes.team"]
OF_COST = [*ENTITIES, "provider", "model", "operation", "effort", "currency", "pricing"]
OF_USAGE = [*ENTITIES[:-1], "provider", "model", "event_type"]
ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]


class Asked(NamedTuple):
    """What a question is about."""

    by: list[str]
    where: dict[str, str]
    period: TimePeriod

    @property
    def before(self) -> tuple[datetime, datetime]:
        """The period before: these zones change no clock then."""
        return self.period.start - (self.period.end - self.period.start), self.period.start


# ── what happened ───────────────────────────────────────────────────────────────────────────────────────────────

maybe = st.none() | st.sampled_from(["a", "b"])
TIMES = [NOON + HOUR * n for n in (-50, -26, -13, -1, 0, 1, 13, 30)]
COSTS: list[dict[str, Any]] = [
    {},
    {},
    {"cost": "0.25", "currency": "USD"},
    {"cost": "0.000000125", "currency": "EUR"},
    {"cost": "0", "currency": "USD"},
]
TOKENS: list[dict[str, int]] = [{}, {"input_tokens": 700, "output_tokens": 30}, {"input_tokens": 9, "output_tokens": 0}]


@st.composite
def events(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return events of several kinds, of somebody and of nobody, on both sides of a price."""
    history = []
    for number in range(draw(st.integers(1, 12))):
        happened = draw(
            st.sampled_from(["provider.call.completed"] * 4 + ["provider.call.failed", "task.completed", "tool.used"])
        )
        moment = draw(st.sampled_from([*TIMES, TURN, TURN - timedelta(microseconds=1)]))
        data: dict[str, Any] = {
            "user_id": draw(maybe | st.just(LONG)),
            "tenant_id": draw(maybe),
            "job_id": draw(maybe),
            "task_id": draw(st.none() | st.just("a")),
            "tool": draw(st.none() | st.just("bash")),
            "attributes": draw(st.sampled_from([{}, {"team": "red"}, {"team": 7}, {"team": True}, {"team": ""}])),
        }
        if happened.startswith("provider."):
            data |= {"model": draw(st.sampled_from(["m1", "m2", "m3", None])), "provider": draw(maybe)}
            data |= {"operation": draw(st.sampled_from(["chat", None])), "attempt": draw(st.sampled_from([None, 2]))}
            data |= {**draw(st.sampled_from(COSTS)), **draw(st.sampled_from(TOKENS))}
        data = {name: value for name, value in data.items() if value is not None}
        history.append({"event_type": happened, "data": data, "occurred_at": moment, "id": f"e{number}", "source": "s"})
    return history


def corrected(analytics: AnalyticsService, history: Sequence[dict[str, Any]], cost: str) -> list[Event]:
    """Record what happened, and say of every second call with a cost what it was; return all the events."""
    told: list[Event] = [*history]
    record(analytics, *history)
    for call in [event for event in history if "cost" in event["data"]][::2]:
        position = analytics.record_event(**call).unwrap().position  # once more: its position
        if analytics.correct_cost(position, cost, note="invoice").unwrap().duplicate:
            continue
        was = Decimal(call["data"]["cost"])
        data = {name: value for name, value in call["data"].items() if "tokens" not in name and name != "cost"}
        change = {**data, "cost_change": str(Decimal(cost) - was if was else 0)}
        told.append({**call, "event_type": CORRECTED, "data": change, "effort": reference.effort(call), "was": was})
        if not was:
            told[told.index(call)] = {**call, "settled": cost}
    analytics.catch_up()
    return told


def published(analytics: AnalyticsService) -> None:
    analytics.publish_prices(
        [
            price(
                provider="*",
                model=each.model,
                currency=each.currency,
                effective_from=each.since.isoformat(),
                per_mtok={"input_tokens": str(each.input), "output_tokens": str(each.output)},
            )
            for each in PRICES
        ]
    ).unwrap()


# ── what is asked ───────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def questions(draw: st.DrawFn, words: Sequence[str]) -> Asked:
    """Return up to three words to group by and three to filter by, in any period of any zone."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    first = datetime(2026, 2, 27, tzinfo=zone) + draw(st.sampled_from([0, 24, 61, 84])) * HOUR
    length, granularity = draw(st.sampled_from([(1, "hour"), (24, "day"), (48, "total"), (50, "hour"), (96, "day")]))
    by = draw(st.lists(st.sampled_from(words), max_size=3, unique=True))
    where = {word: draw(st.sampled_from(values(word))) for word in draw(st.lists(st.sampled_from(words), max_size=2))}
    return Asked(by, where, TimePeriod(first, first + length * HOUR, granularity))  # type: ignore[arg-type]


def values(word: str) -> list[str]:
    """Return texts to look for: some that events tell, that nobody tells, and none."""
    own = {
        "currency": ["USD", "EUR"],
        "effort": ["failed", "retried"],
        "user": ["a", LONG],
        "model": ["m1", "m3"],
        "attributes.team": ["red", "7", "true"],
        "tool": ["bash"],
        "event_type": ["tool.used", "provider.call.completed"],
        "pricing": ["reported", "none", "zero"],
    }
    return ["", *own.get(word, ["a", "chat"])]


# ── the law of costs ────────────────────────────────────────────────────────────────────────────────────────────


def check_costs(analytics: AnalyticsService, told: Sequence[Event], asked: Asked) -> None:
    """Compare a breakdown with plain Python, with itself, and with what explains it."""
    by, where, period = asked
    answer = analytics.get_cost_breakdown(period, by=by, where=where).unwrap()
    bill = analytics.explain_cost(period, where=where, limit=1000).unwrap()

    check_breakdown_by_hand(answer, told, asked)
    check_sums(answer, bill, where)
    for row in answer.rows[:3]:
        mine = analytics.explain_cost(answer, row=row, where=where).unwrap()
        assert mine.totals == ({} if row.cost is None else {row.currency: row.cost})
        assert mine.calls == row.calls


def check_breakdown_by_hand(answer: CostBreakdown, told: Sequence[Event], asked: Asked) -> None:
    filters = dict(asked.where)
    currency = filters.pop("currency", None)
    words = [word for word in asked.by if word != "currency"]
    mine = reference.chosen(told, asked.period.start, asked.period.end, filters)
    earlier = reference.costs(reference.chosen(told, *asked.before, filters), (), PRICES, currency)
    by_hand = reference.costs(mine, words, PRICES, currency)

    rows = {(tuple(row.keys.values()), row.currency): (row.calls, row.cost or Decimal(0)) for row in answer.rows}
    assert len(rows) == len(answer.rows)
    assert {key: sums for key, sums in rows.items() if any(sums)} == by_hand
    whole = reference.costs(mine, (), PRICES, currency)
    assert {((), total.currency): (total.calls, total.cost) for total in answer.totals} | {
        ((), ""): (answer.unknown_calls, 0)
    } == {((), ""): (0, 0), **whole}
    for total in answer.totals:
        _, before = earlier.get(((), total.currency), (0, None))
        assert (total.previous_cost or 0) == (before or 0)


def check_sums(answer: CostBreakdown, bill: CostExplanation, where: Mapping[str, str]) -> None:
    """Rows, points and explained calls are all of it."""
    totals = {total.currency: total.cost for total in answer.totals}
    for parts in (answer.rows, answer.series):
        calls: Counter[str] = Counter()
        money: dict[str, Decimal] = {}
        for part in parts:
            calls[part.currency] += part.calls
            if part.cost is not None:
                money[part.currency] = money.get(part.currency, Decimal(0)) + part.cost
        assert (sum(calls.values()), calls[""]) == (answer.calls, answer.unknown_calls)
        assert money == totals
        assert all(part.calls >= 0 for part in parts)
    assert (bill.totals, bill.calls, bill.unknown_calls) == (totals, answer.calls, answer.unknown_calls)
    # What is unknown is explained by zeros that were corrected, too, with all they used: docs/cost.md says so.
    if where.get("currency") == "" and any(":correction:" in event.id for event in bill.events):
        return
    used: Counter[str] = Counter()
    for event in bill.events:
        used.update(event.used)
    assert used["input_tokens"] == (answer.tokens.input or 0) == sum(row.tokens.input or 0 for row in answer.rows)
    assert used["output_tokens"] == (answer.tokens.output or 0) == sum(row.tokens.output or 0 for row in answer.rows)


# ── the law of summaries ────────────────────────────────────────────────────────────────────────────────────────

ADDS = {
    "usage.events": lambda event: 1,
    "usage.input_tokens": lambda event: event["data"].get("input_tokens", 0),
    "cost.calls": reference.is_call,
}


def check_summary(analytics: AnalyticsService, told: Sequence[Event], metric: str, asked: Asked) -> None:
    """Compare a summary with plain Python, with itself, and with what explains it."""
    by, where, period = asked
    answer = analytics.get_summary(metric, period, group_by=by, where=where).unwrap()
    mine = reference.chosen(told, period.start, period.end, where)
    if metric.startswith("cost."):  # of what was reported
        mine = [event for event in mine if event["event_type"].startswith(("provider.", "task."))]
    total = sum(map(ADDS[metric], mine))

    groups = {tuple(group.keys.values()): int(group.figures.total or 0) for group in answer.groups}
    assert {key: figure for key, figure in groups.items() if figure} == (
        reference.grouped(mine, by, ADDS[metric]) if by else {}
    )
    assert (answer.figures.total or 0) == total == sum(point.figures.total or 0 for point in answer.series)
    assert (answer.previous.total or 0) == sum(map(ADDS[metric], reference.chosen(told, *asked.before, where)))
    check_explained(analytics, answer, where)


def check_explained(analytics: AnalyticsService, answer: MetricSummary, where: Mapping[str, str]) -> None:
    explained = analytics.explain(answer.metric, answer.period, where=where).unwrap()
    assert explained.figures == answer.figures
    for group in answer.groups[:3]:
        own = analytics.explain(answer.metric, answer.period, row=None, where={**where, **group.keys}).unwrap()
        assert (own.figures.total or 0) == (group.figures.total or 0)


def check_extremes(analytics: AnalyticsService, asked: Asked) -> None:
    """Extremes and money by groups: the largest of all rows is the largest of all."""
    seen = analytics.get_summary("usage.last_seen", asked.period, group_by=asked.by, where=asked.where).unwrap()
    if asked.by:
        assert max((group.figures.maximum or 0 for group in seen.groups), default=None) == seen.figures.maximum
    assert analytics.explain("usage.last_seen", asked.period, where=asked.where).unwrap().figures == seen.figures


def check_money(analytics: AnalyticsService, asked: Asked) -> None:
    """What was reported, in each currency alone."""
    answer = analytics.get_summary("cost.reported_cost", asked.period, group_by=asked.by, where=asked.where).unwrap()
    for part in answer.by_currency:
        where = {**asked.where, "currency": str(part.currency)}
        explained = analytics.explain("cost.reported_cost", asked.period, where=where).unwrap()
        assert explained.figures.total == part.figures.total
        if asked.by:
            assert sum(group.figures.total or 0 for group in part.groups) == part.figures.total


def check_usage(analytics: AnalyticsService, told: Sequence[Event], period: TimePeriod) -> None:
    """Everyone is the entities of a type and nobody; each alone is what the rows say of it, and what explains it."""
    mine = reference.chosen(told, period.start, period.end, {})
    for kind in ("user", "tool"):
        answer = analytics.get_usage_stats(kind, None, period).unwrap()
        rows = [*answer.top_entities, *([answer.nobody] if answer.nobody else [])]
        assert {(row.entity_id,): row.totals.events for row in rows} == reference.grouped(mine, [kind], lambda _: 1)
        assert answer.others is None
        for row in rows:
            alone = analytics.get_usage_stats(kind, row.entity_id, period).unwrap()
            assert alone.totals.events == row.totals.events
            assert alone.totals.input_tokens in (row.totals.input_tokens, 0)
            assert analytics.explain("usage.events", answer, row=row).unwrap().count == row.totals.events


def check_performance(analytics: AnalyticsService, period: TimePeriod) -> None:
    answer = analytics.get_performance_metrics(period).unwrap()
    calls = analytics.explain("performance.calls", period).unwrap().count
    assert calls == sum(row.calls for row in answer.operations) == sum(point.calls for point in answer.series)
    for row in answer.operations[:2]:
        assert analytics.explain("performance.calls", answer, row=row).unwrap().count == row.calls


# ── tried ───────────────────────────────────────────────────────────────────────────────────────────────────────


def check(analytics: AnalyticsService, history: Sequence[dict[str, Any]], data: st.DataObject, times: int) -> None:
    """Record what happened, and ask a few questions of each kind."""
    published(analytics)
    told = corrected(analytics, history, data.draw(st.sampled_from(["0.75", "0"])))
    for _ in range(times):
        check_costs(analytics, told, data.draw(questions(OF_COST)))
        usage, cost = data.draw(questions(OF_USAGE)), data.draw(questions([*ENTITIES, "provider", "model", "effort"]))
        for metric in ("usage.events", "usage.input_tokens"):
            check_summary(analytics, told, metric, usage)
        check_extremes(analytics, usage)
        check_summary(analytics, told, "cost.calls", cost)
        check_money(analytics, cost)
    check_usage(analytics, told, usage.period)
    check_performance(analytics, cost.period)


@examples(6)
@given(events(), st.data())
def test_rows_are_what_plain_python_makes_of_the_events_add_up_and_are_explained(
    history: list[dict[str, Any]], data: st.DataObject
) -> None:
    with opened(tags=["team"], privacy="full") as analytics:
        check(analytics, history, data, times=2)


@pytest.fixture(scope="module")
def schemas(postgres: Server) -> Iterator[Server]:
    yield postgres


@examples(2)
@given(events(), st.data())
def test_they_are_so_on_postgres(schemas: Server, history: list[dict[str, Any]], data: st.DataObject) -> None:
    with opened(schemas.url, schema=schemas.schema(), tags=["team"], privacy="full") as analytics:
        check(analytics, history, data, times=3)


@pytest.mark.parametrize("word", ["rate", "untold"])
def test_costs_are_not_told_apart_by_what_a_correction_has_not_of_its_call(
    analytics: AnalyticsService, word: str
) -> None:
    results: list[OperationResult[Any]] = [
        analytics.get_cost_breakdown(DAY, by=[word]),
        analytics.get_cost_breakdown(DAY, where={word: "0"}),
        analytics.get_unit_costs(DAY, where={word: "0"}),
        analytics.explain_cost(DAY, where={word: "0"}),
    ]

    assert [each.failure.code for each in results if each.failure] == ["unknown_key"] * 4
    assert analytics.get_summary("cost.calls", DAY, group_by=[word]).ok  # of calls alone


# ── one by one ──────────────────────────────────────────────────────────────────────────────────────────────────

UNREPORTED: dict[str, Any] = {"cost": None, "currency": None}
both = pytest.mark.store("memory", "postgres", privacy="full")
plain = pytest.mark.store(privacy="full")


@both
@pytest.mark.parametrize("by", [["model"], ["user"], ["currency"], ["user", "tenant"], []])
def test_a_currency_chooses_what_costs_so_whoever_told_it(analytics: AnalyticsService, by: list[str]) -> None:
    record(
        analytics,
        provider_call(cost="1"),
        provider_call(**UNREPORTED),
        provider_call(cost="4", currency="EUR"),
        provider_call(**UNREPORTED, model="nobody-knows"),
        provider_call(**UNREPORTED, occurred_at=NOON - 24 * HOUR),
    )

    def costs(currency: str) -> CostBreakdown:
        return analytics.get_cost_breakdown(DAY, by=by, where={"currency": currency}).unwrap()

    dollars, euros, unknown = costs("USD"), costs("EUR"), costs("")

    computed = Decimal("0.003765")
    assert [(row.currency, row.cost) for row in dollars.totals] == [("USD", 1 + computed)]
    assert (dollars.calls, dollars.computed_calls, dollars.unknown_calls) == (2, 1, 0)
    assert dollars.totals[0].previous_cost == computed
    assert (
        sum(point.cost or 0 for point in dollars.series) == sum(row.cost or 0 for row in dollars.rows) == 1 + computed
    )
    assert {price.model for price in dollars.prices.used} == {"claude-sonnet-4-5"}
    assert (euros.calls, euros.totals[0].cost, euros.prices.used) == (1, 4, [])
    assert (unknown.calls, unknown.unknown_calls, unknown.totals) == (1, 1, [])


@both
def test_unit_costs_in_a_currency_are_of_all_calls_that_cost_so(analytics: AnalyticsService) -> None:
    record(
        analytics,
        provider_call(cost="1"),
        provider_call(**UNREPORTED, job_id="job-2"),
        provider_call(cost="4", currency="EUR", job_id="job-3"),
    )

    (job,) = [
        each for each in analytics.get_unit_costs(DAY, where={"currency": "USD"}).unwrap().units if each.unit == "job"
    ]

    assert (job.currency, job.cost, job.units) == ("USD", Decimal("1.003765"), 2)


@both
@pytest.mark.parametrize("entity", ["user", "tenant", "job", "attributes.team"])
@pytest.mark.store(tags=["team"])
def test_the_text_of_nothing_is_asked_for_by_what_belongs_to_nobody(analytics: AnalyticsService, entity: str) -> None:
    nobodys = {"user_id": None, "tenant_id": None, "job_id": None}
    team = {"attributes": {"team": "red"}}
    record(analytics, provider_call(cost="1", **team), provider_call(cost="2", **nobodys), tool_call(**nobodys))
    where = {entity: ""}

    cost, bill = (ask(DAY, where=where).unwrap() for ask in (analytics.get_cost_breakdown, analytics.explain_cost))
    groups = analytics.get_summary("cost.calls", DAY, group_by=[entity]).unwrap().groups

    assert (cost.calls, cost.totals[0].cost, bill.calls, bill.totals) == (1, 2, 1, {"USD": 2})
    assert {group.keys[entity]: group.figures.total for group in groups}[""] == 1
    if entity in OF_USAGE:
        assert analytics.get_summary("usage.events", DAY, where=where).unwrap().figures.count == 2
        assert analytics.explain("usage.events", DAY, where=where).unwrap().count == 2
        assert analytics.get_usage_stats(entity, "", DAY).unwrap().totals.events == 2


class Name(str, enum.Enum):  # noqa: UP042  # `str` of one is not its text
    """Names, as an application may have them."""

    ADA = "ada"


@plain
@pytest.mark.parametrize("text", [None, True, 1.5, b"ada", ["ada"], Name])
def test_what_is_no_text_is_refused_by_every_question(analytics: AnalyticsService, text: Any) -> None:
    where: Any = {"user": text}
    results: list[OperationResult[Any]] = [
        analytics.get_summary("usage.events", DAY, where=where),
        analytics.get_cost_breakdown(DAY, where=where),
        analytics.explain("usage.events", DAY, where=where),
        analytics.explain_cost(DAY, where=where),
        analytics.get_unit_costs(DAY, where={"model": text}),
        *([] if text is None else [analytics.get_usage_stats("user", text, DAY)]),
        analytics.as_of(0).get_summary("usage.events", DAY, where=where),
    ]

    assert {each.failure.code if each.failure else "answered" for each in results} <= {"bad_question", "bad_argument"}
    assert "must be a text ('' is for events that do not tell it)" in results[0].failure.message  # type: ignore[union-attr]


@plain
@pytest.mark.parametrize(("text", "user"), [(Name.ADA, "ada"), (7, "7")])
def test_a_text_of_an_enumeration_and_a_whole_number_are_what_events_keep_of_them(
    analytics: AnalyticsService, text: Any, user: str
) -> None:
    record(analytics, tool_call(user_id=user))

    assert analytics.get_summary("usage.events", DAY, where={"user": text}).unwrap().figures.count == 1


@pytest.mark.parametrize("by", [None, 7, [None], [["user"]]])
def test_what_is_no_list_of_names_is_refused(analytics: AnalyticsService, by: Any) -> None:
    for result in (analytics.get_cost_breakdown(DAY, by=by), analytics.get_summary("cost.calls", DAY, group_by=by)):
        assert result.failure and result.failure.code == "bad_argument"


def test_one_name_is_a_list_of_one(analytics: AnalyticsService) -> None:
    one, listed = (analytics.get_cost_breakdown(DAY, by=by).unwrap() for by in ("user", ["user"]))

    assert one == listed


@pytest.mark.parametrize("where", [["user"], "user", 7, [("user", "ada")]])
def test_what_is_no_mapping_of_filters_is_refused(analytics: AnalyticsService, where: Any) -> None:
    for result in (analytics.get_cost_breakdown(DAY, where=where), analytics.explain("cost.calls", DAY, where=where)):
        assert result.failure and result.failure.code == "bad_question"


@pytest.mark.parametrize("how", [{"by": ["entity_type"]}, {"by": ["entity_id"]}, {"where": {"entity_id": "a"}}])
def test_rows_by_types_of_entities_are_refused_they_hold_a_call_several_times(
    analytics: AnalyticsService, how: dict[str, Any]
) -> None:
    failure = analytics.get_cost_breakdown(DAY, **how).failure

    assert failure and failure.code == "unknown_key"
    assert "an entity is asked for by its name" in failure.message


def test_a_wrong_name_is_refused_with_the_close_ones(analytics: AnalyticsService) -> None:
    for result in (
        analytics.get_cost_breakdown(DAY, by=["usr"]),
        analytics.get_summary("usage.events", DAY, where={"usr": "a"}),
        analytics.explain_cost(DAY, where={"usr": "a"}),
    ):
        assert result.failure and "did you mean user?" in result.failure.message


def test_a_word_twice_is_one(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(), provider_call(user_id=None))

    once, twice = (analytics.get_cost_breakdown(DAY, by=["user"] * times).unwrap() for times in (1, 2))

    assert (len(once.rows), once.rows) == (2, twice.rows)


@plain
def test_of_more_than_ten_the_others_are_told_together_and_nobody_apart(analytics: AnalyticsService) -> None:
    record(analytics, *(tool_call(user_id=f"u{number % 12}") for number in range(36)), tool_call(user_id=None))

    answer = analytics.get_usage_stats("user", None, DAY).unwrap()

    assert answer.others and answer.nobody
    assert (answer.totals.events, answer.others.events, answer.nobody.totals.events) == (36, 6, 1)
    assert sum(row.totals.events for row in answer.top_entities) + answer.others.events == answer.totals.events


def test_what_is_left_of_a_spread_has_no_extremes_that_may_be_anybodys() -> None:
    with opened(projections=[Mine], privacy="full") as analytics:
        for user, sizes in (("ada", "1 50"), (None, "3 20 20"), (None, "7")):
            for size in sizes.split():
                event = {"user_id": user, "attributes": {"size": size}}
                analytics.record_event("custom.thing.measured", event, occurred_at=NOON).unwrap()
        analytics.catch_up()
        groups = analytics.get_summary("mine.size", DAY, group_by=["user"]).unwrap().groups
        exact = analytics.get_summary("mine.size", DAY, where={"user": ""}).unwrap().figures

    nobody = next(group.figures for group in groups if not group.keys["user"])
    assert (
        (nobody.count, nobody.total, nobody.mean) == (exact.count, exact.total, exact.mean) == (4, 50, Decimal("12.5"))
    )
    assert (nobody.minimum, nobody.maximum) == (None, None)
    assert nobody.p50 and exact.p50 and abs(nobody.p50 / exact.p50 - 1) < Decimal("0.022")
