"""Subscriptions: which topics, what is recorded of what comes, and what is said of the rest."""

from __future__ import annotations

import base64
import fnmatch
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import BadPattern, Closed, NotABus, OverlappingPatterns, StoreBusy
from analytics_es.events.event import matches
from analytics_es.ingest.bus import Message, at_all_depths, by_depth, check_patterns
from analytics_es.ingest.in_process import InProcessBus
from analytics_es.ingest.subscription import Intake, SubscriptionStats
from analytics_es.testing import NOON, tool_call
from analytics_es.types.defaults import FAMILIES
from tests.stores import in_full, nth, recorded


def types(analytics: AnalyticsService) -> list[str]:
    return [event.type for event in recorded(analytics)]


# ── which topics ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_six_families_are_subscribed_to_at_all_depths(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    analytics.subscribe_to(bus)
    topics = [
        f"{family.removesuffix('.*')}{rest}" for family in FAMILIES for rest in (".ended", ".a.ended", ".a.b.c.ended")
    ]

    for topic in [*topics, "other.ended", "jobs.ended"]:
        bus.publish(topic, {})

    assert types(analytics) == topics


def test_other_patterns_are_as_nats_has_them(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    analytics.subscribe_to(bus, families=("provider.call.*", "custom.>"))

    for topic in ("provider.call.completed", "provider.call.chunk.received", "provider.failed", "custom.a.b.c"):
        bus.publish(topic, {})

    assert types(analytics) == ["provider.call.completed", "custom.a.b.c"]


def test_one_pattern_may_be_given_as_a_text(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    analytics.subscribe_to(bus, families="job.*")

    bus.publish("job.completed", {})

    assert types(analytics) == ["job.completed"]


@pytest.mark.parametrize("pattern", ["", ".", "job", "job..x", "job.", "a b.c", "job.>.x", "job.a*", ">>", 7])
def test_what_is_no_pattern_is_refused(pattern: Any) -> None:
    if pattern == "job":
        assert check_patterns([pattern]) == ["job"]
        return
    with pytest.raises(BadPattern):
        check_patterns([pattern])


def test_no_pattern_is_refused() -> None:
    with pytest.raises(BadPattern):
        check_patterns([])


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("job.*", "job.failed", True),
        ("job.*", "job.step.failed", True),
        ("job.a.*", "job.*.b", True),
        ("job.>", ">", True),
        ("job.a", "job.b", False),
        ("job.a", "job.a.b", False),
        ("job.*", "task.*", False),
        ("a.*.c", "a.*.d", False),
    ],
)
def test_patterns_that_a_topic_may_both_fit_are_refused(one: str, other: str, overlap: bool) -> None:
    if overlap:
        with pytest.raises(OverlappingPatterns):
            check_patterns([one, other])
    else:
        assert check_patterns([one, other, one]) == [one, other]


class ForeignBus:
    """A bus of somebody else's, whose `*` is what it wants, and which hands over what it wants."""

    def __init__(self, fits: Callable[[str, str], bool], *, hand_over: Callable[[str, Any], tuple[Any, ...]]) -> None:
        self.fits, self.hand_over = fits, hand_over
        self.handlers: list[tuple[str, Callable[..., Any]]] = []

    def subscribe(self, pattern: str, handler: Callable[..., Any]) -> None:
        self.handlers.append((pattern, handler))

    def publish(self, topic: str, payload: Any) -> None:
        for pattern, handler in self.handlers:
            if self.fits(pattern, topic):
                handler(*self.hand_over(topic, payload))


@pytest.mark.parametrize("fits", [matches, lambda pattern, topic: fnmatch.fnmatchcase(topic, pattern)])
@pytest.mark.parametrize(
    "hand_over",
    [
        lambda topic, payload: (topic, payload),
        lambda topic, payload: ({"type": topic, "data": payload},),
        lambda topic, payload: (Message(topic=topic, payload=payload),),
    ],
)
def test_any_bus_fits_and_brings_each_message_once(analytics: AnalyticsService, fits: Any, hand_over: Any) -> None:
    bus = ForeignBus(fits, hand_over=hand_over)
    analytics.subscribe_to(bus)

    for topic in ("job.completed", "job.step.completed", "tool.call.a.b.completed", "other.completed"):
        bus.publish(topic, {"job_id": "j"})

    assert types(analytics) == ["job.completed", "job.step.completed", "tool.call.a.b.completed"]


def test_a_family_is_the_same_topics_on_every_bus() -> None:
    assert (at_all_depths("job.*"), by_depth("job.*")) == ("job.>", ("job.*", "job.*.>"))
    assert (at_all_depths("job.a.*"), by_depth("job.a.*")) == ("job.a.*", ("job.a.*",))


class Coroutines:
    async def subscribe(self, pattern: str, handler: Any) -> None: ...


@pytest.mark.parametrize("thing", [object(), None, Coroutines(), "nats://localhost"])
def test_what_is_no_bus_is_refused(analytics: AnalyticsService, thing: Any) -> None:
    with pytest.raises(NotABus, match="subscribe"):
        analytics.subscribe_to(thing)


