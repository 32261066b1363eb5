"""Every answer is a table: for Arrow, as plain rows, in a notebook, on a line; and nothing of it is lost."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import attrs
import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.extensions.amber.serializer import AmberDataSerializer

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import NoSuchTable
from analytics_es.events.codec import to_json
from analytics_es.service import AsOf
from analytics_es.testing import NOON, price
from analytics_es.types import (
    Answer,
    CostBreakdown,
    Listing,
    MetricGroup,
    MetricInfo,
    OperationResult,
    Tabular,
)
from analytics_es.types.tables.columns import rows_in, without_none
from tests.examples import examples
from tests.stores import opened

DAY = TimePeriod(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
EMPTY = TimePeriod(datetime(2020, 3, 2, tzinfo=UTC), datetime(2020, 3, 3, tzinfo=UTC))
PRICES = [price(provider="mistral", model="mistral-large")]
Question = Callable[[AnalyticsService, TimePeriod], OperationResult[Any]]
QUESTIONS: dict[str, Question] = {
    "usage": lambda service, period: service.get_usage_stats(None, None, period),
    "usage of tenants": lambda service, period: service.get_usage_stats("tenant", None, period),
    "performance": lambda service, period: service.get_performance_metrics(period),
    "cost": lambda service, period: service.get_cost_breakdown(period, by=["model", "user", "currency"]),
    "cost series": lambda service, period: service.get_cost_series(period, by=["model", "user", "currency"]),
    "unit costs": lambda service, period: service.get_unit_costs(period),
    "budgets": lambda service, period: service.get_budgets(at=period.end - timedelta(hours=6)),
    "summary": lambda service, period: service.get_summary("performance.duration", period, group_by=["operation"]),
    "summary of money": lambda service, period: service.get_summary("cost.reported_cost", period, group_by=["user"]),
    "explanation": lambda service, period: service.explain("usage.events", period),
    "explained cost": lambda service, period: service.explain_cost(period),
    "price diff": lambda service, period: service.diff_prices(PRICES, period),
    "diff": lambda service, period: service.diff(period, 1),
    "verification": lambda service, period: service.verify(period=period),
    "metrics": lambda service, period: service.list_metrics(),
    "projections": lambda service, period: service.projections(),
    "ledger": lambda service, period: service.check_ledger(),
    "views": lambda service, period: service.sql_views(),
    "unreadable values": lambda service, period: service.unreadable_values(),
    "unread announcements": lambda service, period: service.unread_announcements(),
    "doubtful corrections": lambda service, period: service.doubtful_corrections(),
    "dead letters": lambda service, period: service.dead_letters(discarded=True),
    "dead letter": lambda service, period: service.dead_letter(service.dead_letters().unwrap()[0].position),
}


@pytest.fixture(scope="module", params=QUESTIONS.values(), ids=QUESTIONS)
def answer(request: pytest.FixtureRequest, monday: AnalyticsService) -> Any:
    return request.param(monday, DAY).unwrap()


# ── which answers, which tables ─────────────────────────────────────────────────────────────────────────────────


def subclasses(cls: type) -> Iterator[type]:
    for below in cls.__subclasses__():
        if attrs.has(below) and "_TABLES" in vars(below):
            yield below
        yield from subclasses(below)


ANSWERS = sorted(set(subclasses(Answer)), key=lambda cls: cls.__name__)


def test_every_question_is_answered_by_a_table(answer: Any) -> None:
    assert isinstance(answer, Tabular)
    assert answer.tables()[0] != "answer"


def test_an_answer_as_of_a_position_is_one_too(monday: AnalyticsService) -> None:
    with monday.as_of(12) as then:
        assert isinstance(then, AsOf)
        assert isinstance(then.get_usage_stats(None, None, DAY).unwrap(), Tabular)


def lists_of_rows(cls: type, above: tuple[type, ...] = ()) -> Iterator[str]:
    """Yield the class of every list of rows that lies in an answer, at any depth."""
    for field in attrs.fields(cls):
        hint = get_type_hints(cls)[field.name]
        row = rows_in(hint) or (without_none(hint) if attrs.has(without_none(hint)) else None)
        if row and row not in above:
            if rows_in(hint):
                yield row.__name__
            yield from lists_of_rows(row, (*above, cls))


@pytest.mark.parametrize("cls", ANSWERS, ids=lambda cls: cls.__name__)
def test_all_rows_of_an_answer_are_in_a_table(cls: Any) -> None:
    classes = set()
    for declared in cls._TABLES.values():
        row = cls
        for name in declared.path.split(".") if declared.path else []:
            hints = get_type_hints(row)
            hint = hints[name] if name in hints else get_type_hints(getattr(row, name).fget)["return"]
            row = rows_in(hint) or without_none(hint)
        classes.add(row.__name__)

    assert set(lists_of_rows(cls)) - classes - {"PriceUsed", "UnreadField"} == set()  # of what an answer stands on


def test_a_table_that_is_none_is_refused_with_those_there_are(monday: AnalyticsService) -> None:
    answer = monday.get_unit_costs(DAY).unwrap()

    with pytest.raises(NoSuchTable, match="'serie' is no table of a UnitCosts: it has units, answer") as caught:
        answer.to_arrow("serie")

    assert caught.value.code == "no_such_table"


def test_rows_are_the_main_table_of_each(answer: Any) -> None:
    assert answer.to_dicts("rows") == answer.to_dicts() == answer.to_dicts(answer.tables()[0])


# ── what they hold ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_holds_keys_figures_and_what_is_not_known(monday: AnalyticsService) -> None:
    answer = monday.get_cost_breakdown(DAY, by=["model", "user"]).unwrap()
    rows = answer.to_dicts()

    assert len(rows) == len(answer.rows)
    for row, cost in zip(rows, answer.rows, strict=True):
        assert {"model": row["model"], "user": row["user"]} == cost.keys
        assert (row["currency"], row["calls"], row["cost"]) == (cost.currency, cost.calls, cost.cost)
        assert row["tokens_input"] == cost.tokens.input
    assert None in [row["cost"] for row in rows]


def test_everybody_is_among_the_entities_so_that_they_add_up() -> None:
    with opened(privacy="full") as store:
        for number in range(14):
            store.record_event("tool.call.completed", {"tool": "bash", "user_id": f"user-{number}"}).unwrap()
        store.record_event("tool.call.completed", {"tool": "bash"}).unwrap()
        store.catch_up()
        rows = store.get_usage_stats("user", None, TimePeriod.last(hours=2)).unwrap().to_dicts()

    assert sum(row["events"] for row in rows) == 15
    assert [row["entity_id"] for row in rows[10:]] == [None, ""]


def test_money_in_several_currencies_has_a_row_for_each(monday: AnalyticsService) -> None:
    answer = monday.get_summary("cost.reported_cost", DAY, group_by=["user"]).unwrap()

    assert {row["currency"] for row in answer.to_dicts()} == {"EUR", "USD"}
    assert {row["currency"] for row in answer.to_dicts("series")} == {"EUR", "USD"}
    assert {row["currency"] for row in answer.to_dicts("figures")} == {"EUR", "USD"}


def test_a_key_that_is_named_as_a_figure_is_told_apart(monday: AnalyticsService) -> None:
    summary = monday.get_summary("usage.events", DAY).unwrap()
    group = MetricGroup(keys={"count": "few", "user": "ada"}, figures=attrs.evolve(summary.figures, count=3))

    (row,) = attrs.evolve(summary, groups=[group]).to_dicts("groups")

    assert (row["key_count"], row["count"], row["user"]) == ("few", 3, "ada")


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_about_nothing_has_the_same_columns(monday: AnalyticsService, name: str) -> None:
    full, empty = (QUESTIONS[name](monday, period).unwrap() for period in (DAY, EMPTY))

    assert empty.tables() == full.tables()
    for table in full.tables():
        schema, usual = empty.to_arrow(table).schema, full.to_arrow(table).schema
        assert schema.names == usual.names
        assert [kind.id for kind in schema.types] == [kind.id for kind in usual.types]
    assert empty.to_arrow().num_rows == 0 or not isinstance(empty, CostBreakdown)


# ── Arrow ───────────────────────────────────────────────────────────────────────────────────────────────────────

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=5),
    Any: st.text(max_size=5) | st.integers(-100, 100),
    bool: st.booleans(),
    int: st.integers(-100, 100) | st.integers(-(2**130), 2**130),
    float: st.floats(allow_nan=False),
    Decimal: st.decimals(-(10**6), 10**6, places=12) | st.decimals(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
    TimePeriod: st.integers(1, 10**6).map(lambda hours: TimePeriod(NOON, NOON + timedelta(hours=hours))),
}


def drawn(hint: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return what a field of an answer may hold."""
    arguments = get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if attrs.has(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: drawn(hints[field.name], depth + 1) for field in attrs.fields(hint)})
    if get_origin(hint) is Literal:
        return st.sampled_from(arguments)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*(st.none() if kind is NoneType else drawn(kind, depth) for kind in arguments))
    if get_origin(hint) is Mapping:
        return st.dictionaries(st.sampled_from(["user", "calls", "a b", "currency"]), drawn(arguments[1], depth))
    rows = st.nothing() if depth > 3 else drawn(arguments[0], depth)
    lists = st.just([]) if rows.is_empty else st.lists(rows, max_size=2)
    return lists.map(tuple) if get_origin(hint) is tuple else lists


