"""Tags: which attributes cost is told apart by; said in the settings, known to the log, entities of the read model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson
from attrs import evolve

from analytics_es.errors import BadDeclaration, BadTags
from analytics_es.events.fields import TAG
from analytics_es.ingest.recorder import Recorder
from analytics_es.log import EventLog
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.declare import check_spelling, check_tag

PROJECTION = "cost"
DECLARED = "analytics.tags.declared"
MOST_TAGS = 20


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return names of attributes, in order; raises BadTags."""
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise BadTags(problem=f"{tags!r} is no list of names: write [{str(tags)!r}]")
    names = tuple(tags)
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
        raise BadTags(problem=f"{len(names)} are more than {MOST_TAGS}, each of which adds rows to the read model")
    return tuple(sorted(names))


def add_tags(declarations: Sequence[Declaration], tags: Sequence[str] | None, log: EventLog) -> tuple[Declaration, ...]:
    """Return declarations of which cost is spread over tags too: these, or, where nothing is said, those of the log.

    So a command that is opened without the settings means the same read model as a service with them. Raises BadTags.
    """
    names = [f"{TAG}{tag}" for tag in (announced_tags(log) if tags is None else tags)]
    result = list(declarations)
    places = [n for n, declaration in enumerate(result) if declaration.name == PROJECTION and declaration.entities]
    if tags and not places:
        raise BadTags(problem=f"there is no projection {PROJECTION} with entities that could take them")
    for place in places:
        entities = dict.fromkeys((*result[place].entities, *names))
        result[place] = evolve(result[place], entities=tuple(entities))
    try:
        check_spelling(result)
    except BadDeclaration as error:
        raise BadTags(problem=f"{error.details['field']} {error.details['problem']}") from error
    return tuple(result)


def announced_tags(log: EventLog) -> tuple[str, ...]:
    """Return the tags that the log was told of last."""
    states = log.announcements(DECLARED).column("state").to_pylist()
    return tuple(orjson.loads(states[-1])["data"]["tags"]) if states else ()


def announce_tags(recorder: Recorder, tags: Sequence[str]) -> None:
    """Tell the log of tags, unless it was told of the same last."""
    if announced_tags(recorder.log) != tuple(tags):
        recorder.announce(DECLARED, {"tags": list(tags)})
