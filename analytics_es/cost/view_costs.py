"""What SQL views show of costs: buckets whose rows or prices have changed, priced as in every answer; and budgets."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import orjson
from attrs import asdict, frozen

from analytics_es.cost import view_prices, view_rows
from analytics_es.cost.cells import NEEDED
from analytics_es.cost.context import COST, CostContext
from analytics_es.cost.joined import STATEMENTS
from analytics_es.cost.prices import genai
from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.pricing import Costing
from analytics_es.cost.view_budgets import ViewBudgets
from analytics_es.cost.view_rows import Row
from analytics_es.errors import AnalyticsError, StoreBusy, StoreFailed
from analytics_es.log import EventLog, Horizon
from analytics_es.process import Background
from analytics_es.queries import Question
from analytics_es.read_models import Mark, RowPrices, Stretch, ToPrice, Whose
from analytics_es.types import TimePeriod

logger = logging.getLogger("analytics_es")

LOOK_SECONDS = 0.5  # how often to look for what other processes have folded
REST = 9  # so many times as long as pricing took, until the next time
NEAR = {"hour": 3 * 3600, "day": 3 * 86_400}  # seconds between buckets that one question is for
QUICK = 1.0  # seconds of processor time that budgets may take for who waits
MANY, A_LITTLE = 400, 0.02  # buckets, of which no more than those of so many seconds are priced for who waits
TOGETHER = 8  # times as long, at the most: while it is written, who folds waits
MARGIN, EVER = 2 * 86_400, 2**62  # seconds; no day is longer than the margin

Priced = tuple[list[Row], RowPrices | None]  # rows as they are shown, and the prices of others


class ViewCosts:
    """Prices what the SQL views of costs show: now, or in a thread of its own until closed.

    Not in the transaction that changes rows: who records and who asks are not to wait for it.
    """

    def __init__(self, context: CostContext, log: EventLog) -> None:
        self._context, self._read_models = context, context.read_models
        self._pricing, self._budgets = threading.Lock(), ViewBudgets(context, log)
        self.background = Background("analytics-es-view-costs", self._follow)
        self._trouble, self._budgets_took = "", 0.0

    # ── in the background ───────────────────────────────────────────────────────────────────────────────────────

    def follow(self) -> None:
        """Price whenever read models have moved, in a thread of its own until closed."""
        self.background.start()

    def wake(self) -> None:
        """Say that read models have moved."""
        self.background.wake()

    def _follow(self) -> None:
        while not self.background.stopping.is_set():
            self.background.woken.wait(LOOK_SECONDS)
            self.background.woken.clear()
            began = time.monotonic()
            self.look()
            self.background.stopping.wait((time.monotonic() - began) * REST)

    def close(self) -> None:
        """Stop; what is not priced is noted, and priced by the next who looks."""
        self.background.close()

    # ── pricing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self, seconds: float | None = None) -> bool:
        """Price what is to be, the newest first, for so many seconds of processor time at most; says whether all is.

        What keeps it from that is said in the log of the program, and tried again: answers do not depend on it.
        """
        if not self._pricing.acquire(timeout=-1 if seconds is None else seconds):
            return False
        try:
            done = self._price(seconds)
            if done and (seconds is None or self._budgets_took < QUICK):
                began = time.thread_time()
                self._budgets.show()
                self._budgets_took = time.thread_time() - began
            self._trouble = ""
            return done
        except AnalyticsError as error:
            if str(error) != self._trouble and not self.background.stopping.is_set():
                logger.warning("The costs that SQL views show are not up to date: %s", error)
            self._trouble = str(error)
            return False
        finally:
            self._pricing.release()

    def _price(self, seconds: float | None) -> bool:
        noted = self._noted()
        if noted is None or not (noted.marks or noted.basis):
            return True
        basis = _Basis.of(self._context.prices.book(), noted.horizon)
        if noted.basis != basis.write():
            noted = self._price_again(noted, basis)
        if seconds is not None and len(noted.marks) > MANY:  # nobody waits for so many; by and by, they are done too
            seconds = A_LITTLE
        # Of processor time, however busy the machine is; not to read the default prices, once in a process.
        until = None if seconds is None else time.thread_time() + seconds
        for n, part in enumerate(_parts(noted)):
            if self.background.stopping.is_set() or (n and until is not None and time.thread_time() > until):
                return False
            self._write(noted, part)
        return True

    def _noted(self) -> ToPrice | None:
        read_models = self._read_models
        with read_models.reading() as cursor:
            behind, noted = read_models.shown.is_behind(cursor), read_models.shown.to_price(cursor)
        if behind:
            with read_models.writing() as cursor:
                read_models.shown.follow(cursor, read_models.attempting)
        return noted if COST in read_models.declarations else None

    def _price_again(self, noted: ToPrice, basis: _Basis) -> ToPrice:
        """Note what has another price now, and that this is known."""
        stretches = basis.since(_Basis.read(noted.basis)) if noted.basis else []
        with self._read_models.writing() as cursor:
            self._read_models.shown.price_again(cursor, noted.declaration, stretches, basis.write())
            return self._read_models.shown.to_price(cursor) or noted

    def _write(self, noted: ToPrice, part: Sequence[Mark]) -> None:
        """Price a part in SQL; where that is not surely right, row by row."""
        period, grain, shown = self._period(noted, part), part[0][0], self._read_models.shown
        whose = shown.changed.whose(note for _, _, note in part) if period else None
        rows, prices = self._answer(period, lambda question: _in_sql(question, grain, whose))
        if prices and whose and len(prices.parts) * len(whose) > STATEMENTS:
            whose = None
            rows, prices = self._answer(period, lambda question: _in_sql(question, grain, None))
        try:
            with self._read_models.writing() as cursor:
                shown.write(cursor, noted.declaration, part, rows, prices, whose)
        except StoreBusy:
            raise
        except StoreFailed:  # such as of a sum beyond 64 bits, or of rows that came meanwhile
            if prices is None:
                raise
            rows, _ = self._answer(period, lambda question: (_by_rows(question, grain, whose), None))
            with self._read_models.writing() as cursor:
                shown.write(cursor, noted.declaration, part, rows, None, whose)

    def _period(self, noted: ToPrice, part: Sequence[Mark]) -> TimePeriod | None:
        """Return the time of all buckets from the last of a part, which is the oldest, to the first; of those kept."""
        (grain, *_), calendar = part[0], self._context.calendar
        there = [bucket for _, bucket, _ in part if bucket >= noted.kept(grain)]
        if not there:
            return None
        following = calendar.next_hour if grain == "hour" else calendar.next_day
        start, end = (datetime.fromtimestamp(bound, UTC) for bound in (there[-1], following(there[0])))
        return TimePeriod(start, end, "hour" if grain == "hour" else "day")

    def _answer(self, period: TimePeriod | None, answered: Callable[[Question], Priced]) -> Priced:
        return ([], None) if period is None else self._context.answer([COST], period, answered)


@frozen(kw_only=True)
class _Basis:
    """What costs are computed by: published prices up to a position, the default ones, and what is kept of events.

    `unread`: how many published ones cannot be read. `hours`: from when on hours are kept. `sealed`: until when events
    are sealed. `starts`: from when on each published price holds, in seconds, by the order of publication.
    """

    starts: Sequence[int]
    unread: int
    default: str
    hours: int
    sealed: int

    @classmethod
    def of(cls, book: PriceBook, horizon: Horizon) -> _Basis:
        """Return what is so now."""
        return cls(
            starts=[int(entry.effective_from.timestamp()) for _, entry, _ in book.published],
            unread=len(book.unread),
            default=genai.edition().digest if genai.installed() else "",
            hours=horizon.hours,
            sealed=horizon.until,
        )

    @classmethod
    def read(cls, text: str) -> _Basis:
        """Read what `write` has written."""
        return cls(**orjson.loads(text))

    def write(self) -> str:
        """Return it as text."""
        return orjson.dumps(asdict(self)).decode()

    def since(self, before: _Basis) -> list[Stretch]:
        """Return the stretches of time in which costs may be others than they were."""
        starts = list(before.starts)
        if (self.default, self.unread, self.starts[: len(starts)]) != (before.default, before.unread, starts):
            return [(0, EVER)]
        stretches = [(one, other) for one, other in ((before.hours, self.hours), (before.sealed, self.sealed))]
        new = [(start - MARGIN, EVER) for start in self.starts[len(starts) :]]
        return [(min(new)[0], EVER)] if new else [stretch for stretch in stretches if stretch[0] != stretch[1]]


def _parts(noted: ToPrice) -> Iterator[list[Mark]]:
    """Yield what one question prices: buckets of one grain that are close together, the newest first."""
    for grain, near in NEAR.items():
        part: list[Mark] = []
        for mark in noted.marks:
            if mark[0] != grain:
                continue
            if part and (part[-1][1] - mark[1] > near or part[0][1] - mark[1] > TOGETHER * near):
                yield part
                part = []
            part.append(mark)
        if part:
            yield part


def _in_sql(question: Question, grain: str, whose: Sequence[Whose] | None) -> Priced:
    """Return the prices of a period, and the rows of models of which they do not tell; or all rows, and no prices."""
    with Costing(question, question.declaration(COST, NEEDED)) as costing:
        prices, left = view_prices.prices(costing, question, grain)
        if prices is None:
            return list(view_rows.rows(costing, question, grain, whose)), None
        return list(view_rows.rows(costing, question, grain, whose, left)) if left else [], prices


def _by_rows(question: Question, grain: str, whose: Sequence[Whose] | None) -> list[Row]:
    with Costing(question, question.declaration(COST, NEEDED)) as costing:
        return list(view_rows.rows(costing, question, grain, whose))
