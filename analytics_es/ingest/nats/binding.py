"""The stream and its durable consumer: found, or made."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from analytics_es.errors import CannotConsume, NoStream, SeveralStreams
from analytics_es.ingest.nats.settings import Settings

CREATED = "ANALYTICS"
PENDING = 1000  # messages that a consumer which does not say lets be in flight


async def bind(jetstream: JetStreamContext, bus: Settings, durable: str, subjects: Sequence[str]) -> tuple[str, int]:
    """Return the subject of requests, and how many may be in flight; raises NoStream, SeveralStreams, CannotConsume."""
    stream = bus.stream or f"of {', '.join(subjects)}"
    try:
        stream = await _stream(jetstream, bus, subjects)
        in_flight = await _consumer(jetstream, stream, bus, durable, subjects)
    except (NatsError, ValueError) as error:
        raise CannotConsume(address=bus.shown, stream=stream, durable=durable, problem=problem(error)) from error
    return f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}", in_flight


async def _stream(jetstream: JetStreamContext, bus: Settings, subjects: Sequence[str]) -> str:
    streams = set()
    with suppress(NotFoundError):
        if bus.stream:
            await jetstream.stream_info(bus.stream)
            return bus.stream
    for subject in () if bus.stream else subjects:
        with suppress(NotFoundError):
            streams.add(await jetstream.find_stream_name_by_subject(subject))
    if len(streams) > 1:
        raise SeveralStreams(streams=", ".join(sorted(streams)))
    if streams:
        return streams.pop()
    if not bus.create_stream:
        raise NoStream(address=bus.shown, wanted=bus.stream or f"with the subjects {', '.join(subjects)}")
    name = bus.stream or CREATED
    await jetstream.add_stream(name=name, subjects=list(subjects))
    return name


async def _consumer(
    jetstream: JetStreamContext, stream: str, bus: Settings, durable: str, subjects: Sequence[str]
) -> int:
    """Make the consumer, or take the one that is there as it is, but for its subjects."""
    try:
        config = (await jetstream.consumer_info(stream, durable)).config
    except NotFoundError:
        config = ConsumerConfig(
            name=durable,
            durable_name=durable,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=bus.ack_wait,
            max_ack_pending=bus.max_in_flight,
        )
    if config.deliver_subject or config.ack_policy != AckPolicy.EXPLICIT:
        raise ValueError("there is one of this name, which is not a pull consumer with explicit acknowledgement")
    if set(config.filter_subjects or [config.filter_subject]) != set(subjects):
        changed = config.evolve(filter_subject=None, filter_subjects=list(subjects))
        config = (await jetstream.add_consumer(stream, changed)).config
    return config.max_ack_pending or PENDING


def problem(error: object) -> str:
    """Return what an error of nats-py says, in one line."""
    return (str(error) or type(error).__name__).splitlines()[0].removeprefix("nats: ")
