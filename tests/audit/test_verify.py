"""Verify: what the live rows say is what the log says; every kind of divergence is found and named, while serving."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.audit import comparison, ledger
from analytics_es.projection import count, key, largest, projection
from analytics_es.projections import Cost, Performance, Usage
from analytics_es.testing import NOON, provider_call, tool_call
from analytics_es.types import Divergence, Verification
from tests.servers import Server
from tests.stores import append, sql, stored

pytestmark = pytest.mark.usefixtures("full_privacy")  # divergences are planted and found by names and positions

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = NOON.replace(hour=0)
OURS = (Cost, Performance, Usage)
NOON_S, MONDAY_S = int(NOON.timestamp()), int(MONDAY.timestamp())


def events() -> Iterator[dict[str, Any]]:
    """Three days, every second hour: a call of a model and one of a tool."""
    for n in range(36):
        at = MONDAY + n * 2 * HOUR
        yield {**provider_call(occurred_at=at, user_id="ada" if n % 2 else "bob"), "id": f"call-{n}"}
        yield {**tool_call(occurred_at=at), "id": f"tool-{n}"}


class Planted:
    """A store whose read models and log can be changed behind everyone's back."""

    def __init__(self, folder: Path, *, fill: bool = True, **options: Any) -> None:
        self.folder = folder
        self.service = AnalyticsService.open(folder / "analytics.db", follow=False, **{"projections": OURS, **options})
        if fill:
            self.service.record_events(events()).unwrap()
            self.service.catch_up()

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return sql(self.folder / "analytics.views.db", statement, *parameters)

    def log(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return sql(self.folder / "analytics.db", statement, *parameters)

    def verify(self, *names: str, **how: Any) -> Verification:
        return self.service.verify(names or None, **how).unwrap()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    Planted(folder).service.close()
    return folder


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Planted]:
    planted = Planted(shutil.copytree(filled, tmp_path / "copy"), fill=False)
    with planted.service:
        yield planted


def only(found: Verification, name: str) -> list[Divergence]:
    """Return the divergences of the one projection that has any."""
    assert {each.projection for each in found.projections if not each.identical} == {name}
    assert not found.identical
    return next(each.divergences for each in found.projections if each.projection == name)


def test_what_was_folded_is_identical(store: Planted) -> None:
    found = store.verify()

    assert found.identical
    assert [(each.projection, each.position, each.divergences) for each in found.projections] == [
        ("cost", 72, []),
        ("performance", 72, []),
        ("usage", 72, []),
    ]
    assert [each.rows for each in found.projections] == [
        store.rows(f"SELECT count(*) FROM {name}")[0][0] for name in ("cost_v4", "performance_v3", "usage_v4")
    ]
    assert found.events == 72
    assert all(each.ledger.days == 3 and each.ledger.identical for each in found.projections)


def test_a_store_without_events_is_identical() -> None:
    with AnalyticsService.open(":memory:", follow=False) as service:
        assert service.verify().unwrap().identical
        assert service.verify(sample=3).unwrap().identical
        assert all(each.identical for each in service.check_ledger().unwrap())


# ── divergences ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_changed_value_is_told_with_its_row_its_difference_and_its_events(store: Planted) -> None:
    store.rows(
        "UPDATE performance_v3 SET calls = calls + 5 WHERE grain = 'hour' AND bucket = ? AND subject = 'bash'", NOON_S
    )

    (found,) = only(store.verify(), "performance")

    assert (found.kind, found.grain, found.start) == ("changed", "hour", NOON)
    assert found.keys == {"operation": "tool.call", "subject": "bash"}
    assert [(each.column, each.live, each.expected, each.by) for each in found.differences] == [("calls", 6, 1, 5)]
    assert (found.positions, found.events) == ([14], 1)


def test_money_that_differs_is_told_in_money(store: Planted) -> None:
    store.rows(
        "UPDATE cost_v4 SET reported_cost = reported_cost + 1000000000000000000 WHERE grain = 'day' "
        "AND entity_type = 'user' AND entity_id = 'bob' AND bucket = ?",
        MONDAY_S,
    )

    (found,) = only(store.verify(), "cost")

    assert [(each.column, each.by) for each in found.differences] == [("reported_cost", Decimal(1))]
    assert (found.start, found.keys["entity_id"]) == (MONDAY, "bob")
    assert found.positions == [1, 5, 9, 13, 17, 21]