def read_back(cell: Any, was: Any) -> Any:
    """Return a cell of Arrow as the answer has it: a map is a dict, a number of too many digits was a text."""
    if isinstance(was, dict):
        return {name: read_back(inner, was[name]) for name, inner in cell}
    if isinstance(was, list):
        return [read_back(inner, one) for inner, one in zip(cell, was, strict=True)]
    if isinstance(was, int | Decimal) and not isinstance(was, bool) and cell is not None:
        return type(was)(cell)
    return cell


def told(answer: Any, table: str) -> tuple[list[Any], list[Any]]:
    """Return the rows of a table as Arrow has them and as the answer has."""
    rows = answer.to_dicts(table)
    arrow = answer.to_arrow(table).to_pylist()
    return [
        {name: read_back(cell, was[name]) for name, cell in row.items()} for row, was in zip(arrow, rows, strict=True)
    ], rows


@pytest.mark.parametrize("cls", ANSWERS, ids=lambda cls: cls.__name__)
def test_arrow_holds_every_figure_as_it_is(cls: Any) -> None:
    strategy = drawn(cls)

    @given(st.data())
    @examples(12)
    def holds(data: st.DataObject) -> None:
        answer = data.draw(strategy)
        for table in answer.tables():
            arrow, rows = told(answer, table)
            assert arrow == rows
            assert len(set(answer.to_arrow(table).schema.names)) == len(answer.to_arrow(table).schema.names)

    holds()


