"""What is shown where there is nothing to show: the next steps, or the way to the events that there are."""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta

from analytics_es.events.event import EARLIEST, LATEST
from analytics_es.presentation import Line, Link
from analytics_es.presentation.pages.asking import Asking
from analytics_es.presentation.parts import Section, Step, Steps
from analytics_es.presentation.question import PERIOD
from analytics_es.types import TimePeriod
from analytics_es.types.calendar_words import midnight

SHOWN = timedelta(days=31)  # of what there is, at most

_RECORDING = """\
from analytics_es import AnalyticsService

with AnalyticsService.open("analytics.db") as analytics:
    call = {"model": "claude-sonnet-4-5", "input_tokens": 1200, "output_tokens": 150}
    analytics.record_event("provider.call.completed", call).unwrap()"""


def _steps(server: str) -> Steps:
    """Return ways to events; who sends them over HTTP sends them to this very server."""
    return Steps(
        [
            Step(
                text="Look around first, with a week that is made up, in a store of its own",
                code="analytics-es demo --db demo.db\nanalytics-es serve --db demo.db --port 0",
            ),
            Step(
                text="See which coding agents keep sessions on this machine, and read them",
                code="analytics-es agents\nanalytics-es agents import",
            ),
            Step(
                text="Let applications and agents send OpenTelemetry here: this server is the endpoint",
                code=f"export OTEL_EXPORTER_OTLP_ENDPOINT={shlex.quote(server)}\n"
                "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            ),
            Step(text="Record events from Python, into the same store", code=_RECORDING),
        ]
    )


def instead(asking: Asking) -> Section:
    """Return what to do where a period has no events: where there are any, the way to the last of them."""
    bounds = _bounds(asking)
    if bounds is None:
        line = Line("Nothing is recorded yet. Each of these ways leads to events; this page then shows them.")
        return Section(title="No events yet", parts=[line, _steps(asking.server)])
    first, last = bounds
    zone = asking.period.start.tzinfo
    end = midnight(last.astimezone(zone).date() + timedelta(days=1), zone)  # type: ignore[arg-type]
    start = midnight(max(first, end - SHOWN).astimezone(zone).date(), zone)  # type: ignore[arg-type]
    text = f"No events in this period. There are some from {first:%Y-%m-%d} to {last:%Y-%m-%d}."
    days = {"from": f"{start:%Y-%m-%d}", "to": f"{end:%Y-%m-%d}"}
    shown = f"{start:%Y-%m-%d} to {end - timedelta(days=1):%Y-%m-%d}"
    link = Link(text=f"show {shown}", words={**dict.fromkeys((*PERIOD, "granularity")), **days})
    return Section(title="No events", parts=[Line(text)], more=link)


def _bounds(asking: Asking) -> tuple[datetime, datetime] | None:
    """Return when the first and the last event occurred; None where there is none."""
    zone = asking.period.start.tzinfo
    whole = TimePeriod(EARLIEST.astimezone(zone), LATEST.astimezone(zone), "total")
    totals = asking.answers.get_usage_stats(None, None, whole).unwrap().totals
    return (totals.first_seen, totals.last_seen) if totals.first_seen and totals.last_seen else None