def test_a_missing_row_is_told(store: Planted) -> None:
    store.rows(
        "DELETE FROM usage_v4 WHERE grain = 'day' AND entity_type = '' AND bucket = ? AND event_type LIKE 'tool%'",
        MONDAY_S,
    )

    (found,) = only(store.verify(), "usage")

    assert (found.kind, found.grain, found.start) == ("missing", "day", MONDAY)
    assert all(each.live is None for each in found.differences)
    assert (found.positions, found.events) == ([2 * n for n in range(1, 13)], 12)


def test_an_extra_row_is_told_and_no_event_is_behind_it(store: Planted) -> None:
    store.rows(
        "INSERT INTO performance_v3 (grain, bucket, operation, subject, calls, failures, duration_buckets, "
        "time_to_first_chunk_buckets) VALUES ('hour', ?, 'tool.call', 'ghost', 1, 1, '', '')",
        NOON_S,
    )

    (found,) = only(store.verify(), "performance")

    assert (found.kind, found.keys["subject"], found.start) == ("extra", "ghost", NOON)
    assert (found.positions, found.events) == ([], 0)


@pytest.mark.parametrize("bucket", [-(2**62), 0, 7, 2**62])
def test_a_row_of_a_bucket_that_cannot_be_is_told(store: Planted, bucket: int) -> None:
    store.rows(
        "UPDATE performance_v3 SET bucket = ? WHERE grain = 'hour' AND bucket = ? AND subject = 'bash'", bucket, NOON_S
    )

    found = only(store.verify(), "performance")

    assert sorted((each.kind, each.start) for each in found if each.start) == [("missing", NOON)]
    assert [each.kind for each in found if not each.start] == ["extra"]


@pytest.mark.parametrize("position", [40, 71])
def test_a_checkpoint_that_was_moved_back_shows(store: Planted, position: int) -> None:
    store.rows("UPDATE tracking SET notification_id = ? WHERE application_name LIKE '%:usage_v4'", position)

    found = store.verify()

    assert only(found, "usage")
    usage = found.projections[2]
    assert usage.position == position
    assert (
        usage.ledger.checkpoint == f"72 events were taken in, but the log holds {position} up to checkpoint {position}"
    )


def test_a_checkpoint_that_was_moved_on_shows(store: Planted) -> None:
    store.service.record_event(**tool_call()).unwrap()
    store.rows("UPDATE tracking SET notification_id = 73 WHERE application_name LIKE '%:usage_v4'")

    found = store.verify()

    assert {each.positions[-1] for each in only(found, "usage")} == {73}
    assert found.projections[2].ledger.checkpoint == "72 events were taken in, but the log holds 73 up to checkpoint 73"


def test_a_checkpoint_beyond_the_log_shows(store: Planted) -> None:
    store.rows("UPDATE tracking SET notification_id = 1000 WHERE application_name LIKE '%:usage_v4'")

    found = store.verify()

    assert only(found, "usage") == []
    assert found.projections[2].ledger.checkpoint == "checkpoint 1,000 is beyond the log's head 72"
    assert not store.service.check_ledger(["usage"]).unwrap()[0].identical


def test_an_event_that_was_changed_shows_where_it_was_and_where_it_is(store: Planted) -> None:
    store.log(
        "UPDATE stored_events SET state = CAST(replace(CAST(state AS TEXT), 'bash', 'dash') AS BLOB) WHERE rowid = 14"
    )

    verified = store.verify("performance")
    found = [each for each in only(verified, "performance") if each.grain == "hour"]

    assert [(each.kind, each.keys["subject"], each.positions) for each in found] == [("extra", "bash", [])]
    assert verified.damaged == [14]


def test_an_event_that_was_exchanged_shows_in_the_ledger_without_a_refold(store: Planted) -> None:
    store.log(
        "UPDATE stored_events SET originator_id = substr(originator_id, 1, 12) || '00000000000000000000' "
        "WHERE rowid = 14"
    )

    checks = store.service.check_ledger().unwrap()

    assert [(each.identical, each.days, each.checkpoint) for each in checks] == [(False, 3, None)] * 3
    assert [(each.start, each.events, each.events_in_log) for each in checks[0].divergences] == [(MONDAY, 24, 24)]
    assert not store.verify().identical


def test_an_event_that_was_taken_out_of_the_log_shows(store: Planted) -> None:
    store.log("DELETE FROM stored_events WHERE rowid = 14")

    (check, *_) = store.service.check_ledger().unwrap()

    assert [(each.start, each.events, each.events_in_log) for each in check.divergences] == [(MONDAY, 24, 23)]
    assert check.checkpoint == "72 events were taken in, but the log holds 71 up to checkpoint 72"
    assert not store.verify().identical


