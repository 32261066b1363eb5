"""The agents' ledger → tables: what it cost, the blocks of hours, what all that stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from analytics_es.cli.ledger.answer import AgentBlocks, Ledger
from analytics_es.cli.ledger.blocks import HoursBlock
from analytics_es.cli.ledger.figures import Bucket, Figures, Named
from analytics_es.cli.tables.agents_read import TitleOf
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, Share, Styled, words
from analytics_es.presentation.tables import parts
from analytics_es.presentation.tables.cost_notes import not_known

Of = Callable[..., Figures]
FEW = 5


# ── what it cost ────────────────────────────────────────────────────────────────────────────────────────────────


def ledger(
    answer: Ledger, top: int, *, all_blocks: bool, title_of: TitleOf, still_open: int = 0, project: str = ""
) -> Iterator[Block]:
    """Return the tables of the ledger.

    title_of: what an agent is called; still_open: calls that may come; project: the only one that is asked about.
    """
    period = answer.period
    last = period.end - timedelta(microseconds=1)
    when = f"{period.start:%Y-%m-%d} – {last:%Y-%m-%d} ({period.start.tzinfo})"
    yield from (Line(f"Agents  {when}", "bold cyan"), Line())
    if not answer.total.calls:
        yield from parts.apart(_nothing(answer, project))
        return
    yield from _total(answer)
    yield _days(answer, top)
    yield _by("agent", answer.agents, answer, top, title_of)
    yield _by("model", answer.models, answer, top)
    yield _by("project", answer.projects, answer, top)
    if len(answer.machines) > 1:
        yield _by("machine", answer.machines, answer, top)
    scope = ", all projects" if project else ""
    yield from blocks(answer.blocks, top, all_blocks=all_blocks, title_of=title_of, scope=scope)
    yield from not_known(answer.unknown, answer.unpriced)
    yield _footer(answer, still_open)


def today(answer: Ledger, title_of: TitleOf) -> Iterator[Block]:
    """Return what is shown of a day that goes on: few lines, which a small screen has room for."""
    if not answer.total.calls:
        yield from (Line("  no calls yet"), Line())
    else:
        yield from _total(answer)
        yield _by("agent", answer.agents, answer, FEW, title_of)
        yield _by("model", answer.models, answer, FEW)
        yield _by("project", answer.projects, answer, FEW)
    yield from blocks(answer.blocks, FEW, all_blocks=False, title_of=title_of)
    yield from not_known(answer.unknown, answer.unpriced)


def in_short(figures: Figures) -> str:
    """Return what calls came to, on a part of a line."""
    if not figures.calls:
        return "no calls"
    return f"{_costs(figures) or 'cost not known'}, {words.plural(figures.calls, 'call')}"


def _nothing(answer: Ledger, project: str) -> str:
    nothing = f"No calls of the project {words.safe(project)} in this period" if project else "No calls in this period"
    if answer.before:
        return f"{nothing}; before it there are {answer.before:,}: try --since {_YEAR}."
    return f"{nothing}; without --project all are listed." if project else f"{nothing}."


_YEAR = "1y"


def _total(answer: Ledger) -> Iterator[Block]:
    total = answer.total
    cached = total.cache_read_tokens / total.input_tokens if total.input_tokens else 0
    read = f" ({words.percent(cached)} cached)" if cached else ""
    texts = [
        _costs(total) or "cost not known",
        words.plural(total.calls, "call"),
        f"{words.short(total.input_tokens)} tokens in{read}",
        f"{words.short(total.output_tokens)} out",
    ]
    yield from (Line(f"  {' · '.join(texts)}", "bold"), Line())


# ── tables of figures ───────────────────────────────────────────────────────────────────────────────────────────


def _days(answer: Ledger, top: int) -> Block:
    shown = answer.days[-top:]
    beyond = len(answer.days) - len(shown)
    remark = f"… and {words.plural(beyond, 'day')} before: {parts.by_top(len(answer.days))}" if beyond else ""
    first: Column[Bucket] = Column("day", lambda day: f"{day.start:%a %Y-%m-%d}")
    return Grid("By day", [first, *_columns(answer, shown, lambda day: day)], shown, remark)


def _by(key: str, named: Sequence[Named], answer: Ledger, top: int, title_of: TitleOf = str) -> Block:
    shown, remark = parts.cut(named, top)
    first: Column[Named] = Column(key, lambda figures: title_of(figures.name) if figures.name else "(none)")
    return Grid(f"By {key}", [first, *_columns(answer, shown, lambda figures: figures)], shown, remark)


def _columns(answer: Ledger, shown: Iterable[object], of: Of) -> Columns[object]:
    """Return the columns of figures: a cost in each currency, and a bar of the one with the most calls."""
    figures = [of(row) for row in shown]
    currencies = _currencies(answer.total)
    places = {currency: _places(entry.costs.get(currency) for entry in figures) for currency in currencies}
    main = currencies[0] if currencies else ""
    most = max((entry.costs.get(main, Decimal(0)) for entry in figures), default=Decimal(0))

    def cost(currency: str) -> Column[object]:
        title = "cost" if len(currencies) == 1 else f"in {currency}"
        return Number(title, lambda row: _cost(of(row), currency, places[currency]))

    def part(row: object) -> Share:
        return Share(float(of(row).costs.get(main, 0) / most) if most else None)

    unknown: Column[object] = Number("unknown cost", lambda row: _unknown(of(row)), drop=1)
    return [
        *map(cost, currencies),
        *([unknown] if answer.total.unknown_calls else []),
        Number("calls", lambda row: words.count(of(row).calls)),
        Number("tokens in", lambda row: words.short(of(row).input_tokens), drop=2),
        Number("out", lambda row: words.short(of(row).output_tokens), drop=2),
        Column("", part, drop=3, bar=True),
    ]


def _cost(figures: Figures, currency: str, places: int) -> str | Styled:
    cost = figures.costs.get(currency)
    if cost is None:
        return Styled("unknown", parts.ALARM) if figures.unknown_calls and not figures.costs else words.UNKNOWN
    return words.money(cost, currency, places)


def _unknown(figures: Figures) -> str | Styled:
    return Styled(words.count(figures.unknown_calls), parts.ALARM) if figures.unknown_calls else words.UNKNOWN


def _currencies(figures: Figures) -> list[str]:
    return sorted(figures.costs)


def _places(amounts: Iterable[Decimal | None]) -> int:
    """Return two places, as people pay, and four where that would be 0 or next to it."""
    most = max((abs(amount) for amount in amounts if amount is not None), default=Decimal(0))
    return 2 if most >= 1 else 4


def _costs(figures: Figures) -> str:
    return " + ".join(
        words.money(figures.costs[currency], currency, _places([figures.costs[currency]]))
        for currency in _currencies(figures)
    )


# ── blocks of hours ─────────────────────────────────────────────────────────────────────────────────────────────


def blocks(
    answers: Sequence[AgentBlocks], top: int, *, all_blocks: bool, title_of: TitleOf, scope: str = ""
) -> Iterator[Block]:
    """Return the current block of each agent that has such, with its burn; or all, the newest last.

    scope: what is said of what they are of, where all else is of less.
    """
    for answer in answers:
        title = f"{title_of(answer.agent)}, blocks of {answer.hours} hours{scope}"
        if all_blocks:
            yield _all_blocks(title, answer.blocks, top)
        for block in answer.blocks:
            if block.is_current:
                yield from current(block, title_of(answer.agent), scope)


def _all_blocks(title: str, all_of: Sequence[HoursBlock], top: int) -> Block:
    shown = all_of[-top:]
    beyond = len(all_of) - len(shown)
    remark = f"… and {words.plural(beyond, 'block')} before: {parts.by_top(len(all_of))}" if beyond else ""
    columns: Columns[HoursBlock] = [
        Column("from", lambda block: f"{block.start:%a %Y-%m-%d %H:%M}"),
        Column("until", lambda block: f"{block.end:%H:%M}{' (now)' if block.is_current else ''}"),
        Number("cost", lambda block: _costs(block) or Styled("unknown", parts.ALARM)),
        Number("calls", lambda block: words.count(block.calls)),
        Number("tokens in", lambda block: words.short(block.input_tokens), drop=2),
        Number("out", lambda block: words.short(block.output_tokens), drop=2),
    ]
    return Grid(title, columns, shown, remark)


def current(block: HoursBlock, title: str, scope: str = "") -> Iterator[Block]:
    """Return lines about the block that it is."""
    burn = block.burn
    length = round((block.end - block.start) / timedelta(hours=1))
    yield Line(f"{title}'s block of {length} hours{scope}  {block.start:%H:%M} – {block.end:%H:%M}", "bold")
    texts = [
        _costs(block) or "cost not known",
        words.plural(block.calls, "call"),
        f"{words.short(block.input_tokens)} tokens in",
        f"{words.short(block.output_tokens)} out",
    ]
    yield Line(f"  so far: {' · '.join(texts)}")
    if burn:
        speed = f"{words.short(burn.tokens_per_minute)} tokens/min"
        speed += f" ({words.short(burn.uncached_tokens_per_minute)} without those from a cache)"
        yield Line(f"  burn: {' · '.join([speed, *([f'{_money(burn.costs_per_hour)}/h'] if block.costs else [])])}")
        if block.costs:
            yield Line(f"  if it goes on so: {_money(burn.costs_by_end)} by {block.end:%H:%M}")
    yield Line()


def _money(costs: object) -> str:
    return _costs(Figures(costs=dict(costs)))  # type: ignore[call-overload]


# ── what it stands on ───────────────────────────────────────────────────────────────────────────────────────────


def _footer(answer: Ledger, still_open: int) -> Line:
    notes = []
    if still_open:
        notes.append(f"{words.plural(still_open, 'call')} open, of which more may come: the next look, or --final")
    if answer.before:
        notes.append(f"{words.plural(answer.before, 'call')} before this period (--since {_YEAR})")
    return parts.stands_on(answer.completeness, *parts.sealed(answer.completeness), *notes)
