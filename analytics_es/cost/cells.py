"""The read model `cost`, cut so that one price holds for all the calls of each part.

Periods are cut where prices change. What the read model cannot tell apart, an hour in which a price changes, or input
above a threshold that is none of its own, is derived from the log; where its events are gone, it is not known.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from attrs import define, evolve, field, frozen

from analytics_es.cost.charges import USED, Counts
from analytics_es.events.event import EPOCH
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Column, Declaration, Key, shortened
from analytics_es.queries.question import Question
from analytics_es.read_models import Tiling

MICRO = 1_000_000
PIECES = 100  # that one statement reads
FEW = 24  # a model whose price changes more often is read by the hour, not to cut all others

PRICED_BY = ("provider", "model", "currency", "pricing", "rate", "untold")
COUNTED = ("calls", "settled_calls", "reported_cost", *USED)
NEEDED = (*PRICED_BY, "effort", *COUNTED)

Name = tuple[str, str]  # of a provider and of a model, as events have them
Stretch = tuple[int, int]  # epoch seconds [start, end)


class UsageCell(NamedTuple):
    """A merged row. Its calls have one price, in force since `at` (microseconds); None where that cannot be told.

    `group` begins with the start of the bucket, where there are any. `band`: their input is above so many tokens.
    `half`: the half of the hour in which they all were, `:00` or `:30` (UTC), where rows tell it.
    """

    group: tuple[Any, ...]
    provider: str
    model: str
    currency: str
    pricing: str
    band: int
    batch: bool
    half: str
    untold: str
    at: int | None
    counts: Counts


@frozen(kw_only=True)
class CellQuery:
    """What is read: a period, filters and groups by keys, and the granularity of buckets; None for none."""

    tiling: Tiling
    where: Mapping[str, str]
    by: Sequence[str] = ()
    granularity: str | None = None

    def fits(self, name: Name) -> bool:
        """Say whether the filters let a model pass."""
        wanted = zip(("provider", "model"), name, strict=True)
        return all(shortened(self.where.get(key, value)) == value for key, value in wanted)

    def label(self, second: int) -> tuple[int, ...]:
        """Return the start of the bucket that holds a second, as groups begin."""
        if self.granularity is None:
            return ()
        if self.granularity == "total":
            return (self.tiling.start,)
        starts = {"hour": self.tiling.calendar.hour_start, "day": self.tiling.calendar.day_start}
        return (max(starts[self.granularity](second), self.tiling.start),)


@frozen
class Turning:
    """What changes the price of a model in a period: when (microseconds), and above how many tokens of input."""

    turns: Sequence[int]
    thresholds: Sequence[int]

    @classmethod
    def of(cls, turns: Sequence[datetime], thresholds: Sequence[int]) -> Turning:
        """Return what changes at instants and thresholds, in order."""
        return cls([_micros(each) for each in turns], thresholds)

    def last(self, at: int, otherwise: int) -> int:
        """Return the last change until a time (microseconds), before which there was another price."""
        place = bisect_right(self.turns, at)
        return self.turns[place - 1] if place else otherwise

    def band(self, input_tokens: int) -> int:
        """Return the highest threshold that so much input is above; 0 for none."""
        return max((each for each in self.thresholds if input_tokens > each), default=0)

    def within(self, start: int, end: int) -> bool:
        """Say whether the price changes after the start and before the end, given in seconds."""
        place = bisect_right(self.turns, start * MICRO)
        return place < len(self.turns) and self.turns[place] < end * MICRO


NEVER = Turning((), ())
Turns = Callable[[Name, datetime, datetime], tuple[list[datetime], list[int]]]


@define
class PricedCells:
    """Reads one question's cells; `turns` says of a model when, and above which thresholds, its price changes."""

    question: Question
    declaration: Declaration
    turns: Turns
    _open: ExitStack = field(factory=ExitStack)
    _known: dict[Stretch, tuple[dict[Name, Turning], list[Column]]] = field(factory=dict)
    _derived: dict[Any, Any] = field(factory=dict)

    def close(self) -> None:
        """Let go of what was derived."""
        self._open.close()

    def __call__(self, asked: CellQuery) -> Iterator[UsageCell]:
        """Yield what is asked for."""
        if asked.tiling.start >= asked.tiling.end:
            return
        turning, _ = self._about(asked)
        turning = {name: each for name, each in turning.items() if asked.fits(name)}
        apart = {name for name, each in turning.items() if len(each.turns) > FEW or self._lacks(each)}
        bounds = sorted({turn for name, each in turning.items() if name not in apart for turn in each.turns})
        pieces = _pieces(asked.tiling, bounds, self.question.horizon.hours)
        doubtful: dict[Name, set[Stretch]] = {}
        for piece, cell in self._read(asked, pieces):
            name = (cell.provider, cell.model)
            if name in apart:
                continue
            if decided := _decided(cell, piece, turning.get(name, NEVER), asked.tiling.start):
                yield decided
            else:
                doubtful.setdefault(name, set()).add(piece)
        for name in sorted(apart):
            yield from self._alone(asked, name, turning[name], doubtful)
        if doubtful:
            yield from self._exact(asked, doubtful, turning)

    # ── what changes when ───────────────────────────────────────────────────────────────────────────────────────

    def _about(self, asked: CellQuery) -> tuple[dict[Name, Turning], list[Column]]:
        """Return the models with calls in the period whose price changes, and the columns that tell anything in it."""
        stretch = (asked.tiling.start, asked.tiling.end)
        if stretch not in self._known:
            counted = [
                each for measure in self.declaration.measures if measure.name in COUNTED for each in measure.columns
            ]
            spans, where = asked.tiling.spans(), dict.fromkeys(self._entity_type(), "")
            rows = self.question.snapshot.sums(self.declaration, counted, spans, where=where, by=["provider", "model"])
            start, end = asked.tiling.local(stretch[0]), asked.tiling.local(stretch[1])
            found = {(provider, model): self.turns((provider, model), start, end) for provider, model, *_ in rows}
            turning = {
                name: Turning.of(turns, thresholds)
                for name, (turns, thresholds) in found.items()
                if turns or thresholds
            }
            told = zip(*(row[2:] for row in rows), strict=True)
            columns = [each for each, sums in zip(counted, told, strict=False) if each.name == "calls" or any(sums)]
            self._known[stretch] = (turning, columns)
        return self._known[stretch]

    def _entity_type(self) -> list[str]:
        return [key.name for key in self.declaration.keys if key.of_entity == "type"]

    def _entities(self, asked: CellQuery) -> tuple[str, ...]:
        """Return the entities that events must be spread over for what is asked: at least one, if there are any."""
        kinds = [asked.where[key] for key in self._entity_type() if key in asked.where]
        entities = self.declaration.entities
        return tuple(each for each in entities if each in kinds) or (entities[:1] if kinds else entities)

    def _lacks(self, turning: Turning) -> bool:
        """Say whether a threshold is none that the read model keeps apart."""
        return not set(turning.thresholds) <= _kept(self.declaration)

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, asked: CellQuery, pieces: Sequence[Stretch]) -> Iterator[tuple[Stretch, UsageCell]]:
        starts = [start for start, _ in pieces]
        for first in range(0, len(pieces), PIECES):
            some = (asked.tiling.part(*piece) for piece in pieces[first : first + PIECES])
            spans = [span for each in some for span in each.series(asked.granularity or "total")[0]]
            for second, cell in self._rows(self.question.snapshot, self.declaration, asked, spans, asked.where):
                yield pieces[bisect_right(starts, second) - 1], cell

    def _rows(
        self, snapshot: Any, declaration: Declaration, asked: CellQuery, spans: Any, where: Mapping[str, str]
    ) -> Iterator[tuple[int, UsageCell]]:
        """Yield the rows of buckets, each with the bucket's start, as cells that are priced by that."""
        turning, columns = self._about(asked)
        names = [column.name for column in columns]
        finer = [key.name for key in declaration.keys if key.name in _FINER]
        by, width = [*asked.by, *PRICED_BY, *finer], len(asked.by) + 1
        priced, counted, start = width + len(PRICED_BY), len(by) + 1, asked.tiling.start
        label = lru_cache(maxsize=None)(asked.label)
        for row in snapshot.sums(declaration, columns, spans, where=where, by=by, by_time=True):
            provider, model, currency, pricing, rate, untold = row[width:priced]
            above, batch, half = _rate(rate)
            at = row[0] * MICRO
            if finer:
                above, at = max(above, int(row[priced + 1])), max(at, int(row[priced]))
            turns = turning.get((provider, model), NEVER)
            counts = dict(zip(names, row[counted:], strict=False))
            counts["requests"] = counts["calls"]
            group = (*label(row[0]), *row[1:width])
            since = turns.last(at, start * MICRO)
            yield (
                row[0],
                UsageCell(group, provider, model, currency, pricing, above, batch, half, untold, since, counts),
            )

    def _alone(
        self, asked: CellQuery, name: Name, turning: Turning, doubtful: dict[Name, set[Stretch]]
    ) -> Iterator[UsageCell]:
        """Read a model by the hour, if its price changes often; leave to the log what cannot be told apart."""
        tiling = asked.tiling
        if self._lacks(turning):
            sealed = self.question.horizon.until * MICRO
            doubtful[name] = set(_pieces(tiling, [*turning.turns, sealed], self.question.horizon.hours))
            return
        pieces = _pieces(tiling, turning.turns, self.question.horizon.hours)
        turned = {piece[0]: piece for piece in pieces if turning.within(*piece)}
        where = {**asked.where, "provider": name[0], "model": name[1]}
        kept = max(tiling.start, min(self.question.horizon.hours, tiling.end))
        days, hours = tiling.part(tiling.start, kept), tiling.part(kept, tiling.end)
        spans = [*days.series("day")[0], *hours.series("hour")[0]] if kept > tiling.start else hours.series("hour")[0]
        for second, cell in self._rows(self.question.snapshot, self.declaration, asked, spans, where):
            piece = turned.get(second, (second, second))
            if decided := _decided(cell, piece, turning, tiling.start):
                yield decided
            else:
                doubtful.setdefault(name, set()).add(piece)

    # ── from the log ────────────────────────────────────────────────────────────────────────────────────────────

    def _exact(
        self, asked: CellQuery, doubtful: Mapping[Name, set[Stretch]], turning: Mapping[Name, Turning]
    ) -> Iterator[UsageCell]:
        """Yield the cells of these models in these stretches as the log has them, with their own bounds."""
        tiling, sealed = asked.tiling, self.question.horizon.until
        stretches = sorted({stretch for each in doubtful.values() for stretch in each})
        turns = sorted({turn for name in doubtful for turn in turning[name].turns})
        thresholds = sorted({each for name in doubtful for each in turning[name].thresholds}, reverse=True)
        keys = (*self.declaration.keys, _moments(turns), _bands(thresholds))
        where = _only(self.declaration.where, {model for _, model in doubtful})
        finer = evolve(self.declaration, keys=keys, entities=self._entities(asked), where=where)
        for start, end in _runs([each for each in stretches if each[0] >= sealed]):
            run = tiling.part(start, end)
            snapshot = self._derive(finer, run)
            for second, cell in self._rows(snapshot, finer, asked, run.series("hour")[0], asked.where):
                name = (cell.provider, cell.model)
                if any(first <= second < last for first, last in doubtful.get(name, ()) if first >= sealed):
                    yield cell
        for name, own in sorted(doubtful.items()):  # each by itself: stretches of one lie in those of another
            gone = sorted(each for each in own if each[0] < sealed)
            only = evolve(asked, where={**asked.where, "provider": name[0], "model": name[1]})
            for piece, cell in self._read(only, gone):
                decided = _decided(cell, piece, turning[name], tiling.start)
                yield decided if decided and not self._straddles(cell, turning[name]) else cell._replace(at=None)

    def _straddles(self, cell: UsageCell, turning: Turning) -> bool:
        """Say whether the calls of a cell may be on both sides of a threshold."""
        upper = min((each for each in _kept(self.declaration) if each > cell.band), default=None)
        return any(each > cell.band and (upper is None or each < upper) for each in turning.thresholds)

    def _derive(self, finer: Declaration, tiling: Tiling) -> Any:
        key = (finer.fingerprint, tiling.start, tiling.end)
        if key not in self._derived:
            position = self.question.snapshot.positions[self.declaration.name]
            read_models = self.question.source.derive(finer, tiling, position)
            self._open.callback(read_models.close)
            self._derived[key] = self._open.enter_context(read_models.read())
        return self._derived[key]


