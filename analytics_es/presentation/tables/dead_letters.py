"""What could not be used, or not be recorded → tables: dead letters by their cause, messages that were rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from attrs import frozen

from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, words
from analytics_es.presentation.tables.explanation import instant, stored
from analytics_es.types import DeadLetter, RejectedMessage
from analytics_es.types.sentences import sentence

EXPLAINED, SHOWN = 10, 10  # causes that are looked for, and messages
Cause = Callable[[DeadLetter], str]


@frozen
class _Alike:
    """The dead letters of one field of one projection."""

    letters: Sequence[DeadLetter]
    cause: str

    @property
    def first(self) -> DeadLetter:
        return self.letters[0]


_CAUSES: Columns[_Alike] = [
    Column("projection", lambda alike: alike.first.projection),
    Column("field", lambda alike: words.safe(alike.first.field)),
    Number("dead letters", lambda alike: words.count(len(alike.letters)), exact=lambda alike: len(alike.letters)),
    Number("accepted", lambda alike: words.count(sum(letter.discarded for letter in alike.letters))),
    Number(
        "the first at",
        lambda alike: words.count(alike.first.position),
        link=lambda alike: stored(alike.first.position),
    ),
    Column("why", lambda alike: words.safe(alike.cause)),
]
_MESSAGES: Columns[RejectedMessage] = [
    Number("position", lambda message: words.count(message.position), link=lambda message: stored(message.position)),
    Column("time (UTC)", lambda message: instant(message.occurred_at)),
    Column("subject", lambda message: words.safe(message.subject)),
    Column("code", lambda message: words.safe(message.code)),
    Column("problem", lambda message: words.safe(message.problem or words.UNKNOWN)),
]


def by_cause(letters: Iterable[DeadLetter], limit: int, cause: Cause) -> Iterator[Block]:
    """Return dead letters by projection and field, the most first, with why the first of each could not be used."""
    alike: dict[tuple[str, str], list[DeadLetter]] = {}
    for letter in letters:
        alike.setdefault((letter.projection, letter.field), []).append(letter)
    most_first = sorted(alike.values(), key=len, reverse=True)
    if not most_first:
        yield Line("No dead letters: every value could be read.")
        return
    causes = [cause(group[0]) if place < EXPLAINED else words.UNKNOWN for place, group in enumerate(most_first)]
    rows = [_Alike(group, why) for group, why in zip(most_first, causes, strict=True)]
    beyond = f"Of the first {limit:,}. " if sum(map(len, most_first)) == limit else ""
    remark = sentence(
        "{beyond}`analytics-es dead-letters retry --all` reads them again, `discard` accepts one.", beyond=beyond
    )
    yield Grid("", _CAUSES, rows, remark)


def rejected(messages: Sequence[RejectedMessage], limit: int) -> Iterator[Block]:
    """Return the last messages that gave no event, and how many there are."""
    if not messages:
        yield Line("No message was rejected, or all were recorded since.")
        return
    count = f"{'at least ' if len(messages) == limit else ''}{words.plural(len(messages), 'message')}"
    remark = sentence("{count} · `analytics-es rejects` records them after all", count=count)
    yield Grid("", _MESSAGES, messages[:SHOWN], remark)
