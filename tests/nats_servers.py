"""A real NATS server with JetStream to test with, from a wheel, and streams on it."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from attrs import define, field
from nats.aio.client import Client
from nats.js.client import JetStreamContext

from analytics_es.ingest.nats import NatsBus
from analytics_es.testing import tool_call
from tests.stores import PATIENCE, eventually

T = TypeVar("T")
PROGRAM = Path(sys.executable).with_name("nats-server")
LOGIN = ("ada", "s3cret")


class Published(NamedTuple):
    """What is published: a subject without its prefix, a body, headers."""

    subject: str
    body: bytes = b"{}"
    headers: dict[str, str] = {}  # noqa: RUF012  # never changed


@define
class NatsServer:
    """A running server, and how to stop and start it."""

    folder: Path
    port: int
    _process: Any = None

    @property
    def url(self) -> str:
        return f"nats://{':'.join(LOGIN)}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, again where it was."""
        place = ["-a", "127.0.0.1", "-p", str(self.port), "-sd", str(self.folder), "-l", f"{self.folder}/log"]
        nowhere = subprocess.DEVNULL  # not ours: who reads these would wait for a server that is left behind
        login = ["--user", LOGIN[0], "--pass", LOGIN[1]]
        self._process = subprocess.Popen([str(PROGRAM), "-js", *place, *login], stdout=nowhere, stderr=nowhere)
        eventually(self._listens)

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False

    def stop(self, *, kill: bool = False) -> None:
        """Stop it; to kill it is a crash."""
        (self._process.kill if kill else self._process.terminate)()
        self._process.wait(PATIENCE)

    def run(self, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """Do something with its JetStream, on a connection of its own."""

        async def connected() -> T:
            client = Client()
            await client.connect(self.url, max_reconnect_attempts=3)
            try:
                return await work(client.jetstream(publish_async_max_pending=4000, timeout=PATIENCE))
            finally:
                await client.close()

        return asyncio.run(connected())

    def stream(self, **how: Any) -> Stream:
        """Make a stream that nobody has used."""
        name = f"s{uuid4().hex[:12]}"
        made = Stream(self, name)
        self.run(lambda jetstream: jetstream.add_stream(name=name, subjects=[f"{name}.>"], **how))
        return made


@define
class Stream:
    """A stream of its own subjects: what is published to job.completed has the subject NAME.job.completed."""

    server: NatsServer
    name: str
    published: int = field(default=0)

    def bus(self, **changes: Any) -> NatsBus:
        """Return this stream as a bus."""
        settings = {
            "url": self.server.url,
            "stream": self.name,
            "subject_prefix": self.name,
            "connect_seconds": 10.0,
        }
        return NatsBus(**{**settings, **changes})

    def publish(self, *messages: Published) -> None:
        """Publish messages, which are there when it returns."""

        async def work(jetstream: JetStreamContext) -> None:
            for subject, body, headers in messages:
                await jetstream.publish_async(f"{self.name}.{subject}", body, headers=headers or None)
            await jetstream.publish_async_completed()

        self.server.run(work)
        self.published += len(messages)

    def waiting(self, durable: str = "analytics_es") -> tuple[int, int]:
        """Return how many messages were not delivered to a consumer yet, and how many it has not acknowledged."""

        async def work(jetstream: JetStreamContext) -> tuple[int, int]:
            info = await jetstream.consumer_info(self.name, durable)
            return info.num_pending or 0, info.num_ack_pending or 0

        return self.server.run(work)


@contextmanager
def nats_server() -> Iterator[NatsServer]:
    """Start a server in a folder of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    server = NatsServer(Path(tempfile.mkdtemp(prefix="nats-")), port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def cloud_event(arguments: Mapping[str, Any], **more: Any) -> bytes:
    """Return the arguments of `record_event` as a structured CloudEvent."""
    event = {"specversion": "1.0", "type": arguments["event_type"], "data": arguments["data"]}
    event |= {"time": arguments["occurred_at"].isoformat()} if arguments.get("occurred_at") else {}
    event |= {name: arguments[name] for name in ("id", "source") if name in arguments}
    return json.dumps({**event, **more}, default=str).encode()


def calls(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Return the arguments of `record_event` for calls of a tool, numbered."""
    return [{**tool_call(user_id=f"user-{n}"), "source": "test", "id": str(n)} for n in range(first, first + count)]


def published(events: Iterable[Mapping[str, Any]]) -> list[Published]:
    """Return events as what to publish."""
    return [Published(event["event_type"], cloud_event(event)) for event in events]
