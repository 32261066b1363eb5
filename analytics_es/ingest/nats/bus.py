"""The streams of a NATS server as a message bus."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence

from attrs import frozen

from analytics_es.ingest.bus import BatchHandler, Handler, Message, check_patterns
from analytics_es.ingest.nats.consumer import NatsConsumer
from analytics_es.ingest.nats.settings import Settings

logger = logging.getLogger(__name__)


@frozen(kw_only=True)
class NatsBus(Settings):
    """A message bus: `analytics.subscribe_to(NatsBus(url="nats://host:4222"))`; Settings says what else it is told.

    Nothing is connected before the first subscription, whose methods raise CannotReachBus, NoStream, SeveralStreams
    and CannotConsume; afterwards a consumer tells its `trouble`, and tries again.
    """

    def subscribe(self, pattern: str, handler: Handler, /) -> NatsConsumer:
        """Call the handler with each message, under a durable name of its pattern; retry what it raises for."""
        name = f"{self.durable}-{hashlib.blake2b(pattern.encode(), digest_size=6).hexdigest()}"
        return self._started(check_patterns([pattern]), name, lambda messages: _one_by_one(handler, messages))

    def subscribe_batches(self, patterns: Sequence[str], handler: BatchHandler, /) -> NatsConsumer:
        """Call the handler with batches, one after the other."""
        return self._started(check_patterns(patterns), self.durable, handler)

    def _started(self, patterns: Sequence[str], durable: str, handler: BatchHandler) -> NatsConsumer:
        consumer = NatsConsumer(self, patterns, durable, handler)
        consumer.start()
        return consumer


def _one_by_one(handler: Handler, messages: Sequence[Message]) -> list[Message]:
    """Hand over messages one by one; returns those to be delivered again."""
    again = []
    for message in messages:
        try:
            handler(message)
        except Exception as error:
            logger.warning("a message of %s is to be delivered again: %s", message.topic, type(error).__name__)
            again.append(message)
    return again