# ── cutting ─────────────────────────────────────────────────────────────────────────────────────────────────────

_FINER = ("moment", "band")


@lru_cache(maxsize=256)
def _rate(text: str) -> tuple[int, bool, str]:
    """Read the key `rate`: above how many tokens, whether in a batch, and in which half of an hour."""
    band, *words = text.split() or ["0"]
    return int(band), "batch" in words, next((word for word in words if word in _HALVES), "")


_HALF = 1800
_HALVES = {":00": 0, ":30": _HALF}


def _decided(cell: UsageCell, piece: Stretch, turning: Turning, start: int) -> UsageCell | None:
    """Return a cell of a piece of time with the price that is in force; None where the price changes in between."""
    if not turning.within(*piece):
        return cell
    if piece[1] - piece[0] != 2 * _HALF or piece[0] % _HALF or not cell.half:
        return None
    first = piece[0] + (_HALVES[cell.half] - piece[0]) % (2 * _HALF)  # an hour of a zone may begin at :30
    if turning.within(first, first + _HALF):
        return None
    return cell._replace(at=turning.last(first * MICRO, start * MICRO))


def _pieces(tiling: Tiling, turns: Sequence[int], hours_from: int) -> list[Stretch]:
    """Cut a period at the bounds of the hours in which prices change, or of the days where hours are not kept."""
    calendar, edges = tiling.calendar, {tiling.start, tiling.end}
    for turn in turns:
        second = turn // MICRO
        edges |= _around(calendar, turn, second, days=calendar.hour_start(second) < hours_from)
    return list(pairwise(sorted(edge for edge in edges if tiling.start <= edge <= tiling.end)))


