"""Answers on their way: so many bytes of all of them at a time, each in pieces as it is taken, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from attrs import define, frozen
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from analytics_es.web.limits import Limits
from analytics_es.web.refusals import ServerBusy

PIECE = 64 * 1024  # bytes that are handed over at once: as soon as they are not taken, a server waits with the next


@define
class Pieces:
    """Hands all answers over in pieces, so that a server copies little of what is not taken; ends who takes too long.

    A server that is handed all of it holds a copy until it is taken, however long that is.
    """

    app: ASGIApp
    limits: Limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; raises ClientDisconnect where the answer is not taken, or not in time."""
        until: float | None = None

        async def taken(message: Message) -> None:
            nonlocal until
            until = until or asyncio.get_running_loop().time() + self.limits.taken
            try:
                async with asyncio.timeout_at(until):
                    for piece in _pieces(message):
                        await send(piece)
            except OSError:  # such as TimeoutError, and of servers that say so: whoever asked has gone away
                raise ClientDisconnect from None

        await self.app(scope, receive, taken if scope["type"] == "http" else send)


def _pieces(message: Message) -> Iterator[Message]:
    body = message.get("body", b"")
    if len(body) <= PIECE:
        yield message
        return
    for place in range(0, len(body), PIECE):
        more = place + PIECE < len(body) or message.get("more_body", False)
        yield {**message, "body": body[place : place + PIECE], "more_body": more}


@define
class OnTheWay:
    """Answers that were made and are being taken."""

    limits: Limits
    held: int = 0  # bytes

    def sent(self, response: Response) -> Response:
        """Return a response that counts until it is taken; raises ServerBusy where too much is on its way.

        One that is larger than all of them may be goes alone. One piece goes at any time: a server has it at once, so
        nobody who reads slowly keeps others from small pages.
        """
        if len(response.body) <= PIECE:
            return response
        if self.held and self.held + len(response.body) > self.limits.answers:
            raise ServerBusy
        self.held += len(response.body)
        return _Sent(self, response)  # type: ignore[return-value]  # of which Starlette only wants to be sent


@frozen
class _Sent:
    on_the_way: OnTheWay
    response: Response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.response(scope, receive, send)
        finally:
            self.on_the_way.held -= len(self.response.body)
