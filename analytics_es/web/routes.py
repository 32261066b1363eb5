"""All paths of the app, in one place."""

from __future__ import annotations

from starlette.routing import Route

from analytics_es.presentation.pages import KINDS, Kind
from analytics_es.web.handlers import Handlers
from analytics_es.web.pages import FORMS, Pages

EVENTS = ("/v1/events", "/api/v1/events")  # the second is where clients of OpenMeter send
SENT_TO = "/v1/traces, /v1/logs, /v1/events and /api/v1/events"


def routes(handlers: Handlers, pages: Pages) -> list[Route]:
    """Return every path, by who answers it."""
    return [
        Route("/", handlers.about, methods=["GET"]),
        Route("/v1/traces", handlers.traces, methods=["POST"]),
        Route("/v1/logs", handlers.logs, methods=["POST"]),
        Route("/v1/metrics", handlers.unread, methods=["POST"]),
        Route("/v1development/profiles", handlers.unread, methods=["POST"]),
        *(Route(path, handlers.events, methods=["POST"]) for path in EVENTS),
        *(
            Route(f"/{kind.name}{form}", pages.answering(kind, form), methods=["GET"])
            for kind in KINDS
            for form in FORMS
        ),
    ]


def _of_a_page(pages: Pages, kind: Kind, form: str) -> Route:
    return Route(f"/{kind.name}{form}", pages.answering(kind, form), methods=["GET"])
