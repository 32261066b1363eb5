"""The app: routes behind a guard, each request with a line in the log, each failure with an answer and no traceback."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import timedelta

from attrs import define
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from analytics_es.ingest.otel import protobuf  # noqa: F401  # who has no extra is told so when the app is made
from analytics_es.ingest.otel.intake import Records
from analytics_es.ingest.problems import reason
from analytics_es.service import AnalyticsService
from analytics_es.types.arguments import seconds, whole
from analytics_es.types.defaults import MAX_LAG
from analytics_es.web.answers import failed, path_of
from analytics_es.web.guard import Guard
from analytics_es.web.handlers import COUNTS, Handlers
from analytics_es.web.headers import is_read, secure
from analytics_es.web.limits import Limits
from analytics_es.web.pages import Pages
from analytics_es.web.problems import told
from analytics_es.web.receiver import Receiver
from analytics_es.web.refusals import NoSuchPath, RequestRefused, ServerFault, WrongMethod
from analytics_es.web.routes import SENT_TO, routes
from analytics_es.web.sending import Pieces
from analytics_es.web.vitals import LET_IN, Vitals, is_probe, is_vital

GONE = 499  # in the log and the counts: who sent went away before there was an answer
LONGEST = 100  # characters of a path in the log

logger = logging.getLogger("analytics_es.web")


def analytics_app(
    service: Records,
    *,
    token: str | None = None,
    hosts: Iterable[str] | None = None,
    content: bool = False,
    limits: Limits | None = None,
    max_lag: float | timedelta | None = MAX_LAG,
    max_lag_events: int | None = None,
) -> Starlette:
    """Return an ASGI app that takes OTLP, CloudEvents and JSON into a service, and shows its answers as pages.

    Mount it, `app.mount("/analytics", analytics_app(service))`, or serve it, and open it in a browser; it needs no
    lifespan, and the service stays the caller's to close. Pages are read only. With a `token`, who sends has to send it
    as `Authorization: Bearer …`, and a browser asks for it as a password, with any name. `hosts` are the names it may
    be asked for under: without them, any where there is a token, else only those of this machine, such as localhost.
    With `content`, prompts, answers and the arguments and results of tools are taken over from spans, as far as the
    policy of privacy lets them.
    `/health/ready` is 503 where the read models are further behind than `max_lag` seconds or `max_lag_events`.
    Raises BadToken, BadHosts, BadArgument, and MissingExtra where the extra `web` is not installed.
    """
    limits = limits or Limits()
    receiver = Receiver(service, limits, content)
    guard = Guard.of(token, hosts)
    pages = Pages(service, limits) if isinstance(service, AnalyticsService) else None  # others only record
    late = None if max_lag is None else seconds("max_lag", max_lag)
    behind = None if max_lag_events is None else whole("max_lag_events", max_lag_events)
    vitals = Vitals(service, receiver.counts, late, behind) if isinstance(service, AnalyticsService) else None
    app = Starlette(
        routes=routes(Handlers(receiver, limits), pages, vitals),
        middleware=[Middleware(Pieces, limits=limits), Middleware(Entrance, guard=guard, receiver=receiver)],
        exception_handlers={RequestRefused: _refused, HTTPException: _not_routed},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    app.state.counts = receiver.counts
    return app


async def _refused(request: Request, error: RequestRefused) -> Response:
    return told(request, error)


async def _not_routed(request: Request, error: HTTPException) -> Response:
    if error.status_code == WrongMethod.status:
        methods = (error.headers or {}).get("Allow", "")
        return told(request, WrongMethod(methods=methods))
    return told(request, NoSuchPath(paths=SENT_TO))


def _fault(request: Request) -> Response:
    try:
        return told(request, ServerFault())
    except Exception:  # whatever was wrong may be wrong with this page, too
        return failed(request, ServerFault())


@define
class Entrance:
    """Looks at who sends, counts, and writes the line of each request; of a body and a query it knows nothing."""

    app: ASGIApp
    guard: Guard
    receiver: Receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if is_read(request):
                    secure(MutableHeaders(scope=message))
            await send(message)

        request = Request(scope, receive)
        scope[COUNTS] = {}
        try:
            await self._answer(request, scope, receive, noted)
        except ClientDisconnect:
            status = GONE
        except Exception as error:  # a fault of ours is told to the log, and who sends may try again
            logger.error("A request failed here: %s", type(error).__name__)
            logger.debug("a request failed: %s", reason(error), exc_info=True)
            if status == GONE:
                await _fault(request)(scope, receive, noted)
        finally:
            self._log(request, status, time.monotonic() - began)

    async def _answer(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self.guard.check(request)
            scope[LET_IN] = True
        except RequestRefused as error:
            if not is_probe(request):  # who asks for health alone is told so, and no more
                await told(request, error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _log(self, request: Request, status: int, seconds: float) -> None:
        if not is_vital(request):
            self.receiver.counts.answered(status)
        counts, path = request.scope[COUNTS], _printable(path_of(request)[:LONGEST])
        figures = {"method": request.method[:16], "path": path, "status": status, "ms": round(1000 * seconds, 1)}
        shown = ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in counts.items())
        parts = [f"{figures['method']} {path} {status}", *([shown] if shown else []), f"{figures['ms']:,} ms"]
        level = logging.DEBUG if is_vital(request) and status in (200, 503) else logging.INFO
        logger.log(level, "%s", " · ".join(parts), extra={"figures": {**figures, **counts}})


def _printable(path: str) -> str:
    """Return a path as a line of a log can have it: it may hold any signs."""
    return "".join(sign if sign.isprintable() else "?" for sign in path)
