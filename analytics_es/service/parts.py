"""What an open service is made of, from its opening to its end; in a forked process it is opened once more."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from datetime import datetime
from functools import partial

from attrs import Factory, frozen

from analytics_es.cost.budgets.accounts import BUDGETS
from analytics_es.cost.budgets.thresholds import OnThreshold, Thresholds
from analytics_es.cost.context import CostContext
from analytics_es.cost.price_log import PriceLog
from analytics_es.cost.view_costs import ViewCosts
from analytics_es.errors import AnalyticsError, Closed, EventsLost, FoldFailed, Forked, StoreFailed
from analytics_es.ingest import Buffer, Subscription
from analytics_es.ingest.door import Door
from analytics_es.ingest.outcomes import Outcomes
from analytics_es.ingest.waiting import WaitingCorrections
from analytics_es.lifecycle import RetentionPolicy
from analytics_es.lifecycle.retention import RETENTION, telling
from analytics_es.log import LogSlice
from analytics_es.process import Aside, forks
from analytics_es.queries import QuestionContext
from analytics_es.queries.derived import DerivedReadModels
from analytics_es.queries.grouping import Words
from analytics_es.queries.policies import PolicyLog
from analytics_es.read_models.backfill import Backfill
from analytics_es.service.contexts import Contexts
from analytics_es.service.stats import stats_of
from analytics_es.store import Store
from analytics_es.types import Progress, ServiceStats, TimePeriod

logger = logging.getLogger("analytics_es")

SOON = 1.0  # seconds of processor time for the costs in SQL views, while somebody waits for read models


@frozen(kw_only=True, eq=False)
class Parts:
    """An open store, and what answers questions, looks after budgets and rebuilds beside it."""

    store: Store
    context: CostContext  # what questions of now are answered from
    prices: PriceLog
    corrections: WaitingCorrections
    view_costs: ViewCosts
    thresholds: Thresholds | None
    backfill: Backfill | None
    retention_said: RetentionPolicy | None  # by who opened the store
    opened_at: datetime
    derived: DerivedReadModels = Factory(DerivedReadModels)
    subscriptions: list[Subscription] = Factory(list)

    @classmethod
    def of(
        cls, store: Store, *, retention: RetentionPolicy | None, backfill: bool, on_threshold: OnThreshold | None
    ) -> Parts:
        """Put the parts together; nothing follows yet."""
        prices = PriceLog(store.log, store.recorder)
        context = CostContext(
            read_models=store.read_models,
            calendar=store.calendar,
            lag=store.runner.lag,
            clock=store.clock,
            known_as=store.known_as,
            prices=prices,
            policies=PolicyLog(store.log),
            declarations=store.declarations,
            derive=lambda declaration, tiling, upto: DerivedReadModels.exact(
                LogSlice(store.log, upto=upto), declaration, tiling
            ),
        )
        rebuild = partial(store.rebuild, patience=0)  # who follows tries again later
        has_budgets = BUDGETS in store.read_models.declarations
        return cls(
            store=store,
            context=context,
            prices=prices,
            corrections=WaitingCorrections(store.recorder),
            view_costs=ViewCosts(context, store.log),
            thresholds=Thresholds(store, context, prices, on_threshold) if has_budgets else None,
            backfill=Backfill(store.log, store.read_models, store.runner, rebuild) if backfill else None,
            retention_said=retention,
            opened_at=store.clock(),
        )

    @property
    def retention(self) -> RetentionPolicy:
        """The retention that was said here, else the one that the log tells of now; raises NotReadable."""
        return self.retention_said or RETENTION.of(self.store.log) or RetentionPolicy()

    def changes(self) -> list[tuple[str, str]]:
        """Return what was said here that is another than what the log tells of: in words, before and now."""
        said = self.store.recorder.in_force.tellings(self.store.policy)
        return [change for telling in said if (change := telling.change(self.store.log))]

    def tell_retention(self) -> None:
        """Tell the log of the retention that was said here, before anything is let go of."""
        if self.retention_said:
            self.store.recorder.tell(telling(self.retention_said))

    @property
    def contexts(self) -> Contexts:
        """What questions of now are answered from."""
        return Contexts(
            declarations=self.store.declarations,
            open=self._answering,
            evidence=lambda *_: nullcontext(self.context),
            store=self.store,
            now=self.store.clock,
        )

    def _answering(
        self, projection: str, period: TimePeriod, words: Words | None = None, progress: Progress | None = None
    ) -> AbstractContextManager[QuestionContext]:
        declared = self.context.declaration(projection)
        return self.derived.answering(self.context, self.store.log, declared, period, words, progress)

    def follow(self) -> None:
        """Follow the log in background threads until closed."""
        self.store.runner.moved = self._moved
        self.corrections.follow()
        if self.thresholds:
            self.thresholds.follow()
        self.view_costs.follow()
        self.store.runner.follow()
        if self.backfill:
            self.backfill.follow()

    def _moved(self) -> None:
        self.corrections.wake()
        self.view_costs.wake()
        if self.thresholds:
            self.thresholds.wake()

    def catch_up(self, progress: Progress | None = None, *, thresholds: bool = True) -> int:
        """Fold everything recorded so far; returns the position reached. What is announced meanwhile is folded too."""
        runner = self.store.runner
        failed: list[AnalyticsError] = []  # for one projection: raised when the rest is done
        try:
            if self.backfill:
                self.backfill.now(progress)
        except (FoldFailed, StoreFailed) as error:
            failed.append(error)
        self.corrections.settle()
        position = runner.bring_up(progress)
        if self.thresholds and thresholds and self.thresholds.look():
            position = runner.bring_up(progress)
        if thresholds:
            self.show()
        for first in [*failed, *runner.errors.values()]:
            raise first
        return position

    def show(self) -> None:
        """Let SQL views show what calls cost, as far as that is done soon; the rest is done by and by."""
        self.view_costs.look(SOON)

    def problem(self, projection: str) -> str | None:
        """Say what keeps a projection from going on, or what its budgets' thresholds failed with."""
        of_budgets = self.thresholds.problem if self.thresholds and projection == BUDGETS else None
        return self.store.runner.problem(projection) or of_budgets

    def close(self) -> None:
        """End subscriptions, stop following and close the store."""
        with ExitStack() as closing:  # the last first, whatever one of them raises
            for part in (
                self.store,
                self.derived,
                self.backfill,
                self.view_costs,
                self.thresholds,
                self.corrections,
                *self.subscriptions,
            ):
                if part:
                    closing.callback(part.close)


