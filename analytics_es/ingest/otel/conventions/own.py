"""Our own names: what an application may say itself on any span; they go before those of every emitter."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

PREFIX = "analytics_es."
CONTRADICTION = f"{PREFIX}contradiction"  # which figures of a span contradict one another: words apart by spaces

OWN = Emitter(
    name="analytics_es",
    title="Attributes of your own",
    source="docs/opentelemetry.md",
    names=tuple(
        Name(field, PREFIX + field)
        for field in (
            *("user_id", "tenant_id", "conversation_id", "agent_id", "job_id", "task_id", "tool"),
            *("service_tier", "attempt", "batch", "cost", "currency"),
        )
    ),
)
