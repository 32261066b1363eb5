"""One stored event: what it says, what it adds to which metric, and how its cost comes about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from analytics_es.errors import BadWord, BrokenEvent, SealedEvent
from analytics_es.events.codec import to_json
from analytics_es.presentation import Line, Link, words
from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.parts import Code, Page, Part, Section, Ways
from analytics_es.presentation.question import PERIOD
from analytics_es.presentation.tables import explanation, stored_event
from analytics_es.presentation.tables.parts import ALARM
from analytics_es.presentation.tables.unread import left_out_line
from analytics_es.types import CountedValue, StoredEvent
from analytics_es.types.sentences import of_error


def made(asking: Asking) -> Page:
    """Return the page."""
    text = asking.question.text("position")
    if text is None:
        raise BadWord(problem="Which event? Say its position: position=1 is the first of the log.")
    position = asking.question.number("position", 0, most=999_999_999)
    try:
        event = asking.answers.get_event(position).unwrap()
    except (BrokenEvent, SealedEvent) as error:
        last = position + 1  # the error page of that says where the log ends
        parts: list[Part] = [_ways(position, last), Line(of_error(error), ALARM)]
        return Page(name="event", title=f"Event {position:,}", parts=parts, answers={}, failure=error)
    return Page(
        name="event",
        title=f"Event {position:,}",
        sub=words.safe(event.type),
        parts=[_ways(position, event.last_position), *_sections(asking, event)],
        answers={"event": event},
        foot=[f"position {position:,} of {event.last_position:,}", *_waiting(asking, position)],
    )


def _ways(position: int, last: int) -> Ways:
    around = {"previous": position - 1, "next": position + 1}
    links = [(text, other) for text, other in around.items() if 1 <= other <= last]
    return Ways([Link(text=text, page="event", words={"position": str(other)}) for text, other in links])


def _sections(asking: Asking, event: StoredEvent) -> Iterator[Part]:
    zone = asking.period.start.tzinfo or UTC
    facts: list[Part] = [stored_event.fields(event, zone), *stored_event.forgotten(event)]
    lost = asking.service.left_out_fields(position=event.position).unwrap()
    if lost:
        facts.append(Line(left_out_line(lost)))
    yield Section(title="What is stored", parts=facts, answer="event", table="answer")
    yield Section(title="What it says", parts=[*_said(event)])
    if event.cost:
        yield Section(title=_cost(event), parts=[*explanation.arithmetic(event.cost)], answer="event", table="charged")
    if event.counted:
        its_row = partial(_its_row, event.occurred_at)
        adds: list[Part] = [*stored_event.counted(event, zone, its_row), Line(stored_event.ADDED, "dim")]
        yield Section(title="What it adds", parts=adds, answer="event", table="counted")
    elif not event.uncounted:
        yield Section(title="What it adds", parts=[Line("No projection counts it.")])
    if event.uncounted:
        parts: list[Part] = [stored_event.uncounted(event)]
        yield Section(title="What could not be used of it", parts=parts, answer="event", table="uncounted")


def _said(event: StoredEvent) -> Iterator[Part]:
    if event.problem is not None:
        yield Line(f"What is stored is no event: {words.safe(event.problem)}.", ALARM)
        yield Code(event.raw or "")
    else:
        yield Code(to_json(event.data))


def _cost(event: StoredEvent) -> str:
    cost = event.cost
    if cost is None or cost.cost is None:
        return "Its cost is not known"
    return f"What it costs: {words.exact(cost.cost)} {words.safe(cost.currency)}".rstrip()


def _its_row(at: datetime | None, value: CountedValue) -> Link | None:
    """Return the way to all that is in the same row, in the same hour: a question widens what it is about to that."""
    if at is None:
        return None
    start = at.replace(microsecond=0)
    when = {**dict.fromkeys(PERIOD), "from": start.isoformat(), "to": (start + timedelta(seconds=1)).isoformat()}
    where = [f"{key}={text}" for key, text in value.keys.items()]
    return Link(page="events", words={**when, "metric": value.metric, "where": where})


def _waiting(asking: Asking, position: int) -> Iterator[str]:
    """Say which projections have not come so far; as the log stood, all had."""
    if asking.question.as_of() is None:
        statuses = asking.service.projections().unwrap()
        if waiting := [status.name for status in statuses if status.position < position]:
            yield f"not yet taken in by {', '.join(waiting)}"


KIND = Kind(name="event", title="", words=("position",), made=made)