def test_the_day_in_arrow_is_the_day(answer: Any) -> None:
    assert pa.table(answer).equals(answer.to_arrow())
    assert not isinstance(answer, list | tuple | Mapping | Sequence)  # which readers of Arrow would take for columns
    for table in answer.tables():
        arrow, rows = told(answer, table)
        assert arrow == rows


def test_an_answer_is_read_by_what_reads_arrow(monday: AnalyticsService) -> None:
    cost = monday.get_cost_breakdown(DAY, by=["model"]).unwrap()

    assert pa.table(cost).equals(cost.to_arrow())
    ((spent,),) = duckdb.sql("SELECT sum(cost) FROM cost WHERE currency = 'USD'").fetchall()
    assert spent == sum(row.cost for row in cost.rows if row.currency == "USD" and row.cost)
    assert duckdb.from_arrow(cost).fetchall() == [tuple(row.values()) for row in cost.to_dicts()]


def test_times_are_in_the_zone_of_the_store() -> None:
    period = TimePeriod.day(NOON.date(), "Asia/Kolkata")
    with opened(timezone="Asia/Kolkata") as store:
        store.record_event("tool.call.completed", {"tool": "bash"}, occurred_at=NOON).unwrap()
        store.catch_up()
        series = store.get_usage_stats(None, None, period).unwrap().to_arrow("series")

    assert series.schema.field("start").type == pa.timestamp("us", "Asia/Kolkata")
    assert series["start"][0].as_py() == datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Kolkata"))


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("0.00369", pa.decimal128(38, 18)),
        ("0E+50", pa.decimal128(38, 18)),
        ("1e-25", pa.decimal128(38, 25)),
        ("123456789012345678901234567890.5", pa.decimal128(38, 8)),
        ("1234567890123456789012345678901.23456780", pa.decimal128(38, 7)),
        ("123456789012345678901234567890.000000001", pa.string()),
    ],
)
def test_a_decimal_is_as_wide_as_it_must(monday: AnalyticsService, number: str, kind: pa.DataType) -> None:
    answer = monday.get_cost_breakdown(DAY).unwrap()
    (total, *_) = answer.totals
    totals = attrs.evolve(answer, totals=[attrs.evolve(total, cost=Decimal(number))]).to_arrow("totals")

    assert totals.schema.field("cost").type == kind
    assert Decimal(totals["cost"][0].as_py()) == Decimal(number)


