"""Dead letters: listed, explained, solved by a retry, or accepted and still counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import MissingProjection, NoDeadLetter
from analytics_es.events.codec import UPCASTERS
from analytics_es.projection import Histogram, count, histogram, projection, total
from analytics_es.testing import NOON, provider_call, tool_call
from tests.stores import Arguments, Stored, append, sql, stored, sum_again

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))


@projection(
    version=1, consumes=("custom.>",), where="CAST(attributes.level AS INTEGER) > 0 OR attributes.level IS NULL"
)
class Sizes:
    """A custom family may hold anything."""

    events: int = count()
    size: int | None = total("attributes.size")


@projection(version=1, consumes=("provider.>",))
class Costs:
    """Spread to more decimals than 64 bits have room for."""

    spread: Histogram = histogram("cost", decimals=18)


def opened(path: Path | str, *events: Arguments | Stored) -> AnalyticsService:
    service = AnalyticsService.open(path, projections=[Costs, Sizes], follow=False)
    append(service.store.log, *events)  # type: ignore[arg-type]  # past the door
    service.catch_up()
    return service


@pytest.fixture
def broken() -> Iterator[AnalyticsService]:
    with opened(
        ":memory:",
        provider_call(cost="1000000000000"),
        stored(attributes={"size": "many"}),
        stored(attributes={"level": "high"}),
        ("custom.thing.happened", b"no JSON"),
        stored(occurred_at="9999-12-31T23:59:59Z"),
        tool_call(),
    ) as service:
        yield service


def total_of(service: AnalyticsService) -> tuple[object, int]:
    summary = service.get_summary("sizes.size", DAY).unwrap()
    return summary.figures.total, summary.completeness.unreadable


def test_letters_are_listed_by_position_with_their_hour(broken: AnalyticsService) -> None:
    found = broken.dead_letters().unwrap()

    assert [(each.position, each.projection, each.field, each.hour) for each in found] == [
        (1, "costs", "spread", NOON),
        (2, "sizes", "size", NOON),
        (3, "sizes", "where", NOON),
        (4, "sizes", "event", None),
        (5, "sizes", "event", None),
    ]
    assert broken.dead_letters(limit=2).unwrap() == found[:2]
    assert broken.dead_letters(projection="costs").unwrap() == found[:1]


@pytest.mark.parametrize(
    ("position", "cause"),
    [
        (1, 'spread: histogram of cost with 18 decimals; cost = "1000000000000" does not fit 64 bits'),
        (2, 'size: total of attributes.size; attributes.size = "many" is not a number'),
        (
            3,
            "where: only events with CAST(attributes.level AS INTEGER) > 0 OR attributes.level IS NULL; "
            'attributes.level = "high": the expression fails on this',
        ),
        (5, 'event: its time cannot be read; occurred_at = "9999-12-31T23:59:59Z"'),
    ],
)
def test_a_cause_is_told_in_words(broken: AnalyticsService, position: int, cause: str) -> None:
    (found,) = broken.dead_letter(position).unwrap().causes

    assert found.cause.startswith(cause)


def test_what_is_no_event_is_shown_as_it_is_stored(broken: AnalyticsService) -> None:
    found = broken.dead_letter(4).unwrap()

    assert (found.event, found.raw, found.type) == (None, "no JSON", "custom.thing.happened")
    assert found.causes[0].cause.startswith("event: what is stored is no JSON (")


def test_a_position_without_a_letter_and_an_unknown_projection_are_failures(broken: AnalyticsService) -> None:
    for result in (broken.dead_letter(6), broken.retry_dead_letters(6), broken.discard_dead_letters(7)):
        assert result.failure is not None
        assert result.failure.code == "no_dead_letter"
    with pytest.raises(NoDeadLetter):
        broken.discard_dead_letters(1, projection="sizes").unwrap()
    with pytest.raises(MissingProjection):
        broken.dead_letters(projection="nothing").unwrap()


def test_a_retry_with_an_upcaster_makes_the_number_right(
    broken: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert total_of(broken) == (None, 4)
    monkeypatch.setitem(UPCASTERS, "custom.thing.happened", lambda data: {"attributes": {"size": 7}})

    result = broken.retry_dead_letters(2).unwrap()

    assert (result.tried, result.solved, result.remaining) == (1, 1, 0)
    assert [each.start for each in result.derived] == [NOON]
    assert total_of(broken) == (14, 2)
    assert [each.position for each in broken.dead_letters().unwrap()] == [1, 4, 5]


def test_a_retry_of_all_says_what_remains(broken: AnalyticsService) -> None:
    before = total_of(broken)

    result = broken.retry_dead_letters().unwrap()

    assert (result.tried, result.solved, result.remaining) == (5, 0, 5)
    assert total_of(broken) == before


def test_what_was_no_event_and_was_repaired_is_counted_once(path: Path) -> None:
    with opened(path, ("custom.thing.happened", b"no JSON")) as service:
        sql(path, "UPDATE stored_events SET state = ?", stored(attributes={"size": 3})[1])
        sum_again(path)

        assert service.retry_dead_letters(projection="sizes").unwrap().solved == 1
        assert total_of(service) == (3, 0)
        assert service.dead_letters(discarded=True).unwrap() == []
        assert service.retry_dead_letters().unwrap().tried == 0


def test_what_was_repaired_with_a_time_where_the_log_does_not_find_it_stays_a_letter(path: Path) -> None:
    with opened(path, ("custom.thing.happened", b"no JSON")) as service:
        elsewhere = stored(occurred_at="2026-03-02T09:00:00Z", attributes={"size": 3})[1]
        sql(path, "UPDATE stored_events SET state = ?", elsewhere)
        sum_again(path)

        assert service.retry_dead_letters(1).unwrap().remaining == 1
        assert len(service.dead_letters().unwrap()) == 1


def test_what_was_discarded_stays_so_and_stays_counted(path: Path) -> None:
    with opened(path, stored(attributes={"size": "many"}), stored(attributes={"size": 2})) as service:
        (discarded,) = service.discard_dead_letters(1).unwrap()
        assert discarded.discarded

    with opened(path) as again:
        assert again.dead_letters().unwrap() == []
        assert again.dead_letters(discarded=True).unwrap() == [discarded]
        assert total_of(again) == (2, 1)
        assert again.retry_dead_letters().unwrap().tried == 0
        assert again.retry_dead_letters(1).unwrap().remaining == 1
