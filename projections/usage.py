"""Usage: who and what took part in how many events, when, and with how many tokens."""

from analytics_es.projection import count, key, largest, projection, smallest, total


@projection(
    version=4,
    carries=(1, 2, 3),
    unread=True,
    rollup=True,
    consumes=(">",),
    entities=("user", "tenant", "agent", "job", "task", "conversation", "tool", "model", "provider"),
)
class Usage:
    """One type of event of one entity, in one bucket of time. The entity "" stands for every event once.

    The id "" stands for all entities of a type together: each event once that names one.
    """

    entity_type: str = key("entity.type")
    entity_id: str = key("entity.id")
    event_type: str = key("type")
    events: int = count()
    finished: int = count(where="outcome IS NOT NULL")
    failures: int = count(where="outcome = 'error'")
    unknown: int = count(where="outcome = 'unknown'")
    duration: int | None = total("duration_ms", unit="ms", decimals=3)
    input_tokens: int | None = total("input_tokens", unit="tokens")
    output_tokens: int | None = total("output_tokens", unit="tokens")
    first_seen: int | None = smallest("occurred_at", unit="us")
    last_seen: int | None = largest("occurred_at", unit="us")
