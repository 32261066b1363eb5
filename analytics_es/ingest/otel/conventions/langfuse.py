"""Langfuse's SDK: observations of a type, usage and costs as JSON, in the words of whoever counted them."""

from attrs import evolve

from analytics_es.ingest.otel.conventions.declaration import CACHED, THOUGHTS, Emitter, Name

_OBSERVATION = "langfuse.observation."
_USAGE, _COSTS = f"{_OBSERVATION}usage_details", f"{_OBSERVATION}cost_details"


def _counts(field: str, *keys: str) -> tuple[Name, ...]:
    return tuple(Name(field, _USAGE, inside=key) for key in keys)


LANGFUSE_USAGE = Emitter(
    name="langfuse",
    title="Langfuse SDK",
    since="3",
    source="langfuse/langfuse-python 5.0.4: langfuse/_client/attributes.py, openai.py, langchain/CallbackHandler.py; "
    "langfuse/langfuse-js 5.11.1: @langfuse/tracing, @langfuse/otel",
    scopes=("langfuse-sdk",),
    telltales=(f"{_OBSERVATION}type", _USAGE, _COSTS),
    marks=(_USAGE,),
    names=(
        Name("operation", f"{_OBSERVATION}type"),
        Name("provider", f"{_OBSERVATION}metadata.ls_provider", inside="$"),
        Name("provider", f"{_OBSERVATION}metadata.provider", inside="$"),
        Name("request_model", f"{_OBSERVATION}model.name"),
        *_counts("input_tokens", "input", "input_tokens", "prompt_tokens"),
        *_counts("output_tokens", "output", "output_tokens", "completion_tokens"),
        *_counts("total_tokens", "total", "total_tokens"),
        *_counts("cache_read_tokens", "input_cache_read", "input_cached_tokens", "cache_read_input_tokens"),
        *_counts("cache_read_tokens", "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"),
        *_counts("cache_creation_tokens", "input_cache_creation", "cache_creation_input_tokens"),
        *_counts("cache_creation_1h_tokens", "input_ephemeral_1h_input_tokens"),
        *_counts("cache_creation_1h_tokens", "cache_creation_ephemeral_1h_input_tokens"),
        *_counts("cache_creation_5m_tokens", "input_ephemeral_5m_input_tokens"),
        *_counts("cache_creation_5m_tokens", "cache_creation_ephemeral_5m_input_tokens"),
        *_counts("reasoning_tokens", "output_reasoning", "output_reasoning_tokens"),
        *_counts("reasoning_tokens", "completion_tokens_details.reasoning_tokens"),
        *_counts("reasoning_tokens", "output_tokens_details.reasoning_tokens"),
        Name("user_id", "langfuse.user.id"),
        Name("conversation_id", "langfuse.session.id"),
        Name("cost", _COSTS, inside="total", zero=False),  # of a call that failed, whatever it cost
        Name("input_cost", _COSTS, inside="input"),
        Name("output_cost", _COSTS, inside="output"),
    ),
    # Where it counts itself, parts are apart; in what it hands on of OpenAI they are inside, and the total says so.
    beside=CACHED | THOUGHTS,
    certain=False,
    operations={
        "generation": "chat",
        "embedding": "embeddings",
        "tool": "execute_tool",
        "agent": "invoke_agent",
        "retriever": "retrieval",
        "guardrail": "guardrail",
        "evaluator": "evaluation",
        "span": "",
        "chain": "",
        "event": "",
    },
    free_text=(
        *(f"{_OBSERVATION}{name}" for name in ("input", "output", "status_message", "model.parameters")),
        *(
            "langfuse.trace.input",
            "langfuse.trace.output",
            "langfuse.experiment.description",
            "langfuse.observation.prompt",
        ),
        *(
            "langfuse.experiment.item.expected_output",
            "langfuse.experiment.metadata",
            "langfuse.experiment.item.metadata",
        ),
        *("langfuse.generation.mask_input", "langfuse.generation.mask_output"),
    ),
    persons=(
        f"{_OBSERVATION}metadata.langfuse_user_id",
        "langfuse.trace.metadata.langfuse_user_id",
        "langfuse.user.id",
    ),
    tells_not="the provider, but for LangChain's; the first chunk as a duration; audio and images",
)
# Its attributes on a span that tells its tokens under other names say nothing of these.
LANGFUSE = evolve(LANGFUSE_USAGE, title="Langfuse SDK, on spans of others", marks=(), beside=frozenset())
