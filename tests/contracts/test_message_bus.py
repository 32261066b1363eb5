"""What every message bus does, whichever it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from attrs import define, field

from analytics_es.ingest.bus import Message, MessageBus
from analytics_es.ingest.in_process import InProcessBus
from tests.nats_servers import NatsServer, Published
from tests.stores import eventually


@define
class Bench:
    """A bus, and how to publish on it."""

    bus: MessageBus
    publish: Callable[[str, bytes], None]


@pytest.fixture(params=["in process", "nats"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "in process":
        bus = InProcessBus()
        return Bench(bus, lambda topic, body: _published(bus, topic, body))
    server: NatsServer = request.getfixturevalue("nats")
    stream = server.stream()
    return Bench(stream.bus(), lambda topic, body: stream.publish(Published(topic, body)))


def _published(bus: InProcessBus, topic: str, body: bytes) -> None:
    """Publish as one does who must be heard: again, where a handler fails."""
    for _ in range(3):
        with suppress(ZeroDivisionError):
            return bus.publish(topic, body)
    raise AssertionError("nobody takes it")


@define
class Heard:
    """A handler that keeps what it hears; it fails as often as it is told to."""

    failures: int = 0
    messages: list[Message] = field(factory=list)

    def __call__(self, message: Message) -> None:
        if self.failures:
            self.failures -= 1
            raise ZeroDivisionError
        self.messages.append(message)

    def topics(self, count: int) -> list[str]:
        """Wait for so many messages, and return their topics, sorted."""
        eventually(lambda: len(self.messages) >= count)
        return sorted(message.topic for message in self.messages)


def ended(handle: Any) -> None:
    handle() if callable(handle) else handle.close()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("job.*", ["job.failed", "job.last"]),
        ("job.>", ["job.failed", "job.last", "job.step.failed"]),
        ("job.*.failed", ["job.step.failed"]),
        ("job.*.>", ["job.step.failed"]),
        ("*.failed", ["job.failed", "jobs.failed", "task.failed"]),
        ("job.last", ["job.last"]),
    ],
)
def test_a_handler_hears_the_topics_that_fit_its_pattern(bench: Bench, pattern: str, expected: list[str]) -> None:
    heard = Heard()
    handle = bench.bus.subscribe(pattern, heard)

    for topic in ("job.failed", "job.step.failed", "task.failed", "jobs.failed", "job.last"):
        bench.publish(topic, b"{}")

    assert heard.topics(len(expected)) == expected
    ended(handle)
    assert heard.topics(0) == expected


def test_a_message_has_its_topic_and_payload(bench: Bench) -> None:
    heard = Heard()
    handle = bench.bus.subscribe("job.*", heard)

    bench.publish("job.completed", b'{"job_id": "j-1"}')

    heard.topics(1)
    assert [(each.topic, each.payload) for each in heard.messages] == [("job.completed", b'{"job_id": "j-1"}')]
    ended(handle)


def test_a_message_that_a_handler_fails_for_is_delivered_again(bench: Bench) -> None:
    heard = Heard(failures=2)
    handle = bench.bus.subscribe("job.*", heard)

    bench.publish("job.completed", b"{}")

    assert heard.topics(1) == ["job.completed"]
    ended(handle)


def test_two_handlers_hear_the_same_message(bench: Bench) -> None:
    one, other = Heard(), Heard()
    handles = [bench.bus.subscribe("job.*", one), bench.bus.subscribe("job.>", other)]

    bench.publish("job.completed", b"{}")

    assert (one.topics(1), other.topics(1)) == (["job.completed"], ["job.completed"])
    for handle in handles:
        ended(handle)


def test_nothing_is_heard_after_the_end(bench: Bench) -> None:
    ending, staying = Heard(), Heard()
    handle = bench.bus.subscribe("job.*", ending)
    ended(handle)
    other = bench.bus.subscribe("job.>", staying)

    bench.publish("job.completed", b"{}")

    assert staying.topics(1) == ["job.completed"]
    assert ending.messages == []
    ended(other)


def test_messages_may_be_published_from_many_threads(bench: Bench) -> None:
    heard = Heard()
    handle = bench.bus.subscribe("job.*", heard)

    threads = [threading.Thread(target=bench.publish, args=(f"job.t{n}", b"{}")) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert heard.topics(8) == [f"job.t{n}" for n in range(8)]
    ended(handle)
