"""A durable consumer at work: it fetches, hands over, and acknowledges what was taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from analytics_es.errors import CannotReachBus
from analytics_es.events.event import time_of
from analytics_es.ingest.bus import BatchHandler, Message
from analytics_es.ingest.nats.binding import bind, problem
from analytics_es.ingest.nats.inbox import PATIENCE_SECONDS, Inbox
from analytics_es.ingest.nats.settings import Settings
from analytics_es.process import Background, Helpers, Trouble, endings

logger = logging.getLogger(__name__)

MESSAGE_ID = "Nats-Msg-Id"
SHORT = 9  # parts of an acknowledgement's subject without a domain
RECONNECT_SECONDS = 0.5
RETRY_SECONDS, MOST_SECONDS = 0.1, 5.0  # between attempts: the first pause, doubled up to the last


def message_of(delivered: Msg, prefix: str) -> Message:
    """Return what was delivered: the same message at every delivery."""
    stream, sequence, time = _place(delivered.reply)
    headers = delivered.headers or {}
    return Message(
        topic=delivered.subject.removeprefix(prefix),
        payload=delivered.data,
        headers=headers,
        id=headers.get(MESSAGE_ID) or f"{stream}:{sequence}",
        source=f"nats:{stream}",
        time=time,
        stream=stream,
        sequence=sequence,
    )


def _place(reply: str) -> tuple[str, int, datetime]:
    """Return stream, sequence and time of a message, as the subject for its acknowledgement tells them.

    It is $JS.ACK.STREAM.CONSUMER.DELIVERED.SEQUENCE.CONSUMED.NANOSECONDS.PENDING, or longer, with a domain and an
    account before the stream. nats-py's `metadata` says the same, takes four times as long, and rounds times as
    floating-point numbers are.
    """
    parts = reply.split(".")
    stream, _, _, sequence, _, nanoseconds = parts[2:8] if len(parts) == SHORT else parts[4:10]
    return stream, int(sequence), time_of(int(nanoseconds) // 1000)


class NatsConsumer(Background):
    """Consumes in a thread with an event loop of its own, until it is closed; it comes back whatever happens.

    What has not been acknowledged is delivered again, so at any trouble it is enough to begin anew.
    """

    def __init__(self, bus: Settings, patterns: Iterable[str], durable: str, handler: BatchHandler) -> None:
        super().__init__("analytics-es-nats", self._run)
        self._told = Trouble(logger, f"The message bus {bus.shown}")
        self.trouble: str | None = None  # what keeps messages from coming, for now
        self._bus, self._durable, self._handler = bus, durable, handler
        self._subjects = [f"{bus.prefix}{pattern}" for pattern in patterns]
        self._ready: Future[None] = Future()
        self._worker = Helpers("analytics-es-nats-worker")

    def start(self) -> None:
        """Start to consume; raises CannotReachBus, NoStream, SeveralStreams, CannotConsume."""
        super().start()
        if endings.is_near() and not self.is_running():
            raise CannotReachBus(address=self._bus.shown, problem="the process is ending")
        self._ready.result()

    def stop(self) -> None:
        """Fetch no more, finish and acknowledge what has been fetched, and leave."""
        super().stop()
        with suppress(RuntimeError):  # its loop is closed already
            self._loop.call_soon_threadsafe(self._stopping.set)

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except Exception as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            elif not endings.is_near():  # when no thread can be started any more, asyncio cannot end its own either
                raise
        finally:
            self._worker.shutdown()

    async def _live(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        while not self._stopping.is_set():
            try:
                async with self._connected() as client:
                    await self._consume(client)
            except Exception as error:
                if not self._ready.done():
                    raise
                self._tell(error)
                await self._stops_within(RECONNECT_SECONDS)

    def _tell(self, error: object) -> None:
        trouble = problem(error)
        if self._ready.done() and not endings.is_near():
            self._told.begins(trouble)
        self.trouble = trouble

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    # ── the connection ──────────────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        client, self._wake = Client(), asyncio.Event()
        try:
            await self._connect(client)
            yield client
        finally:
            await _leave(client)

    async def _connect(self, client: Client) -> None:
        """Connect, trying each server once or twice; from then on nats-py connects again by itself, for ever."""

        async def failed(error: Exception) -> None:
            self._tell(error)

        async def disconnected() -> None:
            if not self._stopping.is_set():
                self._tell("disconnected")

        async def reconnected() -> None:
            self.trouble = None
            self._told.over()
            self._wake.set()  # what was asked for on the other connection will not come

        async def closed() -> None:
            self._wake.set()

        try:
            async with asyncio.timeout(self._bus.connect_seconds):
                await client.connect(
                    self._bus.servers,
                    name="analytics_es",
                    error_cb=failed,
                    disconnected_cb=disconnected,
                    reconnected_cb=reconnected,
                    closed_cb=closed,
                    **{"max_reconnect_attempts": 1, "reconnect_time_wait": 0, **self._bus.options},
                )
        except Exception as error:  # of nats-py, of the system, or of options that cannot be
            raise CannotReachBus(address=self._bus.shown, problem=self.trouble or problem(error)) from error
        client.options |= {"max_reconnect_attempts": -1, "reconnect_time_wait": RECONNECT_SECONDS}

    # ── consuming ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _consume(self, client: Client) -> None:
        """Hand over one batch while the next is fetched, until stopped; then what has come by then."""
        requests, in_flight = await bind(client.jetstream(), self._bus, self._durable, self._subjects)
        inbox = Inbox(client, requests, self._wake, min(self._bus.batch, in_flight))
        await inbox.open()
        self.trouble = None
        self._told.over()
        if not self._ready.done():
            self._ready.set_result(None)
        stopping, filling = asyncio.create_task(self._stopping.wait()), asyncio.create_task(inbox.fill())
        try:
            while await _is_first(filling, stopping):
                delivered = inbox.take()
                filling = asyncio.create_task(inbox.fill())
                await self._hand_over(delivered)
        finally:
            await _cancel(filling, stopping)
        await inbox.drain()
        await self._hand_over(inbox.take())

    async def _hand_over(self, delivered: Sequence[Msg]) -> None:
        """Hand over a batch, again and again until it is taken or this is stopped, and acknowledge it."""
        pause = RETRY_SECONDS
        while delivered:
            try:
                retried = await self._loop.run_in_executor(self._worker, self._handled, delivered)
            except Exception as error:
                self._tell(error)
                if await self._stops_within(pause):
                    return
                pause = min(2 * pause, MOST_SECONDS)
            else:
                self.trouble = None
                self._told.over()
                for message, again in zip(delivered, retried, strict=True):
                    await (message.nak(delay=RETRY_SECONDS) if again else message.ack())
                return

    def _handled(self, delivered: Sequence[Msg]) -> list[bool]:
        """Call the handler; says of each message whether it is to be delivered again."""
        messages = [message_of(message, self._bus.prefix) for message in delivered]
        again = {id(message) for message in self._handler(messages) or ()}
        return [id(message) in again for message in messages]


async def _leave(client: Client) -> None:
    """Send what is to be sent, where that can be, and close the connection."""
    if client.is_connected:
        with suppress(NatsError, OSError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await client.drain()
    if not client.is_closed:
        with suppress(AssertionError):  # nats-py's, where there never was one
            await client.close()


async def _is_first(task: asyncio.Task[Any], other: asyncio.Task[Any]) -> bool:
    """Wait for either; says whether it was the first, raising what it raised, and not the other."""
    await asyncio.wait({task, other}, return_when=asyncio.FIRST_COMPLETED)
    if other.done():
        return False
    task.result()
    return True


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
