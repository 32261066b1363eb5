"""The app, asked in the process: whatever is sent, it answers with one of the statuses that are documented."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

from analytics_es import AnalyticsService
from analytics_es.web import analytics_app
from tests.fuzz.requests import SEEDS, Route, route_of

__all__ = ["SEEDS", "target"]

STATUSES = {200, 204, 400, 413}
FOLDER = Path(tempfile.mkdtemp())
SERVICE = AnalyticsService.open(FOLDER / "analytics.db")
APP, LOOP = analytics_app(SERVICE), asyncio.new_event_loop()
MOST = 2_000  # characters of an answer


def _end() -> None:
    SERVICE.close()
    LOOP.close()
    shutil.rmtree(FOLDER, ignore_errors=True)


atexit.register(_end)


def target(content: bytes) -> None:
    """Send bytes to the route that the first of them says."""
    route = route_of(content)
    status, answer = LOOP.run_until_complete(_asked(route))
    assert status in STATUSES, (status, answer)
    if status >= 400:
        assert len(answer) < MOST
        assert b"Traceback" not in answer
        assert b"\n" not in answer


async def _asked(route: Route) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": route.body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", route.media_type.encode())]
    scope = {"type": "http", "method": "POST", "path": route.path, "headers": headers, "query_string": b""}
    await APP({**scope, "root_path": "", "http_version": "1.1", "scheme": "http"}, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
