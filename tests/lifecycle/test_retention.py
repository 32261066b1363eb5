"""Retention: old events go, and no answer changes; what can no longer be answered is said."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.audit import refolding
from analytics_es.errors import AnalyticsError, CannotOpen
from analytics_es.lifecycle.retention import RetentionPolicy
from analytics_es.projection import count, key, projection, total
from analytics_es.read_models import Seeds, alone
from analytics_es.testing import NOON, job_failed, provider_call, tool_call
from tests.stores import append, contents, only_live, record, recorded, set_clock

DAYS = 40  # with events, from NOON on
EVENTS = 240
MIXED = [
    maker(occurred_at=NOON + timedelta(hours=n * DAYS * 24 // EVENTS), user_id=f"user-{n % 4}", duration_ms=n + 1)
    for n, maker in zip(range(EVENTS), cycle((provider_call, tool_call, job_failed)), strict=False)
]

pytestmark = [
    pytest.mark.store("sqlite", "postgres", events=MIXED, clock=lambda: NOW),
    pytest.mark.usefixtures("full_privacy"),  # what is left is compared by positions and names
]

NOW = NOON + timedelta(days=200)
HORIZON = datetime(2026, 3, 22, tzinfo=UTC)  # of 180 days
ALL = TimePeriod(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC), "day")
BEFORE = TimePeriod(datetime(2026, 3, 1, tzinfo=UTC), HORIZON, "day")
AFTER = TimePeriod(datetime(2026, 4, 6, tzinfo=UTC), datetime(2026, 4, 11, tzinfo=UTC), "day")
KEEP = {"events": "180d"}


@projection(version=1, consumes=("provider.>", "tool.>"))
class Calls:
    """Calls of models and tools."""

    family: str = key("family")
    calls: int = count()


once = pytest.mark.store("sqlite")  # where databases make no difference


def opened(url: str | Path, **options: Any) -> AnalyticsService:
    return AnalyticsService.open(url, follow=False, clock=lambda: NOW, **options)


def held(service: AnalyticsService) -> Any:
    with service.store.read_models.read() as snapshot:
        return {name: snapshot.rows(each) for name, each in snapshot.live.items()}


def answers(service: Any, period: TimePeriod = ALL) -> list[Any]:
    """Return the figures of every answer, without what they stand on."""
    return [
        service.get_usage_stats(None, None, period).unwrap().series,
        service.get_usage_stats("user", None, period).unwrap().top_entities,
        service.get_performance_metrics(period).unwrap().operations,
        service.get_cost_breakdown(period).unwrap().rows,
        service.get_summary("performance.duration", period, group_by=["subject"]).unwrap().groups,
    ]


def types(service: AnalyticsService) -> list[str]:
    return service.store.log.scan(after=0, limit=10_000).column("type").to_pylist()  # type: ignore[no-any-return]


def identical(service: AnalyticsService) -> bool:
    verified = service.verify().unwrap()
    return verified.identical and all(each.identical for each in service.check_ledger().unwrap())


def code(result: Any) -> str:
    assert result.failure is not None
    return str(result.failure.code)


# ── the policy ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_by_default_everything_is_kept_for_ever() -> None:
    assert RetentionPolicy.of({}).to_dict() == {"events": "forever", "hourly": "forever", "daily": "forever"}


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("2w", 14), ("1y", 365), ("forever", None)])
def test_a_length_is_a_number_of_days_weeks_or_years(text: str, days: int | None) -> None:
    assert RetentionPolicy.of({"events": text}).events == {"": days}


def test_a_policy_says_what_it_was_read_from() -> None:
    told = {"events": "90d", "tool.*": "30d", "hourly": "400d", "daily": "forever"}

    assert RetentionPolicy.of(told).to_dict() == told


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"events": "90"}, "events is '90': write 90d"),
        ({"events": 90}, "events is 90: write 90d"),
        ({"events": "0d"}, "events is '0d'"),
        ({"weekly": "90d"}, "weekly is none of events, hourly"),
        ({"hourly": "90d"}, "hourly is 90d, but events stay for ever"),
        ({"events": "90d", "hourly": "30d"}, "hourly is 30d, but events stay 90d"),
        ({"events": "90d", "tool.*": "100d", "hourly": "95d"}, "hourly is 95d, but events stay 100d"),
        ({"events": "90d", "daily": "100d"}, "daily is 100d, but hourly stay for ever"),
        ({"events": "9d", "tool.*": "1d", "archive": "here"}, "archive needs one length"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused_before_anything_is_opened(
    tmp_path: Path, told: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnalyticsError, match=message):
        opened(tmp_path / "a.db", retention=told)

    assert list(tmp_path.iterdir()) == []


# ── nothing changes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_old_events_go_and_nothing_of_the_read_models_changes(analytics: AnalyticsService) -> None:
    before, told = held(analytics), answers(analytics)

    result = analytics.retain(KEEP).unwrap()

    assert (result.events, result.families[0].until) == (117, HORIZON)
    assert len(types(analytics)) == EVENTS - 117 + result.seals
    assert (held(analytics), answers(analytics)) == (before, told)
    assert identical(analytics)


def test_a_rebuild_carries_over_what_was_sealed(analytics: AnalyticsService) -> None:
    before = held(analytics)
    analytics.retain(KEEP).unwrap()

    rebuilt = analytics.rebuild().unwrap()

    assert (rebuilt.sealed_until, held(analytics)) == (HORIZON, before)
    assert identical(analytics)


@once
def test_read_models_that_were_deleted_begin_with_what_was_sealed(url: str, tmp_path: Path) -> None:
    with opened(url) as service:
        record(service, *MIXED)
        service.catch_up()
        before = held(service)
        service.retain(KEEP).unwrap()
    for file in tmp_path.glob("analytics.views.db*"):
        file.unlink()

    with opened(url) as service:
        service.catch_up()
        assert held(service) == before
        assert identical(service)


def test_a_period_can_be_derived_again(analytics: AnalyticsService) -> None:
    before = held(analytics)
    analytics.retain(KEEP).unwrap()

    analytics.run_aggregation(BEFORE).unwrap()

    assert held(analytics) == before


def test_late_events_of_what_is_kept_add_to_what_was_sealed(analytics: AnalyticsService) -> None:
    analytics.retain({"events": "180d", "tool.*": "190d"}).unwrap()
    with opened(":memory:") as twin:
        for each in (twin, analytics):
            if each is twin:
                record(each, *MIXED)
            late = tool_call(occurred_at=HORIZON - timedelta(days=3))  # kept, while what it adds to is mostly sealed
            each.record_event(**late).unwrap()
            each.catch_up()

        assert held(analytics) == held(twin)
        assert identical(analytics)
        analytics.rebuild().unwrap()
        assert held(analytics) == held(twin)


def test_again_changes_nothing_and_a_day_later_only_that_day_goes(analytics: AnalyticsService) -> None:
    analytics.retain(KEEP).unwrap()
    again = analytics.retain(KEEP).unwrap()
    set_clock(analytics, NOW + timedelta(days=1))
    later = analytics.retain(KEEP).unwrap()

    assert [(each.events, each.seals) for each in (again, later)] == [(0, 0), (6, 1)]
    assert identical(analytics)


@once
def test_only_what_is_about_to_be_sealed_is_verified(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    analytics.store.recorder.announce("analytics.note.written", {}, occurred_at=NOON - timedelta(days=30), id="1")
    analytics.retain(KEEP).unwrap()
    verified: list[TimePeriod] = []

    def noting(store: Any, names: Any, period: TimePeriod, *how: Any) -> Any:
        verified.append(period)
        return verifying(store, names, period, *how)

    verifying = refolding.refolding
    monkeypatch.setattr("analytics_es.audit.refolding.refolding", noting)
    set_clock(analytics, NOW + timedelta(days=1))
    analytics.retain(KEEP).unwrap()

    assert [(each.start, each.end) for each in verified] == [(HORIZON, HORIZON + timedelta(days=1))]


def test_a_longer_retention_brings_nothing_back(analytics: AnalyticsService) -> None:
    analytics.retain(KEEP).unwrap()

    assert analytics.retain({"events": "190d"}).unwrap().families[0].until == HORIZON


@once
def test_a_dry_run_says_what_would_be_done_and_does_nothing(analytics: AnalyticsService) -> None:
    plan = analytics.retain(KEEP, dry_run=True).unwrap()

    assert (plan.events, plan.seals, plan.bytes_after) == (117, 0, plan.bytes_before)
    assert plan.families[0].bytes > 0
    assert (len(types(analytics)), analytics.store.log.seals.horizon().seal) == (EVENTS, 0)


def test_everything_can_go_but_the_last_event(analytics: AnalyticsService) -> None:
    before = held(analytics)
    analytics.retain({"events": "1d"}).unwrap()

    assert set(types(analytics)) == {"analytics.events.sealed"}
    assert held(analytics) == before
    assert analytics.record_event(**tool_call(occurred_at=NOW)).unwrap().position > EVENTS
    assert identical(analytics)


def test_what_was_sealed_is_told_in_the_log(analytics: AnalyticsService) -> None:
    analytics.retain(KEEP).unwrap()

    (told,) = recorded(analytics, "analytics.events.sealed")
    data = told.data
    days = analytics.store.log.seals.days()
    assert (data["events"], data["checksum"]) == (117, sum(checksum for _, _, checksum in days))
    assert data["until"] == {"others": HORIZON.isoformat()}
    assert data["rows"]["usage"] > 0
    assert data["policy"]["events"] == "180d"


@once
def test_each_family_goes_when_its_time_has_come(analytics: AnalyticsService) -> None:
    before = held(analytics)
    result = analytics.retain({"events": "190d", "tool.*": "170d"}).unwrap()

    oldest: dict[str, datetime] = {}
    for event in recorded(analytics):
        oldest.setdefault(event.type.partition(".")[0], event.occurred_at)
    assert {each.family: each.until.day for each in result.families} == {None: 12, "tool": 1}
    assert (oldest["provider"].day, oldest["tool"].day) == (12, 1)
    assert held(analytics) == before
    analytics.rebuild().unwrap()
    assert held(analytics) == before
    assert identical(analytics)


LENGTHS = st.sampled_from([150, 165, 180, 195, 210])


@settings(max_examples=10)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("record"), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), min_size=1)),
            st.tuples(st.just("retain"), st.tuples(LENGTHS, LENGTHS)),
            st.tuples(st.just("rebuild"), st.none()),
            st.tuples(st.just("catch up"), st.none()),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_whatever_is_recorded_sealed_and_rebuilt_the_read_models_are_those_of_all_events(steps: Sequence[Any]) -> None:
    makers = (provider_call, tool_call, job_failed)
    number = 0
    with opened(":memory:") as kept, opened(":memory:") as all_of_it:
        for what, how in steps:
            if what == "record":
                for day, kind in how:
                    number += 1
                    event = makers[kind](occurred_at=NOON + timedelta(days=day), duration_ms=number)
                    if kept.record_event(**event, id=str(number)).value:
                        all_of_it.record_event(**event, id=str(number)).unwrap()
            elif what == "retain":
                kept.retain({"events": f"{how[0]}d", "tool.*": f"{how[1]}d"}).unwrap()
            elif what == "rebuild":
                kept.rebuild().unwrap()
            else:
                kept.catch_up()
        kept.catch_up(), all_of_it.catch_up()

        assert held(kept) == held(all_of_it)
        assert identical(kept)


# ── what is too old is refused ──────────────────────────────────────────────────────────────────────────────────


def test_an_event_from_before_the_horizon_is_refused_and_counted(analytics: AnalyticsService) -> None:
    analytics.retain(KEEP).unwrap()
    old = tool_call(occurred_at=HORIZON - timedelta(seconds=1))
    new = tool_call(occurred_at=HORIZON)

    one = analytics.record_event(**old)
    batch = analytics.record_events([new, old])
    skipped = analytics.record_events([new, old, old], skip_refused=True).unwrap()

    assert (code(one), code(batch)) == ("before_horizon", "refused_batch")
    assert (skipped.recorded, skipped.refused, skipped.refusals[0].code) == (1, 2, "before_horizon")
    assert analytics.retain(KEEP, dry_run=True).unwrap().refused == 4


@once
def test_another_process_learns_of_the_horizon_by_itself(url: str, analytics: AnalyticsService) -> None:
    with opened(url) as other:
        analytics.retain(KEEP).unwrap()

        assert code(other.record_event(**tool_call())) == "before_horizon"


# ── what can no longer be answered is said ──────────────────────────────────────────────────────────────────────


def test_an_answer_says_up_to_when_events_are_sealed(analytics: AnalyticsService) -> None:
    analytics.retain(KEEP).unwrap()

    told = [analytics.get_performance_metrics(each).unwrap().completeness for each in (ALL, AFTER)]

    assert [each.sealed_until for each in told] == [HORIZON, None]
    assert analytics.verify().unwrap().sealed_until == HORIZON


@once
def test_what_needs_the_events_themselves_is_refused_before_the_horizon(
    analytics: AnalyticsService, tmp_path: Path
) -> None:
    analytics.retain(KEEP).unwrap()

    asked: list[Callable[[TimePeriod], Any]] = [
        lambda period: analytics.explain("usage.events", period),
        lambda period: analytics.export_data("csv", period, to=tmp_path / f"{period.start.day}.csv"),
        lambda period: analytics.as_of(200).get_usage_stats(None, None, period),
        lambda period: analytics.diff(period, 200),
    ]

    assert [code(each(BEFORE)) for each in asked] == ["sealed_period"] * len(asked)
    assert [each(AFTER).failure for each in asked] == [None] * len(asked)


@once
def test_the_series_of_metrics_are_exported_as_before(analytics: AnalyticsService, tmp_path: Path) -> None:
    before = analytics.export_data("csv", ALL, ["usage.events", "performance.duration"], to=tmp_path / "a").unwrap()
    analytics.retain(KEEP).unwrap()
    after = analytics.export_data("csv", ALL, ["usage.events", "performance.duration"], to=tmp_path / "b").unwrap()

    assert after.sha256 == before.sha256


def test_as_of_is_exact_before_the_horizon_where_all_that_is_sealed_had_come(analytics: AnalyticsService) -> None:
    told = answers(analytics)
    with analytics.as_of(200) as then:
        recent = answers(then, AFTER)
    analytics.retain(KEEP).unwrap()

    with analytics.as_of(EVENTS) as then:
        assert answers(then) == told
    with analytics.as_of(200) as then:
        assert answers(then, AFTER) == recent


@once
def test_hours_that_are_no_longer_kept_are_answered_as_days_or_refused(analytics: AnalyticsService) -> None:
    ragged = TimePeriod(NOON + timedelta(days=3), NOON + timedelta(days=5, hours=1), "day")
    day = TimePeriod.day(NOON.date() + timedelta(days=3))
    before = analytics.get_usage_stats(None, None, TimePeriod(day.start, day.start + timedelta(days=3), "day")).unwrap()

    result = analytics.retain({**KEEP, "hourly": "181d"}).unwrap()

    assert result.hours_from == HORIZON - timedelta(days=1)
    answer = analytics.get_usage_stats(None, None, ragged).unwrap()
    assert (answer.period.start, answer.totals) == (day.start, before.totals)
    assert code(analytics.get_usage_stats(None, None, TimePeriod(day.start, day.end, "hour"))) == "no_longer_kept"
    assert identical(analytics)
    analytics.rebuild().unwrap()
    assert identical(analytics)


@once
def test_days_that_are_no_longer_kept_are_refused_and_unknown_as_the_period_before(analytics: AnalyticsService) -> None:
    analytics.retain({**KEEP, "hourly": "181d", "daily": "183d"}).unwrap()
    days = [TimePeriod.day((HORIZON - timedelta(days=n)).date(), granularity="day") for n in (3, 4)]

    kept = analytics.get_summary("usage.events", days[0]).unwrap()

    assert (kept.figures.count, kept.previous.count, kept.change) == (6, None, None)
    assert code(analytics.get_summary("usage.events", days[1])) == "no_longer_kept"
    assert analytics.get_cost_breakdown(days[0]).unwrap().totals[0].previous_cost is None
    assert identical(analytics)


# ── another definition ──────────────────────────────────────────────────────────────────────────────────────────


def with_tokens() -> type:
    """Return `Calls` with one more measure."""

    class Calls:
        """Calls, and their tokens."""

        family: str = key("family")
        calls: int = count()
        tokens: int | None = total("output_tokens")

    return projection(version=2, consumes=("provider.>", "tool.>"))(Calls)


def by_model() -> type:
    """Return `Calls` by another key."""

    class Calls:
        """Calls by model."""

        model: str = key("model")
        calls: int = count()

    return projection(version=2, consumes=("provider.>", "tool.>"))(Calls)


def calls(service: AnalyticsService, measure: str = "calls") -> tuple[Any, Any]:
    answer = service.get_summary(f"calls.{measure}", ALL).unwrap()
    return answer.figures.total, answer.completeness.complete_from


@once
def test_a_measure_that_is_new_is_complete_from_the_horizon_on_and_the_others_are_carried_over(url: str) -> None:
    with opened(url, projections=[Calls]) as service:
        record(service, *MIXED)
        service.catch_up()
        service.retain(KEEP).unwrap()
        assert calls(service) == (160, None)
    with opened(url, projections=[with_tokens()]) as service:
        service.catch_up()
        tokens = 150 * len([each for each in types(service) if each.startswith("provider")])
        assert (calls(service), calls(service, "tokens")) == ((160, HORIZON), (tokens, HORIZON))
        assert identical(service)
        service.retain({"events": "170d"}).unwrap()
        assert calls(service, "tokens") == (tokens, HORIZON)


@once
def test_rows_of_other_keys_are_not_carried_over_but_stay_in_the_log(url: str) -> None:
    with opened(url, projections=[Calls]) as service:
        record(service, *MIXED)
        service.catch_up()
        service.retain(KEEP).unwrap()
    with opened(url, projections=[by_model()]) as service:
        service.catch_up()
        left = len([each for each in types(service) if each.startswith(("provider", "tool"))])
        assert calls(service) == (left, HORIZON)
    with opened(url, projections=[Calls]) as service:
        service.rebuild().unwrap()
        assert calls(service) == (160, None)


@once
def test_a_projection_that_is_new_says_from_when_on_it_is_complete(url: str, analytics: AnalyticsService) -> None:
    analytics.retain(KEEP).unwrap()
    with opened(url, projections=[Calls]) as service:
        service.catch_up()

        assert calls(service)[1] == HORIZON


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────


@once
def test_what_does_not_verify_is_not_sealed(analytics: AnalyticsService) -> None:
    with analytics.store.read_models.writing() as cursor:
        table = analytics.store.read_models.live()["usage"].declaration.table
        cursor.execute(f"UPDATE {table} SET events = events + 1 WHERE grain = 'day'")

    assert code(analytics.retain(KEEP)) == "does_not_verify"
    assert len(types(analytics)) == EVENTS


class Stopped(BaseException):
    """The process is killed here."""


STEPS = [
    ("about_to_seal", True),
    ("seal", False),
    ("seal", True),
    ("announce", False),
    ("announce", True),
    ("delete", True),
    ("advance", True),
    ("drop", False),
]


@pytest.mark.parametrize(("step", "after"), STEPS)
@once
def test_a_run_that_is_stopped_anywhere_is_finished_by_the_next(
    url: str, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    with opened(url) as service:
        record(service, *MIXED)
        service.catch_up()
        before = held(service)
        home = next(
            each
            for each in (service.store.log.seals, service.store.read_models, service.store.recorder)
            if hasattr(each, step)
        )
        real = getattr(type(home), step)

        def stopping(*arguments: Any, **options: Any) -> None:
            if after:
                real(*arguments, **options)
            raise Stopped

        monkeypatch.setattr(type(home), step, stopping)
        with pytest.raises(Stopped):
            service.retain({**KEEP, "hourly": "300d"})
        monkeypatch.undo()
    with opened(url) as service:
        service.catch_up()
        assert held(service) == before
        service.rebuild().unwrap()
        assert held(service) == before

        service.retain({**KEEP, "hourly": "300d"}).unwrap()

        assert held(service) == before
        assert identical(service)
        assert all(not each.startswith(("tool", "job", "provider")) for each in types(service)[: EVENTS - 240])
        assert service.store.log.seals.horizon().clean
        assert types(service).count("analytics.events.sealed") == 1
        only_live(service.store.read_models)


@once
def test_read_models_that_are_made_while_events_are_sealed_begin_again(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(url) as service, opened(":memory:") as twin:
        for each in (service, twin):
            record(each, *MIXED)
            each.catch_up()
        seals = type(service.store.log.seals)
        real = seals.seal

        def meanwhile(*arguments: Any) -> None:
            """Somebody deletes the read models, and another process has half of them filled again."""
            for file in tmp_path.glob("analytics.views.db*"):
                file.unlink()
            with opened(url) as other:
                other.store.runner._batch = 50
                other.store.runner.background.stopping.set()
                monkeypatch.setattr(other.store.runner.background, "is_this", lambda: True)
                other.store.runner.step()
                assert 0 < min(each.position for each in other.store.read_models.live().values()) < EVENTS
            real(*arguments)

        monkeypatch.setattr(seals, "seal", meanwhile)
        service.retain(KEEP).unwrap()
        service.catch_up()

        assert held(service) == held(twin)
        assert identical(service)


def test_others_go_on_recording_meanwhile(url: str, analytics: AnalyticsService) -> None:
    done = threading.Event()
    recorded: list[int] = []

    def work() -> None:
        with opened(url) as other:
            while not done.is_set():
                recorded.append(other.record_event(**tool_call(occurred_at=NOW)).unwrap().position)

    thread = threading.Thread(target=work)
    thread.start()
    while not recorded:
        pass
    analytics.retain(KEEP).unwrap()
    done.set()
    thread.join()
    analytics.catch_up()

    assert len(set(recorded)) == len(recorded)
    assert identical(analytics)
    today = TimePeriod(NOW - timedelta(hours=1), NOW + timedelta(hours=1), "total")
    assert analytics.get_summary("usage.events", today).unwrap().figures.count == len(recorded)


@once
def test_only_one_retains_or_rebuilds_at_a_time(
    url: str, analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "PATIENCE", 0.0)
    with opened(url) as other, other.store.read_models.rebuilding():
        assert code(analytics.retain(KEEP)) == "rebuild_running"


@once
@pytest.mark.parametrize(("before", "after"), [("decimals", "decimams"), ("kind", "kinb"), ("usage", "usagf")])
def test_a_definition_of_sealed_rows_that_was_changed_is_found(
    analytics: AnalyticsService, before: str, after: str
) -> None:
    analytics.retain(KEEP).unwrap()
    with analytics.store.log.seals._database.write() as cursor:
        cursor.execute("UPDATE seals SET declared = replace(declared, ?, ?)", [before, after])

    assert code(analytics.rebuild()) == code(analytics.verify()) == "damaged_seal"
    assert answers(analytics)


@once
def test_sealed_rows_that_were_changed_are_found(analytics: AnalyticsService) -> None:
    analytics.retain(KEEP).unwrap()
    with analytics.store.log.seals._database.write() as cursor:
        cursor.execute("UPDATE sealed_rows SET content = CAST(content || x'00' AS BLOB) WHERE projection = 'usage'")

    assert code(analytics.rebuild()) == code(analytics.verify()) == "damaged_seal"
    assert answers(analytics)


@once
def test_what_was_sealed_keeps_its_zone(url: str, tmp_path: Path, analytics: AnalyticsService) -> None:
    analytics.retain(KEEP).unwrap()
    for file in tmp_path.glob("analytics.views.db*"):
        file.unlink()

    with pytest.raises(CannotOpen, match="sealed as they begin in UTC, not Europe/Berlin"):
        opened(url, timezone="Europe/Berlin")


@once
def test_what_could_not_be_read_stays_counted(analytics: AnalyticsService) -> None:
    append(analytics.store.log, ("provider.call.completed", b"no JSON"))  # type: ignore[arg-type]
    analytics.catch_up()
    before = contents(analytics.store.read_models)  # type: ignore[arg-type]
    letters = analytics.dead_letters().unwrap()
    analytics.retain(KEEP).unwrap()
    analytics.rebuild(set_aside=True).unwrap()

    assert contents(analytics.store.read_models) == before  # type: ignore[arg-type]
    assert letters == analytics.dead_letters().unwrap() != []
    assert code(analytics.dead_letter(EVENTS + 1)) == "sealed_period"
    assert analytics.retry_dead_letters().unwrap().remaining == len(letters)
    assert contents(analytics.store.read_models) == before  # type: ignore[arg-type]


# ── archives ────────────────────────────────────────────────────────────────────────────────────────────────────


@once
def test_what_is_deleted_is_archived_first_and_read_models_can_be_rebuilt_from_there(
    analytics: AnalyticsService, tmp_path: Path
) -> None:
    before = held(analytics)
    first = analytics.retain(KEEP, archive=tmp_path / "archive").unwrap()
    set_clock(analytics, NOW + timedelta(days=5))
    second = analytics.retain(KEEP, archive=tmp_path / "archive").unwrap()

    assert [each.archive.rows for each in (first, second) if each.archive] == [117, 30]
    seeds = Seeds(analytics.store.log)
    assert sum(n for _, n, _ in seeds.days()) == 147
    rebuilt = analytics.rebuild(archive=tmp_path / "archive").unwrap()
    told = 2 * (first.seals + second.seals)  # of each seal, and of each archive
    assert (rebuilt.events, held(analytics)) == (EVENTS + told, before)
    assert identical(analytics)


@once
def test_an_archive_that_lacks_what_is_sealed_is_refused(analytics: AnalyticsService, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    analytics.export_data("parquet", BEFORE, to=tmp_path / "old" / "a.parquet").unwrap()
    part = TimePeriod(BEFORE.start, HORIZON - timedelta(hours=5), "day")
    (tmp_path / "part").mkdir()
    analytics.export_data("parquet", part, to=tmp_path / "part" / "a.parquet").unwrap()
    analytics.record_event(**tool_call(occurred_at=NOON + timedelta(days=2))).unwrap()
    before = held(analytics)
    analytics.retain(KEEP).unwrap()

    assert code(analytics.rebuild(archive=tmp_path / "old")) == "bad_manifest"
    assert code(analytics.rebuild(archive=tmp_path / "part")) == "bad_manifest"
    assert held(analytics) != before  # the late event alone
    assert identical(analytics)


@once
def test_an_archive_does_not_go_on_among_other_exports(analytics: AnalyticsService, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    analytics.export_data("parquet", BEFORE, to=tmp_path / "exports" / "a.parquet").unwrap()

    assert code(analytics.retain(KEEP, archive=tmp_path / "exports")) == "bad_retention"
    assert analytics.store.log.seals.days() == []


@once
def test_an_archive_of_a_run_that_was_stopped_is_not_written_twice(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopping(*_: Any) -> None:
        raise Stopped

    monkeypatch.setattr(type(analytics.store.log.seals), "seal", stopping)
    with pytest.raises(Stopped):
        analytics.retain(KEEP, archive=tmp_path / "archive")
    monkeypatch.undo()

    assert analytics.retain(KEEP, archive=tmp_path / "archive").unwrap().archive is None
    assert analytics.rebuild(archive=tmp_path / "archive").unwrap().events == EVENTS + 2
    assert identical(analytics)