class Lifetime:
    """The parts of a service while it is open, and its buffers, which outlive a fork."""

    def __init__(self, parts: Parts, open_again: Callable[[], Parts] | None) -> None:
        self._parts, self._open_again = parts, open_again
        self.buffers: list[Buffer] = []
        self._closed = self._forked = False
        self._reopening = threading.Lock()
        self._keep()
        forks.register(self)

    def parts(self) -> Parts:
        """Return the parts, opened again in a forked process; raises Closed, and Forked for a store in memory."""
        if self._closed:
            raise Closed
        if self._forked:
            self._reopen()
        return self._parts

    def door(self) -> Door:
        """Return the door, for buffers too that are written while everything is being closed."""
        return (self.parts() if self._forked else self._parts).store.recorder.door

    def outcomes(self) -> Outcomes:
        """Return what counts what became of events, of a closed service too."""
        if self._forked and not self._closed:
            with suppress(AnalyticsError):  # what cannot be opened here is counted all the same
                self._reopen()
        return self._parts.store.recorder.outcomes

    def hold(self, buffer: Buffer) -> None:
        """Hold a buffer until the end; of closed ones, only what they lost is remembered."""
        for ended in [earlier for earlier in self.buffers if earlier.closed and not earlier.stats().buffered]:
            stats, outcomes = ended.stats(), self.outcomes()
            outcomes.dropped, outcomes.lost = outcomes.dropped + stats.dropped, outcomes.lost + stats.lost
            self.buffers.remove(ended)
        self.buffers.append(buffer)

    def stats(self) -> ServiceStats:
        """Say what became of everything that was handed in, and how far the read models are behind."""
        parts = self._parts if self._closed else self.parts()
        return stats_of(self.outcomes(), self.buffers, parts.subscriptions, None if self._closed else parts.store)

    def close(self) -> None:
        """Close the buffers, then the rest; raises EventsLost if they could not store what they held."""
        if self._closed:
            return
        ends = [buffer.close() for buffer in self.buffers]
        self._closed = True
        if self._forked:
            return
        self._unused.detach()
        self._parts.close()
        lost = [end.failure.details for end in ends if end.failure]
        if lost:
            raise EventsLost(count=sum(details["count"] for details in lost), problem=lost[0]["problem"])

    def before_fork(self) -> None:
        """Nothing to do: the parts of a service are told themselves."""

    def after_fork(self, *, child: bool) -> None:
        """In the child, open the store again when it is used: nothing that was opened before may be."""
        if child:
            self._forked, self._reopening = True, threading.Lock()

    def _reopen(self) -> None:
        """Open the parts again, which follow nothing: the parent does."""
        if self._open_again is None:
            raise Forked(place="a store in memory", problem="it is another's memory; open one here")
        with self._reopening:
            if self._forked:
                forks.leave((self._parts, *self.buffers))
                self._parts = self._open_again()
                self._forked = False
                self._unused.detach()
                self._keep()

    def _keep(self) -> None:
        """Close the parts when nobody can use them any more, such as when a service was opened and not kept.

        In a thread of its own: whoever collects garbage may be one of those that are to end, or hold any lock.
        """
        self._unused = weakref.finalize(self, _close_aside, self._parts)
        self._unused.atexit = False


def _close_aside(parts: Parts) -> None:
    def close() -> None:
        try:
            parts.close()
        except AnalyticsError as error:
            logger.debug("closing a service that nobody kept: %s", error)

    Aside("analytics-es-closing", close)
