"""LiteLLM, library and proxy: its callback `otel`, of before and of `LITELLM_OTEL_V2`; costs of its own reckoning."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

_KEY = "metadata.user_api_key_"
_RAW = "metadata.usage_object"  # the provider's usage, as Python writes a dict
_PROVIDERS = (
    *(
        "openai",
        "azure",
        "azure_ai",
        "anthropic",
        "bedrock",
        "bedrock_converse",
        "vertex_ai",
        "gemini",
        "groq",
        "mistral",
    ),
    *("cohere", "deepseek", "fireworks_ai", "together_ai", "openrouter", "ollama", "ollama_chat", "xai", "huggingface"),
    *("text-completion-openai", "litellm_proxy", "hosted_vllm", "databricks", "perplexity", "replicate", "watsonx"),
)
_CALLS = {
    **dict.fromkeys(("completion", "chat", "responses", "anthropic_messages", "generate_content"), "chat"),
    "text_completion": "text_completion",
    "embedding": "embeddings",
    "rerank": "rerank",
    "moderation": "moderation",
    "image_generation": "image_generation",
    "speech": "speech",
    "transcription": "transcription",
}

LITELLM = Emitter(
    name="litellm",
    title="LiteLLM",
    source="BerriAI/litellm 1.110.2: litellm/integrations/opentelemetry.py, integrations/otel/mappers/genai.py",
    scopes=("litellm",),
    spans=("litellm_request", "raw_gen_ai_request"),
    telltales=("gen_ai.cost.total_cost", "litellm.*", f"{_KEY}*"),
    systems=("litellm", "litellm_proxy"),
    names=(
        Name("kind", "llm.request.type"),
        Name("request_model", "litellm.provider.model"),
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_read_tokens", _RAW, inside="prompt_tokens_details.cached_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        Name("cache_creation_tokens", _RAW, inside="cache_creation_input_tokens"),
        Name("reasoning_tokens", _RAW, inside="completion_tokens_details.reasoning_tokens"),
        Name("cost", "gen_ai.cost.total_cost"),
        Name("cost", "litellm.cost.total"),
        Name("cost", "hidden_params", inside="response_cost"),  # of releases without any other
        Name("user_id", "litellm.end_user.id"),
        Name("user_id", f"{_KEY}end_user_id"),
        Name("user_id", f"{_KEY}user_id"),
        Name("user_id", "llm.user"),
        Name("tenant_id", f"{_KEY}org_id"),
    ),
    # Its own word for a call has an `a` before it where the caller waits asynchronously.
    operations={
        **_CALLS,
        **{f"a{name}": operation for name, operation in _CALLS.items()},
        **dict.fromkeys(("litellm.*", "call_mcp_tool", "list_mcp_tools"), ""),
    },
    repeats={"litellm.cache_hit": ("true",)},  # no provider was asked
    free_text=(
        *("hidden_params", f"{_KEY}auth_metadata", "metadata.requester_metadata", "metadata.requester_custom_headers"),
        *("metadata.spend_logs_metadata", "metadata.prompt_management_metadata", "metadata.mcp_tool_call_metadata"),
        *("metadata.vector_store_request_metadata", "metadata.guardrail_information", "litellm.guardrail.response"),
        *("litellm.provider.error.stack_trace", "litellm.team.metadata", "llm.request.functions", "error.message"),
        *(f"llm.{provider}" for provider in _PROVIDERS),
    ),
    persons=(
        *(f"{_KEY}user_email", f"{_KEY}user_id", f"{_KEY}end_user_id", f"{_KEY}alias", f"{_KEY}hash", "llm.user"),
        *("litellm.end_user.id", "litellm.api_key.hash", "metadata.requester_ip_address", "metadata.user_agent"),
    ),
    tells_not="audio and images; what was read from the cache in releases that tell no `metadata.usage_object`",
)
