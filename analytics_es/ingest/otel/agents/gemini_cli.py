"""Gemini CLI: of each call it sends two records and, where it is told to, a span; the one with all counts is read."""

from analytics_es.ingest.otel.agents.declaration import Agent, Id, Told
from analytics_es.ingest.otel.conventions.declaration import THOUGHTS, Name

_ID = Id(parts=("session.id", "prompt_id", "event.timestamp"))
_GENERATE = {"operation": "generate_content"}

GEMINI_CLI = Agent(
    name="gemini-cli",
    title="Gemini CLI",
    source="google-gemini/gemini-cli: packages/core/src/telemetry/types.ts, metrics.ts (November 2026)",
    scopes=("gemini-cli",),
    prefix="gemini_cli.",
    told={
        "api_response": (
            Told(
                event_type="provider.call.completed",
                ids=(_ID,),
                names=(
                    Name("input_tokens", "input_token_count"),
                    Name("output_tokens", "output_token_count"),
                    Name("cache_read_tokens", "cached_content_token_count"),
                    Name("reasoning_tokens", "thoughts_token_count"),
                    Name("total_tokens", "total_token_count"),
                ),
                fields=_GENERATE,
            ),
        ),
        "api_error": (
            Told(
                event_type="provider.call.failed",
                ids=(_ID,),
                names=(
                    Name("error_type", "error.type"),
                    Name("error_type", "error_type"),
                    Name("error_type", "status_code"),
                ),
                fields=_GENERATE,
            ),
        ),
        "tool_call": (
            Told(event_type="tool.call.rejected", where={"decision": ("reject",)}),
            Told(event_type="tool.call.failed", where={"success": ("false",)}),
            Told(event_type="tool.call.completed"),
        ),
        "user_prompt": (Told(event_type="conversation.message.sent", ids=(_ID,)),),
    },
    names=(
        Name("request_model", "model"),
        Name("request_model", "model_name"),
        Name("duration", "duration_ms", unit="ms"),
        Name("duration", "duration", unit="ms"),
        Name("conversation_id", "session.id"),
        Name("task_id", "prompt_id"),
        Name("tool", "function_name"),
        Name("error_type", "error.type"),
        Name("error_type", "error_type"),
    ),
    beside=THOUGHTS,
    more_input=("tool_token_count",),
    providers={"gemini-*": "gcp.gemini"},
    # As its own spans have it: who logs in with Google is served by Vertex AI.
    provider_of={
        "auth_type": {
            "gemini-api-key": "gcp.gemini",
            **dict.fromkeys(
                ("vertex-ai", "oauth-personal", "cloud-shell", "compute-default-credentials"), "gcp.vertex_ai"
            ),
        }
    },
    free_text=frozenset(
        {
            *("prompt", "request_text", "response_text", "function_args", "error", "error.message", "metadata"),
            *("extension_id", "experiments.ids"),
        }
    ),
    persons=("user.email", "installation.id"),
    tells_not="cost, the tier of service, the id of an answer; usage of embeddings",
)