def test_a_day_of_the_ledger_that_the_log_does_not_know_shows(store: Planted) -> None:
    store.rows("INSERT INTO ledger VALUES ('cost_v4', ?, 3, 7)", int((MONDAY - 9 * DAY).timestamp()))
    store.rows("DELETE FROM ledger WHERE read_model = 'usage_v4' AND day = ?", MONDAY_S)

    cost, performance, usage = store.service.check_ledger().unwrap()

    assert [(each.start, each.events, each.events_in_log) for each in cost.divergences] == [(MONDAY - 9 * DAY, 3, 0)]
    assert [(each.start, each.events, each.events_in_log) for each in usage.divergences] == [(MONDAY, 0, 24)]
    assert performance.identical
    assert [each.identical for each in store.verify().projections] == [False, True, False]


def test_unreadable_values_are_compared_too(store: Planted) -> None:
    append(store.service.store.log, stored(value="x", occurred_at=NOON.isoformat()), ("custom.thing.happened", b"{"))
    store.service.catch_up()
    assert store.verify().identical

    listed = store.rows("SELECT projection, position, field FROM unreadable ORDER BY 2")
    store.rows("DELETE FROM unreadable WHERE position = 74")
    store.rows("INSERT INTO unreadable VALUES ('cost_v4', ?, 3, 'calls')", NOON_S)
    found = store.verify()

    assert ("usage_v4", 74, "event") in listed
    told = [(each.projection, each.kind, each.position, each.field) for p in found.projections for each in p.unreadable]
    assert told == [("cost", "extra", 3, "calls"), ("usage", "missing", 74, "event")]
    assert [(each.identical, each.omitted) for each in found.projections] == [(False, 0), (True, 0), (False, 0)]


def test_only_the_first_divergences_are_listed_and_the_rest_is_counted(store: Planted) -> None:
    store.rows("DELETE FROM usage_v4")

    found = store.verify("usage", limit=3).projections[0]

    assert len(found.divergences) == 3
    assert found.omitted == found.rows - 3


