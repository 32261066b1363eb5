"""Laminar, and what it, OpenRouter, AgentOps and others call costs beside OpenTelemetry's names."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

LAMINAR = Emitter(
    name="laminar",
    title="Laminar",
    source="docs.lmnr.ai/tracing/structure/providers; mlflow/mlflow 3.18.0: mlflow/tracing/otel/translation/laminar.py",
    scopes=("lmnr*",),
    telltales=("lmnr.*",),
    names=(
        Name("kind", "lmnr.span.type"),
        Name("cost", "gen_ai.usage.cost"),
        Name("cost", "gen_ai.usage.total_cost"),
        Name("input_cost", "gen_ai.usage.input_cost"),
        Name("output_cost", "gen_ai.usage.output_cost"),
        Name("user_id", "lmnr.association.properties.user_id"),
        Name("conversation_id", "lmnr.association.properties.session_id"),
    ),
    certain=False,
    operations={"llm": "chat", "tool": "execute_tool", "executor": "invoke_agent", "default": "", "pipeline": ""},
    free_text=("lmnr.span.input", "lmnr.span.output", "lmnr.association.properties.metadata"),
    persons=("lmnr.association.properties.user_id",),
    tells_not="how much of what was written to the cache lives for an hour",
)
