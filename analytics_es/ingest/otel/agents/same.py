"""One call of an agent told by its span and by its log record is one event: both go by what the agent calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics_es.ingest.otel.agents.claude_code import CLAUDE_CODE
from analytics_es.ingest.otel.agents.kinds import Kind

# By emitter and activity: the records that tell the same. Of other agents the spans of calls are not counted at all.
_RECORDS = {
    "claude_code": {
        "provider.call": Kind(CLAUDE_CODE, CLAUDE_CODE.told["api_request"][0]),
        "tool.call": Kind(CLAUDE_CODE, CLAUDE_CODE.told["tool_result"][-1]),
    }
}
# What a record has under another name than some spans have it.
_ALIASES = {"request_id": "gen_ai.response.id", "tool_use_id": "gen_ai.tool.call.id"}


def known_by_its_record(event: dict[str, Any], emitter: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of a span under the source and id that the agent's log record has, where it tells these.

    The first of both that comes stays; the times of the two differ, so that ids of the source have to be strict.
    """
    records = _RECORDS.get(emitter)
    kind = records and records.get(event["event_type"].rpartition(".")[0])
    if not kind:
        return event
    told = {name: attributes.get(name) or attributes.get(alias) for name, alias in _ALIASES.items()}
    id = kind.id_of({**attributes, **told})
    return {**event, "source": kind.agent.name, "id": id} if id else event
