"""All paths of the app, in one place."""

from __future__ import annotations

from starlette.routing import Route

from analytics_es.web.handlers import Handlers

EVENTS = ("/v1/events", "/api/v1/events")  # the second is where clients of OpenMeter send
SENT_TO = "/v1/traces, /v1/logs, /v1/events and /api/v1/events"


def routes(handlers: Handlers) -> list[Route]:
    """Return every path, by who answers it."""
    return [
        Route("/", handlers.about, methods=["GET"]),
        Route("/v1/traces", handlers.traces, methods=["POST"]),
        Route("/v1/logs", handlers.logs, methods=["POST"]),
        Route("/v1/metrics", handlers.unread, methods=["POST"]),
        Route("/v1development/profiles", handlers.unread, methods=["POST"]),
        *(Route(path, handlers.events, methods=["POST"]) for path in EVENTS),
    ]
