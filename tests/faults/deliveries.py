"""Consumers of a message bus killed at random moments, while others publish to it."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections import Counter
from multiprocessing.process import BaseProcess

import pyarrow as pa
from attrs import frozen

from analytics_es import AnalyticsService
from analytics_es.events.codec import decode
from analytics_es.ingest.nats import NatsBus
from tests.faults.worker import _wanted, event
from tests.nats_servers import NatsServer, Published, Stream, cloud_event

PATIENCE = 120.0
PART = 500
ACK_WAIT = 1.0  # what a killed consumer had in its hands comes again after that


@frozen
class Delivered:
    """What is in the log after all was published and consumed; `interrupted` kills left work undone."""

    seed: int
    published: int
    kills: int
    interrupted: int
    lost: int
    doubled: int
    rejected: int


def consume(url: str, bus: NatsBus) -> None:
    """Record what a bus delivers, until killed."""
    with AnalyticsService.open(url, follow=False, privacy="full") as service, service.subscribe_to(bus):
        while _wanted():
            time.sleep(0.05)


def message(number: int) -> Published:
    """Return the message of this number: a CloudEvent, plain JSON known by its message id, or poison."""
    arguments = {**event(1, number), "id": str(number)}
    if number % 50 == 0:
        return Published("tool.call.completed", f"no json {number}".encode())
    if number % 3 == 0:
        headers = {"Nats-Msg-Id": str(number)}
        return Published(arguments["event_type"], b'{"attributes": {"number": %d}}' % number, headers)
    return Published(arguments["event_type"], cloud_event(arguments))


def deliver(url: str, server: NatsServer, *, messages: int, kills: int, seed: int) -> Delivered:
    """Publish messages while consumers are killed, then let one consume the rest; compares what is in the log."""
    stream, chance = server.stream(), random.Random(seed)
    bus = stream.bus(ack_wait=ACK_WAIT, batch=200)
    AnalyticsService.open(url, follow=False, privacy="full").close()
    publishing = threading.Thread(target=_publish, args=(stream, messages))
    publishing.start()
    spawn, interrupted = multiprocessing.get_context("spawn"), 0
    for _ in range(kills):
        consumer = spawn.Process(target=consume, args=(url, bus), daemon=True)
        consumer.start()
        _wait_for_more(url, chance)
        consumer.kill()
        consumer.join()
        interrupted += stream.waiting() != (0, 0)
    last = spawn.Process(target=consume, args=(url, bus), daemon=True)
    last.start()
    publishing.join()
    _wait_for_the_end(stream, last)
    last.terminate()
    last.join()
    lost, doubled, rejected = _compared(url, messages)
    return Delivered(seed, messages, kills, interrupted, lost, doubled, rejected)


def _publish(stream: Stream, messages: int) -> None:
    for first in range(0, messages, PART):
        stream.publish(*[message(number) for number in range(first, min(first + PART, messages))])


def _wait_for_more(url: str, chance: random.Random) -> None:
    """Wait until a consumer that was just started is at work, and then any time."""
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        before, deadline = service.store.log.head(), time.monotonic() + 5  # it may be that all is consumed
        while service.store.log.head() == before and time.monotonic() < deadline:
            time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.3))


def _wait_for_the_end(stream: Stream, consumer: BaseProcess) -> None:
    deadline = time.monotonic() + PATIENCE
    while stream.waiting() != (0, 0):
        assert consumer.is_alive()
        assert time.monotonic() < deadline, stream.waiting()
        time.sleep(0.1)


def _compared(url: str, messages: int) -> tuple[int, int, int]:
    """Return how many messages are not in the log, how many are there again, and how many were rejected."""
    with AnalyticsService.open(url, follow=False, privacy="full") as service:
        rows: pa.Table = service.store.log.scan(after=0, limit=10 * messages)
    events = [decode(row["position"], row["type"], row["state"]) for row in rows.to_pylist()]
    rejected = [each for each in events if each.type == "analytics.message.rejected"]
    found = Counter(int(each.id) for each in events if each.type != "analytics.message.rejected")
    # Messages are published in order, so the place of a poison in its stream says which it is.
    found.update(each.data["sequence"] - 1 for each in rejected)
    doubled = sum(often - 1 for often in found.values())
    return len(set(range(messages)) - set(found)), doubled, len(rejected)
