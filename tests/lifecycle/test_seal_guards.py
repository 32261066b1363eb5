"""The guards of a seal, each by itself: what one fold may seal, what a seal is of, what is noted of who is stuck."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import BeforeHorizon, DoesNotVerify, FoldFailed
from analytics_es.lifecycle import sealing
from analytics_es.lifecycle.retention import RetentionPolicy
from analytics_es.lifecycle.seal_fold import SealFold, _older
from analytics_es.lifecycle.seal_once import Refolded, _is_placed, is_plain, sealing_once
from analytics_es.lifecycle.sealing import Sealing
from analytics_es.lifecycle.stuck import Adopted, Stuck
from analytics_es.log import Horizon
from analytics_es.projection import count, key, projection
from analytics_es.projection.fold import WHOLE
from analytics_es.read_models.selection import Span
from analytics_es.read_models.snapshot import PARTIAL
from analytics_es.store import Store
from analytics_es.testing import NOON, job_failed, tool_call
from tests.lifecycle.test_guards import Both, Tools, day
from tests.stores import entry, opened, record

STRETCHES = [(day(3), day(2)), (day(2), day(1))]
PERIOD = TimePeriod(NOON - timedelta(days=3), NOON, "day")
POSITION = 7
NO_TIME = Span("hour", 0, 1)
MONTH_LATER = NOON + timedelta(days=30)


@projection(version=1, consumes=("tool.>", "analytics.>"))
class Told:
    """Of what the service itself has to say, too."""

    kind: str = key("type")
    events: int = count()


@pytest.fixture(scope="module")
def store() -> Iterator[AnalyticsService]:
    with opened(projections=[Tools, Both]) as service:
        record(service, tool_call())
        yield service


# ── what is sealed by one fold ──────────────────────────────────────────────────────────────────────────────────


def test_one_fold_is_of_projections_that_are_live_as_they_are_declared(store: AnalyticsService) -> None:
    def plain(*names: str) -> bool:
        declared = [own for own in store.store.declarations if own.name in names]
        parts = SimpleNamespace(read_models=store.store.read_models, declarations=declared)
        return is_plain(cast(Store, parts), Horizon(refused={"": 9}), Horizon())

    assert (plain("tools", "both"), plain("tools"), plain()) == (True, False, False)


def test_one_fold_is_of_no_projection_of_what_is_never_sealed() -> None:
    with opened(projections=[Tools, Told]) as service:
        assert not is_plain(service.store, Horizon(refused={"": 9}), Horizon())


@pytest.mark.parametrize(
    ("changes", "once"),
    [
        ({}, True),
        ({"field": "duration_ms"}, True),
        ({"field": WHOLE}, False),
        ({"field": WHOLE, "within": NO_TIME}, False),
        ({"position": POSITION - 1}, False),
        ({"verified": ["tools"]}, False),
        ({"key": "0" * 32}, False),
        ({"differing": True}, None),
        ({"differing": True, "position": POSITION - 1}, False),  # the other check says what is the matter
    ],
)
def test_what_may_be_something_else_than_is_sealed_is_folded_again(
    store: AnalyticsService, changes: dict[str, Any], once: bool | None
) -> None:
    refolding = _refolding(**changes)
    if once is None:
        with (
            pytest.raises(DoesNotVerify, match="tools"),
            sealing_once(store.store, refolding, PERIOD, STRETCHES, POSITION),
        ):
            pass
        return
    with sealing_once(store.store, refolding, PERIOD, STRETCHES, POSITION) as refolded:
        assert isinstance(refolded, Refolded) is once


def _refolding(
    *,
    field: str = "",
    within: Span | None = None,
    position: int = POSITION,
    verified: Sequence[str] = ("tools", "both"),
    key: str = "",
    differing: bool = False,
) -> Any:
    """Return what verifies two projections: with a value that was unreadable, or with an event under this key."""
    span = within or Span("hour", STRETCHES[0][0], STRETCHES[-1][1])
    written = entry(NOON, **tool_call(occurred_at=NOON))
    events = {"type": [written.type], "position": [1], "key": [key or written.key], "state": [written.state]}

    def page(_: object, spans: Sequence[Span], **__: object) -> list[tuple[Any, ...]]:
        return [(1, 0, field)] if field and span in spans else []

    @contextmanager
    def refolding(_: object, __: object, stretches: Any, watched: Callable[[int, pa.Table], None]) -> Iterator[Any]:
        watched(stretches[0][0], pa.table(events))
        checked = [SimpleNamespace(projection=name, position=POSITION, identical=True) for name in verified]
        checked[0] = SimpleNamespace(projection=verified[0], position=position, identical=not differing)
        yield checked, SimpleNamespace(live={"tools": 1, "both": 2}, unreadable_page=page)

    return refolding


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("2026-03-02T12:00:00Z", True),
        ("2026-03-02T12:00:00.000000Z", True),
        ("2026-03-02 12:00:00Z", False),
        ("2026-03-02T12:00:00+00:00", False),
        ("2026-03-02T12:00:01Z", False),
        ("2026-03-02", False),
        (7, False),
    ],
)
def test_an_event_is_placed_under_the_time_that_it_says_as_we_write_it(text: Any, placed: bool) -> None:
    written = entry(NOON, **tool_call(occurred_at=datetime(2026, 3, 2, 12, tzinfo=UTC)))
    assert _is_placed(written.key, b'{"occurred_at":%s}' % (b"7" if text == 7 else f'"{text}"'.encode())) is placed


# ── what a seal is of ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_occurred_at_its_time_is_not_sealed() -> None:
    at = datetime.fromtimestamp(day(1), UTC)
    events = [tool_call(occurred_at=at + timedelta(microseconds=n)) for n in (-1, 0, 1)]
    written = [entry(NOON, **event) for event in events]
    batch = pa.table({"type": [each.type for each in written], "key": [each.key for each in written]})

    assert _older(batch, {"": day(1)})["key"].to_pylist() == [written[0].key]


def test_what_is_declared_as_it_is_live_is_folded_once(store: AnalyticsService) -> None:
    fold = SealFold(store.store, Stuck(store.store, {}), {"": day(-1)}, 9, lambda *_: None)
    live, coming = fold._groups()
    definitions, *_ = fold.derived(Horizon())

    assert ([each.declaration.name for each in live], coming) == (["both", "tools"], [])
    assert sorted(definition.projection for definition in definitions) == ["both", "tools"]


def test_what_is_declared_and_not_live_yet_is_folded_beside_what_is(path: Path) -> None:
    later = projection(version=2, consumes=("tool.>",))(
        type("Tools", (), {"__annotations__": {"name": str, "events": int}, "name": key("tool"), "events": count()})
    )
    with opened(path, projections=[Tools]) as service:
        record(service, tool_call())
    with opened(path, projections=[later], rebuild="manual") as service:
        fold = SealFold(service.store, Stuck(service.store, {}), {"": day(-1)}, 9, lambda *_: None)
        definitions, rows, days, _ = fold.derived(Horizon())

    assert len({definition.definition for definition in definitions}) == 2
    assert {sealed.definition for sealed in rows} == {definition.definition for definition in definitions}
    assert [events for _, events, _ in days] == [1]


def test_who_fails_and_may_not_keeps_everything_from_being_sealed(store: AnalyticsService) -> None:
    stuck = Stuck(store.store, {})
    failure = FoldFailed(projection="tools", problem="no room")
    fold = SealFold(store.store, stuck, {"": day(-1)}, 9, lambda *_: None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analytics_es.lifecycle.seal_fold.Intake.__call__", _failing(failure))
        with pytest.raises(FoldFailed):
            fold.derived(Horizon())
        assert stuck.errors == {}
        stuck.errors["tools"] = failure
        stuck.errors["both"] = failure
        *_, adopted = fold.derived(Horizon())
    assert sorted(one.live.declaration.name for one in adopted) == ["both", "tools"]


def _failing(failure: FoldFailed) -> Callable[..., None]:
    def intake(*_: object) -> None:
        raise failure

    return intake


def test_a_stretch_with_nothing_to_seal_is_no_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of it are kept."""
    monkeypatch.setattr(sealing, "TOGETHER", 1)
    with opened(clock=lambda: MONTH_LATER, projections=[Tools, Both]) as service:
        for number, event in enumerate([tool_call, job_failed, tool_call]):
            record(service, event(occurred_at=NOON + timedelta(days=number)))

        result = service.retain({"events": "20d", "job.*": "forever"}).unwrap()

        assert (result.events, result.seals) == (2, 2)
        assert service.verify().unwrap().identical