# ── what is recorded ────────────────────────────────────────────────────────────────────────────────────────────


@in_full
def test_a_message_is_recorded_with_what_it_says(analytics: AnalyticsService) -> None:
    bus, call = InProcessBus(), tool_call()
    subscription = analytics.subscribe_to(bus)

    for _ in range(2):
        bus.publish(call["event_type"], call["data"], id="c-1", source="agent", time=NOON)

    (event,) = recorded(analytics)
    assert (event.type, event.id, event.source, event.occurred_at) == (call["event_type"], "c-1", "agent", NOON)
    assert event.data == call["data"]
    assert subscription.stats() == SubscriptionStats(received=2, recorded=1, duplicates=1)


def test_a_message_is_in_the_answers(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    analytics.subscribe_to(bus)

    bus.publish("tool.call.completed", {"tool": "bash"}, time=NOON, id="1")
    analytics.catch_up()

    assert {each.position for each in analytics.projections().unwrap()} == {nth(1)}


@in_full
@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"no json", "unreadable_message"), ({"duration_ms": "slow"}, "bad_field"), (b"[]", "unreadable_message")],
)
def test_what_cannot_be_recorded_is_kept_with_the_reason_and_no_error(
    analytics: AnalyticsService, payload: Any, code: str
) -> None:
    bus = InProcessBus()
    subscription = analytics.subscribe_to(bus)

    bus.publish("job.completed", payload)

    (event,) = recorded(analytics)
    assert (event.type, event.data["reason"]["code"]) == ("analytics.message.rejected", code)
    raw = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()
    assert base64.b64decode(event.data["raw"]) == raw
    assert subscription.stats() == SubscriptionStats(received=1, rejected=1)


@in_full
def test_what_is_in_no_known_shape_is_kept_too(analytics: AnalyticsService) -> None:
    bus = ForeignBus(lambda *_: True, hand_over=lambda topic, payload: (17,))
    analytics.subscribe_to(bus, families=("job.a",))

    bus.publish("job.a", {})

    (event,) = recorded(analytics)
    assert base64.b64decode(event.data["raw"]) == b"[17]"


