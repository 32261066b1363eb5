"""What records of a session say: of calls, of other things that happened, and what is passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import Factory, define, frozen

OTHERWISE = "told otherwise"  # why a record of usage is passed over whose call another record tells

Moment = str | int | float | datetime  # ISO 8601, Unix seconds, Unix milliseconds


@define(kw_only=True)
class Call:
    """What one record says of a call to a model; of several of one call that with the most tokens counts.

    id: what tells it from all other calls of the agent: the provider's word for its request or response, where there
        is one; never where it stood in which file.
    at: when; what has no zone is UTC.
    tokens: counts by the names of our vocabulary, and `total_tokens`, as the agent counts them.
    model: which; None where nothing tells.
    fields: what else goes into the event: provider, conversation_id, task_id, service_tier, searches, cost, currency …
    attributes: what goes into its attributes; `cwd` is kept as its last part, `project`, alone.
    alias: a word that all records of this answer have, also under another id: such as the message's.
    replay: whether it may be told again under another id; then it is left out if the alias is known.
    rank: of several records of one call that with the highest counts, before their tokens do.
    unless: where something is remembered under one of these keys when it is certain, it is told otherwise, and left
        out.
    lane: which conversation of the file it is of: its calls come one after the other; None: nothing tells.
    final: True: the usage is the provider's last word; False: it is not, and the call is partial if no more comes;
        None: nothing tells, and it is certain when another call of its lane follows, or the file rests.
    """

    id: str
    at: Moment
    tokens: Mapping[str, Any]
    model: str | None = None
    fields: Mapping[str, Any] = Factory(dict)
    attributes: Mapping[str, Any] = Factory(dict)
    alias: str = ""
    replay: bool = False
    rank: int = 0
    unless: Sequence[str] = ()
    lane: str | None = ""
    final: bool | None = None


@define(kw_only=True)
class Happened:
    """Something else that one record tells of whole, such as a tool that ran, or a call that failed.

    event_type: the type of its event; `id`, `at`, `fields`, `attributes`: as of a call.
    """

    event_type: str
    id: str
    at: Moment
    fields: Mapping[str, Any] = Factory(dict)
    attributes: Mapping[str, Any] = Factory(dict)


@frozen
class Skipped:
    """A record of usage that is no call of its own; `reason`: a few words, by which they are counted."""

    reason: str


@frozen
class Known:
    """Something to be remembered (`session.known`) without an event."""

    key: str
    text: str = ""


Fact = Call | Happened | Skipped | Known
