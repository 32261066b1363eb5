"""Whether an open store does what it is there for: a few looks that take milliseconds, each told in a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from analytics_es.errors import AnalyticsError, StoreBusy
from analytics_es.types import Health, HealthCheck, ProjectionHealth
from analytics_es.types.sentences import joined, of_error, sentence

if TYPE_CHECKING:
    from analytics_es.service.parts import Parts
    from analytics_es.types.health import State

GRACE = timedelta(days=1)  # what goes at night may be there until the next one
BUSY_SECONDS = 5.0  # so long does who appends wait for others
LISTED = 1000  # dead letters that are counted


@frozen(kw_only=True)
class Bounds:
    """How far read models may be behind: seconds, events; None is any."""

    seconds: float | None
    events: int | None

    def exceeded(self, events: int, seconds: float) -> bool:
        """Say whether that is further than they may be."""
        late = self.seconds is not None and seconds > self.seconds
        return events > 0 and (late or (self.events is not None and events > self.events))

    @property
    def in_words(self) -> str:
        """What is allowed."""
        words = [f"{self.seconds:g} s"] if self.seconds is not None else []
        words += [f"{self.events:,} events"] if self.events is not None else []
        return f"up to {' and '.join(words)} are fine" if words else "any lag is fine"


@define
class Watch:
    """Looks after one service; what it remembers is since when somebody else has been writing."""

    parts: Callable[[], Parts]  # raises Closed
    clock: Callable[[], float] = time.monotonic
    _busy_since: float | None = field(init=False, default=None)

    def look(self, bounds: Bounds) -> Health:
        """Look at everything, once."""
        try:
            parts = self.parts()
            position = parts.store.log.head()
        except AnalyticsError as error:
            return unopened(error, max_lag=bounds.seconds, max_lag_events=bounds.events)
        lags = Lags(parts, bounds)
        checks = [
            HealthCheck(name="store", state="ok", finding=f"It can be read; its log is at position {position:,}."),
            _looked("log", lambda: self._log(parts)),
            _looked("lag", lags.look),
            _looked("retention", lambda: _retention(parts)),
            _looked("dead_letters", lambda: _dead_letters(parts), otherwise="warning"),
        ]
        ready = all(check.state != "failed" for check in checks)
        return Health(
            ready=ready,
            checks=checks,
            projections=lags.projections or [],
            position=position,
            lag_events=lags.events,
            lag_seconds=lags.seconds,
            max_lag=bounds.seconds,
            max_lag_events=bounds.events,
        )

    def _log(self, parts: Parts) -> HealthCheck:
        """Try to write; that somebody else is writing is no trouble until it keeps who appends from it."""
        try:
            parts.store.log.try_to_write()
        except StoreBusy as error:
            now = self.clock()
            self._busy_since = now if self._busy_since is None else self._busy_since
            seconds = now - self._busy_since
            state: State = "failed" if seconds >= BUSY_SECONDS else "warning"
            finding = f"Somebody else has been writing to it for {seconds:.1f} s, and who records waits."
            advice = "Look for a large import, a retention, or another program that holds the database."
            return HealthCheck(name="log", state=state, finding=finding, advice=advice, code=error.code)
        self._busy_since = None
        return HealthCheck(name="log", state="ok", finding="An event can be recorded.")


@define
class Lags:
    """How far the read models of a store are behind."""

    parts: Parts
    bounds: Bounds
    projections: list[ProjectionHealth] | None = None

    def look(self) -> HealthCheck:
        """Say which are further behind than they may be, and what keeps them."""
        runner, live = self.parts.store.runner, self.parts.store.read_models.live()
        lags = {position: runner.lag(position) for position in {model.position for model in live.values()}}
        self.projections = [
            ProjectionHealth(
                name=name,
                position=model.position,
                lag_events=lags[model.position][0],
                lag_seconds=lags[model.position][1],
                error=self.parts.problem(name),
            )
            for name, model in sorted(live.items())
        ]
        late = [one for one in self.projections if self.bounds.exceeded(one.lag_events, one.lag_seconds)]
        stopped = [one for one in self.projections if one.error]
        if not late and not stopped:
            finding = f"The read models are {_behind(self.events or 0, self.seconds or 0)}; {self.bounds.in_words}."
            return HealthCheck(name="lag", state="ok", finding=finding)
        shown = [f"{one.name} is {_behind(one.lag_events, one.lag_seconds)}" for one in dict.fromkeys(late + stopped)]
        return HealthCheck(
            name="lag",
            state="failed" if late else "warning",
            finding=f"{', '.join(shown)}; {self.bounds.in_words}.",
            advice=joined(" ", dict.fromkeys(one.error for one in stopped if one.error)) or self._advice(),
        )

    @property
    def events(self) -> int | None:
        """How many events the one that is furthest behind has not taken in; None where nothing was seen."""
        return None if self.projections is None else max((one.lag_events for one in self.projections), default=0)

    @property
    def seconds(self) -> float | None:
        """How long the first event has been waiting; None where nothing was seen."""
        return None if self.projections is None else max((one.lag_seconds for one in self.projections), default=0.0)

    def _advice(self) -> str:
        if not self.parts.store.runner.follows():
            return sentence(
                "Keep `analytics-es run` or `serve` going, or open the service with follow=True: nothing follows here."
            )
        return sentence("Wait, or look at `analytics-es projections status`: more may be recorded than is taken in.")


def _behind(events: int, seconds: float) -> str:
    return f"{events:,} event{'s' if events != 1 else ''} behind, for {seconds:,.1f} s" if events else "up to date"


def _retention(parts: Parts) -> HealthCheck:
    """Look for events that were to go a day ago, and could have: they were recorded, and this was said, by then."""
    from analytics_es.lifecycle.retention import target, told_position
    from analytics_es.log import Horizon
    from analytics_es.queries.as_of import recorded_at

    policy, log, at_night = parts.retention, parts.store.log, parts.store.clock() - GRACE
    if not any(policy.events.values()):
        return HealthCheck(name="retention", state="ok", finding="Events are kept for ever.")
    first = log.seals.first_before(target(policy, Horizon(), parts.store.calendar, at_night).refused) or ""
    event, told_at = log.find(first), told_position(log, policy)
    said_at = recorded_at(log, told_at) if told_at else parts.opened_at
    came_at = recorded_at(log, event["position"]) if event else None
    if event is None or any(moment and moment > at_night for moment in (said_at, came_at)):
        return HealthCheck(name="retention", state="ok", finding="Events that are to be kept no longer are gone.")
    occurred_at = parts.store.calendar.local(int(first[:12], 16) // 1000)
    finding = f"Events from {occurred_at:%Y-%m-%d} on are there that were to go by now ({policy.in_words})."
    advice = sentence(
        "Keep `analytics-es run` or `serve` going, which do it at night, or do it by `analytics-es retain`."
    )
    return HealthCheck(name="retention", state="failed", finding=finding, advice=advice)


def _dead_letters(parts: Parts) -> HealthCheck:
    """Count what could not be read, which stands in the answers as such: for information."""
    with parts.store.read_models.read() as snapshot:
        counts = {name: len(snapshot.letters(name, limit=LISTED)) for name in sorted(snapshot.live)}
    if not any(counts.values()):
        return HealthCheck(name="dead_letters", state="ok", finding="Projections could read everything.")
    shown = ", ".join(f"{name} {_at_most(count)}" for name, count in counts.items() if count)
    finding = f"Values that could not be read: {shown}."
    advice = sentence("Look at them by `analytics-es dead-letters list`.")
    return HealthCheck(name="dead_letters", state="warning", finding=finding, advice=advice)


def _at_most(count: int) -> str:
    return f"{count:,}" if count < LISTED else f"{LISTED:,} or more"


def unopened(error: AnalyticsError, *, max_lag: float | None, max_lag_events: int | None) -> Health:
    """Say what is to be said of a store that cannot be opened, or read: it is not ready."""
    return Health(
        ready=False,
        checks=[_failed("store", error)],
        projections=[],
        position=None,
        lag_events=None,
        lag_seconds=None,
        max_lag=max_lag,
        max_lag_events=max_lag_events,
    )


def _looked(name: str, look: Callable[[], HealthCheck], otherwise: State = "failed") -> HealthCheck:
    """Look at one thing; that it cannot be looked at is what was found."""
    try:
        return look()
    except AnalyticsError as error:
        return _failed(name, error, otherwise)


def _failed(name: str, error: AnalyticsError, state: State = "failed") -> HealthCheck:
    advice = ADVICE.get(error.code)
    return HealthCheck(name=name, state=state, finding=of_error(error), advice=advice, code=error.code)


# What to do about failures whose messages do not say it.
ADVICE = {
    "store_failed": "See that the disk has room, and that this process may write there.",
    "store_unavailable": "See that the server runs, can be reached, and has connections left.",
}