@in_full
def test_what_contradicts_a_recorded_event_is_kept(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    subscription = analytics.subscribe_to(bus)

    for cost in (1, 2, 2):
        bus.publish("job.completed", {"value": cost}, id="1", source="a", time=NOON)

    first, other = recorded(analytics)
    assert (first.data["value"], other.data["reason"]["code"]) == ("1", "other_content")
    assert base64.b64decode(other.data["raw"]) == b'{"value":2}'
    assert subscription.stats() == SubscriptionStats(received=3, recorded=1, rejected=1, duplicates=1)


@in_full
def test_another_type_under_the_identity_of_a_recorded_event_is_kept(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    subscription = analytics.subscribe_to(bus)

    for topic in ("job.completed", "job.failed", "job.failed"):
        bus.publish(topic, {"job_id": "j-1"}, id="1", source="a", time=NOON)

    first, other = recorded(analytics)
    assert (first.type, other.data["subject"], other.data["reason"]["code"]) == (
        "job.completed",
        "job.failed",
        "other_content",
    )
    assert subscription.stats() == SubscriptionStats(received=3, recorded=1, rejected=1, duplicates=1)


def test_what_is_older_than_events_are_kept_is_kept_as_rejected_and_counted(analytics: AnalyticsService) -> None:
    analytics.record_event(**tool_call(occurred_at=NOON)).unwrap()
    analytics.retain({"events": "1d"}).unwrap()
    bus = InProcessBus()

    with analytics.subscribe_to(bus) as subscription:
        bus.publish("tool.call.completed", {}, id="1", source="test", time=NOON)

    assert recorded(analytics)[-1].data["reason"]["code"] == "before_horizon"
    assert (subscription.stats().rejected, analytics.store.log.seals.refused()) == (1, 1)


def test_the_same_message_with_another_time_is_a_duplicate_where_ids_are_strict(tmp_path: Path) -> None:
    with AnalyticsService.open(tmp_path / "a.db", follow=False, strict_ids=True) as analytics:
        bus = InProcessBus()
        subscription = analytics.subscribe_to(bus)

        for seconds in (0, 60):
            bus.publish("job.completed", {}, id="1", source="a", time=NOON + timedelta(seconds=seconds))

        assert subscription.stats() == SubscriptionStats(received=2, recorded=1, duplicates=1)
        assert len(recorded(analytics)) == 1


def test_an_id_without_a_time_is_kept_because_it_could_not_be_known_again(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    analytics.subscribe_to(bus)

    bus.publish("job.completed", {}, id="1")

    (event,) = recorded(analytics)
    assert event.data["reason"]["code"] == "id_without_time"


# ── failures, and the end ───────────────────────────────────────────────────────────────────────────────────────


def test_a_store_that_fails_is_the_publisher_s_to_know(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = InProcessBus()
    subscription = analytics.subscribe_to(bus)

    def busy(entries: Any, **_: Any) -> Any:
        raise StoreBusy(seconds=5)

    with monkeypatch.context() as patch:
        patch.setattr(analytics.store.log, "append", busy)
        with pytest.raises(StoreBusy):
            bus.publish("job.completed", {})
        assert subscription.stats() == SubscriptionStats(failures=1, trouble=str(StoreBusy(seconds=5)))
    bus.publish("job.completed", {})

    assert subscription.stats() == SubscriptionStats(received=1, recorded=1, failures=1)


def test_an_error_of_one_handler_does_not_keep_a_message_from_the_others(analytics: AnalyticsService) -> None:
    bus = InProcessBus()

    def fails(message: Message) -> None:
        raise ZeroDivisionError

    bus.subscribe("job.*", fails)
    analytics.subscribe_to(bus)
    bus.subscribe("job.>", fails)

    with pytest.raises(ExceptionGroup) as caught:
        bus.publish("job.completed", {})

    assert [type(each) for each in caught.value.exceptions] == [ZeroDivisionError, ZeroDivisionError]
    assert types(analytics) == ["job.completed"]


def test_a_closed_subscription_records_nothing_more(analytics: AnalyticsService) -> None:
    bus = InProcessBus()
    with analytics.subscribe_to(bus) as subscription:
        bus.publish("job.completed", {})
    bus.publish("job.completed", {})
    subscription.close()

    assert len(recorded(analytics)) == 1


def test_a_bus_that_goes_on_after_the_end_is_told(analytics: AnalyticsService) -> None:
    bus = ForeignBus(matches, hand_over=lambda topic, payload: (topic, payload))
    subscription = analytics.subscribe_to(bus)
    subscription.close()

    with pytest.raises(Closed):
        bus.publish("job.completed", {})


def test_closing_the_service_ends_its_subscriptions() -> None:
    bus = InProcessBus()
    with AnalyticsService.open(":memory:", follow=False) as analytics:
        analytics.subscribe_to(bus)

    bus.publish("job.completed", {})

    with pytest.raises(Closed):
        analytics.subscribe_to(bus)


class Handle:
    def __init__(self, ended: list[str], way: str) -> None:
        setattr(self, way, lambda: ended.append(way))


@pytest.mark.parametrize("way", ["close", "unsubscribe", "call", "of the bus"])
def test_a_subscription_is_ended_in_the_way_of_its_bus(analytics: AnalyticsService, way: str) -> None:
    ended: list[str] = []

    class Bus:
        def subscribe(self, pattern: str, handler: Any) -> Any:
            if way == "of the bus":
                return None
            return (lambda: ended.append("call")) if way == "call" else Handle(ended, way)

        def unsubscribe(self, pattern: str, handler: Any) -> None:
            ended.append("of the bus")

    analytics.subscribe_to(Bus(), families=("job.a",)).close()

    assert ended == [way]


def test_a_bus_that_fails_to_end_a_subscription_keeps_nothing_else_open(tmp_path: Path) -> None:
    ended: list[str] = []

    class Bus:
        def subscribe(self, pattern: str, handler: Any) -> Any:
            return lambda: ended.append(pattern) or 1 / len(pattern.removeprefix("task.a"))

    analytics = AnalyticsService.open(tmp_path / "a.db")
    subscription = analytics.subscribe_to(Bus(), families=("job.a", "task.a", "tool.a"))

    with pytest.raises(ZeroDivisionError):
        analytics.close()

    assert sorted(ended) == ["job.a", "task.a", "tool.a"]
    assert subscription._intake.closed
    assert list(tmp_path.glob("*-wal")) == []


def test_what_was_subscribed_is_ended_where_a_bus_refuses_the_next(analytics: AnalyticsService) -> None:
    ended: list[str] = []

    class Bus:
        def subscribe(self, pattern: str, handler: Any) -> Any:
            if pattern == "task.a":
                raise ZeroDivisionError
            return lambda: ended.append(pattern)

    with pytest.raises(ZeroDivisionError):
        analytics.subscribe_to(Bus(), families=("job.a", "task.a"))

    assert ended == ["job.a"]


def test_an_intake_counts_from_many_threads(analytics: AnalyticsService) -> None:
    import threading

    intake = Intake(analytics.store.recorder)
    threads = [threading.Thread(target=lambda: [intake.record("job.a", {}) for _ in range(50)]) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert intake.stats == SubscriptionStats(received=200, recorded=200)


class Unending:
    """A bus that fails to end a subscription."""

    def subscribe(self, pattern: str, handler: Any) -> Any:
        return self

    def close(self) -> None:
        raise OSError("no server")


@pytest.mark.parametrize(("error", "raised"), [(None, OSError), (KeyError("mine"), KeyError)])
def test_what_fails_at_the_end_never_hides_an_error_of_the_block(
    analytics: AnalyticsService, error: Exception | None, raised: type[Exception]
) -> None:
    with pytest.raises(raised) as caught, analytics.subscribe_to(Unending(), ["job.*"]):
        if error:
            raise error
    assert getattr(caught.value, "__notes__", []) == (
        ["At the end of the block there failed, too: no server"] if error else []
    )
