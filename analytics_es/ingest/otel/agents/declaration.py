"""What a coding agent calls things in its log records, as data: one file declares an agent, one reader reads all."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, frozen

from analytics_es.ingest.otel.conventions.declaration import Name

# What an attribute has to say: one of these texts, in lower case; `*` at the end of one is any ending. ANY: something.
Says = Mapping[str, tuple[str, ...]]
ANY, NOTHING = ("*",), ("",)


@frozen(kw_only=True)
class Id:
    """What tells an event from all others of its agent: values of attributes, `:` between them.

    parts: attributes; with `=` before it, a word that is the same in all. All of them have to be there.
    where: what attributes have to say, too.
    """

    parts: tuple[str, ...]
    where: Says = Factory(dict)


@frozen(kw_only=True)
class Told:
    """What one kind of record gives: an event of this type where its attributes say so; of several the first.

    event_type: the type of the event.
    where: what its attributes have to say, `unless`: what none of them may say.
    ids: the first whose parts are all there is the event's id; where there is none, what the record says is.
    names: which attributes tell which field, beside those of the agent; of several for one field the first counts.
    fields: fields that all of these events have.
    """

    event_type: str
    where: Says = Factory(dict)
    unless: Says = Factory(dict)
    ids: tuple[Id, ...] = ()
    names: tuple[Name, ...] = ()
    fields: Mapping[str, str] = Factory(dict)


@frozen(kw_only=True)
class Agent:
    """One coding agent, and what its log records say.

    name: one word: the source of its events, and the `agent_id` in them.
    title: as people call it.
    source: the public repository and files, or the pages, that it was read from, and when.
    scopes: the instrumentation scopes that it writes under, where these tell; `*` at the end: all that begin so.
    prefix: how the names of its records begin; within its scopes they may lack it.
    told: what its records give, by the name of the record without the prefix; all others are noise.
    names: which attributes tell which field in all of its events.
    beside: the parts that its totals leave out, such as CACHED.
    more_input: attributes with tokens of the input that its total of input leaves out, and no field has.
    costs: attributes with the cost in US dollars, and how many of their unit make one.
    providers: who serves a model whose name is such a one, `*` as above; "" is nobody who can be told.
    provider_of: an attribute, and the provider that its value means, which goes before what the model tells.
    servers: attributes with JSON that tells `mcp_server_name` and `mcp_tool_name`, where the tool's name does not.
    free_text: attributes with what was said or done: never taken over.
    persons: attributes that tell a person, and are dropped: `user_id` has the first of them.
    tells_not: what it leaves open, in words, for the guide.
    """

    name: str
    title: str
    source: str
    scopes: tuple[str, ...] = ()
    prefix: str
    told: Mapping[str, tuple[Told, ...]]
    names: tuple[Name, ...] = ()
    beside: frozenset[str] = frozenset()
    more_input: tuple[str, ...] = ()
    costs: Mapping[str, int] = Factory(dict)
    providers: Mapping[str, str] = Factory(dict)
    provider_of: Mapping[str, Mapping[str, str]] = Factory(dict)
    servers: tuple[str, ...] = ()
    free_text: frozenset[str] = frozenset()
    persons: tuple[str, ...] = ()
    tells_not: str = ""
