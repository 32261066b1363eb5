"""NATS JetStream as a message bus: durable consumers, acknowledged once what they got is in the log (extra `nats`)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

from attrs import define, field, frozen

from analytics_es.bus import BatchHandler, Message, checked
from analytics_es.errors import CannotConsume, CannotReachBus, MissingExtra, NoStream, SeveralStreams

try:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.errors import Error as NatsError
    from nats.js.api import AckPolicy, ConsumerConfig
    from nats.js.errors import NotFoundError
except ModuleNotFoundError as error:
    raise MissingExtra(package=error.name, extra="nats") from None

logger = logging.getLogger(__name__)

BATCH = 1000  # messages handed over, recorded and acknowledged together; as many again are fetched meanwhile
BATCH_BYTES = 16 * 2**20
CONNECT_SECONDS = 5.0
LINGER_SECONDS = 5.0  # how long the server keeps a request for the next message
PATIENCE_SECONDS = 2.0  # beyond which an answer to a request is given up
PAUSES = (0.1, 5.0)  # between attempts: the first, doubled up to the last
NO_MESSAGES, TIMED_OUT = "404", "408"
MESSAGE_ID = "Nats-Msg-Id"


@frozen(kw_only=True)
class NatsBus:
    """The streams of a NATS server, or cluster: `NatsBus(url="nats://host:4222")`.

    `stream` is found by its subjects if it is not named; with `create_stream` it is made if it is not there. `durable`
    is the name under which the server knows how far this consumer is: processes that share it share the work.
    `subject_prefix` is what subjects begin with before the event's type. At most `max_in_flight` messages are
    delivered and not acknowledged; they are delivered again after `ack_wait` seconds. `options` are those of nats-py's
    `connect`, such as `tls` or `user_credentials`.
    """

    url: str = "nats://localhost:4222"
    stream: str | None = None
    durable: str = "analytics_es"
    subject_prefix: str = ""
    create_stream: bool = False
    batch: int = BATCH
    max_in_flight: int = 4 * BATCH
    ack_wait: float = 30.0
    connect_seconds: float = CONNECT_SECONDS
    options: Mapping[str, Any] = field(factory=dict, repr=False)

    def subscribe(self, pattern: str, handler: Callable[[Message], Any], /) -> NatsConsumer:
        """Call the handler with each message, under a durable name of the pattern's own; retry those it raises for."""
        name = f"{self.durable}-{hashlib.blake2b(pattern.encode(), digest_size=6).hexdigest()}"
        return NatsConsumer.started(self, checked([pattern]), name, lambda messages: _each(handler, messages))

    def subscribe_batches(self, patterns: Sequence[str], handler: BatchHandler, /) -> NatsConsumer:
        """Call the handler with batches; raises CannotReachBus, NoStream, SeveralStreams, CannotConsume."""
        return NatsConsumer.started(self, checked(patterns), self.durable, handler)

    @property
    def shown(self) -> str:
        """The address without what may be secret in it."""
        return ",".join(re.sub(r"(://|^).*@", r"\1***@", each) for each in self.url.split(","))

    @property
    def prefix(self) -> str:
        """What comes before an event's type in a subject."""
        return f"{self.subject_prefix.rstrip('.')}." if self.subject_prefix else ""


def _each(handler: Callable[[Message], Any], messages: Sequence[Message]) -> list[Message]:
    """Hand over messages one by one; returns those to be delivered again."""
    again = []
    for message in messages:
        try:
            handler(message)
        except Exception as error:
            logger.warning("a message of %s is to be delivered again: %s", message.topic, error)
            again.append(message)
    return again


def message_of(delivered: Msg, prefix: str) -> Message:
    """Return what was delivered; the same message at every delivery."""
    place, headers = delivered.metadata, delivered.headers or {}
    return Message(
        topic=delivered.subject.removeprefix(prefix),
        payload=delivered.data,
        headers=headers,
        id=headers.get(MESSAGE_ID) or f"{place.stream}:{place.sequence.stream}",
        source=f"nats:{place.stream}",
        time=place.timestamp,
        stream=place.stream,
        sequence=place.sequence.stream,
    )


# ── fetching ────────────────────────────────────────────────────────────────────────────────────────────────────


