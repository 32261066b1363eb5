"""What emitters of spans call things: the emitters' tables, the common ones behind them, and values for all.

One file declares one emitter (`declaration`); `ingest.otel.reading` reads them all.
"""

from __future__ import annotations

from analytics_es.ingest.otel.conventions.declaration import Emitter
from analytics_es.ingest.otel.conventions.google_adk import GOOGLE_ADK, GOOGLE_ADK_BEFORE_2_5
from analytics_es.ingest.otel.conventions.openinference import OPENINFERENCE
from analytics_es.ingest.otel.conventions.openllmetry import OPENLLMETRY
from analytics_es.ingest.otel.conventions.opentelemetry import OPENTELEMETRY
from analytics_es.ingest.otel.conventions.pydantic_ai import PYDANTIC_AI
from analytics_es.ingest.otel.conventions.strands import STRANDS, STRANDS_BEFORE_1_55
from analytics_es.ingest.otel.conventions.vercel import VERCEL, VERCEL_BEFORE_6

# Of one emitter its newest version first.
EMITTERS: tuple[Emitter, ...] = (
    *(GOOGLE_ADK, GOOGLE_ADK_BEFORE_2_5),
    PYDANTIC_AI,
    *(STRANDS, STRANDS_BEFORE_1_55),
    *(VERCEL, VERCEL_BEFORE_6),
)
# Behind each of them, in this order: what anybody may write.
COMMON: tuple[Emitter, ...] = (OPENTELEMETRY, OPENINFERENCE, OPENLLMETRY)

# ── the tables before, which the reader reads until it reads the emitters' ───────────────────────────────────────

OWN = "analytics_es."  # an application may set any of the common ids itself, as `analytics_es.tenant_id`

# ── which activity a span is ────────────────────────────────────────────────────────────────────────────────────

OPERATION = ("gen_ai.operation.name",)
KIND = ("openinference.span.kind", "traceloop.span.kind", "llm.request.type")

# By operation. `plan` encloses calls and is none; any other operation of a GenAI span is a call of a provider.
ACTIVITIES = {
    "execute_tool": "tool.call",
    "invoke_agent": "task",
    "invoke_workflow": "job",
    "plan": None,
}
# The operation that a kind means, in lower case; other kinds (chain, retriever, guardrail, prompt …) are glue.
OPERATIONS = {
    "llm": "chat",
    "chat": "chat",
    "completion": "text_completion",
    "rerank": "rerank",
    "embedding": "embeddings",
    "reranker": "rerank",
    "decision": "decision",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "task": "invoke_agent",
    "workflow": "invoke_workflow",
}
# Where there is neither, a call is known by these.
CALLS = ("gen_ai.system", "gen_ai.provider.name", "gen_ai.request.model")

# ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────

IDS = {
    "user_id": ("user.id", "enduser.id", "gen_ai.user", "traceloop.association.properties.user_id"),
    "tenant_id": (),
    "conversation_id": ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"),
    "agent_id": ("gen_ai.agent.id", "gen_ai.agent.name", "agent.name"),
    "job_id": (),
    "task_id": (),
}
# How many times the request was sent before; HTTP's convention, as GenAI's have none.
RESENDS = ("http.request.resend_count", "http.resend_count", "http.retry_count")
PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "decision.provider")
# Who was asked, as a failed call has nothing else; what answered stays an attribute.
MODEL = (
    "gen_ai.request.model",
    "llm.request.model_name",
    "decision.request.model_name",
    "llm.invocation_parameters",  # JSON, which may hold it
    "llm.model_name",
    "embedding.model_name",
    "reranker.model_name",
    "decision.model_name",
    "gen_ai.response.model",
)
# What served the call goes before what was asked for; the generic name is what some emitters use.
SERVICE_TIER = (
    f"{OWN}service_tier",
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
)
NAMES = {
    "tool.call": ("tool", ("gen_ai.tool.name", "tool.name", "traceloop.entity.name")),
    "task": ("task_type", ("gen_ai.agent.name", "agent.name", "traceloop.entity.name")),
    "job": ("job_type", ("gen_ai.workflow.name", "traceloop.workflow.name", "traceloop.entity.name")),
}
# The tool that a call was made for: said by the application, else the one whose run the call lies in.
FOR_TOOL = (f"{OWN}tool",)
USAGE = {
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "decision.token_count.input",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "decision.token_count.output",
    ),
}
PARTS = {
    "cache_read_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    "cache_creation_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
}
TOTAL_TOKENS = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total")
COST = ("llm.cost.total", "gen_ai.usage.cost")  # US dollars, both

ERROR = ("error.type",)
FIRST_CHUNK = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")  # seconds
FIRST_CHUNK_EVENTS = (
    "First Token Stream Event",
    "gen_ai.content.completion.chunk",
    "llm.content.completion.chunk",
)

# Values of providers that were renamed.
PROVIDERS = {
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "xai": "x_ai",
    "mistralai": "mistral_ai",
}

# ── free text ───────────────────────────────────────────────────────────────────────────────────────────────────

# What was said, which is never taken over unless asked for: these attributes, and all below them.
SAID = {
    "prompt": ("gen_ai.input.messages", "gen_ai.prompt", "llm.input_messages", "llm.prompts", "input.value"),
    "completion": ("gen_ai.output.messages", "gen_ai.completion", "llm.output_messages", "llm.choices", "output.value"),
}
DONE = {
    "arguments": ("gen_ai.tool.call.arguments", "tool.parameters", "traceloop.entity.input", "input.value"),
    "result": ("gen_ai.tool.call.result", "traceloop.entity.output", "output.value"),
}
FREE_TEXT = (
    *(name for table in (SAID, DONE) for names in table.values() for name in names),
    *("input", "output", "message", "document", "embedding.embeddings", "embedding.text", "embedding.vector"),
    *("gen_ai.system_instructions", "gen_ai.tool.definitions", "gen_ai.content", "gen_ai.headers", "llm.headers"),
    *("gen_ai.retrieval.documents", "gen_ai.retrieval.query", "gen_ai.memory.query", "gen_ai.memory.records"),
    *("gen_ai.evaluation.explanation", "llm.tools", "llm.function_call", "llm.invocation_parameters"),
    *("llm.prompt_template", "embedding.invocation_parameters", "retrieval.documents", "prompt.text"),
    *("reranker.input_documents", "reranker.output_documents", "reranker.query", "tool.json_schema"),
    *("traceloop.prompt.template", "traceloop.prompt.template_variables", "exception.message"),
    *("ai.prompt", "ai.response.text", "ai.response.toolCalls", "ai.toolCall.args", "ai.toolCall.result"),
    *("all_messages_events", "pydantic_ai.all_messages", "tool_arguments", "tool_response", "final_result", "events"),
)
NOT_FREE = ("gen_ai.prompt.name", "gen_ai.prompt.version")
