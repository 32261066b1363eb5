"""Anthropic's own SDKs and API: a span of each request; input holds what was cached; the API's lies in the SDK's."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

_WRITTEN = "anthropic.usage.cache_creation."

ANTHROPIC_SDK = Emitter(
    name="anthropic_sdk",
    title="Claude SDK and API",
    source="anthropics/anthropic-sdk-python 2.14.0: anthropic/_tracing.py, lib/_tracing/; "
    "platform.claude.com/docs/en/api/opentelemetry/spans",
    scopes=("com.anthropic.sdk*", "com.anthropic.claude-platform"),
    spans=("anthropic.messages.*", "anthropic.sessions.*", "anthropic.tool_use *"),
    telltales=("anthropic.request.id", "anthropic.usage.*", "anthropic.message.*"),
    names=(
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_write.input_tokens"),
        Name("cache_creation_1h_tokens", f"{_WRITTEN}ephemeral_1h_input_tokens"),
        Name("cache_creation_5m_tokens", f"{_WRITTEN}ephemeral_5m_input_tokens"),
        Name("service_tier", "anthropic.response.service_tier"),
        Name("service_tier", "anthropic.request.service_tier"),
        Name("tenant_id", "anthropic.organization.id"),
    ),
    operations={"anthropic.*": ""},  # what names no operation calls no model: counting tokens, sessions, batches
    free_text=("anthropic.tool_result.content", "anthropic.content"),
    tells_not="cost; within the totals what compactions took, which stays an attribute",
)
