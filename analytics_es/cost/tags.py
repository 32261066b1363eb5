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


def checked(tags: Iterable[str]) -> tuple[str, ...]:
    """Return names of attributes, in order; raises BadTags."""
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise BadTags(problem=f"{tags!r} is no list of names: write [{str(tags)!r}]")
    found = tuple(tags)
    for tag in found:
        if not isinstance(tag, str):
            raise BadTags(problem=f"{tag!r} is no text")
        if tag.startswith(TAG):
            raise BadTags(problem=f"{tag!r} is to be named as {tag.removeprefix(TAG)!r}: all of them are attributes")
        try:
            check_tag(PROJECTION, tag)
        except BadDeclaration as error:
            raise BadTags(problem=f"{tag!r:.150} {error.details['problem']}") from None
        if found.count(tag) > 1:
            raise BadTags(problem=f"{tag!r} is there twice")
    if len(found) > MOST_TAGS:
        raise BadTags(problem=f"{len(found)} are more than {MOST_TAGS}, each of which adds rows to the read model")
    return tuple(sorted(found))


def tagged(declarations: Sequence[Declaration], tags: Sequence[str] | None, log: EventLog) -> tuple[Declaration, ...]:
    """Return declarations of which cost is spread over tags too: these, or, where nothing is said, those of the log.

    So a command that is opened without the settings means the same read model as a service with them. Raises BadTags.
    """
    wanted = declared(log) if tags is None else tags
    named = [each for each in declarations if each.name == PROJECTION and each.entities]
    if tags and not named:
        raise BadTags(problem=f"there is no projection {PROJECTION} with entities that could take them")
    found = tuple(_with(each, wanted) if each in named else each for each in declarations)
    try:
        check_spelling(found)
    except BadDeclaration as error:
        raise BadTags(problem=f"{error.details['field']} {error.details['problem']}") from error
    return found


def _with(declaration: Declaration, tags: Sequence[str]) -> Declaration:
    entities = (*declaration.entities, *(f"{TAG}{tag}" for tag in tags))
    return evolve(declaration, entities=tuple(dict.fromkeys(entities)))


def declared(log: EventLog) -> tuple[str, ...]:
    """Return the tags that the log was told of last."""
    states = log.announcements(DECLARED).column("state").to_pylist()
    return tuple(orjson.loads(states[-1])["data"]["tags"]) if states else ()


def declare(recorder: Recorder, tags: Sequence[str]) -> None:
    """Tell the log of tags, unless it was told of the same last."""
    if declared(recorder.log) != tuple(tags):
        recorder.announce(DECLARED, {"tags": list(tags)})
