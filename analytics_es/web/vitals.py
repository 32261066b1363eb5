"""Vital signs, for machines: whether this process lives, whether the store is ready, and figures for Prometheus."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response

from analytics_es.errors import AnalyticsError
from analytics_es.events.codec import to_json
from analytics_es.process import Trouble
from analytics_es.service import AnalyticsService
from analytics_es.types import Health
from analytics_es.web import figures, prometheus
from analytics_es.web.answers import in_json, path_of
from analytics_es.web.counts import Counts
from analytics_es.web.figures import Family
from analytics_es.web.headers import is_read
from analytics_es.web.kept import Kept, come
from analytics_es.web.threads import Threads

LIVE, READY, METRICS = "/health/live", "/health/ready", "/metrics"
PROBES = (LIVE, READY)
LET_IN = "analytics_es.let_in"  # in the scope of a request: whether the guard let it in
HEALTH_SECONDS, FIGURES_SECONDS = 1.0, 5.0  # so long is what was seen good enough for the next who asks
READY_WITHIN, SCRAPED_WITHIN = 2.0, 5.0  # seconds: who asks for longer has gone away

logger = logging.getLogger("analytics_es.web")


def is_probe(request: Request) -> bool:
    """Say whether a request is one that is answered to everybody, as far as that goes."""
    return is_read(request) and path_of(request) in PROBES


def is_vital(request: Request) -> bool:
    """Say whether a request is one that machines repeat for ever."""
    return is_read(request) and path_of(request) in (*PROBES, METRICS)


@define
class Vitals:
    """Answers machines; what asks the store does so in threads of its own, once for all who ask at a time."""

    service: AnalyticsService
    counts: Counts
    max_lag: float | None
    max_lag_events: int | None
    _health: Kept[Health] = field(init=False)
    _parts: dict[str, Kept[list[Family]]] = field(init=False)
    _unready: Trouble = field(factory=lambda: Trouble(logger, "The store is not ready"), init=False)
    _troubles: dict[str, Trouble] = field(init=False)

    def __attrs_post_init__(self) -> None:
        looking, collecting = Threads(1, "analytics-es-health"), Threads(2, "analytics-es-metrics")
        makers: dict[str, tuple[float, Callable[[], list[Family]]]] = {
            "health": (0.0, lambda: figures.of_health(self._health.coming().result())),
            "recording": (0.0, lambda: figures.of_recording(self.service)),
            "cost": (FIGURES_SECONDS, lambda: figures.of_costs(self.service)),
            "budgets": (FIGURES_SECONDS, lambda: figures.of_budgets(self.service)),
            "dead_letters": (FIGURES_SECONDS, lambda: figures.of_dead_letters(self.service)),
        }
        self._health = Kept(self._look, HEALTH_SECONDS, looking)
        self._parts = {name: Kept(make, seconds, collecting) for name, (seconds, make) in makers.items()}
        self._troubles = {name: Trouble(logger, f"The figures of {name} for Prometheus") for name in makers}

    def _look(self) -> Health:
        return self.service.check_health(max_lag=self.max_lag, max_lag_events=self.max_lag_events).unwrap()

    # ── health ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def live(self, _: Request) -> Response:
        """Say that this process answers."""
        return in_json({"status": "live"})

    async def ready(self, request: Request) -> Response:
        """Say whether the store is ready; why it is not is told to who may read the rest."""
        let_in = request.scope.get(LET_IN, False)
        coming = self._health.coming()
        if not await come(coming, asyncio.get_running_loop().time() + READY_WITHIN):
            self._unready.begins("it does not answer.")
            problem = {"problem": f"The store has not answered for {READY_WITHIN:g} s."} if let_in else {}
            return in_json({"status": "not_ready", **problem}, 503)
        health = coming.result()
        if health.ready:
            self._unready.over()
        else:
            self._unready.begins(f"{', '.join(check.name for check in health.checks if check.state == 'failed')}.")
        seen: dict[str, Any] = json.loads(to_json(health)) if let_in else {}
        return in_json({"status": "ready" if health.ready else "not_ready", **seen}, 200 if health.ready else 503)

    # ── figures ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def metrics(self, request: Request) -> Response:
        """Return the figures, without the parts of which something is wrong."""
        until = asyncio.get_running_loop().time() + SCRAPED_WITHIN
        coming = {name: part.coming() for name, part in self._parts.items()}
        families, missing = [figures.of_build(), figures.of_requests(self.counts)], dict[str, int]()
        for name, part in coming.items():
            there = await come(part, until)
            error = part.exception() if there else None
            if there and not error:
                families += part.result()
                self._troubles[name].over()
            else:
                self._troubles[name].begins(_said(error))
            missing[name] = int(bool(error) or not there)
        help = "1 where a part of these figures is missing, since it failed or took too long; else 0."
        families.append(figures.by("part", "scrape_errors", help, missing))
        body, content_type = prometheus.encoded(families, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})


def _said(error: BaseException | None) -> AnalyticsError | str:
    """Return what a log may have of why a part is missing: a failure that was to be expected, the kind of any other."""
    if error is None:
        return f"they took longer than {SCRAPED_WITHIN:g} s."
    return error if isinstance(error, AnalyticsError) else f"{type(error).__name__}."
