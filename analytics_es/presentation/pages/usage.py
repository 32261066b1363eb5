"""The page of usage: who used how much, everyone, all of a kind, or one."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_es.errors import BadWord
from analytics_es.presentation import Block, Column, Grid, Line, Link, Number, words
from analytics_es.presentation.blocks import Behind
from analytics_es.presentation.charts.usage import events, tokens
from analytics_es.presentation.pages import heads
from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.parts import Choice, Choices, Page, Pair, Part, Section, Tile
from analytics_es.presentation.tables import unread
from analytics_es.presentation.tables import usage as tables
from analytics_es.types import UsageStats
from analytics_es.types.sentences import sentence

SHOWN = 20


def made(asking: Asking) -> Page:
    """Return the page."""
    question = asking.question
    entity, one, top = question.text("entity"), _one(asking), question.number("top", SHOWN)
    answer = asking.answers.get_usage_stats(entity, one if entity else None, asking.period).unwrap()
    untold = sentence("Of everyone, one is not told apart: choose whose `id` it is.")
    aside = [Line(untold, "yellow")] if one and not entity else []
    return Page(
        name="usage",
        title=words.safe(f"Usage{tables.whose(answer)}"),
        sub=heads.about(answer.period),
        parts=[_choices(asking, answer), *aside, *_parts(answer, top)],
        answers={"usage": answer},
        foot=heads.foot([answer.completeness], answer.period),
    )


def _one(asking: Asking) -> str | None:
    """Return which one is asked for, "" for nobody; raises BadWord for both."""
    one, nobody = asking.question.text("id"), asking.question.flag("nobody")
    if one and nobody:
        raise BadWord(problem="id and nobody ask for different events: leave out one of them.")
    return "" if nobody else one


def _choices(asking: Asking, answer: UsageStats) -> Part:
    declaration = heads.declared(asking, "usage")
    kinds = {"": "everyone", **{kind: f"by {kind}" for kind in (declaration.entities if declaration else ())}}
    entity = answer.entity_type
    choices = [Choice(name="entity", label="Who", options=kinds, chosen=[entity] if entity else [])]
    if entity:
        busiest = [usage.entity_id for usage in answer.top_entities]
        chosen = [answer.entity_id] if answer.entity_id else []
        hint = f"such as {words.safe(busiest[0])}" if busiest else "one, by its name"
        choices.append(Choice(name="id", label=f"One {entity}", chosen=chosen, hint=hint))
        if answer.entity_id == "" or answer.nobody:
            whose = {"": f"that name a {entity}", "1": "that name none"}
            nobody = ["1"] if answer.entity_id == "" else []
            choices.append(Choice(name="nobody", label="Events", options=whose, chosen=nobody))
    return Choices(choices)


def _parts(answer: UsageStats, top: int) -> Iterator[Part]:
    if not answer.totals.events and not answer.nobody:
        yield from heads.nothing(
            words.safe(f"events{tables.whose(answer) if answer.entity_id else ''}"), answer.completeness
        )
        return
    yield heads.leading(_tiles(answer))
    yield from _over_time(answer)
    if busiest := [*tables.busiest(answer, top)]:
        more = Link(text="all of them", page="summary", words={"metric": "usage.events", "by": answer.entity_type})
        title = f"Busiest {answer.entity_type}s"
        yield Section(title=title, parts=busiest, answer="usage", table="entities", more=more)
    if answer.by_event_type:
        types = tables.by_type(answer, top)
        yield Section(title=types.title, parts=[types], answer="usage", table="by_event_type")
    if fields := [*unread.unread_fields(answer.completeness.unread_fields)]:
        yield Section(title="What no projection reads", parts=fields)


def _tiles(answer: UsageStats) -> Iterator[Tile]:
    totals, where = answer.totals, tables.keys(answer)

    def behind(measure: str) -> Behind:
        return Behind(metric=f"usage.{measure}", where=where)

    finished = f"{words.count(totals.finished)} say that something ended"
    yield Tile(
        label="Events", figure=words.count(totals.events), note=finished, behind=behind("events"), exact=totals.events
    )
    yield Tile(
        label="Succeeded",
        figure=words.percent(answer.success_rate),
        note=f"{words.count(totals.failures)} failed",
        behind=behind("failures") if totals.failures else None,
        exact=answer.success_rate,
    )
    for label, measure, number in (
        ("Tokens in", "input_tokens", totals.input_tokens),
        ("Tokens out", "output_tokens", totals.output_tokens),
    ):
        note = "" if number is not None else "no event tells them"
        yield Tile(label=label, figure=words.short(number), note=note, behind=behind(measure), exact=number)
    yield Tile(
        label="Duration",
        figure=words.duration(totals.duration_ms),
        note="of all that ended, together",
        behind=behind("duration"),
        exact=totals.duration_ms,
    )
    if totals.unknown:
        yield Tile(
            label="Outcome unknown",
            figure=words.count(totals.unknown),
            note="ended and do not say how",
            alarm=True,
            behind=behind("unknown"),
            exact=totals.unknown,
        )


def _over_time(answer: UsageStats) -> Iterator[Part]:
    """Return how it went: events and tokens beside one another, and the table of both."""
    charts = {"Events": events(answer), "Tokens": tokens(answer)}
    sections = [Section(title=title, parts=[chart]) for title, chart in charts.items() if chart]
    yield from [Pair(left=sections[0], right=sections[1])] if len(sections) == 2 else sections
    by_time = [
        Section(title=grid.title, parts=[grid], answer="usage", table="series", more=_cost(answer))
        for grid in tables.by_time(answer)
    ]
    who = [Section(title="Who took part", parts=[_kinds(answer)])] if answer.entity_type is None else []
    yield from [Pair(left=by_time[0], right=who[0])] if by_time and who else [*by_time, *who]


def _kinds(answer: UsageStats) -> Block:
    """Return how many of each kind took part; each leads to their usage."""

    def link(row: tuple[str, int]) -> Link:
        return Link(page="usage", words={"entity": row[0], "id": None, "nobody": None})

    active = sorted(answer.active_entities.items(), key=lambda row: (-row[1], row[0]))
    columns = [
        Column[tuple[str, int]]("kind", lambda row: row[0], link=link),
        Number[tuple[str, int]]("active", lambda row: words.count(row[1]), link=link),
    ]
    return Grid("Who took part", columns, active)


def _cost(answer: UsageStats) -> Link | None:
    """Return the way to what one of them cost."""
    if not answer.entity_type or not answer.entity_id or answer.entity_type in ("model", "provider"):
        return None
    return Link(text="what it cost", page="cost", words={"where": f"{answer.entity_type}={answer.entity_id}"})


KIND = Kind(
    name="usage",
    title="Usage",
    words=("entity", "id", "nobody", "top"),
    made=heads.unless_missing("usage", "Usage", "usage", made),
)
