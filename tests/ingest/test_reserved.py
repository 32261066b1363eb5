"""`analytics.…` is what the service itself has to say: nobody else says it, whichever door they come to."""

from __future__ import annotations

import json
from enum import Enum, StrEnum
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import AnalyticsError, RefusedBatch
from analytics_es.ingest.in_process import InProcessBus
from analytics_es.ingest.subscription import SubscriptionStats
from analytics_es.testing import NOON, tool_call
from tests.stores import in_full, recorded

TYPES = (
    "analytics.tags.declared",
    "analytics.prices.published",
    "analytics.message.rejected",
    "analytics.correction.waiting",
    "analytics.of.nobody",
)
NO_TYPES = (
    "analytics",
    "analytics.",
    "Analytics.tags.declared",
    "ANALYTICS.TAGS.DECLARED",
    " analytics.tags.declared",
    "analytics.tags.declared\n",
    "analytics .tags.declared",
    "analytics\u2024tags.declared",
    "\u0430nalytics.tags.declared",  # a Cyrillic letter
    "analytics\u200b.tags.declared",
    "analytics..declared",
)


class Named(StrEnum):
    """Types, as an application may name them."""

    OWN = "analytics.tags.declared"
    OTHER = "tool.call.completed"


class Mixed(str, Enum):  # noqa: UP042  # as it was written before there was StrEnum
    """The same, whose text is not what `str` gives."""

    OWN = "analytics.tags.declared"
    OTHER = "tool.call.completed"


class Sly(str):
    """A text that says of itself that it is another."""

    def __eq__(self, other: object) -> bool:
        return other == "tool.call.completed"

    def __hash__(self) -> int:
        return hash("tool.call.completed")

    def __str__(self) -> str:
        return "tool.call.completed"

    def startswith(self, *_: Any) -> bool:
        return False

    def partition(self, *_: Any) -> Any:
        return "tool.call.completed".partition(".")

    def rpartition(self, *_: Any) -> Any:
        return "tool.call.completed".rpartition(".")

    def __getitem__(self, part: Any) -> str:
        return "tool.call.completed"[part]

    def encode(self, *_: Any) -> bytes:
        return b"tool.call.completed"


def refused(analytics: AnalyticsService, event_type: Any) -> str:
    failure = analytics.record_event(event_type, {"tags": ["team"]}).failure
    assert failure is not None
    return failure.code


@pytest.mark.parametrize("event_type", [*TYPES, Named.OWN, Mixed.OWN, Sly("analytics.tags.declared")])
def test_the_types_of_the_service_are_refused(analytics: AnalyticsService, event_type: str) -> None:
    assert refused(analytics, event_type) == "reserved_type"
    assert analytics.store.log.head() == 0


@pytest.mark.parametrize("event_type", NO_TYPES)
def test_what_only_looks_like_one_is_no_type(analytics: AnalyticsService, event_type: str) -> None:
    assert refused(analytics, event_type) == "bad_type"


@pytest.mark.parametrize("event_type", [Named.OTHER, Mixed.OTHER])
def test_other_types_may_be_texts_of_any_class(analytics: AnalyticsService, event_type: str) -> None:
    analytics.record_event(event_type, {"tool": "bash"}, occurred_at=NOON).unwrap()

    (event,) = recorded(analytics)
    assert (event.type, type(event.type)) == ("tool.call.completed", str)


@pytest.mark.parametrize("event_type", ["analyticsx.tags.declared", "analytics_es.tags.declared"])
def test_families_that_only_begin_alike_are_welcome(analytics: AnalyticsService, event_type: str) -> None:
    assert analytics.record_event(event_type, {}).ok


def test_of_a_batch_they_are_named(analytics: AnalyticsService) -> None:
    batch = [tool_call(), {"event_type": "analytics.tags.declared", "data": {}}]

    with pytest.raises(RefusedBatch) as refusal:
        analytics.record_events(batch).unwrap()
    receipt = analytics.record_events(batch, skip_refused=True).unwrap()

    assert [each.code for each in refusal.value.details["refusals"]] == ["reserved_type"]
    assert (receipt.recorded, receipt.refused, receipt.refusals[0].code) == (1, 1, "reserved_type")


def test_a_buffer_refuses_them_at_once(analytics: AnalyticsService) -> None:
    with analytics.buffered() as buffer:
        failure = buffer.record_event("analytics.tags.declared", {"tags": []}).failure

    assert failure is not None
    assert (failure.code, buffer.stats().refused) == ("reserved_type", 1)


@in_full
@pytest.mark.parametrize("shape", ["topic", "structured", "binary"])
def test_a_bus_that_delivers_one_is_told_nothing_and_it_is_kept_as_rejected(
    analytics: AnalyticsService, shape: str
) -> None:
    bus, own = InProcessBus(), "analytics.tags.declared"
    event = {"specversion": "1.0", "id": "1", "source": "x", "time": NOON.isoformat(), "type": own}
    with analytics.subscribe_to(bus, families=[">"]) as subscription:
        if shape == "topic":
            bus.publish(own, {"tags": ["x"]})
        elif shape == "structured":
            bus.publish("job.completed", {**event, "data": {"tags": ["x"]}})
        else:
            bus.publish("job.completed", {"tags": ["x"]}, headers={f"ce-{name}": text for name, text in event.items()})

    (rejected,) = recorded(analytics)
    assert (rejected.type, rejected.data["reason"]["code"]) == ("analytics.message.rejected", "reserved_type")
    assert subscription.stats() == SubscriptionStats(received=1, rejected=1)


def test_the_refusal_says_what_to_do(analytics: AnalyticsService) -> None:
    with pytest.raises(AnalyticsError) as error:
        analytics.record_event("analytics.tags.declared", {}).unwrap()

    assert str(error.value) == (
        "'analytics.tags.declared' is reserved: types that begin with analytics. are the service's own. Choose "
        "another family for your events, such as app.tags.declared."
    )


def test_what_was_refused_of_spans_is_still_kept_by_the_service(analytics: AnalyticsService) -> None:
    analytics.store.recorder.reject([{"event_type": "analytics.message.rejected", "data": {"reason": {"code": "x"}}}])

    assert [event.type for event in recorded(analytics)] == ["analytics.message.rejected"]
    assert json.loads(json.dumps(recorded(analytics)[0].data)) == {"reason": {"code": "x"}}
