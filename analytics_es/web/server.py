"""A server of the app in a process of its own: one socket, one thread, and what is under way is finished at its end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from starlette.types import ASGIApp

from analytics_es.errors import CannotListen, MissingExtra
from analytics_es.web.guard import is_local

try:
    import uvicorn
except ModuleNotFoundError as error:
    raise MissingExtra(package=error.name, extra="web") from None

CONNECTIONS = 512  # at a time; one more is told to come again
IDLE_SECONDS = 75  # of a connection between two requests; who sends every minute goes on with it
UNTAKEN_SECONDS = 60  # that what was sent may wait in the kernel for somebody who reads nothing of it
GRACE_SECONDS = 30  # for requests under way when it is stopped


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 is any that is free. Raises CannotListen."""
    shown = f"[{host}]" if ":" in host else host
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, address = next(((family, address) for family, *_, address in found))
        # Said to be TCP: asyncio lets no other answer without waiting for an ACK, which takes 40 ms.
        server = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # of Linux; connections have it from the socket that listens
                with suppress(OSError):  # some that pass for Linux know its name only
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1_000 * UNTAKEN_SECONDS)
            server.bind(address)
            server.listen(2048)
        except BaseException:
            server.close()
            raise
        return server
    except (OSError, OverflowError, UnicodeError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise CannotListen(host=shown, port=port, problem=problem) from error


def is_open_to_others(server: socket.socket) -> bool:
    """Say whether other machines can reach a socket."""
    return not is_local(str(server.getsockname()[0]))


def url_of(server: socket.socket) -> str:
    """Return the address of a socket as it is typed."""
    host, port = server.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def serving(app: ASGIApp, server: socket.socket, ended: Callable[[], object]) -> Iterator[None]:
    """Serve an app in a thread beside; at the end, requests under way are answered. `ended` is called if it ends first.

    What uvicorn would log of requests is the app's to say.
    """
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    running = uvicorn.Server(config)

    def run() -> None:
        try:
            running.run(sockets=[server])
        finally:
            ended()

    thread = threading.Thread(target=run, name="analytics-es-http")
    thread.start()
    try:
        yield
    finally:
        running.should_exit = True
        thread.join()
        server.close()
