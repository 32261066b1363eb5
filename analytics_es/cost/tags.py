"""Tags: which attributes cost is told apart by; said in the settings, known to the log, entities of the read model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve

from analytics_es.errors import BadDeclaration, BadTags
from analytics_es.events.fields import TAG
from analytics_es.ingest.recorder import Recorder
from analytics_es.log import EventLog, last_announced
from analytics_es.log.announcements import texts
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.declare import check_spelling, check_tag
from analytics_es.types.values import plain

PROJECTION = "cost"
DECLARED = "analytics.tags.declared"
MOST_TAGS = 20


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return names of attributes, in order; raises BadTags."""
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise BadTags(problem=f"{tags!r} is no list of names: write [{str(tags)!r}]")
    names = tuple(map(plain, tags))
    for tag in names:
        if not isinstance(tag, str):
            raise BadTags(problem=f"{tag!r} is no text")
        if tag.startswith(TAG):
            raise BadTags(problem=f"{tag!r} is to be named as {tag.removeprefix(TAG)!r}: all of them are attributes")
        try:
            check_tag(PROJECTION, tag)
        except BadDeclaration as error:
            raise BadTags(problem=f"{tag!r:.150} {error.details['problem']}") from None
        if names.count(tag) > 1:
            raise BadTags(problem=f"{tag!r} is there twice")
    if len(names) > MOST_TAGS:
        each = "each of which adds rows to the read model; those that the store has are among them"
        raise BadTags(problem=f"{len(names)} are more than {MOST_TAGS}, {each}")
    return tuple(sorted(names))


def add_tags(declarations: Sequence[Declaration], tags: Sequence[str] | None, log: EventLog) -> tuple[Declaration, ...]:
    """Return declarations of which cost is spread over tags too: these, and those that the log was told of.

    So everybody means a read model that answers all of them, also who is opened without the settings. An empty list is
    a word, too: none any more. Raises BadTags.
    """
    if tags is None:
        said = last_announced(log, DECLARED, lambda data: _tagged(declarations, read_tags(data)))
        return tuple(declarations) if said is None else said
    if tags and not _places(declarations):
        raise BadTags(problem=f"there is no projection {PROJECTION} with entities that could take them")
    return _tagged(declarations, with_announced(log, tags))


def with_announced(log: EventLog, tags: Sequence[str]) -> tuple[str, ...]:
    """Return tags with those that the log was told of, in order, none of none; raises BadTags where they are too many.

    Other processes may be asked for those: a read model without them would not answer.
    """
    return check_tags({*tags, *announced_tags(log)}) if tags else ()


def _places(declarations: Sequence[Declaration]) -> list[int]:
    return [n for n, declared in enumerate(declarations) if declared.name == PROJECTION and declared.entities]


def _tagged(declarations: Sequence[Declaration], tags: Iterable[str]) -> tuple[Declaration, ...]:
    names, result = [f"{TAG}{tag}" for tag in tags], list(declarations)
    for place in _places(declarations):
        entities = dict.fromkeys((*result[place].entities, *names))
        result[place] = evolve(result[place], entities=tuple(entities))
    try:
        check_spelling(result)
    except BadDeclaration as error:
        raise BadTags(problem=f"{error.details['field']} {error.details['problem']}") from error
    return tuple(result)


def announced_tags(log: EventLog) -> tuple[str, ...]:
    """Return the tags that the log was told of last."""
    return last_announced(log, DECLARED, read_tags) or ()


def read_tags(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags that an announcement names; raises KeyError, TypeError, BadTags."""
    names = check_tags(texts(data, "tags"))
    if len({name.lower() for name in names}) < len(names):
        raise BadTags(problem="two differ by case alone")
    return names


def announce_tags(recorder: Recorder, tags: Sequence[str]) -> None:
    """Tell the log of tags, and of those before them, unless it was told of the same last."""
    every = with_announced(recorder.log, tags)
    if announced_tags(recorder.log) != every:
        recorder.announce(DECLARED, {"tags": list(every)})
