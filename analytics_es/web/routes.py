"""All paths of the app, in one place."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from analytics_es.presentation.pages import KINDS
from analytics_es.web.forms import FORMS
from analytics_es.web.handlers import Handlers
from analytics_es.web.headers import is_of_browser
from analytics_es.web.pages import Answering, Pages
from analytics_es.web.static import StaticFiles
from analytics_es.web.vitals import LIVE, METRICS, READY, Vitals

EVENTS = ("/v1/events", "/api/v1/events")  # the second is where clients of OpenMeter send
SENT_TO = "/v1/traces, /v1/logs, /v1/events and /api/v1/events"


def routes(handlers: Handlers, pages: Pages | None = None, vitals: Vitals | None = None) -> list[Route]:
    """Return every path, by who answers it; nothing of pages where there is nobody to ask."""
    return [
        Route("/", handlers.about if pages is None else _either(pages.first, handlers.about), methods=["GET"]),
        Route("/v1/traces", handlers.traces, methods=["POST"]),
        Route("/v1/logs", handlers.logs, methods=["POST"]),
        Route("/v1/metrics", handlers.unread, methods=["POST"]),
        Route("/v1development/profiles", handlers.unread, methods=["POST"]),
        *(Route(path, handlers.events, methods=["POST"]) for path in EVENTS),
        *([] if pages is None else _of_pages(pages)),
        *([] if vitals is None else _for_machines(vitals)),
    ]


def _for_machines(vitals: Vitals) -> list[Route]:
    return [
        Route(LIVE, vitals.live, methods=["GET"]),
        Route(READY, vitals.ready, methods=["GET"]),
        Route(METRICS, vitals.metrics, methods=["GET"]),
    ]


def _of_pages(pages: Pages) -> list[Route]:
    return [
        *(
            Route(f"/{kind.name}{form}", pages.answering(kind, form), methods=["GET"])
            for kind in KINDS
            for form in FORMS
        ),
        Route("/static/{name}", StaticFiles().answer, methods=["GET"]),
    ]


def _either(of_browser: Answering, of_others: Answering) -> Answering:
    """Return what answers a browser so, and others otherwise."""

    async def answer(request: Request) -> Response:
        response = await (of_browser if is_of_browser(request) else of_others)(request)
        response.headers["Vary"] = "Accept"
        return response

    return answer
