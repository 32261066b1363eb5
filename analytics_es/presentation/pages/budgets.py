"""The page of budgets: what is spent of them, and of one, how, and where that leads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from analytics_es.errors import AnalyticsError
from analytics_es.presentation import Line, Link, asked, words
from analytics_es.presentation.charts.budgets import A_CENT, overspent, spent
from analytics_es.presentation.pages import burn_down, heads
from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.pages.burn_down import Burnt
from analytics_es.presentation.parts import Choice, Choices, Meter, Meters, Page, Pair, Part, Section, Tile
from analytics_es.presentation.tables import budgets as tables
from analytics_es.presentation.tables.parts import sealed, stands_on
from analytics_es.types import BudgetReport, BudgetStatus
from analytics_es.types.sentences import joined, of_error, sentence

SHOWN = 20
DRAWN = 3  # periods of one budget, the latest first; each is asked for by time


def made(asking: Asking) -> Page:
    """Return the page."""
    name, at = asking.question.text("budget"), _at(asking)
    answer = asking.answers.get_budgets(budget=name, at=at).unwrap()
    answers: dict[str, Any] = {"budgets": answer}
    if not answer.budgets:
        parts = [*_none(asking, name, at)]
    elif name is None:
        parts = [*_all(answer, asking.question.number("top", SHOWN))]
    else:
        parts = [*_one(asking, answer, answers)]
    return Page(
        name="budgets",
        title="Budgets" if name is None else words.safe(f"Budget {name}"),
        sub=_when(asking, answer, name is not None and at is None),
        parts=[_choices(asking, name), *parts],
        answers=answers,
        foot=[stands_on([answer.completeness], str(answer.at.tzinfo), *sealed([answer.completeness])).text],
    )


def _at(asking: Asking) -> datetime | None:
    """Return the time whose budgets are asked for, in the zone that is shown unless it says another one."""
    text = asking.question.text("at")
    if text is None:
        return None
    moment = asked.moment(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=asking.period.start.tzinfo)


def _when(asking: Asking, answer: BudgetReport, ever: bool) -> str:
    at = answer.at.astimezone(asking.period.start.tzinfo)
    text = f"{at.day} {at:%b %Y %H:%M}, {at.tzinfo}"
    return f"all its periods, as of {text}" if ever else f"those whose period holds {text}"


def _choices(asking: Asking, name: str | None) -> Part:
    now = asking.answers.get_budgets().unwrap() if name is not None else None
    names = sorted({budget.budget_id for budget in now.budgets if budget.budget_id}) if now else []
    at = asking.question.text("at")
    choices = [Choice(name="at", label="At, or now", chosen=[at] if at else [], hint="2026-11-30T12:00")]
    if name is not None:
        options = {"": "all of them", **{one: one for one in names}}
        choices.insert(0, Choice(name="budget", label="Budget", options=options, chosen=[name]))
    return Choices(choices)


def _none(asking: Asking, name: str | None, at: datetime | None) -> Iterator[Part]:
    if name is None:
        text = sentence("No budget has a period that holds this time: ask for another one with `at`.")
        yield Line(text, "yellow")
    elif at is not None and asking.answers.get_budgets(budget=name).unwrap().budgets:
        yield Line(words.safe(f"The budget {name!r} has no period that holds this time."), "yellow")
        yield Section(title="It has others", parts=[], more=Link(text="all its periods", words={"at": None}))
    else:
        yield Line(words.safe(f"There is no budget {name!r}."), "yellow")


# ── all of them ─────────────────────────────────────────────────────────────────────────────────────────────────


def _all(answer: BudgetReport, top: int) -> Iterator[Part]:
    shown = answer.budgets
    untold = [*tables.unknown(shown[top:])]  # a meter says of its budget what is not known
    parts = [tables.budgets(shown, top, bars=False), *untold, *tables.course(shown, top)]
    yield Pair(
        left=Section(title="Budgets", parts=parts, answer="budgets"),
        right=Section(title="Where they lead", parts=[Meters([*map(meter, shown[:top])])]),
    )
    yield from _thresholds_and_credits(answer, top, reached=True)


def _thresholds_and_credits(answer: BudgetReport, top: int, *, reached: bool) -> Iterator[Part]:
    title = "Thresholds reached" if reached else "Thresholds"
    if thresholds := [*tables.thresholds(answer.budgets, top, reached=reached)]:
        yield Section(title=title, parts=thresholds, answer="budgets", table="thresholds")
    if credits := [*tables.credits(answer.budgets, top)]:
        yield Section(title="Credits", parts=credits, answer="budgets", table="credits")


def meter(budget: BudgetStatus) -> Meter:
    """Return how much of a budget is spent, and where that leads."""
    return Meter(
        name=words.safe(budget.budget_id or "(none)"),
        figure=spent(budget),
        part=budget.used,
        note=_course(budget),
        over=overspent(budget),
        link=tables.of_budget(budget),
    )


def _at_a_glance(amount: Decimal | None, currency: str) -> str:
    return words.money(amount, currency, 2 if abs(amount or Decimal(1)) >= A_CENT else words.places([amount]))


def _course(budget: BudgetStatus) -> str:
    """Say in a few words where the spending leads, and what is not known of it."""
    notes: list[str] = []
    if budget.problem:
        notes.append(sentence("spent is not known: {problem}", problem=budget.problem))
    elif budget.allocated is None:
        notes.append("nothing was allocated")
    elif budget.remaining is not None and overspent(budget):
        notes.append(f"over by {_at_a_glance(-budget.remaining, budget.currency)}")
    elif budget.exhausted_at:
        notes.append(f"used up by {words.moment(budget.exhausted_at)[:16]} at this rate")
    elif budget.burn_rate is not None:
        notes.append("lasts its period at this rate" if budget.ends_at else "lasts at this rate")
    if budget.unknown_calls:
        notes.append(f"{words.plural(budget.unknown_calls, 'call')} of unknown cost: at least this much")
    if others := budget.other_currencies.items():
        spent = ", ".join(words.money(amount, currency, words.places([amount])) for currency, amount in others)
        notes.append(f"in no sum, as in other currencies: {spent}")
    return joined(" · ", notes)


# ── one ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _one(asking: Asking, answer: BudgetReport, answers: dict[str, Any]) -> Iterator[Part]:
    periods = sorted(answer.budgets, key=_begins, reverse=True)
    for number, budget in enumerate(periods[:DRAWN], 1):
        title = _title(budget)
        burnt, problem, name = _burnt(asking, budget, answer.at)
        parts: list[Part] = [heads.leading(_tiles(budget, burnt)), *tables.unknown([budget]), *problem]
        if burnt:
            parts += burn_down.drawn(budget, burnt)
            suffix = "" if number == 1 else f"-{number}"
            answers |= {f"{part}{suffix}": part_answer for part, part_answer in burnt.answers.items()}
            name = f"{[*burnt.answers][-1]}{suffix}"
        yield Section(
            title=title, parts=parts, answer=name, table="series" if name else "", more=_events(budget, burnt)
        )
    if len(periods) > 1:
        yield Section(title="Budgets", parts=[tables.budgets(answer.budgets, len(periods))], answer="budgets")
    yield from _thresholds_and_credits(answer, max(SHOWN, len(periods)), reached=False)


def _burnt(asking: Asking, budget: BudgetStatus, at: datetime) -> tuple[Burnt | None, list[Part], str]:
    """Ask what was spent by time, or say why that cannot be told."""
    try:
        return burn_down.burnt(asking, budget, at), [], ""
    except AnalyticsError as error:
        problem = sentence("How it was spent over time cannot be shown: {error}", error=of_error(error))
        return None, [Line(problem, "yellow")], ""


def _begins(budget: BudgetStatus) -> float:
    return budget.starts_at.timestamp() if budget.starts_at else float("-inf")


def _title(budget: BudgetStatus) -> str:
    of = f"{budget.scope} {budget.scope_id}".strip()
    parts = [f"Of {of}" if of else "Spent as budget.spent tells", f"from {_time(budget.starts_at)}"]
    if budget.ends_at:
        parts.append(f"until {_time(budget.ends_at)}")
    return words.safe(" ".join([f"{parts[0]},", *parts[1:]]))


def _time(instant: datetime | None) -> str:
    return "the beginning" if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def _tiles(budget: BudgetStatus, burnt: Burnt | None) -> Iterator[Tile]:
    over = overspent(budget)

    def tile(label: str, amount: Decimal | None, note: str = "", **more: Any) -> Tile:
        """Return a tile of money, whose currency is in the note: there is little room for a figure on a phone."""
        note = " · ".join(filter(None, [words.safe(budget.currency), note]))
        return Tile(label=label, figure=_at_a_glance(amount, ""), note=note, exact=amount, **more)

    yield tile("Allocated", budget.allocated)
    behind = burnt.behind(budget) if burnt else None
    yield tile("Spent", budget.spent, "at least" if budget.unknown_calls else "", behind=behind)
    yield tile("Remaining", budget.remaining, f"{words.percent(budget.used)} used", alarm=over)
    yield tile("A day", budget.burn_rate, _leads(budget, over))
    if budget.unknown_calls:
        yield Tile(
            label="Cost unknown",
            figure=words.count(budget.unknown_calls),
            note="calls, in no sum",
            alarm=True,
            behind=burnt.unknown(budget) if burnt else None,
            exact=budget.unknown_calls,
        )


def _leads(budget: BudgetStatus, over: bool) -> str:
    if over:
        return "over what was allocated"
    return f"used up by {_time(budget.exhausted_at)}" if budget.exhausted_at else ""


def _events(budget: BudgetStatus, burnt: Burnt | None) -> Link | None:
    """Return the way to the events that make up what is spent; of what calls cost to the page of costs."""
    if burnt is None:
        return None
    period = {**heads.elsewhen(""), "last": None}
    period |= {"from": burnt.period.start.isoformat(), "to": burnt.period.end.isoformat()}
    if budget.scope:
        where = None if budget.scope == "all" else f"{budget.scope}={budget.scope_id}"
        return Link(text="what its calls cost", page="cost", words={**period, "where": where})
    pairs = [f"{key}={text}" for key, text in burn_down.named(budget).items()]
    return Link(text="its events", page="events", words={**period, "metric": "budgets.spent", "where": pairs})


KIND = Kind(
    name="budgets",
    title="Budgets",
    words=("budget", "at", "top"),
    made=heads.unless_missing("budgets", "Budgets", "budgets", made),
)
