"""Few events are taken in by one commit for all projections; where that cannot be, each is committed by itself."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import StoreFailed, StoreUnavailable
from analytics_es.read_models import ReadModels
from analytics_es.read_models import together as deciding
from analytics_es.testing import provider_call, tool_call
from tests.service.test_postgres import exact

pytestmark = [pytest.mark.store("sqlite", "postgres"), pytest.mark.usefixtures("full_privacy")]

COMMITTED = ("commit", "commit_all")


@pytest.fixture
def commits(analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the commits that are made from here on."""
    analytics.catch_up()
    made, read_models = list[str](), analytics.store.read_models
    for name in COMMITTED:
        one = getattr(ReadModels, name)

        def commit(self: ReadModels, *arguments: Any, name: str = name, one: Any = one, **more: Any) -> bool:
            if self is read_models:
                made.append(name)
            return bool(one(self, *arguments, **more))

        monkeypatch.setattr(ReadModels, name, commit)
    return made


def take_in(analytics: AnalyticsService, count: int = 3) -> None:
    analytics.record_events([tool_call(), provider_call()] * count).unwrap()
    analytics.store.runner.catch_up()
    exact(analytics)


def test_few_events_are_one_commit(analytics: AnalyticsService, commits: list[str]) -> None:
    take_in(analytics)

    assert commits == ["commit_all"]


def test_many_are_one_commit_for_each_projection(
    analytics: AnalyticsService, commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "SMALL", 3)
    take_in(analytics)

    assert commits == ["commit"] * 4


def test_where_they_cannot_be_committed_together_each_is_by_itself(
    analytics: AnalyticsService, commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> bool:
        raise StoreFailed(problem="a row of one of them")

    monkeypatch.setattr(ReadModels, "commit_all", refused)
    take_in(analytics)

    assert commits == ["commit"] * 4


def test_where_one_was_moved_elsewhere_the_others_go_on(
    analytics: AnalyticsService, commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_models, look = analytics.store.read_models, ReadModels.live
    analytics.record_events([tool_call()]).unwrap()
    (position, head) = read_models.live()["cost"].position, analytics.store.log.head()

    def moved_after(self: ReadModels) -> Any:
        live = look(self)
        if self is read_models and live["cost"].position == position:
            folded = analytics.store.fold(analytics.store.log.scan(after=position, limit=9), ["cost"])["cost"]
            assert read_models.commit("cost", folded, expected=position, position=head)  # type: ignore[arg-type]
        return live

    monkeypatch.setattr(ReadModels, "live", moved_after)
    analytics.store.runner.catch_up()
    exact(analytics)

    assert commits == ["commit", "commit_all", *["commit"] * 4]


def test_a_server_that_is_gone_is_not_asked_once_more_for_each(
    analytics: AnalyticsService, commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> bool:
        raise StoreUnavailable(problem="it is gone")

    monkeypatch.setattr(ReadModels, "commit_all", gone)
    analytics.record_events([tool_call()]).unwrap()

    with pytest.raises(StoreUnavailable):
        analytics.store.runner.catch_up()
    assert commits == []


@pytest.mark.store("postgres")
def test_nobody_waits_for_a_read_model_that_another_is_changing(analytics: AnalyticsService) -> None:
    read_models = analytics.store.read_models
    analytics.record_events([tool_call()]).unwrap()
    declarations = {name: live.declaration for name, live in read_models.live().items()}
    folded = analytics.store.fold(analytics.store.log.scan(after=0, limit=9))

    def commit() -> bool:
        return deciding.together(read_models, declarations, folded, expected=0, position=1, size=1)

    with read_models.replacing("cost"):
        assert not commit()
    assert {live.position for live in read_models.live().values()} == {0}
    assert commit()