def _around(calendar: Calendar, turn: int, second: int, *, days: bool) -> set[int]:
    start = calendar.day_start(second) if days else calendar.hour_start(second)
    if turn == start * MICRO:
        return {start}
    return {start, calendar.next_day(start) if days else calendar.next_hour(start)}


def _runs(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Return what to derive at once, none within another: a few by themselves, many as one that holds all."""
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined if len(joined) <= 4 else [(joined[0][0], joined[-1][1])]


def _only(where: str | None, models: Collection[str]) -> str | None:
    """Narrow a condition on events to some models, unless rows have the name of one shortened."""
    if any("…" in model for model in models):
        return where
    names = ", ".join("'" + model.replace("'", "''") + "'" for model in sorted(models))
    return f"({where or 'true'}) AND coalesce(model, '') IN ({names})"


def _moments(turns: Sequence[int]) -> Key:
    """Tell apart what occurred before, between and after instants: by the one that was last."""
    if not turns:
        return Key(name="moment", sql="'0'")
    whens = " ".join(f"WHEN occurred_at >= {turn} THEN '{turn}'" for turn in reversed(turns))
    return Key(name="moment", sql=f"CASE {whens} ELSE '0' END")


def _bands(thresholds: Sequence[int]) -> Key:
    """Tell apart calls by the highest threshold that their input is above."""
    if not thresholds:
        return Key(name="band", sql="'0'")
    whens = " ".join(f"WHEN input_tokens > {each} THEN '{each}'" for each in thresholds)
    return Key(name="band", sql=f"CASE {whens} ELSE '0' END")


def _kept(declaration: Declaration) -> set[int]:
    """Return the thresholds that a read model tells apart, as its definition has them."""
    sql = next(key.sql for key in declaration.keys if key.name == "rate")
    return {int(each) for each in re.findall(r"input_tokens > (\d+)", sql)}


def _micros(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)