@define
class Inbox:
    """Where the server puts what it is asked for, and never more.

    nats-py's own `fetch` makes a task for each message, which takes four times as long as reading it.
    """

    client: Client
    request_subject: str
    wanted: int = 0
    messages: list[Msg] = field(factory=list)
    status: str | None = None
    answered: asyncio.Event = field(factory=asyncio.Event)
    _subscription: Any = None

    async def open(self) -> None:
        """Begin to listen."""
        self._subscription = await self.client.subscribe(
            self.client.new_inbox(), cb=self._deliver, pending_msgs_limit=0, pending_bytes_limit=0
        )

    async def close(self) -> None:
        """Ask for no more; what has come is kept."""
        await self._subscription.unsubscribe()

    async def _deliver(self, delivered: Msg) -> None:
        if delivered.reply:
            self.messages.append(delivered)
        else:
            self.status = (delivered.headers or {}).get("Status", "")
        if self.status is not None or len(self.messages) >= self.wanted:
            self.answered.set()

    async def fetch(self, batch: int) -> list[Msg]:
        """Return what is there, at most a batch, as soon as there is something; raises NatsError."""
        most_bytes = max(BATCH_BYTES, 2 * self.client.max_payload)
        while not self.messages:
            await self._ask(PATIENCE_SECONDS, batch=batch, max_bytes=most_bytes, no_wait=True)
            if not self.messages:
                await self._ask(LINGER_SECONDS + PATIENCE_SECONDS, batch=1, expires=int(LINGER_SECONDS * 1_000_000_000))
            if not self.messages and self.status not in (None, NO_MESSAGES, TIMED_OUT):
                raise NatsError(f"nats: the consumer answers with status {self.status}")
        return self.taken()

    async def _ask(self, seconds: float, **request: Any) -> None:
        """Send a request, and wait until it is answered in full, refused or given up."""
        self.answered.clear()
        self.status, self.wanted = None, request["batch"]
        await self.client.publish(self.request_subject, json.dumps(request).encode(), reply=self._subscription.subject)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.answered.wait(), seconds)

    def taken(self) -> list[Msg]:
        """Take out what has come."""
        messages, self.messages = self.messages, []
        return messages


# ── a consumer ──────────────────────────────────────────────────────────────────────────────────────────────────


