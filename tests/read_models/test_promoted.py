"""A definition that is promoted while others work: what they have folded of the one before is never put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection import count, key, projection
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Folded
from analytics_es.projections import Usage
from analytics_es.read_models import aggregation, beside
from analytics_es.read_models.halving import following
from analytics_es.testing import NOON, tool_call
from tests.stores import opened

DAY = TimePeriod(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC), "day")
EVENTS = [tool_call(occurred_at=NOON, user_id=f"user-{n}", tool=f"tool-{n % 2}") for n in range(6)]


@projection(version=1, consumes=("tool.>",))
class Mine:
    """Calls by tool."""

    what: str = key("tool")
    calls: int = count()


pytestmark = [
    pytest.mark.store("sqlite", "postgres", events=EVENTS, projections=(Usage, Mine), rebuild="manual"),
    pytest.mark.usefixtures("full_privacy", "vault_key"),
]


def changed() -> type:
    """Return the projection in a later definition: calls by person, in columns of the same names."""
    return projection(version=2, consumes=("tool.>",))(
        type("Mine", (), {"__annotations__": {"what": str, "calls": int}, "what": key("user_id"), "calls": count()})
    )


@pytest.fixture
def newer(url: str, analytics: AnalyticsService) -> Iterator[AnalyticsService]:
    """Return the store opened by a process of a newer version, which has not rebuilt yet."""
    with opened(url, projections=(Usage, changed()), rebuild="manual") as newer:
        yield newer


def promoted(newer: AnalyticsService) -> Callable[[], None]:
    """Fill a read model of the new definition now, as far as the live one is; returns what promotes it."""
    (new,) = beside.begin(newer.store.read_models, ["mine"])
    head = newer.store.log.head()
    fold = newer.store.fold(newer.store.log.scan(after=0, limit=1000), ["mine"])["mine"]
    assert newer.store.read_models.commit(new, fold, expected=0, position=head)

    def promote() -> None:
        assert beside.promote(newer.store.read_models, [new])

    return promote


def once(real: Callable[..., Any], first: Callable[[], object]) -> Callable[..., Any]:
    """Return what does something else first, when it is called the first time."""
    left = [first]

    def hooked(*arguments: Any, **options: Any) -> Any:
        if left:
            left.pop()()
        return real(*arguments, **options)

    return hooked


def live(service: AnalyticsService) -> Declaration:
    return service.store.read_models.live()["mine"].declaration


def is_of_the_new_one_alone(service: AnalyticsService) -> bool:
    with service.store.read_models.read() as snapshot:
        rows = snapshot.rows(snapshot.live["mine"])
    return all(row[2].startswith("user-") for row in rows) and service.verify().unwrap().identical


@pytest.mark.parametrize("commit", ["commit_all", "commit", "fold", "batch"])
def test_a_follower_commits_nothing_of_the_old_one(
    analytics: AnalyticsService, newer: AnalyticsService, monkeypatch: pytest.MonkeyPatch, commit: str
) -> None:
    promote = promoted(newer)
    analytics.record_event(**tool_call(occurred_at=NOON, user_id="user-late")).unwrap()
    read_models = analytics.store.read_models
    if commit == "commit":  # each projection by itself
        monkeypatch.setattr(read_models, "commit_all", lambda *_, **__: False)
    if commit == "fold":  # before anything is committed
        monkeypatch.setattr(analytics.store.log, "scan", once(analytics.store.log.scan, promote))
    elif commit == "batch":  # when it is folded
        monkeypatch.setattr(analytics.store.runner, "_commit", once(analytics.store.runner._commit, promote))
    else:
        monkeypatch.setattr(read_models, commit, once(getattr(read_models, commit), promote))

    analytics.catch_up()

    assert live(analytics).version == 2
    assert is_of_the_new_one_alone(newer)
    assert newer.get_summary("mine.calls", DAY).unwrap().figures.count == 7


def test_the_place_of_the_one_before_is_forgotten(analytics: AnalyticsService, newer: AnalyticsService) -> None:
    promote, read_models = promoted(newer), newer.store.read_models
    before = read_models.checkpoint_name(live(analytics))
    with read_models.reading() as cursor:
        assert read_models.checkpoints.positions(cursor, [before])[before] == len(EVENTS)
    promote()

    with read_models.reading() as cursor:
        assert read_models.checkpoints.positions(cursor, [before]).get(before, 0) == 0


def test_who_was_refused_says_so_and_leaves_it_to_who_was_faster(analytics: AnalyticsService) -> None:
    runner, nothing = analytics.store.runner, Folded(rows=[], unreadable=[])
    assert not runner._take(live(analytics), nothing, 0, len(EVENTS) + 1)
    analytics.record_event(**tool_call(occurred_at=NOON)).unwrap()

    while runner.step(yielding=True):
        pass

    at = {name: model.position for name, model in analytics.store.read_models.live().items()}
    assert at == {"mine": len(EVENTS), "usage": len(EVENTS) + 1}


def test_a_follower_that_takes_events_one_by_one_commits_nothing_of_the_old_one(
    analytics: AnalyticsService, newer: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote = promoted(newer)
    analytics.record_event(**tool_call(occurred_at=NOON, user_id="user-late")).unwrap()
    runner = analytics.store.runner
    declaration = live(analytics)
    runner._halvings["mine"] = following(
        analytics.store.log, analytics.store.read_models, declaration, analytics.store.fold, 2
    )
    monkeypatch.setattr(analytics.store.log, "scan", once(analytics.store.log.scan, promote))

    analytics.catch_up()

    assert live(analytics).version == 2
    assert is_of_the_new_one_alone(newer)


@pytest.mark.parametrize("near", [10_000, 0])
def test_what_is_derived_again_is_derived_by_what_is_live_then(
    analytics: AnalyticsService, newer: AnalyticsService, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    if not near:  # the new one is further
        analytics.record_event(**tool_call(occurred_at=NOON, user_id="user-late")).unwrap()
    promote, read_models = promoted(newer), analytics.store.read_models
    monkeypatch.setattr(aggregation, "NEAR", near)
    monkeypatch.setattr(read_models, "replacing" if near else "live", _second(read_models, near, promote))

    result = analytics.run_aggregation(DAY, ["mine"]).unwrap()

    assert live(analytics).version == 2
    assert result.position == newer.store.log.head()
    assert is_of_the_new_one_alone(newer)


def _second(read_models: Any, near: int, promote: Callable[[], None]) -> Callable[..., Any]:
    """Return what is promoted just before rows are swapped, or just before it is looked how far behind they are."""
    if near:
        return once(read_models.replacing, promote)
    real, calls = read_models.live, list[int]()

    def hooked() -> Any:
        calls.append(1)
        if len(calls) == 2:
            promote()
        return real()

    return hooked


@pytest.mark.parametrize("near", [10_000, 0])
def test_a_follower_that_moves_on_while_rows_are_derived_loses_and_doubles_nothing(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    """It moves when all is folded, and again just before rows are swapped."""
    monkeypatch.setattr(aggregation, "NEAR", near)
    read_models, parts = analytics.store.read_models, aggregation._Aggregation.parts

    def move() -> None:
        for _ in range(3):
            analytics.record_event(**tool_call(occurred_at=NOON, user_id="user-late")).unwrap()
        analytics.catch_up()

    left, folds = [move], list[int]()

    def moving(self: Any, *arguments: Any, **options: Any) -> Any:
        folds.append(1)
        outcome = parts(self, *arguments, **options)
        if left:
            left.pop()()
        return outcome

    monkeypatch.setattr(aggregation._Aggregation, "parts", moving)
    monkeypatch.setattr(read_models, "replacing", once(read_models.replacing, move))

    result = analytics.run_aggregation(DAY, ["mine"]).unwrap()

    assert result.events == result.position == analytics.store.log.head() == len(EVENTS) + 6
    assert len(folds) == (2 if near else 3)  # what is much is folded before nobody else can commit
    assert analytics.verify().unwrap().identical


def test_what_is_derived_by_the_new_one_begins_with_what_was_sealed(
    url: str, analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = projection(version=3, consumes=("tool.>",))(
        type("Mine", (), {"__annotations__": {"what": str, "calls": int}, "what": key("tool"), "calls": count()})
    )
    assert analytics.retain({"events": "1d"}).unwrap().events == len(EVENTS)
    with opened(url, projections=(Usage, same), rebuild="manual") as newer:
        newer.catch_up()
        (new,) = beside.begin(newer.store.read_models, ["mine"])
        position, nothing = newer.store.read_models.live()["mine"].position, Folded(rows=[], unreadable=[])
        assert newer.store.read_models.commit(new, nothing, expected=0, position=position)

        def promote() -> None:
            assert beside.promote(newer.store.read_models, [new])

        read_models = analytics.store.read_models
        monkeypatch.setattr(read_models, "replacing", once(read_models.replacing, promote))
        analytics.run_aggregation(DAY, ["mine"]).unwrap()

        assert live(analytics).version == 3
        assert newer.get_summary("mine.calls", DAY).unwrap().figures.count == len(EVENTS)
