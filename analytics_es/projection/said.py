"""What events say of themselves, in Python: fields that nobody knows, what was left out, what contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_es.events.fields import CONTRADICTION, LEFT_OUT, OF_CONTRADICTION, OF_LEFT_OUT, UNREAD


def said_of_itself() -> Iterator[str]:
    """Yield the lines that add these to the entities of an event, as `decoding` has them in SQL.

    They know its `data`, `get` of it, whether its family `is_open`, and the fields that are `known`.
    """
    unread = f"entities += [({UNREAD!r}, name) for name in data if name and name not in known]"
    yield f"if not is_open: {unread}"
    yield f"lost = get({LEFT_OUT!r})"
    yield from _spread("lost", OF_LEFT_OUT)
    yield "said = get('attributes')"
    yield f"said = said.get({CONTRADICTION!r}) if type(said) is dict else None"
    yield from _spread("said", OF_CONTRADICTION)


def _spread(words: str, beginning: str) -> Iterator[str]:
    """Count an event by each word that is said, as a name that begins so."""
    yield f"if {words} is not None and type({words}) is not str: {words} = text({words})"
    names = f"[({UNREAD!r}, {beginning!r} + name) for name in {words}.split(' ')]"
    yield f"if {words} is not None: entities += {names}"
