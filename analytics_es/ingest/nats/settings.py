"""Where a stream is, and how it is consumed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

BATCH = 1000


@frozen(kw_only=True)
class Settings:
    """What a NatsBus is told.

    url: of the server, or of several in a cluster, with commas between them.
    stream: found by its subjects where it is not named.
    durable: the name under which the server knows how far this consumer is; processes that share it share the work.
    subject_prefix: what subjects begin with before the event's type.
    create_stream: whether to make the stream where there is none.
    batch: how many messages are recorded in one commit and then acknowledged, while at most as many are fetched.
    max_in_flight: how many messages at most are delivered and not acknowledged; a consumer that is there keeps its own.
    ack_wait: seconds after which these are delivered again; a consumer that is there keeps its own.
    connect_seconds: for the first connection.
    options: those of nats-py's `connect`, such as `tls` or `user_credentials`.
    """

    url: str = "nats://localhost:4222"
    stream: str | None = None
    durable: str = "analytics_es"
    subject_prefix: str = ""
    create_stream: bool = False
    batch: int = BATCH
    max_in_flight: int = 4 * BATCH
    ack_wait: float = 30.0
    connect_seconds: float = 5.0
    options: Mapping[str, Any] = field(factory=dict, repr=False)

    @property
    def servers(self) -> list[str]:
        """The addresses of the servers."""
        return [server.strip() for server in self.url.split(",") if server.strip()]

    @property
    def shown(self) -> str:
        """The addresses without what may be secret in them."""
        return ",".join(re.sub(r"^([a-z]+://)?.*@", r"\1***@", server) for server in self.servers)

    @property
    def prefix(self) -> str:
        """What comes before an event's type in a subject."""
        return f"{self.subject_prefix.rstrip('.')}." if self.subject_prefix else ""