def test_the_log_is_asked_stretch_by_stretch(store: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = store.service.check_ledger().unwrap()
    told: list[tuple[int, ...]] = []
    monkeypatch.setattr(ledger, "TOGETHER", 30)

    found = store.service.check_ledger(progress=lambda _, *at: told.append(at)).unwrap()

    assert found == expected
    assert told == [(1, 3), (2, 3), (3, 3)]


@given(seed=st.integers(0, 10_000), size=st.integers(2, 9))
@settings(max_examples=60)
def test_pages_find_what_a_comparison_of_everything_finds(seed: int, size: int) -> None:
    chance = random.Random(seed)
    one = {(k // 3, k % 3): k for k in range(30) if chance.random() < 0.8}
    other = {k: v + (chance.random() < 0.1) for k, v in one.items() if chance.random() < 0.8}
    other |= {(k, 7): k for k in range(10) if chance.random() < 0.2}

    def page(rows: dict[tuple[int, int], int]) -> comparison.Page:
        return lambda after: [(*k, v) for k, v in sorted(rows.items()) if k > after][:size]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "PAGE", size)
        found = comparison.compare(page(one), page(other), 2, limit=1000)

    keys = sorted({*one, *other})
    expected = [
        ((*k, one[k]) if k in one else None, (*k, other[k]) if k in other else None)
        for k in keys
        if one.get(k) != other.get(k)
    ]
    assert (found.rows, found.listed, found.differ) == (len(keys), expected, len(expected))


# ── while serving ───────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_identical_beside_a_follower_and_writers(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "analytics.db", projections=OURS) as service:

        def write(user: str) -> None:
            for n in range(40):
                service.record_event(**provider_call(occurred_at=NOON + n * HOUR, user_id=user)).unwrap()

        writers = [threading.Thread(target=write, args=(user,)) for user in ("ada", "bob")]
        for writer in writers:
            writer.start()
        found = [service.verify().unwrap()]
        while any(writer.is_alive() for writer in writers):
            found.append(service.verify().unwrap())
            found.append(service.verify(period=TimePeriod(NOON, NOON + 5 * HOUR)).unwrap())
        for writer in writers:
            writer.join()
        service.wait_until_caught_up()
        found.append(service.verify().unwrap())

    assert [each for each in found if not each.identical] == []
    assert [each.position for each in found[-1].projections] == [80, 80, 80]


def test_projections_at_different_positions_are_each_compared_at_their_own(
    store: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.service.record_events([tool_call(occurred_at=NOON + n * HOUR) for n in range(5)]).unwrap()
    live = store.service.store.read_models.live()["cost"].declaration
    folded = store.service.store.fold(store.service.store.log.scan(after=72, limit=3))["cost"]
    store.service.store.read_models.commit(live, folded, expected=72, position=75)  # type: ignore[arg-type]

    found = store.verify()

    assert found.identical
    assert [each.position for each in found.projections] == [75, 72, 72]
    assert found.events == 75
    checks = store.service.check_ledger().unwrap()
    assert [(each.position, each.identical) for each in checks] == [(75, True), (72, True), (72, True)]
    monkeypatch.setattr(ledger, "NEAR", -1)
    assert store.service.check_ledger().unwrap() == checks


def test_what_a_rebuild_promotes_meanwhile_is_verified_instead(store: Planted) -> None:
    store.rows("UPDATE usage_v4 SET events = 0")
    rebuilt: list[int] = []

    def rebuild_once(_: str, done: int, of: int) -> None:
        if not rebuilt:
            rebuilt.append(done)
            store.service.rebuild().unwrap()

    assert store.verify(progress=rebuild_once).identical


def test_workers_find_the_same(store: Planted) -> None:
    store.rows("UPDATE performance_v3 SET calls = 9 WHERE bucket = ?", NOON_S)

    assert store.verify(workers=2).projections == store.verify().projections


def test_progress_ends_with_all_of_the_log(store: Planted) -> None:
    told: list[tuple[int, ...]] = []

    store.verify(progress=lambda _, *at: told.append(at))

    assert told[-1] == (72, 72)


# ── definitions ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_read_model_of_an_older_definition_is_verified_as_it_is_defined(tmp_path: Path) -> None:
    @projection(version=1, consumes=("tool.*.*",))
    class Tools:
        """Tools, as they were."""

        tool: str = key("tool")
        calls: int = count()

    old = Tools

    @projection(version=1, consumes=("provider.*.*",))
    class Tools:  # type: ignore[no-redef]
        """Tools, as they are."""

        tool: str = key("model")
        calls: int = count()
        longest: int = largest("duration_us")

    Planted(tmp_path, projections=[old]).service.close()
    with AnalyticsService.open(
        tmp_path / "analytics.db", follow=False, projections=[Tools], rebuild="manual"
    ) as service:
        assert service.projections().unwrap()[0].stale
        assert service.verify().unwrap().identical
        assert service.verify(period=TimePeriod(NOON, NOON + HOUR)).unwrap().identical
        sql(
            tmp_path / "analytics.views.db", "UPDATE tools_v1 SET calls = 3 WHERE grain = 'hour' AND bucket = ?", NOON_S
        )

        (found,) = service.verify().unwrap().projections[0].divergences

        assert (found.keys, found.positions) == ({"tool": "bash"}, [14])
        service.rebuild().unwrap()
        assert service.verify().unwrap().identical


# ── a period, a sample ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_period_is_verified_with_the_days_it_lies_in_and_nothing_else(store: Planted) -> None:
    tuesday = MONDAY + DAY
    store.rows("UPDATE performance_v3 SET calls = 0")

    found = store.verify("performance", period=TimePeriod(tuesday + HOUR, tuesday + 3 * HOUR), limit=100)

    assert found.period is not None
    assert (found.period.start, found.period.end, found.events) == (tuesday + HOUR, tuesday + 3 * HOUR, 24)
    assert {(each.grain, each.start) for each in only(found, "performance")} == {
        ("day", tuesday),
        ("hour", tuesday + 2 * HOUR),
    }
    assert found.projections[0].rows == 4
    assert found.projections[0].ledger.days == 1


def test_a_period_without_divergences_is_identical_whatever_is_wrong_outside(store: Planted) -> None:
    store.rows("DELETE FROM usage_v4 WHERE bucket < ?", int((MONDAY + DAY).timestamp()))
    store.rows("DELETE FROM ledger WHERE day = ?", MONDAY_S)
    store.rows("INSERT INTO unreadable VALUES ('cost_v4', ?, 3, 'calls')", NOON_S)

    assert not store.verify().identical
    assert store.verify(period=TimePeriod(MONDAY + DAY, MONDAY + 3 * DAY)).identical
    assert not store.verify(period=TimePeriod(MONDAY, MONDAY + DAY)).identical


@pytest.mark.parametrize(("zone", "day"), [("Europe/Berlin", date(2026, 10, 25)), ("Asia/Kolkata", date(2026, 3, 2))])
def test_in_every_zone_a_day_is_verified(zone: str, day: date) -> None:
    period = TimePeriod.day(day, zone)
    with AnalyticsService.open(":memory:", follow=False, timezone=zone, projections=OURS) as service:
        start = period.start.astimezone(UTC) - 3 * HOUR
        service.record_events(tool_call(occurred_at=start + n * timedelta(minutes=40)) for n in range(50)).unwrap()
        service.catch_up()

        assert service.verify().unwrap().identical
        assert service.verify(period=period).unwrap().identical
        assert all(each.identical for each in service.check_ledger().unwrap())


def test_a_sample_draws_days_that_have_events_and_the_same_ones_with_the_same_seed(store: Planted) -> None:
    store.rows("UPDATE performance_v3 SET calls = 0 WHERE grain = 'day' AND bucket = ?", MONDAY_S)
    days = [MONDAY, MONDAY + DAY, MONDAY + 2 * DAY]

    found = {seed: store.verify("performance", sample=1, seed=seed) for seed in range(6)}
    every = store.verify(sample=99)

    drawn = {seed: each.sampled for seed, each in found.items()}
    assert store.verify("usage", sample=1, seed=5).sampled == drawn[5]
    assert sorted({each[0] for each in drawn.values() if each}) == days
    assert {each.identical for each in found.values() if each.sampled == [MONDAY]} == {False}
    assert {each.identical for each in found.values() if each.sampled != [MONDAY]} == {True}
    assert (every.sampled, every.events) == (days, 72)
    assert every.seed is not None


@pytest.mark.parametrize("how", [{"sample": 0}, {"sample": 1, "period": TimePeriod(NOON, NOON + HOUR)}])
def test_a_sample_that_cannot_be_drawn_is_a_failure(store: Planted, how: dict[str, Any]) -> None:
    failure = store.service.verify(**how).failure

    assert failure is not None
    assert failure.code == "bad_sample"


def test_an_unknown_projection_is_a_failure(store: Planted) -> None:
    assert store.service.verify(["nobody"]).failure is not None
    assert store.service.check_ledger(["nobody"]).failure is not None


def test_nothing_is_left_behind(store: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    modes: list[int] = []

    store.verify(progress=lambda *_: modes.extend(each.stat().st_mode & 0o777 for each in place.glob("*")))

    assert modes == [0o700]
    assert not list(place.glob("*/expected.db"))


# ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_on_postgres_divergences_are_found_too(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "PAGE", 7)
    schema = postgres.schema()
    with AnalyticsService.open(postgres.url, schema=schema, follow=False, projections=OURS) as service:
        service.record_events(
            {**each, "data": {**each["data"], "user_id": f"Ö{n % 5}_a"}} for n, each in enumerate(events())
        ).unwrap()
        service.catch_up()
        period = TimePeriod(MONDAY, MONDAY + DAY)
        assert service.verify(workers=2).unwrap().identical
        assert service.verify(period=period).unwrap().identical
        assert all(each.identical for each in service.check_ledger().unwrap())

        hour = f"grain = 'hour' AND bucket = {NOON_S}"
        postgres.run(f"UPDATE {schema}.performance_v3 SET calls = 3 WHERE {hour} AND subject = 'bash'")
        postgres.run(f"DELETE FROM {schema}.cost_v4 WHERE {hour} AND entity_type = 'user'")
        postgres.run(
            f"INSERT INTO {schema}.usage_v4 (grain, bucket, entity_type, entity_id, event_type, events) "
            f"VALUES ('hour', {NOON_S}, 'user', 'ghost', '', 1)"
        )
        postgres.run(f"INSERT INTO {schema}.unreadable VALUES ('cost_v4', {NOON_S}, 13, 'reported_cost')")
        postgres.run(f"DELETE FROM {schema}.ledger WHERE read_model = 'cost_v4' AND day = {MONDAY_S}")
        found = service.verify().unwrap()

        cost, performance, usage = ([(d.kind, d.positions) for d in each.divergences] for each in found.projections)
        assert (cost, performance, usage) == ([("missing", [13])], [("changed", [14])], [("extra", [])])
        assert [len(each.unreadable) for each in found.projections] == [1, 0, 0]
        assert [len(each.ledger.divergences) for each in found.projections] == [1, 0, 0]
        assert [each.identical for each in service.check_ledger().unwrap()] == [False, True, True]
        told = service.verify(period=period).unwrap().projections
        assert [each.divergences for each in told] == [each.divergences for each in found.projections]
