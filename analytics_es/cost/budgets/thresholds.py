"""Thresholds: when so much of a budget is spent, the log is told of it, once, and so is who asked to be."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

import orjson
from attrs import astuple, evolve

from analytics_es.cost.budgets.accounts import BUDGETS, DEFAULT_THRESHOLDS, Account, counted_period
from analytics_es.cost.budgets.book import AccountBook
from analytics_es.cost.budgets.changes import REACHED, Changes
from analytics_es.cost.budgets.first_reached import BEGINNING, BudgetHistory, PriceHistory, State
from analytics_es.cost.budgets.spending import COST
from analytics_es.cost.budgets.together import Together
from analytics_es.cost.context import CostContext
from analytics_es.cost.price_log import PriceLog
from analytics_es.errors import AnalyticsError, BeforeHorizon, CallbackFailed, ReachedBySealed, without_frames
from analytics_es.events import codec
from analytics_es.events.checks import SCOPES
from analytics_es.log import Appended, Entry
from analytics_es.process import Background, Trouble
from analytics_es.projection.declaration import Declaration
from analytics_es.queries.figures import trimmed, written
from analytics_es.read_models import Snapshot
from analytics_es.store import Store
from analytics_es.types import ThresholdReached, TimePeriod
from analytics_es.types.sentences import of_error

logger = logging.getLogger(__name__)

SOURCE = "analytics_es"
LOOK_SECONDS = 0.5  # how often to look for what other processes have folded
TRIES = 5  # to see read models that do not move meanwhile
REST = 9  # so many times as long as a look took, until the next one

OnThreshold = Callable[[ThresholdReached], object]
Announced = tuple[Account, Decimal]


class Thresholds:
    """Looks for what was reached: now, or in a thread of its own until closed, whenever read models have moved.

    A thread of its own, because a callback may take its time, and read models are not to wait for it.
    """

    def __init__(
        self, store: Store, context: CostContext, prices: PriceLog, on_threshold: OnThreshold | None = None
    ) -> None:
        self._store, self._context, self._prices = store, context, prices
        self._on_threshold = on_threshold
        # Read models that are behind the log of now do not know yet what it is told of: until then, nothing is told.
        self._begin = store.log.head()
        self._looked_at: dict[str, int] = {}
        self._book = AccountBook()
        self._again: set[Account] = set()  # they are looked at again, whether anything has moved or not
        self._price_history = PriceHistory.of(prices.book())
        self._earlier: dict[Account, State] = {}
        self._announced: set[Announced] = set()  # of these the log was told, or cannot be
        self._looking = threading.Lock()
        self.background = Background("analytics-es-thresholds", self._follow)
        self._trouble: AnalyticsError | None = None
        self._told = Trouble(logger, "Thresholds of budgets")
        self._failed: CallbackFailed | None = None

    @property
    def problem(self) -> str | None:
        """What keeps thresholds from being told of, or what the callback failed with last."""
        error = self._trouble or self._failed
        return of_error(error) if error else None

    # ── in the background ───────────────────────────────────────────────────────────────────────────────────────

    def follow(self) -> None:
        """Look whenever read models have moved, in a thread of its own until closed."""
        self.background.start()

    def wake(self) -> None:
        """Say that read models have moved."""
        self.background.wake()

    def _follow(self) -> None:
        stopping, woken = self.background.stopping, self.background.woken
        while not stopping.is_set():
            woken.wait(LOOK_SECONDS)
            woken.clear()
            if stopping.is_set():
                return
            began = time.monotonic()
            try:
                self.look()
            except AnalyticsError as error:
                self._note(error)
            stopping.wait((time.monotonic() - began) * REST)

    def close(self) -> None:
        """Stop; what was not told of is found by the next who looks."""
        self.background.close()  # a callback may close the service

    def _note(self, error: AnalyticsError) -> None:
        if not self.background.stopping.is_set():
            self._told.begins(error)
        self._trouble = without_frames(error)

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self) -> int:
        """Tell of every threshold that was reached and is not told of yet; returns of how many."""
        announced: list[ThresholdReached] = []
        try:
            with self._looking:
                for reached in self._look():
                    announced.append(reached)  # of what was recorded before it fails, somebody is told
        finally:
            for reached in announced:  # whoever is called may look again
                self._call(reached)
        return len(announced)

    def _look(self) -> Iterator[ThresholdReached]:
        seen = self._seen()
        if seen is None:
            return
        positions, latest = seen
        book, trouble, failed = self._prices.book(), None, set[Account]()
        if self._price_history.book is not book:
            self._price_history = PriceHistory.of(book)
        together = Together.of(list(self._alike(latest)))
        for account, state in latest.items():
            try:
                yield from self._reached(account, state, together)
            except AnalyticsError as error:
                self._note(error)
                trouble = error
                failed.add(account)
        self._trouble, self._looked_at, self._again = trouble, positions, failed
        if not trouble:
            self._told.over()

    def _seen(self) -> tuple[dict[str, int], dict[Account, State]] | None:
        """Return where the read models are, and the budgets to look at; None where there is nothing to look for.

        What came since is read before there is a snapshot: where that is of another position, it is done again.
        """
        for left in reversed(range(TRIES)):
            live = {name: own for name, own in self._context.read_models.live().items() if name in (BUDGETS, COST)}
            positions = {name: own.position for name, own in live.items()}
            moved = positions != self._looked_at
            if not (moved or self._again) or min(positions.values()) < self._begin:
                return None
            changes = self._changes(positions, {name: own.declaration for name, own in live.items()})
            with self._context.read_models.read() as snapshot:
                there = {name: snapshot.positions[name] for name in positions}
                if there == positions or not left:
                    return there, dict(self._states(snapshot, there[BUDGETS], changes if there == positions else None))
        raise AssertionError  # the last of the tries has returned

    def _changes(self, positions: Mapping[str, int], live: Mapping[str, Declaration]) -> Changes | None:
        """Return what has changed since the last look, None where all may have."""
        looked_at = self._looked_at
        if positions.keys() != looked_at.keys() or any(looked_at[name] > positions[name] for name in positions):
            return None
        return Changes.between(self._store.log, min(looked_at.values()), max(positions.values()), live)

    def _states(self, snapshot: Snapshot, position: int, changes: Changes | None) -> Iterator[tuple[Account, State]]:
        """Yield the budgets with thresholds to be told of, as the read model has them, that may have changed."""
        concerned = {*self._book.read(snapshot, changes), *self._again}
        for account in sorted(concerned, key=astuple):
            state = self._book.state(snapshot, account, position, self._store.calendar)
            # What a budget of nobody known spent cannot be known, nor that it reached anything.
            if state and state.allocation.amount and not account.is_of_nobody and self._unannounced(account, state):
                yield account, state

    def _unannounced(self, account: Account, state: State) -> list[Decimal]:
        """Return the thresholds to be told of; before any was asked for, there were the usual ones."""
        earlier = self._earlier.get(account, BEGINNING)
        usual = DEFAULT_THRESHOLDS if state.allocation.count > 1 and not earlier.allocation.percents else ()
        percents = {*state.allocation.thresholds, *usual} - state.allocation.reached.keys()
        return sorted(percent for percent in percents if (account, percent) not in self._announced)

    def _reached(self, account: Account, state: State, together: Together) -> Iterator[ThresholdReached]:
        history = BudgetHistory.of(
            store=self._store,
            context=self._context,
            account=account,
            price_history=self._price_history,
            earlier=self._earlier_state(account),
            latest=state,
            together=together,
        )
        for percent in self._unannounced(account, state):
            if first := history.first(percent):
                announced = self._announce(account, percent, first)
                self._announced.add((account, percent))
                if announced and not announced[1].duplicate:
                    yield announced[0]
        self._earlier[account] = history.latest

    def _alike(self, latest: Mapping[Account, State]) -> Iterator[tuple[Account, TimePeriod]]:
        """Yield the budgets that may be asked for with others, and the hours in which calls count."""
        for account, state in latest.items():
            with suppress(AnalyticsError):  # of one of which that cannot be told, it is said where it is its turn
                if account.scope:
                    yield account, counted_period(account, state.allocation.first_at, self._store.calendar)

    def _earlier_state(self, account: Account) -> State:
        """Return a budget as it was at the last look: one that was not looked at then had not changed."""
        earlier, looked_at = self._earlier.get(account), self._looked_at.get(BUDGETS, 0)
        if earlier is None or account in self._again or looked_at <= earlier.position:
            return earlier or BEGINNING
        return evolve(earlier, position=looked_at)

    # ── telling ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _announce(self, account: Account, percent: Decimal, state: State) -> tuple[ThresholdReached, Appended] | None:
        """Record that a threshold was reached; None where the event that reached it is too old for that."""
        try:
            occurred_at = self._occurred_at(account, percent, state.position)
            entry = self._entry(account, percent, state, occurred_at)
            (appended,) = self._store.recorder.announce_all([entry])
        except (BeforeHorizon, ReachedBySealed) as error:
            logger.warning("%s", error)
            return None
        zone = self._store.calendar.zone
        reached = ThresholdReached(
            budget_id=account.budget_id,
            currency=account.currency,
            scope=account.scope,
            scope_id=account.scope_id,
            starts_at=account.start and account.start.astimezone(zone),
            ends_at=account.end and account.end.astimezone(zone),
            percent=percent,
            allocated=trimmed(state.allocated),
            spent=trimmed(state.spent),
            position=state.position,
            occurred_at=occurred_at.astimezone(zone),
            told_position=appended.position,
        )
        return reached, appended

    def _occurred_at(self, account: Account, percent: Decimal, position: int) -> datetime:
        row = self._store.log.at(position)
        if row is None:
            raise ReachedBySealed(percent=percent, budget=account.budget_id)
        return codec.decode(row["position"], row["type"], row["state"]).occurred_at

    def _entry(self, account: Account, percent: Decimal, state: State, occurred_at: datetime) -> Entry:
        """Write the event; its identity is that of the threshold, so that whoever else finds it finds it recorded."""
        whose = SCOPES.get(account.scope)
        named = {
            "budget_id": account.budget_id,
            "currency": account.currency,
            "scope": account.scope,
            **({whose: account.scope_id} if whose else {}),
            "starts_at": account.starts_at,
            "ends_at": account.ends_at,
            "threshold": format(percent, "f"),
        }
        identity = hashlib.blake2b(orjson.dumps(list(named.values())), digest_size=16).hexdigest()
        figures = {"allocated": written(state.allocated), "spent": written(state.spent)}
        data = {name: text for name, text in named.items() if text} | {"at_position": state.position, **figures}
        about = {"occurred_at": occurred_at, "id": f"threshold {identity}", "source": SOURCE}
        return self._store.recorder.own_door.write(REACHED, data, **about)

    def _call(self, reached: ThresholdReached) -> None:
        if self._on_threshold:
            try:
                self._on_threshold(reached)
                self._failed = None
            except Exception as error:
                self._failed = CallbackFailed(
                    percent=reached.percent,
                    budget=reached.budget_id,
                    problem=f"{type(error).__name__}: {error}",
                    position=reached.told_position,
                )
                logger.exception("%s", self._failed)
