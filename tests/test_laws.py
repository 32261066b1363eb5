"""The laws: read models are what one fold of the whole log gives, to the byte, whatever happened on the way."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es.log.sqlite import SQLiteLog
from analytics_es.projection import Histogram, count, declaration_of, histogram, key, projection, total
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.fold import Folded
from analytics_es.queries import QuestionContext
from analytics_es.queries.figures import distribution
from analytics_es.queries.summary import summary
from analytics_es.read_models import Tiling
from analytics_es.read_models.aggregation import run_aggregation
from analytics_es.read_models.catch_up import Runner
from analytics_es.read_models.histograms import add
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.testing import budget_allocated, job_failed, message_added, provider_call, task_completed, tool_call
from analytics_es.types import TimePeriod
from tests.examples import examples
from tests.stores import (
    OURS,
    USUAL,
    Contents,
    append,
    contents,
    derived,
    engine,
    folded,
    log_of,
    nth,
    runner_of,
    stored,
    views_of,
)


@projection(version=1, consumes=("custom.>", "tool.>"), entities=("user", "tool"))
class Mine:
    """A user's projection: values and attributes that may hold anything."""

    who: str = key("entity.type")
    which: str = key("entity.id")
    region: str = key("attributes.region")
    events: int = count()
    value: int | None = total("value", decimals=2)
    size: Histogram = histogram("attributes.size", decimals=1)


ALL = (*OURS, Mine)
# Where clocks change, days begin or are left out, in one zone or another.
EDGES = [
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 8, 5, 30, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 12, 31, 23, tzinfo=UTC),
]
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
HOUR_US = 3600 * 10**6

moderate = examples(8)


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────


def near(edges: Sequence[datetime], hours: int = 3) -> st.SearchStrategy[datetime]:
    offsets = st.integers(-hours * HOUR_US, hours * HOUR_US)
    return st.builds(lambda edge, us: edge + timedelta(microseconds=us), st.sampled_from(edges), offsets)


everywhere = near(EDGES)
users = st.sampled_from([None, "ada", "bob", "o'hara", "'; DROP TABLE usage_v4; --"])
durations = st.none() | st.integers(0, 10**7) | st.floats(0, 10**6, allow_nan=False).map(lambda ms: round(ms, 3))
tokens = st.integers(1000, 10**7)
money = st.none() | st.decimals("0", "9999", places=10).map(str)
anything = (
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.sampled_from(["12.5", "lots", "", "1e400", "-3"])
)


def happened(times: st.SearchStrategy[datetime]) -> st.SearchStrategy[dict[str, Any]]:
    """Return events of several kinds, some of them with values that no fold can read."""
    calls = st.builds(
        provider_call,
        occurred_at=times,
        user_id=users,
        model=st.sampled_from(["claude-sonnet-4-5", "gpt-4.1"]),
        input_tokens=tokens,
        output_tokens=tokens,
        duration_ms=durations,
        cost=money,
        currency=st.sampled_from(["USD", "EUR"]),
        status=st.sampled_from([None, "ok", "error", "cancelled"]),
    )
    tools = st.builds(
        tool_call, occurred_at=times, user_id=users, duration_ms=durations, tool=st.sampled_from(["bash", "search"])
    )
    others = [
        st.builds(make, occurred_at=times, user_id=users)
        for make in (task_completed, job_failed, budget_allocated, message_added)
    ]
    attributes = st.fixed_dictionaries({"size": anything, "region": st.sampled_from([None, "eu", "", 7])})
    custom = st.builds(
        lambda at, value, user, own: {
            "event_type": "custom.thing.measured",
            "data": {"value": value, "user_id": user, "attributes": own, "input_tokens": value},
            "occurred_at": at,
        },
        times,
        st.none() | st.integers(0, 10**9),
        users,
        attributes,
    )
    return st.one_of(calls, tools, custom, *others)


@st.composite
def histories(
    draw: st.DrawFn, times: st.SearchStrategy[datetime] | None = None, size: int = 14
) -> list[dict[str, Any]]:
    """Return events with identities, in the order of their arrival."""
    found = draw(st.lists(happened(near(EDGES) if times is None else times), min_size=1, max_size=size))
    return [{**event, "id": f"event-{n}", "source": "test"} for n, event in enumerate(found)]


