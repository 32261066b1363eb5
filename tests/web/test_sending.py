"""Answers to who reads slowly, or nothing at all: how much of them is held, for how long, and that others go on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.web import Limits, analytics_app, pages, server
from analytics_es.web.sending import PIECE, Pieces
from tests.stores import PATIENCE, eventually

LARGE = 24 * 2**20  # bytes: more than all kernels on the way take for somebody who reads nothing
AS_IT_IS = {"Accept-Encoding": "identity"}


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have large answers as JSON, whatever is asked."""
    body = b"x" * LARGE
    monkeypatch.setitem(pages.FORMS, ".json", lambda made: Response(body))  # type: ignore[arg-type]


@pytest.fixture
def who_reads_nothing() -> Iterator[Callable[[str], socket.socket]]:
    """Ask for a page over a socket, and read nothing but how the answer begins."""
    with ExitStack() as stack:

        def asks(url: str, path: str = "/cost.json") -> socket.socket:
            to = urlsplit(url)
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(PATIENCE)
            connection.connect((to.hostname, to.port))
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {to.netloc}\r\n\r\n".encode())
            assert connection.recv(12) == b"HTTP/1.1 200"
            return connection

        yield asks


def read_on(connection: socket.socket) -> int:
    """Read to the end, and return how many bytes that were; a connection that was cut ends, too."""
    size = 0
    try:
        while part := connection.recv(2**20):
            size += len(part)
    except ConnectionResetError:
        pass
    return size


@pytest.mark.usefixtures("large")
def test_what_is_not_taken_is_held_up_to_so_many_bytes_and_one_more_is_told_to_come_again(
    analytics: AnalyticsService, served: Callable[[Any], str], who_reads_nothing: Callable[[str], socket.socket]
) -> None:
    url = served(analytics_app(analytics, limits=Limits(answers=2 * LARGE)))
    first, _ = who_reads_nothing(url), who_reads_nothing(url)
    with httpx.Client(base_url=url, timeout=PATIENCE, headers=AS_IT_IS) as others:
        third = others.get("/cost.json")
        first.close()  # whoever goes away makes room

        assert (third.status_code, third.json()["code"], third.headers["retry-after"]) == (503, "server_busy", "1")
        eventually(lambda: others.get("/cost.json").status_code == 200)


@pytest.mark.usefixtures("large")
def test_small_pages_are_taken_while_others_take_nothing(
    analytics: AnalyticsService, served: Callable[[Any], str], who_reads_nothing: Callable[[str], socket.socket]
) -> None:
    url = served(analytics_app(analytics, limits=Limits(answers=LARGE)))
    who_reads_nothing(url)
    with httpx.Client(base_url=url, timeout=PATIENCE, headers=AS_IT_IS) as others:
        large, small = others.get("/cost.json"), others.get("/usage")

    assert (large.status_code, small.status_code, PIECE > len(small.content) > 1_000) == (503, 200, True)


@pytest.mark.usefixtures("large")
def test_one_that_is_larger_than_all_may_be_goes_alone(analytics: AnalyticsService) -> None:
    client = TestClient(analytics_app(analytics, limits=Limits(answers=1)))

    assert [len(client.get("/cost.json").content) for _ in range(2)] == [LARGE, LARGE]


@pytest.mark.usefixtures("large")
def test_who_does_not_take_an_answer_in_time_is_let_go_of(
    analytics: AnalyticsService, served: Callable[[Any], str], who_reads_nothing: Callable[[str], socket.socket]
) -> None:
    url = served(analytics_app(analytics, limits=Limits(answers=LARGE, taken=0.2)))
    slow = who_reads_nothing(url)
    with httpx.Client(base_url=url, timeout=PATIENCE, headers=AS_IT_IS) as others:
        eventually(lambda: others.get("/cost.json").status_code == 200)  # there is room again

    assert read_on(slow) < LARGE


@pytest.mark.usefixtures("large")
def test_a_connection_of_which_nothing_is_taken_is_ended_by_the_kernel_of_linux(
    analytics: AnalyticsService,
    served: Callable[[Any], str],
    who_reads_nothing: Callable[[str], socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "UNTAKEN_SECONDS", 1)
    url = served(analytics_app(analytics, limits=Limits(answers=LARGE)))
    who_reads_nothing(url)
    with httpx.Client(base_url=url, timeout=PATIENCE, headers=AS_IT_IS) as others:
        eventually(lambda: others.get("/cost.json").status_code == 200)


def test_a_kernel_that_knows_no_such_limit_lets_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "TCP_USER_TIMEOUT", 9_999, raising=False)
    with server.listening("127.0.0.1", 0) as listens:
        assert server.url_of(listens)


def test_who_reads_slowly_has_the_whole_answer(
    analytics: AnalyticsService, served: Callable[[Any], str], who_reads_nothing: Callable[..., socket.socket]
) -> None:
    """The library of charts is several pieces, of which each waits until the one before is taken."""
    from analytics_es.presentation.html import static

    url, path = served(analytics_app(analytics)), static.address("plotly.js")
    head, _, begun = b"", b"", b""
    connection = who_reads_nothing(url, path)
    while not begun:
        head += connection.recv(512)
        head, _, begun = head.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].split()[0])
    rest = 0
    while rest < size - len(begun):
        rest += len(connection.recv(4096))

    assert (len(begun) + rest, size) == (size, len(static.content("plotly.js")))


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_is_the_same_in_pieces(size: int, method: str) -> None:
    answer = TestClient(Pieces(Response(b"x" * size), Limits())).request(method, "/")

    assert (len(answer.content), answer.headers["content-length"]) == (size if method == "GET" else 0, str(size))


@pytest.mark.parametrize("path", ["/usage", "/cost.json"])
def test_a_server_that_says_that_somebody_went_away_is_believed(
    analytics: AnalyticsService, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """ASGI has a server raise an OSError then."""
    received: list[Any] = [{"type": "http.request"}]

    async def receive() -> Any:
        return received.pop() if received else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise BrokenPipeError

    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers, "root_path": ""}
    asyncio.run(analytics_app(analytics)(scope, receive, send))

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
