"""The AI SDK of Vercel: `ai.generateText` around each `ai.generateText.doGenerate`, tools beside them."""

from attrs import evolve

from analytics_es.ingest.otel.conventions.declaration import READ, WRITTEN, Emitter, Name

_IN, _OUT = "ai.usage.inputTokenDetails.", "ai.usage.outputTokenDetails."
_METADATA = "ai.response.providerMetadata"  # JSON, by provider

VERCEL = Emitter(
    name="vercel",
    title="AI SDK (Vercel)",
    since="6",
    source="vercel/ai: ai 6.0.326 dist/index.js, @ai-sdk/otel 1.0.173 dist/index.js; "
    "@openrouter/ai-sdk-provider 2.10.0 dist/index.js",
    scopes=("ai", "@ai-sdk/otel"),
    spans=("ai.generateText*", "ai.streamText*", "ai.generateObject*", "ai.streamObject*", "ai.embed*", "ai.toolCall"),
    telltales=(
        *("ai.operationId", "ai.usage.*", "ai.model.id", "ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"),
        _METADATA,
    ),
    marks=(f"{_IN}noCacheTokens", f"{_IN}cacheReadTokens", f"{_IN}cacheWriteTokens", f"{_OUT}textTokens"),
    systems=("vercel", "ai"),
    names=(
        Name("operation", "ai.operationId"),
        Name("provider", "ai.model.provider"),
        Name("request_model", "ai.model.id"),
        Name("response_model", "ai.response.model"),
        Name("input_tokens", "ai.usage.inputTokens"),
        Name("input_tokens", "ai.usage.promptTokens"),
        Name("input_tokens", "ai.usage.tokens"),
        Name("output_tokens", "ai.usage.outputTokens"),
        Name("output_tokens", "ai.usage.completionTokens"),
        Name("total_tokens", "ai.usage.totalTokens"),
        Name("cache_read_tokens", f"{_IN}cacheReadTokens"),
        Name("cache_read_tokens", "ai.usage.cachedInputTokens"),
        Name("cache_creation_tokens", f"{_IN}cacheWriteTokens"),
        Name("cache_creation_tokens", _METADATA, inside="anthropic.cacheCreationInputTokens"),
        Name("cache_creation_1h_tokens", _METADATA, inside="anthropic.usage.cache_creation.ephemeral_1h_input_tokens"),
        Name("searches", _METADATA, inside="anthropic.usage.server_tool_use.web_search_requests"),
        Name("service_tier", _METADATA, inside="openai.serviceTier"),
        Name("cost", _METADATA, inside="openrouter.usage.cost"),
        Name("reasoning_tokens", f"{_OUT}reasoningTokens"),
        Name("reasoning_tokens", "ai.usage.reasoningTokens"),
        Name("time_to_first_chunk", "ai.response.msToFirstChunk", unit="ms"),
        Name("time_to_first_chunk", "ai.stream.msToFirstChunk", unit="ms"),
        Name("time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk", unit="s"),
        Name("user_id", "ai.telemetry.metadata.userId"),
        Name("conversation_id", "ai.telemetry.metadata.sessionId"),
        Name("tool", "ai.toolCall.name"),
        Name("agent_id", "ai.telemetry.functionId"),
        Name("task_type", "ai.telemetry.functionId"),
        Name("request_id", "ai.response.id"),
    ),
    operations={
        "ai.generateText": "invoke_agent",
        "ai.streamText": "invoke_agent",
        "ai.generateObject": "invoke_agent",
        "ai.streamObject": "invoke_agent",
        "ai.generateText.doGenerate": "chat",
        "ai.streamText.doStream": "chat",
        "ai.generateObject.doGenerate": "chat",
        "ai.streamObject.doStream": "chat",
        "ai.embed": "embeddings",
        "ai.embed.doEmbed": "embeddings",
        "ai.embedMany": "embeddings",
        "ai.embedMany.doEmbed": "embeddings",
        "ai.rerank": "rerank",
        "ai.rerank.doRerank": "rerank",
        "ai.toolCall": "execute_tool",
        "agent_step": "",
    },
    free_text=(
        *("ai.prompt", "ai.response.text", "ai.response.object", "ai.response.reasoning", "ai.response.toolCalls"),
        *("ai.response.files", "ai.toolCall.args", "ai.toolCall.result", "ai.value", "ai.values", "ai.embedding"),
        *("ai.embeddings", "ai.documents", "ai.ranking", "ai.schema", "ai.request.text", "ai.request.headers"),
        *("ai.decision.state", "ai.decision.questions", "ai.decision.answers", _METADATA),
    ),
)
# Before, parts come as each provider has them: Anthropic's input is without them, and so is its grand total.
VERCEL_BEFORE_6 = evolve(
    VERCEL,
    since="",
    until="6",
    source="vercel/ai: ai 4.3.19 and 5.0.277 dist/index.js, @ai-sdk/anthropic 2.0.112 dist/index.js",
    marks=(),
    beside_of=dict.fromkeys(("anthropic", "vertex.anthropic", "amazon-bedrock", "aws.bedrock"), READ | WRITTEN),
    total_without_of=dict.fromkeys(("anthropic", "vertex.anthropic"), READ | WRITTEN),
    certain=False,
    tells_not="before 5: what was read from the cache",
)