broken = st.lists(
    st.sampled_from([("tool.call.completed", b"{"), stored("custom.thing.measured", occurred_at="?", value=1)]),
    max_size=2,
)


# ── order, batches, duplicates ──────────────────────────────────────────────────────────────────────────────────


@moderate
@given(histories(), broken, st.randoms(use_true_random=False), st.sampled_from(ZONES))
def test_batches_of_any_sizes_give_what_one_fold_of_the_whole_log_gives(
    history: list[dict[str, Any]], damaged: list[Any], chance: random.Random, zone: str
) -> None:
    arrivals = [*history, *damaged]
    chance.shuffle(arrivals)
    with log_of(arrivals, door=USUAL) as log, views_of(log, ALL, zone) as read_models:
        while runner_of(log, read_models, batch=chance.randint(1, 9), classes=ALL, zone=zone).step():
            pass

        assert contents(read_models) == derived(log, ALL, zone)


@moderate
@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_any_duplicates_give_the_same_rows(history: list[dict[str, Any]], chance: random.Random) -> None:
    arrivals = [*history, *chance.choices(history, k=chance.randint(1, 8))]
    chance.shuffle(arrivals)

    with log_of(history, door=USUAL) as log, log_of(arrivals, door=USUAL) as other:
        assert other.head() == log.head() == nth(len(history))
        assert without_positions(derived(other, ALL)) == without_positions(derived(log, ALL))


def without_positions(found: Contents) -> dict[str, Any]:
    """Return rows as they are, and of what was unreadable all but where in the log it is."""
    unreadable = Counter((name, hour, field) for name, hour, _, field in found["unreadable"])
    return {**found, "unreadable": unreadable}


@moderate
@given(histories(), st.randoms(use_true_random=False))
def test_batches_may_be_merged_in_any_order(history: list[dict[str, Any]], chance: random.Random) -> None:
    size = chance.randint(1, 5)
    with log_of(history, door=USUAL) as log, views_of(log, ALL) as read_models:
        batches = [log.scan(after=after, limit=size) for after in range(0, log.head(), size)]
        chance.shuffle(batches)
        for n, events in enumerate(batches):
            for name, part in engine(ALL)(events).items():
                assert isinstance(part, Folded)
                assert read_models.commit(name, part, expected=n, position=n + 1)

        assert contents(read_models) == derived(log, ALL)


# ── stopping, beginning again, going on beside others ───────────────────────────────────────────────────────────


def opened(stack: ExitStack, folder: Path, batch: int) -> tuple[SQLiteLog, SQLiteReadModels, Runner]:
    log = stack.enter_context(log_of(path=folder / "log.db"))
    read_models = stack.enter_context(views_of(log, ALL, path=folder / "views.db"))
    return log, read_models, runner_of(log, read_models, batch=batch, classes=ALL)


class Crash(Exception):
    """The process ends here."""


@contextmanager
def crash_after(read_models: SQLiteReadModels, commits: int) -> Iterator[None]:
    """End the work after so many commits, if it has not ended before."""
    commit, left = read_models.commit, iter(range(commits))

    def crashing(*arguments: Any, **more: Any) -> bool:
        if next(left, None) is None:
            raise Crash
        return commit(*arguments, **more)

    read_models.commit = crashing  # type: ignore[method-assign]
    with suppress(Crash):
        yield
    read_models.commit = commit  # type: ignore[method-assign]


