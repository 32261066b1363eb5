"""What a server refuses for itself is one event left out, not a store that stands still."""

from __future__ import annotations

import pytest

from analytics_es import AnalyticsService
from analytics_es.projection import count, key, projection
from analytics_es.projections import Usage
from tests.stores import append, stored

NUL = "a\x00b"  # which no text of the server can hold


@projection(version=1, consumes=("custom.>",))
class Labelled:
    """A key of one's own."""

    label: str = key("data.label")
    events: int = count()


@pytest.mark.store("postgres", projections=(Usage, Labelled), privacy="full")
def test_an_event_that_the_server_refuses_is_set_aside_and_the_store_goes_on(analytics: AnalyticsService) -> None:
    events = [stored(label=NUL if n == 5 else "fine") for n in range(10)]
    append(analytics.store.log, *events)  # type: ignore[arg-type]

    analytics.catch_up()

    letters = analytics.dead_letters().unwrap()
    assert [(each.projection, each.field) for each in letters] == [("labelled", "event")]
    assert [each.error for each in analytics.projections().unwrap()] == [None, None]
    assert analytics.verify().unwrap().identical
    assert analytics.rebuild(set_aside=True).unwrap().unreadable == 1
    assert analytics.retain({"events": "1d"}).unwrap().stuck == []