def test_what_is_older_than_it_is_kept_is_refused_though_there_was_nothing_to_seal() -> None:
    with opened(clock=lambda: MONTH_LATER, projections=[Tools]) as service:
        assert service.retain({"events": "10d"}).unwrap().seals == 0

        assert service.store.log.seals.horizon().refused == {"": day(-20)}
        with pytest.raises(BeforeHorizon):
            service.record_event(**tool_call(occurred_at=NOON)).unwrap()


@pytest.mark.parametrize(
    ("kept", "hours", "days"), [("hourly", True, False), ("daily", False, True), (None, False, False)]
)
def test_hours_and_days_are_let_go_each_by_its_own_length(kept: str | None, hours: bool, days: bool) -> None:
    lengths = {"events": "2d", "hourly": "5d" if kept else "forever", "daily": "forever"}
    with opened(clock=lambda: MONTH_LATER, projections=[Tools]) as service:
        record(service, tool_call(occurred_at=NOON))
        if kept == "daily":  # when the hours are gone already
            service.retain(lengths).unwrap()
            before = service.store.log.seals.horizon()
            service.retain({**lengths, "daily": "9d"}).unwrap()
            horizon = service.store.log.seals.horizon()
            assert (horizon.hours, before.days, horizon.days) == (before.hours, 0, day(-21))
        else:
            service.retain(lengths).unwrap()
            horizon = service.store.log.seals.horizon()
            assert (bool(horizon.hours), bool(horizon.days)) == (hours, days)