# ── for people ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_one_short_line(answer: Any) -> None:
    line = repr(answer)

    assert line.startswith(f"<{type(answer).__name__} ")
    assert len(line) <= 103
    assert "\n" not in line


def test_a_line_says_what_matters(monday: AnalyticsService) -> None:
    assert repr(monday.get_cost_breakdown(DAY).unwrap()) == (
        "<CostBreakdown 2026-03-02 – 2026-03-03 UTC 0.526375 USD, 0.0012 EUR by=model calls=8 2 unknown …>"
    )
    assert repr(monday.dead_letters().unwrap()) == (
        "<Listing of 1 DeadLetter: projection position field hour discarded>"
    )


HOSTILE = "<script>alert(1)</script>\n\x1b[31m & | '\""


def test_what_names_hold_is_text_in_a_notebook_and_on_the_line(monday: AnalyticsService) -> None:
    usage = monday.get_usage_stats("tenant", None, DAY).unwrap()
    hostile = [attrs.evolve(entity, entity_id=HOSTILE) for entity in usage.top_entities]
    usage = attrs.evolve(usage, entity_type=HOSTILE[:30], top_entities=hostile)

    html = usage._repr_html_()

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert repr(usage).isprintable()


def test_a_notebook_shows_the_first_rows_and_how_many_more_there_are(monday: AnalyticsService) -> None:
    metrics = monday.list_metrics().unwrap()

    html = metrics._repr_html_()

    assert html.count("<tr>") == 21
    assert f"… {len(metrics) - 20} more" in html


# ── what they were before ───────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_equal_to_its_copies(answer: Any) -> None:
    sent = pickle.loads(pickle.dumps(answer))  # noqa: S301  # our own bytes

    assert sent == answer == copy.deepcopy(answer)
    assert sent.to_dicts() == answer.to_dicts()
    assert to_json(sent) == to_json(answer)


def test_an_answer_that_is_a_list_is_used_as_one(monday: AnalyticsService) -> None:
    metrics = monday.list_metrics().unwrap()
    rows = list(metrics)

    assert (metrics == rows, rows == metrics, metrics != rows[1:]) == (True, True, True)
    assert (len(metrics), metrics[0], metrics[-2:], rows[3] in metrics) == (len(rows), rows[0], rows[-2:], True)
    assert list(reversed(metrics)) == rows[::-1]
    assert to_json(metrics) == to_json(rows)
    assert Listing(of=MetricInfo) == []
    assert not Listing(of=MetricInfo)
    assert pa.table(metrics).num_rows == len(rows)
    assert duckdb.sql("SELECT count(*) FROM metrics").fetchall() == [(len(rows),)]


def test_a_snapshot_shows_an_answer_line_by_line(monday: AnalyticsService) -> None:
    usage = monday.get_usage_stats("tenant", None, DAY).unwrap()
    other = attrs.evolve(usage, top_entities=usage.top_entities[:1])
    written = AmberDataSerializer.serialize(usage)

    assert written.startswith("UsageStats(\n  active_entities=dict({\n")
    assert len(written.splitlines()) > 60
    assert max(map(len, written.splitlines())) < 500
    assert len(AmberDataSerializer.serialize(monday.list_metrics().unwrap()).splitlines()) > 40
    assert written != AmberDataSerializer.serialize(other)
