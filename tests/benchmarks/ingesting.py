"""From NATS JetStream into the log, against nats-py's own way to read the same messages and record nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

from nats.js.api import ConsumerConfig
from nats.js.client import JetStreamContext

from analytics_es import AnalyticsService
from tests.benchmarks.figures import Effort, Figure, Target, pace, rates
from tests.benchmarks.store import Store, say
from tests.nats_servers import NatsServer, Stream, nats_server, published

BATCH, ROUND = 1_000, 20_000
THEIRS = "yardstick"
TIMEOUT = 600.0


def nats(store: Store, effort: Effort) -> Iterator[Figure]:
    """Publish CloudEvents of the week, and when they are all there, consume them: ours, then only read."""
    say("from NATS into the log, and the same messages only read by nats-py")
    other, pairs = store.own("nats"), []
    events, part = other.week(), min(ROUND, store.size // effort.rounds)
    with nats_server() as server, other.open() as analytics:
        stream = server.stream()
        for _ in range(effort.rounds):
            messages = published(islice(events, part))
            stream.publish(*messages)
            ours = pace(len(messages), lambda: _consume(analytics, stream, len(messages)))  # noqa: B023
            theirs = pace(len(messages), lambda: _read(server, stream, len(messages)))  # noqa: B023
            pairs.append((ours, theirs))
    yield rates(
        "NATS → log, 1,000 a commit",
        pairs,
        events=other.events(),
        yardstick="nats-py fetch and ack",
        target=Target("value", "≥", 15_000),
    )


def _consume(analytics: AnalyticsService, stream: Stream, messages: int) -> None:
    with analytics.subscribe_to(stream.bus(batch=BATCH)) as subscription:
        until = time.monotonic() + TIMEOUT
        while subscription.stats().received < messages:
            if time.monotonic() > until:
                raise TimeoutError(f"{messages:,} messages were not received: {subscription.stats()}")
            time.sleep(0.01)


def _read(server: NatsServer, stream: Stream, messages: int) -> None:
    async def work(jetstream: JetStreamContext) -> None:
        config = ConsumerConfig(max_ack_pending=4 * BATCH)
        found = await jetstream.pull_subscribe(f"{stream.name}.>", THEIRS, stream.name, config)
        left = messages
        while left:
            fetched = await found.fetch(min(BATCH, left))
            for each in fetched:
                await each.ack()
            left -= len(fetched)

    server.run(work)