def test_what_cannot_be_folded_is_not_asked_for_again_and_the_others_are_checked(store: AnalyticsService) -> None:
    failure, asked = FoldFailed(projection="tools", problem="no room"), list[list[str]]()

    def verify(names: Sequence[str], _: TimePeriod) -> Any:
        asked.append(list(names))
        assert len(asked) < 3
        if "tools" in names:
            raise failure
        return SimpleNamespace(projections=[SimpleNamespace(projection=name, identical=True) for name in names])

    run = Sealing(store.store, RetentionPolicy.of({}), verify, cast(Any, None))
    run._check(PERIOD)

    assert asked == [["both", "tools"], ["both"]]
    assert run._stuck.errors == {"tools": failure}


def test_where_nothing_can_be_folded_nothing_is_sealed(store: AnalyticsService) -> None:
    def verify(names: Sequence[str], _: TimePeriod) -> Any:
        raise FoldFailed(projection=names[0], problem="no room")

    with pytest.raises(FoldFailed, match="both"):
        Sealing(store.store, RetentionPolicy.of({}), verify, cast(Any, None))._check(PERIOD)


# ── what is noted of who is stuck ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("lost", "settled", "noted"), [(0, True, (None, 1)), (2, True, (str(day(1)), 1)), (2, False, (None, 0))]
)
def test_what_it_lacks_is_noted_where_it_lacks_any_and_goes_on_as_it_is(
    lost: int, settled: bool, noted: tuple[str | None, int]
) -> None:
    with opened(projections=[Tools]) as service:
        record(service, tool_call())
        read_models = service.store.read_models
        live = read_models.live()["tools"]
        failure = FoldFailed(projection="tools", problem="no")
        stuck = Stuck(service.store, {"tools": failure})

        stuck.settle([Adopted(live, cast(Any, None), [], [(day(5), 3, 99)], lost, settled)], day(1))

        with read_models.reading() as cursor:
            partial = read_models.about(cursor).get(f"{PARTIAL}{live.declaration.table}")
            days = cursor.execute("SELECT count(*) FROM ledger WHERE day = ?", (day(5),)).fetchone()[0]
        assert (partial, days) == noted
        assert [(each.projection, each.lost) for each in stuck.result()] == [("tools", lost)]
