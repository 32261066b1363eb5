"""Projections: how far each is, whether it is right, what it could not use, and what the store goes by; of now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from analytics_es.errors import NotReadable
from analytics_es.lifecycle import RetentionPolicy
from analytics_es.lifecycle.retention import RETENTION
from analytics_es.presentation import Line, words
from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.parts import Page, Part, Section
from analytics_es.presentation.tables import dead_letters as letters
from analytics_es.presentation.tables import projections as tables
from analytics_es.presentation.tables.parts import ALARM
from analytics_es.presentation.tables.unread import left_out_fields, unread_fields
from analytics_es.types import DeadLetter, Listing
from analytics_es.types.sentences import of_error

LETTERS, MESSAGES, FIELDS = 10_000, 1_000, 1_000


def made(asking: Asking) -> Page:
    """Return the page."""
    service = asking.service
    projections = service.projections().unwrap()
    last = service.last_verifications().unwrap()
    dead = service.dead_letters(limit=LETTERS, discarded=True).unwrap()
    rejected = service.rejected_messages(limit=MESSAGES).unwrap()
    unread = service.unread_fields(limit=FIELDS).unwrap()
    left_out = service.left_out_fields(limit=FIELDS).unwrap()
    not_ours = service.unread_announcements().unwrap()
    shown: list[tuple[str, str, Listing[Any], Iterable[Part]]] = [
        ("projections", "Read models", projections, [tables.how_far(projections)]),
        ("last_verifications", "Last verify", last, tables.last_verified(last, projections)),
        ("dead_letters", "Dead letters, by cause", dead, letters.by_cause(dead, LETTERS, partial(_cause, asking))),
        ("rejected_messages", "Rejected messages", rejected, letters.rejected(rejected, MESSAGES)),
        ("unread_fields", "What no projection reads", unread, unread_fields(unread)),
        ("left_out_fields", "What the policy of privacy left out", left_out, left_out_fields(left_out)),
        ("unread_announcements", "Not said by this package, and ignored", not_ours, tables.not_ours(not_ours)),
    ]
    drawn = ((name, title, list(parts)) for name, title, _, parts in shown)
    sections = [Section(title=title, parts=parts, answer=name) for name, title, parts in drawn if parts]
    return Page(
        name="projections",
        title="Projections",
        sub="now" if asking.question.as_of() is None else "now: how far projections were then, the log does not tell",
        parts=[*sections, Section(title="What the store goes by", parts=[*_goes_by(asking)])],
        answers={name: answer for name, _, answer, _ in shown},
        foot=[f"the log goes to position {asking.service.store.log.head():,}"],
    )


def _cause(asking: Asking, letter: DeadLetter) -> str:
    details = asking.service.dead_letter(letter.position)
    if not details.ok:
        return details.failure.message
    causes = (cause for cause in details.value.causes if cause.letter.projection == letter.projection)
    return next((cause.cause for cause in causes if cause.letter.field == letter.field), words.UNKNOWN)


def _goes_by(asking: Asking) -> Iterator[Line]:
    """Say in words what becomes of what comes in, and of what is old."""
    store = asking.service.store
    policy = store.policy
    actions = Counter(action for _, action in policy.rules)
    rules = ", ".join(f"{number:,} {action}" for action, number in actions.most_common())
    yield Line(f"Policy of {policy.in_words}: {f'rules by field: {rules}' if rules else 'all is stored as it comes'}.")
    try:
        retention = RETENTION.of(store.log) or RetentionPolicy()
    except NotReadable as error:
        yield Line(of_error(error), ALARM)
    else:
        forever = retention == RetentionPolicy()
        yield Line("Retention: everything is kept for ever." if forever else f"{retention.in_words.capitalize()}.")
    if until := store.log.seals.horizon().until:
        yield Line(f"Events of before {store.calendar.local(until):%Y-%m-%d} are sealed: what they add is kept.")


KIND = Kind(name="projections", title="Projections", words=(), made=made)