class NatsConsumer:
    """A durable consumer at work, in a thread with an event loop of its own; until it is closed, it comes back."""

    def __init__(self, bus: NatsBus, patterns: Iterable[str], durable: str, handler: BatchHandler) -> None:
        self.trouble: str | None = None  # what keeps messages from coming, for now
        self._bus, self._durable, self._handler = bus, durable, handler
        self._subjects = [f"{bus.prefix}{pattern}" for pattern in patterns]
        self._ready: Future[None] = Future()
        self._worker = ThreadPoolExecutor(1, "analytics-es-nats-worker")
        self._thread = threading.Thread(target=self._run, name="analytics-es-nats", daemon=True)

    @classmethod
    def started(cls, bus: NatsBus, patterns: Iterable[str], durable: str, handler: BatchHandler) -> NatsConsumer:
        """Start to consume; raises what keeps it from starting."""
        consumer = cls(bus, patterns, durable, handler)
        consumer._thread.start()
        consumer._ready.result()
        return consumer

    def close(self) -> None:
        """Stop fetching, finish and acknowledge what has been fetched, and leave."""
        with suppress(RuntimeError):  # its loop is closed already
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)
        finally:
            self._worker.shutdown()

    async def _live(self) -> None:
        """Consume; whatever goes wrong with the connection, begin anew: what is not acknowledged is delivered again."""
        self._loop, self._stopping, pause = asyncio.get_running_loop(), asyncio.Event(), PAUSES[0]
        while not self._stopping.is_set():
            try:
                async with self._connected() as client:
                    await self._consume(client)
            except Exception as error:
                if not self._ready.done():
                    raise
                self._tell(error)
                await self._stops_within(pause)
                pause = min(2 * pause, PAUSES[1])

    def _tell(self, error: object) -> None:
        told = _problem(error)
        if told != self.trouble:
            logger.error("%s: %s", self._bus.shown, told)
        self.trouble = told

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    # ── the connection ──────────────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        client, self._wake = Client(), asyncio.Event()
        try:
            await self._connect(client)
            yield client
        finally:
            with suppress(NatsError, OSError, asyncio.TimeoutError):
                if client.is_connected:
                    await asyncio.wait_for(client.drain(), PATIENCE_SECONDS)
            if not client.is_closed:
                await client.close()

    async def _connect(self, client: Client) -> None:
        async def failed(error: Exception) -> None:
            self._tell(error)

        async def disconnected() -> None:
            if not self._stopping.is_set():
                self._tell("disconnected")

        async def reconnected() -> None:
            self.trouble = None
            self._wake.set()

        async def closed() -> None:
            self._wake.set()

        connecting = client.connect(
            self._bus.url.split(","),
            name="analytics_es",
            error_cb=failed,
            disconnected_cb=disconnected,
            reconnected_cb=reconnected,
            closed_cb=closed,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,  # type: ignore[arg-type]  # seconds of any size
            **self._bus.options,
        )
        try:
            await asyncio.wait_for(connecting, self._bus.connect_seconds)
        except (TimeoutError, NatsError, OSError, ValueError) as error:
            problem = self.trouble if isinstance(error, asyncio.TimeoutError) and self.trouble else _problem(error)
            raise CannotReachBus(address=self._bus.shown, problem=problem) from error

    async def _bound(self, client: Client) -> str:
        """Find or make the durable consumer; returns the subject of requests for its messages."""
        jetstream = client.jetstream()
        stream = self._bus.stream or "whose subjects are " + ", ".join(self._subjects)
        try:
            stream = await self._stream(jetstream)
            await self._durable_consumer(jetstream, stream)
        except (NatsError, ValueError) as error:
            raise CannotConsume(
                address=self._bus.shown, stream=stream, durable=self._durable, problem=_problem(error)
            ) from error
        return f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{self._durable}"

    async def _stream(self, jetstream: Any) -> str:
        found = set()
        for subject in [] if self._bus.stream else self._subjects:
            with suppress(NotFoundError):
                found.add(await jetstream.find_stream_name_by_subject(subject))
        if self._bus.stream:
            with suppress(NotFoundError):
                found.add((await jetstream.stream_info(self._bus.stream)).config.name)
        if len(found) > 1:
            raise SeveralStreams(streams=", ".join(sorted(found)))
        if found:
            return str(found.pop())
        if not self._bus.create_stream:
            wanted = self._bus.stream or f"with the subjects {', '.join(self._subjects)}"
            raise NoStream(address=self._bus.shown, wanted=wanted)
        made = await jetstream.add_stream(name=self._bus.stream or "ANALYTICS", subjects=self._subjects)
        return str(made.config.name)

    async def _durable_consumer(self, jetstream: Any, stream: str) -> None:
        """Make the consumer, or take the one that is there as it is, but for the subjects."""
        try:
            config = (await jetstream.consumer_info(stream, self._durable)).config
        except NotFoundError:
            config = ConsumerConfig(
                name=self._durable,
                durable_name=self._durable,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self._bus.ack_wait,
                max_ack_pending=self._bus.max_in_flight,
            )
        if config.deliver_subject or config.ack_policy != AckPolicy.EXPLICIT:
            raise ValueError("there is one of this name, which is not a pull consumer with explicit acknowledgement")
        if set(config.filter_subjects or [config.filter_subject]) != set(self._subjects):
            await jetstream.add_consumer(stream, config.evolve(filter_subject=None, filter_subjects=self._subjects))

    # ── consuming ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _consume(self, client: Client) -> None:
        """Hand over one batch while the next is fetched, until stopped; then what has come already."""
        inbox = Inbox(client, await self._bound(client), answered=self._wake)
        await inbox.open()
        self.trouble = None
        if not self._ready.done():
            self._ready.set_result(None)
        stopping = asyncio.create_task(self._stopping.wait())
        coming = asyncio.create_task(inbox.fetch(self._bus.batch))
        try:
            while await _first(coming, stopping):
                delivered = coming.result()
                coming = asyncio.create_task(inbox.fetch(self._bus.batch))
                await self._hand_over(delivered)
        finally:
            await _cancelled(coming, stopping)
        await inbox.close()
        await self._hand_over(inbox.taken())

    async def _hand_over(self, delivered: Sequence[Msg]) -> None:
        """Hand over a batch until it is taken, unless stopped meanwhile, and acknowledge it."""
        pause, longest = PAUSES
        while delivered:
            try:
                retried = await self._loop.run_in_executor(self._worker, self._handled, delivered)
            except Exception as error:
                self._tell(error)
                if await self._stops_within(pause):
                    return
                pause = min(2 * pause, longest)
            else:
                self.trouble = None
                for each, again in zip(delivered, retried, strict=True):
                    await (each.nak(delay=PAUSES[0]) if again else each.ack())
                return

    def _handled(self, delivered: Sequence[Msg]) -> list[bool]:
        """Call the handler; says of each message whether it is to be delivered again."""
        messages = [message_of(each, self._bus.prefix) for each in delivered]
        again = {id(message) for message in self._handler(messages) or ()}
        return [id(message) in again for message in messages]


async def _first(wanted: asyncio.Task[Any], other: asyncio.Task[Any]) -> bool:
    """Wait for either; says whether it was the first, and not the other."""
    await asyncio.wait({wanted, other}, return_when=asyncio.FIRST_COMPLETED)
    return not other.done()


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _problem(error: object) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].removeprefix("nats: ")
