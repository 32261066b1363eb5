"""LangSmith's export to OpenTelemetry, for LangChain and LangGraph: a span a run; who was asked is in metadata."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

_METADATA = "langsmith.metadata."
_IN, _OUT = "gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details"  # of Python as it writes a dict
_USAGE = ("langsmith.usage_metadata", f"{_METADATA}usage_metadata")  # JSON

LANGSMITH = Emitter(
    name="langsmith",
    title="LangSmith (LangChain, LangGraph)",
    source="langchain-ai/langsmith-sdk: langsmith 0.15.1 _internal/otel/_otel_exporter.py; "
    "langsmith 0.12.0 (npm) experimental/otel/translator.js",
    scopes=("langsmith", "langsmith.*"),
    telltales=("langsmith.*",),
    systems=("langchain",),
    names=(
        # Its own word goes first: it calls a retriever `embeddings`, and the writing of a prompt `chat`.
        Name("operation", "langsmith.span.kind"),
        # `gen_ai.system` is guessed from the model's name.
        Name("provider", f"{_METADATA}ls_provider"),
        Name("request_model", f"{_METADATA}ls_model_name"),
        *(
            row
            for usage in _USAGE
            for row in (
                Name("cache_read_tokens", usage, inside="input_token_details.cache_read"),
                Name("cache_creation_tokens", usage, inside="input_token_details.cache_creation"),
                Name("cache_creation_1h_tokens", usage, inside="input_token_details.ephemeral_1h_input_tokens"),
                Name("cache_creation_5m_tokens", usage, inside="input_token_details.ephemeral_5m_input_tokens"),
                Name("input_audio_tokens", usage, inside="input_token_details.audio"),
                Name("reasoning_tokens", usage, inside="output_token_details.reasoning"),
                Name("output_audio_tokens", usage, inside="output_token_details.audio"),
                Name("cost", usage, inside="total_cost"),
            )
        ),
        Name("cache_read_tokens", _IN, inside="cache_read"),
        Name("cache_creation_tokens", _IN, inside="cache_creation"),
        Name("cache_creation_1h_tokens", _IN, inside="ephemeral_1h_input_tokens"),
        Name("cache_creation_5m_tokens", _IN, inside="ephemeral_5m_input_tokens"),
        Name("input_audio_tokens", _IN, inside="audio"),
        Name("reasoning_tokens", _OUT, inside="reasoning"),
        Name("output_audio_tokens", _OUT, inside="audio"),
        Name("user_id", f"{_METADATA}user_id"),
        Name("conversation_id", f"{_METADATA}session_id"),
        Name("conversation_id", f"{_METADATA}conversation_id"),
        Name("conversation_id", f"{_METADATA}thread_id"),
        Name("agent_id", f"{_METADATA}lc_agent_name"),
        Name("tool", "langsmith.trace.name"),
    ),
    certain=False,  # LangChain's integrations are many
    operations={
        "llm": "chat",
        "embedding": "embeddings",
        "tool": "execute_tool",
        "retriever": "retrieval",
        "chain": "",
        "prompt": "",
        "parser": "",
    },
    free_text=(
        *(
            "langsmith.request.headers",
            "langsmith.span.runtime",
            "gen_ai.request.extra_query",
            "gen_ai.request.extra_body",
        ),
        *("gen_ai.serialized.doc", "gen_ai.serialized.signature", f"{_METADATA}invocation_params"),
        *(f"{_METADATA}ls_invocation_params", f"{_METADATA}prompt", f"{_METADATA}messages", *_USAGE),
    ),
    persons=(
        f"{_METADATA}user_id",
        f"{_METADATA}user_name",
        f"{_METADATA}user_email",
        f"{_METADATA}langgraph_auth_user",
    ),
    tells_not="the first chunk; the provider where `ls_provider` is not set, as it is guessed from the model's name",
)