@moderate
@given(st.lists(histories(size=5), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_stopping_and_beginning_again_anywhere_stays_exact(
    histories: list[list[dict[str, Any]]], chance: random.Random
) -> None:
    with TemporaryDirectory() as folder:
        for n, history in enumerate(histories):
            with ExitStack() as stack:
                log, read_models, runner = opened(stack, Path(folder), batch=chance.randint(1, 4))
                append(log, *({**event, "id": f"{n}-{event['id']}"} for event in history), door=USUAL)
                with crash_after(read_models, commits=chance.randint(0, 12)):
                    runner.catch_up()
        with ExitStack() as stack:
            log, read_models, runner = opened(stack, Path(folder), batch=chance.randint(1, 9))
            runner.catch_up()

            assert contents(read_models) == derived(log, ALL)


@moderate
@given(histories(), st.integers(0, 12))
def test_deleted_read_models_come_back_identical(history: list[dict[str, Any]], commits: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        with ExitStack() as stack:
            log, read_models, runner = opened(stack, folder, batch=5)
            append(log, *history, door=USUAL)
            runner.catch_up()
            before = contents(read_models)
        for file in folder.glob("views.db*"):
            file.unlink()
        with ExitStack() as stack:
            _, read_models, runner = opened(stack, folder, batch=4)
            with crash_after(read_models, commits):
                runner.catch_up()
            runner.catch_up()

            assert contents(read_models) == before


@moderate
@given(histories(size=20), st.randoms(use_true_random=False))
def test_two_runners_of_different_batches_on_the_same_files_stay_exact(
    history: list[dict[str, Any]], chance: random.Random
) -> None:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        log, read_models, one = opened(stack, Path(folder), batch=chance.randint(1, 5))
        _, _, other = opened(stack, Path(folder), batch=chance.randint(1, 5))
        one._fold = overtaken(one._fold, lambda: other.step(chance.randint(0, log.head())), chance)  # type: ignore[assignment]
        for event in history:
            append(log, event, door=USUAL)
            if chance.random() < 0.3:
                chance.choice((one, other)).step(chance.randint(0, log.head()))
        one.catch_up()
        other.catch_up()

        assert contents(read_models) == derived(log, ALL)


def overtaken(fold: Any, by: Callable[[], object], chance: random.Random) -> Callable[..., Any]:
    """Return a fold during which, now and then, another runner goes ahead."""

    def slow(events: Any, names: Sequence[str]) -> Any:
        result = fold(events, names)
        if chance.random() < 0.4:
            by()
        return result

    return slow


# ── deriving a period again ─────────────────────────────────────────────────────────────────────────────────────


@moderate
@given(histories(near(EDGES[2:5])), near(EDGES[2:5], 30), st.integers(1, 40 * HOUR_US), st.sampled_from(ZONES))
def test_deriving_any_period_again_changes_no_byte(
    history: list[dict[str, Any]], start: datetime, length: int, zone: str
) -> None:
    period = TimePeriod(start, start + timedelta(microseconds=length))
    with log_of(history, door=USUAL) as log, views_of(log, ALL, zone) as read_models:
        runner_of(log, read_models, classes=ALL, zone=zone, batch=6).catch_up()
        before = contents(read_models)

        run_aggregation(log, read_models, engine(ALL, zone), Tiling.of(Calendar(zone), period), period)

        assert contents(read_models) == before


# ── what sums are sums of ───────────────────────────────────────────────────────────────────────────────────────


def source_of(read_models: SQLiteReadModels, zone: str) -> QuestionContext:
    return QuestionContext(
        read_models=read_models,
        calendar=Calendar(zone),
        lag=lambda _: (0, 0.0),
        clock=lambda: datetime(2027, 1, 1, tzinfo=UTC),
    )


@moderate
@given(st.data(), st.sampled_from(ZONES), st.sampled_from(EDGES))
def test_the_sum_of_days_is_the_range_is_the_sum_of_hours_in_every_zone(
    data: st.DataObject, zone: str, edge: datetime
) -> None:
    times = near([edge], 60)
    history = data.draw(histories(times))
    start, end = sorted([data.draw(times), data.draw(times)])
    end = max(end, start + timedelta(microseconds=1))
    with log_of(history, door=USUAL) as log, views_of(log, ALL, zone) as read_models:
        runner_of(log, read_models, classes=ALL, zone=zone).catch_up()
        for metric in ("usage.events", "performance.output_tokens", "performance.duration", "mine.size"):
            told = {
                grain: summary(
                    source_of(read_models, zone), metric, TimePeriod(start, end, grain), group_by=(), where={}
                )
                for grain in ("hour", "day", "total")
            }
            parts = {(added(each.series), each.figures.count, each.figures.total) for each in told.values()}
            ((parts_count, parts_total), whole_count, whole_total) = parts.pop()

            assert parts == set()
            assert (parts_count, parts_total) == (whole_count, whole_total)


def added(series: Sequence[Any]) -> tuple[int | None, Decimal | None]:
    counts = [each.figures.count for each in series if each.figures.count is not None]
    totals = [each.figures.total for each in series if each.figures.total is not None]
    return sum(counts) if counts else None, sum(totals, Decimal()) if totals else None


@moderate
@given(histories(near(EDGES[2:4], 40)), near(EDGES[2:4], 40), st.integers(1, 90))
def test_the_period_counts_just_the_events_of_its_whole_hours(
    history: list[dict[str, Any]], start: datetime, hours: int
) -> None:
    period = TimePeriod(start, start + timedelta(hours=hours), "total")
    tiling = Tiling.of(Calendar("Asia/Kathmandu"), period)
    with log_of(history, door=USUAL) as log, views_of(log, ALL, "Asia/Kathmandu") as read_models:
        runner_of(log, read_models, classes=ALL, zone="Asia/Kathmandu").catch_up()
        told = summary(source_of(read_models, "Asia/Kathmandu"), "usage.events", period, group_by=(), where={})

    instants = [event["occurred_at"].timestamp() for event in history]
    assert sum(tiling.start <= instant < tiling.end for instant in instants) == told.figures.count
    assert tiling.start <= start.timestamp()
    assert tiling.end >= period.end.timestamp()


@moderate
@given(histories(near(EDGES[2:3], 30)))
def test_groups_of_a_key_add_up_to_the_total(history: list[dict[str, Any]]) -> None:
    period = TimePeriod(EDGES[2] - timedelta(hours=30), EDGES[2] + timedelta(hours=31), "total")
    with log_of(history, door=USUAL) as log, views_of(log, ALL) as read_models:
        runner_of(log, read_models, classes=ALL).catch_up()
        for metric, keys in (
            ("usage.events", ["event_type"]),
            ("usage.duration", ["event_type"]),
            ("performance.calls", ["operation"]),
            ("performance.duration", ["subject", "operation"]),
            ("cost.calls", ["model", "currency"]),
            ("cost.input_tokens", ["provider", "pricing"]),
            ("mine.size", ["region"]),
        ):
            told = summary(source_of(read_models, "UTC"), metric, period, group_by=keys, where={})

            assert added(told.groups) == (told.figures.count, told.figures.total) or not told.groups


# ── percentiles ─────────────────────────────────────────────────────────────────────────────────────────────────

BOUND = Decimal("0.011")


@projection(version=1, consumes=("custom.>",))
class Sizes:
    """How large things are."""

    size: Histogram = histogram("value")


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 10**12) | st.integers(0, 300), min_size=1, max_size=60)
    | st.integers(0, 10**12).flatmap(lambda v: st.lists(st.integers(v, v + v // 50), min_size=1, max_size=4))
)
def test_percentiles_are_within_the_bound_of_the_exact_ones(values: list[int]) -> None:
    (measure,) = declaration_of(Sizes).measures
    row = folded(Sizes, *(stored(value=value) for value in values)).rows[0]
    told = distribution(measure, [*row[2:-1], add(row[-1:])])

    assert (told.count, told.total, told.minimum, told.maximum) == (len(values), sum(values), min(values), max(values))
    for name, percent in (("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99)):
        exact = sorted(values)[math.ceil(percent * len(values) / 100) - 1]
        assert abs(getattr(told, name) - exact) <= BOUND * exact, (name, exact)


@pytest.mark.parametrize("seed", [7])
def test_a_longer_history_in_random_batches_is_exact(seed: int) -> None:
    chance = random.Random(seed)
    history = [
        {
            **chance.choice((provider_call, tool_call, task_completed, job_failed, message_added))(
                occurred_at=chance.choice(EDGES) + timedelta(seconds=chance.randint(-90_000, 90_000)),
                user_id=chance.choice(["ada", "bob", None]),
                duration_ms=round(chance.lognormvariate(5, 2), 3),
            ),
            "id": str(chance.randint(0, 1500)),
            "source": "test",
        }
        for _ in range(2000)
    ]
    with log_of(history, door=USUAL) as log, views_of(log, ALL, "Australia/Lord_Howe") as read_models:
        while runner_of(
            log, read_models, batch=chance.randint(50, 400), classes=ALL, zone="Australia/Lord_Howe"
        ).step():
            pass

        assert contents(read_models) == derived(log, ALL, "Australia/Lord_Howe")
