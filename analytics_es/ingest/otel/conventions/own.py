"""Our own names: what an application may say itself on any span; they go before those of every emitter."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

PREFIX = "analytics_es."

_FIELDS = (
    *("user_id", "tenant_id", "conversation_id", "agent_id", "job_id", "task_id"),
    *("service_tier", "attempt", "batch", "cost", "currency"),
)

OWN = Emitter(
    name="analytics_es",
    title="Attributes of your own",
    source="the guide, under From OpenTelemetry",
    names=(
        *(Name(field, PREFIX + field) for field in _FIELDS),
        Name("tool_of", f"{PREFIX}tool"),  # the tool that a call was made for
    ),
)
