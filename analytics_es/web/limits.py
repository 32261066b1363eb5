"""How much the door takes at a time, so that nobody who sends can fill the memory or keep others waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import asdict, define, field, frozen

from analytics_es.errors import BadArgument
from analytics_es.web.refusals import ServerBusy


@frozen(kw_only=True)
class Limits:
    """How much is taken.

    body: bytes of one request, unpacked.
    records: spans, log records or events of one request.
    seconds: how long a body may take to come.
    requests: how many are under way at a time; one more is told to come again.
    held: bytes of bodies, as they came, of all requests under way.
    workers: how many are recorded at a time.
    pages: how many pages are made at a time.
    waiting: how many pages are asked for at a time, with those that are made; one more is told to come again.
    answers: bytes of all pages that are made and not yet taken; one more is told to come again, unless it is small.
    taken: seconds that any answer may take to be taken, before its connection is closed.
    """

    body: int = 16 * 2**20
    records: int = 65_536
    seconds: float = 30.0
    requests: int = 64
    held: int = 64 * 2**20
    workers: int = 4
    pages: int = 2
    waiting: int = 32
    answers: int = 64 * 2**20
    taken: float = 120.0

    def __attrs_post_init__(self) -> None:
        for name, limit in asdict(self).items():
            if not limit > 0:
                raise BadArgument(name=name, expected="a number above 0", value=limit)


@define
class UnderWay:
    """What is under way: requests, and the bytes of their bodies."""

    limits: Limits
    requests: int = 0
    held: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)

    @contextmanager
    def one(self) -> Iterator[Share]:
        """Hold the place of one request; raises ServerBusy where there is none."""
        with self._lock:
            if self.requests >= self.limits.requests:
                raise ServerBusy
            self.requests += 1
        share = Share(self)
        try:
            yield share
        finally:
            with self._lock:
                self.requests -= 1
                self.held -= share.held

    def hold(self, size: int) -> None:
        """Hold so many bytes more; raises ServerBusy where there is no room."""
        with self._lock:
            if self.held + size > self.limits.held:
                raise ServerBusy
            self.held += size


@define
class Share:
    """What one request holds of it."""

    all: UnderWay
    held: int = 0

    def hold(self, size: int) -> None:
        """Hold so many bytes more."""
        self.all.hold(size)
        self.held += size


@define
class Room:
    """So many places, of which each request for a page takes one."""

    places: int
    taken: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place; raises ServerBusy where there is none."""
        with self._lock:
            if self.taken >= self.places:
                raise ServerBusy
            self.taken += 1
        try:
            yield
        finally:
            with self._lock:
                self.taken -= 1
