"""What nothing reads, and what was not stored → tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analytics_es.presentation import Block, Column, Columns, Grid, Number, words
from analytics_es.types import Completeness, LeftOutField, UnreadField
from analytics_es.types.sentences import sentence

SHOWN, IN_SHORT = 20, 3
_COLUMNS: Columns[UnreadField] = [
    Column("type", lambda unread: unread.type),
    Column("field", lambda unread: unread.field),
    Number("events", lambda unread: words.count(unread.events)),
    Column("did you mean", lambda unread: unread.suggestion or words.UNKNOWN),
]

_LEFT_OUT: Columns[LeftOutField] = [
    Column("type", lambda left_out: left_out.type),
    Column("field", lambda left_out: left_out.field),
    Number("events", lambda left_out: words.count(left_out.events)),
    Column("to keep it: [privacy.rules]", lambda left_out: left_out.allow or words.UNKNOWN),
]


def unread_fields(unread: Sequence[UnreadField]) -> Iterator[Block]:
    """Return the table of what no projection reads, the most frequent first; nothing where all is read."""
    if unread:
        yield Grid("What no projection reads", _COLUMNS, unread[:SHOWN], _beyond(unread))


def left_out_fields(left_out: Sequence[LeftOutField]) -> Iterator[Block]:
    """Return the table of what the policy of privacy left out, the most frequent first; nothing where there is none."""
    if left_out:
        yield Grid("What the policy of privacy left out", _LEFT_OUT, left_out[:SHOWN], _beyond(left_out))


def _beyond(fields: Sequence[object]) -> str:
    beyond = len(fields) - SHOWN
    return sentence("… and {beyond:,} more (--json lists them)", beyond=beyond) if beyond > 0 else ""


def left_out_line(left_out: Sequence[LeftOutField]) -> str:
    """Say in one line what the policy of privacy left out of an event, and what keeps it; nothing where it is whole."""
    if not left_out:
        return ""
    rules = [entry.allow for entry in left_out if entry.allow]
    more = sum(entry.events for entry in left_out) - len(rules[:IN_SHORT])
    shown = [entry.field for entry in left_out if entry.allow][:IN_SHORT]
    names = f"{', '.join(shown)}{' and ' if shown and more else ''}{f'{more:,} more' if more else ''}"
    keep = f"; to keep such a field, say {rules[0]} in [privacy.rules]" if rules else ""
    return sentence(
        "left out by the policy of privacy: {names}{keep} (`analytics-es projections status` counts them)",
        names=names,
        keep=keep,
    )


def in_short(answers: Sequence[Completeness]) -> str:
    """Return the names of others among what nothing reads, and what they are here; nothing where there are none."""
    unread = {(entry.type, entry.field): entry for answer in answers for entry in answer.unread_fields}
    meant = {}
    for entry in unread.values():
        if entry.suggestion:
            meant[entry.type if entry.field == "type" else entry.field] = entry.suggestion
    if not meant:
        return ""
    first = [f"{words.safe(name)} (did you mean {ours}?)" for name, ours in list(meant.items())[:IN_SHORT]]
    more = f" and {len(meant) - IN_SHORT} more" if len(meant) > IN_SHORT else ""
    named = f"{', '.join(first)}{more}"
    return sentence("read by nothing: {named} (`analytics-es projections status`)", named=named)
